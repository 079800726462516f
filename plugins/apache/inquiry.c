/* SPDX-License-Identifier: BSD-2-Clause */
#include "inquiry.h"

#include <string.h>

#include <http_core.h>
#include <http_log.h>
#include <apr_fnmatch.h>
#include <apr_strings.h>

#include "connections.h"
#include "proto/message.h"

APLOG_USE_MODULE(authnz_apikey);

/* No slug and no scope looks like this. */
#define NOBODYS "!"

/* Both kinds of state of a request_rec; only the first one's has an inquiry. */
struct request_state {
	struct visit visit;
	struct inquiry *inquiry;
};

static struct request_state *
state_of(request_rec *r)
{
	struct request_state *state =
	    ap_get_module_config(r->request_config, &authnz_apikey_module);

	if (state == NULL) {
		state = apr_pcalloc(r->pool, sizeof *state);
		ap_set_module_config(
		    r->request_config, &authnz_apikey_module, state);
	}
	return state;
}

struct visit *
visit_of(request_rec *r)
{
	return &state_of(r)->visit;
}

request_rec *
inquiry_first(request_rec *r)
{
	while (r->prev != NULL || r->main != NULL)
		r = r->prev != NULL ? r->prev : r->main;
	return r;
}

bool
inquiry_exists(request_rec *r)
{
	return state_of(inquiry_first(r))->inquiry != NULL;
}

/* What a browser asks before it sends a request to another site's server
 * (Fetch, "CORS-preflight request"). It never has a credential. */
static bool
is_preflight(const request_rec *r)
{
	return r->method_number == M_OPTIONS &&
	    apr_table_get(r->headers_in, "Origin") != NULL &&
	    apr_table_get(r->headers_in, "Access-Control-Request-Method") !=
	    NULL;
}

struct inquiry *
inquiry_of(request_rec *r)
{
	request_rec *first = inquiry_first(r);
	struct request_state *state = state_of(first);
	struct inquiry *inquiry = state->inquiry;

	if (inquiry == NULL) {
		inquiry = apr_pcalloc(first->pool, sizeof *inquiry);
		inquiry->headers =
		    apr_table_copy(first->pool, first->headers_in);
		inquiry->query = first->args;
		inquiry->proxied = first->proxyreq == PROXYREQ_PROXY;
		inquiry->preflight = is_preflight(first);
		state->inquiry = inquiry;
	}
	return inquiry;
}

const apr_array_header_t *
inquiry_credentials(request_rec *r, const struct dir_settings *dir)
{
	struct inquiry *inquiry = inquiry_of(r);

	return credential_find(r->pool, inquiry->headers, inquiry->query,
	    inquiry->proxied, settings_sources(dir));
}

static const struct source password_sources[] = {{SOURCE_BASIC, NULL}};
static const apr_array_header_t password_source_list = {
    .elt_size = sizeof(struct source),
    .nelts = 1,
    .nalloc = 1,
    .elts = (char *)password_sources,
};

static const char *
authorization_of(const request_rec *r)
{
	return credential_authorization(r->proxyreq == PROXYREQ_PROXY);
}

static const apr_array_header_t *
passwords(request_rec *r)
{
	struct inquiry *inquiry = inquiry_of(r);

	return credential_find(r->pool, inquiry->headers, NULL,
	    inquiry->proxied, &password_source_list);
}

bool
inquiry_several_passwords(request_rec *r)
{
	return credential_count(passwords(r)) == CREDENTIAL_SEVERAL;
}

const struct credential *
inquiry_password(request_rec *r)
{
	const apr_array_header_t *found = passwords(r);

	return found->nelts == 0 ? NULL
				 : &APR_ARRAY_IDX(found, 0, struct credential);
}

bool
inquiry_show_password(request_rec *r)
{
	const char *sent;

	if (!inquiry_exists(r) ||
	    apr_table_get(r->headers_in, authorization_of(r)) != NULL)
		return false;
	sent = apr_table_get(inquiry_of(r)->headers, authorization_of(r));
	if (sent != NULL)
		apr_table_setn(r->headers_in, authorization_of(r), sent);
	return sent != NULL;
}

void
inquiry_strip_password(request_rec *r, const struct dir_settings *dir)
{
	if (dir->forward != 1)
		credential_strip(r, &password_source_list, passwords(r));
}

/* Other users' passwords are not ours to take: a section may have several
 * providers. */
static void
strip_key_password(request_rec *r, const struct dir_settings *dir)
{
	const apr_array_header_t *found = passwords(r);

	for (int i = 0; i < found->nelts; i++)
		if (credential_holds_token(
			&APR_ARRAY_IDX(found, i, struct credential))) {
			inquiry_strip_password(r, dir);
			return;
		}
}

void
inquiry_strip(request_rec *r, const struct dir_settings *dir)
{
	const char *type = ap_auth_type(r);

	/* The inquiry first: it keeps what is taken away here. */
	if (type != NULL && strcasecmp(type, "Basic") == 0)
		strip_key_password(r, dir);
	else if (dir->forward != 1)
		credential_strip(
		    r, settings_sources(dir), inquiry_credentials(r, dir));
}

