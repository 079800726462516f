/* SPDX-License-Identifier: BSD-2-Clause */
#include "settings.h"

#include <stdbool.h>
#include <string.h>
#include <sys/un.h>

#include <http_log.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "plugins/client/apikey.h"
#include "proto/message.h"
#include "proto/text.h"

APLOG_USE_MODULE(authnz_apikey);

enum { TIMEOUT_DEFAULT_MS = 500, TIMEOUT_MAX_MS = 60000, UNSAID = -1 };

static struct source default_sources[] = {
    {SOURCE_BEARER, NULL},
    {SOURCE_HEADER, "X-API-Key"},
};

enum { DEFAULT_SOURCE_COUNT = sizeof default_sources / sizeof(struct source) };

static const apr_array_header_t default_source_list = {
    .elt_size = sizeof(struct source),
    .nelts = DEFAULT_SOURCE_COUNT,
    .nalloc = DEFAULT_SOURCE_COUNT,
    .elts = (char *)default_sources,
};

void *
settings_create_server(apr_pool_t *pool, server_rec *server)
{
	(void)server;
	return apr_pcalloc(pool, sizeof(struct server_settings));
}

void *
settings_merge_server(apr_pool_t *pool, void *outer, void *inner)
{
	const struct server_settings *base = outer, *add = inner;
	struct server_settings *merged = apr_pcalloc(pool, sizeof *merged);

	merged->socket = add->socket != NULL ? add->socket : base->socket;
	merged->timeout_ms =
	    add->timeout_ms != 0 ? add->timeout_ms : base->timeout_ms;
	return merged;
}

void *
settings_create_dir(apr_pool_t *pool, char *path)
{
	struct dir_settings *dir = apr_pcalloc(pool, sizeof *dir);

	(void)path;
	dir->forward = UNSAID;
	dir->any_user = UNSAID;
	dir->pass_headers = UNSAID;
	dir->preflight = UNSAID;
	dir->basic_provider = UNSAID;
	return dir;
}

static int
inner_word(int inner, int outer)
{
	return inner != UNSAID ? inner : outer;
}

/* The inner section's word replaces the outer one's, directive by directive;
 * what it does not mention stays, so a condition is never lost by nesting. */
void *
settings_merge_dir(apr_pool_t *pool, void *outer, void *inner)
{
	const struct dir_settings *base = outer, *add = inner;
	struct dir_settings *merged = apr_pmemdup(pool, add, sizeof *merged);

	if (merged->sources == NULL)
		merged->sources = base->sources;
	if (merged->account == NULL)
		merged->account = base->account;
	if (merged->product == NULL)
		merged->product = base->product;
	if (merged->permission == NULL)
		merged->permission = base->permission;
	if (merged->endpoint == NULL)
		merged->endpoint = base->endpoint;
	if (merged->scopes == NULL)
		merged->scopes = base->scopes;
	merged->forward = inner_word(add->forward, base->forward);
	merged->any_user = inner_word(add->any_user, base->any_user);
	merged->pass_headers =
	    inner_word(add->pass_headers, base->pass_headers);
	merged->preflight = inner_word(add->preflight, base->preflight);
	merged->basic_provider =
	    inner_word(add->basic_provider, base->basic_provider);
	return merged;
}

struct server_settings *
settings_of_server(const server_rec *server)
{
	return ap_get_module_config(
	    server->module_config, &authnz_apikey_module);
}

const struct dir_settings *
settings_of(const request_rec *r)
{
	return ap_get_module_config(r->per_dir_config, &authnz_apikey_module);
}

const apr_array_header_t *
settings_sources(const struct dir_settings *dir)
{
	return dir->sources != NULL ? dir->sources : &default_source_list;
}

const char *
settings_socket(const struct server_settings *server)
{
	return server->socket != NULL ? server->socket : APIKEY_DEFAULT_SOCKET;
}

int
settings_timeout_ms(const struct server_settings *server)
{
	return server->timeout_ms != 0 ? server->timeout_ms
				       : TIMEOUT_DEFAULT_MS;
}

int
settings_slug_valid(const char *text)
{
	return slug_valid(text);
}

int
settings_scope_valid(const char *text)
{
	return scope_valid(text);
}

int
settings_permission_valid(const char *text)
{
	return strcmp(text, "read") == 0 || strcmp(text, "write") == 0;
}

const char *
settings_expression(cmd_parms *cmd, const char *name, const char *text,
    int (*valid)(const char *text), const char *expected,
    const ap_expr_info_t **out)
{
	bool plain = strpbrk(text, "%$\\") == NULL;
	const char *error = NULL;

	if (text[0] == '\0' || (plain && valid != NULL && !valid(text)))
		return apr_psprintf(
		    cmd->pool, "%s: '%s' is not %s", name, text, expected);
	*out = ap_expr_parse_cmd(
	    cmd, text, AP_EXPR_FLAG_STRING_RESULT, &error, NULL);
	if (error != NULL)
		return apr_psprintf(cmd->pool,
		    "%s: cannot parse the expression '%s': %s", name, text,
		    error);
	return NULL;
}

static const char *
set_socket(cmd_parms *cmd, void *unused, const char *arg)
{
	struct server_settings *server = settings_of_server(cmd->server);
	size_t max = sizeof((struct sockaddr_un *)0)->sun_path - 1;

	(void)unused;
	if (arg[0] != '/' || strlen(arg) > max)
		return apr_psprintf(cmd->pool,
		    "%s: '%s' is not an absolute path of at most "
		    "%" APR_SIZE_T_FMT " bytes, such as " APIKEY_DEFAULT_SOCKET,
		    cmd->cmd->name, arg, max);
	server->socket = arg;
	return NULL;
}

static const char *
set_timeout(cmd_parms *cmd, void *unused, const char *arg)
{
	struct server_settings *server = settings_of_server(cmd->server);
	bool bare = arg[0] != '\0' && arg[strspn(arg, "0123456789")] == '\0';
	const char *text = bare ? apr_pstrcat(cmd->pool, arg, "ms", NULL) : arg;
	int64_t ms;

	(void)unused;
	if (!duration_parse(text, &ms) || ms < 1 || ms > TIMEOUT_MAX_MS)
		return apr_psprintf(cmd->pool,
		    "%s: '%s' is not a time from 1ms to 60s, such as 500ms, "
		    "1s or plain milliseconds",
		    cmd->cmd->name, arg);
	server->timeout_ms = (int)ms;
	return NULL;
}

/* token of RFC 9110: what a header's name may be. */
static bool
header_name_valid(const char *name)
{
	static const char other[] = "!#$%&'*+-.^_`|~";

	for (const char *at = name; *at != '\0'; at++)
		if (!apr_isalnum(*at) && strchr(other, *at) == NULL)
			return false;
	return name[0] != '\0';
}

static bool
parameter_name_valid(const char *name)
{
	return name[0] != '\0' && strpbrk(name, "&;=?#%+ ") == NULL;
}

static const struct {
	const char *word; /* with a colon where a name follows */
	enum source_kind kind;
	bool (*name_valid)(const char *name);
} source_words[] = {
    {"bearer", SOURCE_BEARER, NULL},
    {"basic", SOURCE_BASIC, NULL},
    {"header:", SOURCE_HEADER, header_name_valid},
    {"query:", SOURCE_QUERY, parameter_name_valid},
};

static bool
source_parse(const char *text, struct source *out)
{
	for (size_t i = 0; i < sizeof source_words / sizeof source_words[0];
	     i++) {
		size_t len = strlen(source_words[i].word);

		if (strncasecmp(text, source_words[i].word, len) != 0)
			continue;
		out->kind = source_words[i].kind;
		if (source_words[i].name_valid == NULL)
			return text[len] == '\0';
		out->name = text + len;
		return source_words[i].name_valid(text + len);
	}
	return false;
}

static bool
source_known(const apr_array_header_t *sources, const struct source *source)
{
	for (int i = 0; i < sources->nelts; i++) {
		const struct source *known =
		    &APR_ARRAY_IDX(sources, i, struct source);

		if (known->kind == source->kind &&
		    (known->name == NULL || source->name == NULL ||
			strcasecmp(known->name, source->name) == 0))
			return true;
	}
	return false;
}

/* In <Limit> they would look as if they held for these methods alone. */
static const char *
misplaced(cmd_parms *cmd)
{
	return ap_check_cmd_context(cmd, NOT_IN_LIMIT);
}