/*
 * The value of a condition. An empty text asks for nothing, so where an
 * operator's expression comes to nothing, or to something too long to be
 * anybody's, it is replaced by what nobody has: a condition that is there is
 * never dropped.
 */
static bool
condition_value(request_rec *r, const char *directive,
    const ap_expr_info_t *expression, size_t max, const char **value)
{
	const char *error = NULL;

	*value = NULL;
	if (expression == NULL)
		return true;
	*value = ap_expr_str_exec(r, expression, &error);
	if (error != NULL || *value == NULL) {
		ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
		    "%s: the expression failed: %s", directive,
		    error != NULL ? error : "no value");
		return false;
	}
	if ((*value)[0] == '\0' || strlen(*value) > max) {
		ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
		    "%s: the expression's value is %s; no key has it",
		    directive, (*value)[0] == '\0' ? "empty" : "too long");
		*value = NOBODYS;
	}
	return true;
}

static bool
permission_value(request_rec *r, const struct dir_settings *dir,
    enum apikey_permission *permission)
{
	const char *text;

	*permission = APIKEY_PERMISSION_NONE;
	if (!condition_value(r, "AuthApiKeyPermission", dir->permission,
		strlen("write"), &text))
		return false;
	if (text == NULL)
		return true;
	if (!settings_permission_valid(text)) {
		ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
		    "AuthApiKeyPermission: the expression's value is neither "
		    "read nor write");
		return false;
	}
	*permission =
	    text[0] == 'w' ? APIKEY_PERMISSION_WRITE : APIKEY_PERMISSION_READ;
	return true;
}

static bool
scope_values(request_rec *r, const struct dir_settings *dir,
    struct apikey_request *question)
{
	const char **scopes;

	if (dir->scopes == NULL)
		return true;
	scopes = apr_pcalloc(inquiry_first(r)->pool,
	    (apr_size_t)dir->scopes->nelts * sizeof *scopes);
	for (int i = 0; i < dir->scopes->nelts; i++)
		if (!condition_value(r, "AuthApiKeyScope",
			APR_ARRAY_IDX(dir->scopes, i, const ap_expr_info_t *),
			SCOPE_MAX_LEN, &scopes[i]))
			return false;
	question->scopes = scopes;
	question->scope_count = (size_t)dir->scopes->nelts;
	return true;
}

/*
 * The name of the innermost section, where it is a <Location>: those are
 * matched last. A <Directory> names a path of the file system and an <If> no
 * path, so for them it is the path of the request.
 */
static const char *
section_path(const request_rec *r)
{
	const core_dir_config *core =
	    ap_get_core_module_config(r->per_dir_config);

	if (core->d == NULL || core->d[0] == '\0')
		return r->uri;
	if (core->r != NULL || strncmp(core->d, r->uri, strlen(core->d)) == 0)
		return core->d;
	if (core->d_is_fnmatch &&
	    apr_fnmatch(core->d, r->uri, APR_FNM_PATHNAME) == APR_SUCCESS)
		return core->d;
	return r->uri;
}

/*
 * What the request is counted under. Never a query: it may hold anything, the
 * credential included.
 */
static const char *
endpoint_value(request_rec *r, const struct dir_settings *dir)
{
	const char *error = NULL, *text;

	if (dir->endpoint != NULL) {
		text = ap_expr_str_exec(r, dir->endpoint, &error);
		if (error == NULL && text != NULL)
			return apr_pstrmemdup(
			    r->pool, text, strcspn(text, "?"));
		ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
		    "AuthApiKeyEndpoint: the expression failed: %s",
		    error != NULL ? error : "no value");
	}
	return apr_pstrcat(r->pool, r->method, " ", section_path(r), NULL);
}

/* Whether text is the public part of token: what stands before the last
 * underscore. A token that was made elsewhere has none. */
static bool
is_key_id(const char *text, const char *token)
{
	const char *end = strrchr(token, '_');

	return credential_is_token(token) && end != NULL &&
	    strlen(text) == (size_t)(end - token) &&
	    strncmp(text, token, strlen(text)) == 0;
}

/* The user that the key has to be of, or NULL for any: with HTTP Basic a name
 * is said, and it has to be the key's. */
static const char *
user_value(const struct dir_settings *dir, const struct credential *credential)
{
	const char *user = credential->user;

	if (user == NULL || dir->any_user == 1 ||
	    is_key_id(user, credential->token))
		return NULL;
	return user[0] == '\0' || strlen(user) > USER_MAX_LEN ? NOBODYS : user;
}

/* Without the zone of a link-local address, which means nothing to others. */
static const char *
address_value(const request_rec *r)
{
	return apr_pstrmemdup(
	    r->pool, r->useragent_ip, strcspn(r->useragent_ip, "%"));
}