static const char *
set_expression(cmd_parms *cmd, const char *arg, int (*valid)(const char *text),
    const char *expected, const ap_expr_info_t **out)
{
	const char *error = misplaced(cmd);

	return error != NULL ? error
			     : settings_expression(cmd, cmd->cmd->name, arg,
				   valid, expected, out);
}

static const char *
set_flag(cmd_parms *cmd, void *settings, int on)
{
	const char *error = misplaced(cmd);

	return error != NULL ? error : ap_set_flag_slot(cmd, settings, on);
}

static const char *
set_from(cmd_parms *cmd, void *settings, int argc, char *const argv[])
{
	struct dir_settings *dir = settings;
	const char *error = misplaced(cmd);
	apr_array_header_t *sources =
	    apr_array_make(cmd->pool, argc, sizeof(struct source));

	if (error != NULL)
		return error;
	if (argc == 0)
		return apr_psprintf(cmd->pool,
		    "%s: expected one or more of bearer, header:NAME, "
		    "basic and query:NAME",
		    cmd->cmd->name);
	for (int i = 0; i < argc; i++) {
		struct source source = {SOURCE_BEARER, NULL};

		if (!source_parse(argv[i], &source))
			return apr_psprintf(cmd->pool,
			    "%s: '%s' is not bearer, header:NAME, basic or "
			    "query:NAME",
			    cmd->cmd->name, argv[i]);
		/* This one has a shape of its own. */
		if (source.kind == SOURCE_HEADER && source.name != NULL &&
		    strcasecmp(source.name, "Authorization") == 0)
			return apr_psprintf(cmd->pool,
			    "%s: '%s': say bearer for the Authorization "
			    "header",
			    cmd->cmd->name, argv[i]);
		if (source_known(sources, &source))
			return apr_psprintf(cmd->pool, "%s: '%s' twice",
			    cmd->cmd->name, argv[i]);
		APR_ARRAY_PUSH(sources, struct source) = source;
	}
	dir->sources = sources;
	return NULL;
}

static const char *
set_account(cmd_parms *cmd, void *settings, const char *arg)
{
	return set_expression(cmd, arg, settings_slug_valid, EXPECTED_SLUG,
	    &((struct dir_settings *)settings)->account);
}

static const char *
set_product(cmd_parms *cmd, void *settings, const char *arg)
{
	return set_expression(cmd, arg, settings_slug_valid, EXPECTED_SLUG,
	    &((struct dir_settings *)settings)->product);
}

static const char *
set_permission(cmd_parms *cmd, void *settings, const char *arg)
{
	return set_expression(cmd, arg, settings_permission_valid,
	    EXPECTED_PERMISSION,
	    &((struct dir_settings *)settings)->permission);
}

static const char *
set_endpoint(cmd_parms *cmd, void *settings, const char *arg)
{
	return set_expression(cmd, arg, NULL, "a text or an expression",
	    &((struct dir_settings *)settings)->endpoint);
}

/* One call for each scope of a line; lines of one section add up. */
static const char *
add_scope(cmd_parms *cmd, void *settings, const char *arg)
{
	struct dir_settings *dir = settings;
	const ap_expr_info_t *scope = NULL;
	const char *error = set_expression(
	    cmd, arg, settings_scope_valid, EXPECTED_SCOPE, &scope);

	if (error != NULL)
		return error;
	if (dir->scopes == NULL)
		dir->scopes =
		    apr_array_make(cmd->pool, 4, sizeof(ap_expr_info_t *));
	if (dir->scopes->nelts >= SCOPES_MAX)
		return apr_psprintf(cmd->pool, "%s: more than %d scopes",
		    cmd->cmd->name, SCOPES_MAX);
	APR_ARRAY_PUSH(dir->scopes, const ap_expr_info_t *) = scope;
	return NULL;
}

static const char *
set_preflight(cmd_parms *cmd, void *settings, const char *arg)
{
	struct dir_settings *dir = settings;
	const char *error = misplaced(cmd);

	if (error != NULL)
		return error;
	if (strcasecmp(arg, "Allow") != 0 && strcasecmp(arg, "Check") != 0)
		return apr_psprintf(cmd->pool, "%s: '%s' is not Allow or Check",
		    cmd->cmd->name, arg);
	dir->preflight = strcasecmp(arg, "Allow") == 0;
	return NULL;
}