bool
inquiry_question(request_rec *r, const struct dir_settings *dir,
    const struct credential *credential, struct apikey_request *question)
{
	struct apikey_request empty = APIKEY_REQUEST_INIT;

	*question = empty;
	question->token = credential->token;
	question->token_len = strlen(credential->token);
	question->address = address_value(r);
	question->user = user_value(dir, credential);
	question->service = "httpd";
	question->endpoint = endpoint_value(r, dir);
	return condition_value(r, "AuthApiKeyAccount", dir->account,
		   SLUG_MAX_LEN, &question->account) &&
	    condition_value(r, "AuthApiKeyProduct", dir->product, SLUG_MAX_LEN,
		&question->product) &&
	    permission_value(r, dir, &question->permission) &&
	    scope_values(r, dir, question);
}

static bool
has_scope(const struct apikey_request *request, const char *scope)
{
	for (size_t i = 0; i < request->scope_count; i++)
		if (strcmp(request->scopes[i], scope) == 0)
			return true;
	return false;
}

static bool
condition_covered(const char *asked, const char *wanted)
{
	return wanted == NULL || (asked != NULL && strcmp(asked, wanted) == 0);
}

/* Whoever passed asked has all that wanted demands, and for the same key. */
static bool
covers(const struct apikey_request *asked, const struct apikey_request *wanted)
{
	for (size_t i = 0; i < wanted->scope_count; i++)
		if (!has_scope(asked, wanted->scopes[i]))
			return false;
	return strcmp(asked->token, wanted->token) == 0 &&
	    condition_covered(asked->user, wanted->user) &&
	    condition_covered(asked->account, wanted->account) &&
	    condition_covered(asked->product, wanted->product) &&
	    wanted->permission <= asked->permission;
}

/*
 * Whether an earlier answer is also the answer to wanted. A yes is one to
 * every question that asks for no more. A no is one to the same question
 * alone. Where no answer came, apikeyd is not asked again: a dead one must
 * not cost a client's request more than one timeout.
 */
static bool
answers(const struct answer *answer, const struct apikey_request *wanted)
{
	if (answer->status != APIKEY_OK)
		return true;
	return covers(&answer->asked, wanted) &&
	    (answer->result.verdict == APIKEY_VALID ||
		covers(wanted, &answer->asked));
}

static const char *
keep(apr_pool_t *pool, const char *text)
{
	return text == NULL ? NULL : apr_pstrdup(pool, text);
}

static struct answer *
answer_make(apr_pool_t *pool, const struct apikey_request *question)
{
	struct apikey_request request = APIKEY_REQUEST_INIT;
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct answer *answer = apr_pcalloc(pool, sizeof *answer);
	const char **scopes =
	    apr_palloc(pool, (question->scope_count + 1) * sizeof *scopes);

	for (size_t i = 0; i < question->scope_count; i++)
		scopes[i] = keep(pool, question->scopes[i]);
	request.token = keep(pool, question->token);
	request.token_len = question->token_len;
	request.address = keep(pool, question->address);
	request.service = question->service;
	request.user = keep(pool, question->user);
	request.account = keep(pool, question->account);
	request.product = keep(pool, question->product);
	request.permission = question->permission;
	request.scopes = scopes;
	request.scope_count = question->scope_count;
	answer->asked = request;
	answer->result = result;
	return answer;
}

/* What can be no token is not sent: an empty text would ask for nothing, and
 * a very long one does not fit a frame. */
static bool
is_no_token(const struct apikey_request *question)
{
	return question->token_len == 0 ||
	    question->token_len > CREDENTIAL_MAX_LEN;
}

/* error: errno's, or 0; httpd puts its text before the message. */
static void
log_answer(request_rec *r, const struct answer *answer, int error)
{
	if (answer->status != APIKEY_OK)
		ap_log_rerror(APLOG_MARK, APLOG_ERR, error, r,
		    "no answer from apikeyd at %s: %s",
		    settings_socket(settings_of_server(r->server)),
		    apikey_status_text(answer->status));
	else
		ap_log_rerror(APLOG_MARK,
		    answer->result.verdict == APIKEY_VALID ? APLOG_DEBUG
							   : APLOG_INFO,
		    0, r, "key %s: %s%s%s",
		    answer->result.id[0] != '\0' ? answer->result.id : "-",
		    apikey_verdict_text(answer->result.verdict),
		    answer->result.reason != APIKEY_REASON_NONE ? ", " : "",
		    answer->result.reason != APIKEY_REASON_NONE
			? apikey_reason_text(answer->result.reason)
			: "");
}

const struct answer *
inquiry_ask(request_rec *r, const struct apikey_request *question)
{
	struct inquiry *inquiry = inquiry_of(r);
	struct answer *answer;
	int error = 0;

	for (answer = inquiry->answers; answer != NULL; answer = answer->next)
		if (answers(answer, question))
			return answer;
	answer = answer_make(inquiry_first(r)->pool, question);
	if (is_no_token(question)) {
		answer->status = APIKEY_OK;
		answer->result.verdict = APIKEY_MALFORMED;
		answer->result.reason = APIKEY_REASON_SHAPE;
	} else {
		answer->status =
		    connections_verify(r, question, &answer->result, &error);
	}
	answer->next = inquiry->answers;
	inquiry->answers = answer;
	log_answer(r, answer, error);
	return answer;
}