/*
 * httpd gives a directive to every module that knows its name. From this one
 * of mod_auth_basic's we learn which sections take keys as passwords; that
 * module keeps it to itself.
 */
static const char *
see_basic_provider(cmd_parms *cmd, void *settings, const char *arg)
{
	struct dir_settings *dir = settings;

	if (ap_find_linked_module("mod_auth_basic.c") == NULL)
		return apr_psprintf(cmd->pool,
		    "%s: expected mod_auth_basic to be loaded, which this "
		    "directive belongs to",
		    cmd->cmd->name);
	if (strcasecmp(arg, PROVIDER_NAME) == 0)
		dir->basic_provider = 1;
	else if (dir->basic_provider == UNSAID)
		dir->basic_provider = 0;
	return NULL;
}

/* mod_authn_socache only keeps what a provider gives it, and ours gives it
 * nothing. Whoever writes this expects something else. */
static const char *
refuse_cache(cmd_parms *cmd, void *settings, const char *arg)
{
	(void)settings;
	if (ap_find_linked_module("mod_authn_socache.c") == NULL)
		return apr_psprintf(cmd->pool,
		    "%s: expected mod_authn_socache to be loaded, which this "
		    "directive belongs to",
		    cmd->cmd->name);
	if (strcasecmp(arg, PROVIDER_NAME) == 0)
		return apr_psprintf(cmd->pool,
		    "%s: '%s' cannot be cached, since a key that is revoked "
		    "is refused at once; expected other providers",
		    cmd->cmd->name, arg);
	return NULL;
}

/* In server context they are defaults for all sections. */
enum { ANYWHERE = RSRC_CONF | ACCESS_CONF | OR_AUTHCFG };

const command_rec settings_commands[] = {
    AP_INIT_TAKE1("AuthApiKeySocket", set_socket, NULL, RSRC_CONF,
	"path of apikeyd's verify socket"),
    AP_INIT_TAKE1("AuthApiKeyTimeout", set_timeout, NULL, RSRC_CONF,
	"longest wait for apikeyd's answer: 500ms, 1s or milliseconds"),
    AP_INIT_TAKE_ARGV("AuthApiKeyFrom", set_from, NULL, ANYWHERE,
	"where a token may come from: bearer, header:NAME, basic, query:NAME"),
    AP_INIT_TAKE1("AuthApiKeyAccount", set_account, NULL, ANYWHERE,
	"account the key must belong to (expression)"),
    AP_INIT_TAKE1("AuthApiKeyProduct", set_product, NULL, ANYWHERE,
	"product the key must be for (expression)"),
    AP_INIT_TAKE1("AuthApiKeyPermission", set_permission, NULL, ANYWHERE,
	"permission the key must have: read or write (expression)"),
    AP_INIT_ITERATE("AuthApiKeyScope", add_scope, NULL, ANYWHERE,
	"scopes the key must have, all of them (expressions)"),
    AP_INIT_TAKE1("AuthApiKeyEndpoint", set_endpoint, NULL, ANYWHERE,
	"what the request is counted under in usage reports (expression)"),
    AP_INIT_FLAG("AuthApiKeyForward", set_flag,
	(void *)APR_OFFSETOF(struct dir_settings, forward), ANYWHERE,
	"On: leave the credential in the request for backends and CGI"),
    AP_INIT_FLAG("AuthApiKeyAnyUser", set_flag,
	(void *)APR_OFFSETOF(struct dir_settings, any_user), ANYWHERE,
	"On: with HTTP Basic, any user name goes with a key"),
    AP_INIT_FLAG("AuthApiKeyPassHeaders", set_flag,
	(void *)APR_OFFSETOF(struct dir_settings, pass_headers), ANYWHERE,
	"On: tell backends in Apikey-* header fields who it is"),
    AP_INIT_TAKE1("AuthApiKeyPreflight", set_preflight, NULL, ANYWHERE,
	"Allow: CORS preflight requests need no key; Check: they do"),
    AP_INIT_ITERATE("AuthBasicProvider", see_basic_provider, NULL, OR_AUTHCFG,
	"see mod_auth_basic"),
    AP_INIT_ITERATE("AuthnCacheProvideFor", refuse_cache, NULL, OR_AUTHCFG,
	"see mod_authn_socache"),
    {.name = NULL},
};
