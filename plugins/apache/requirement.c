/* SPDX-License-Identifier: BSD-2-Clause */
#include "requirement.h"

#include <stdbool.h>
#include <string.h>

#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <http_request.h>
#include <ap_expr.h>
#include <ap_provider.h>
#include <mod_auth.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "inquiry.h"
#include "settings.h"

APLOG_USE_MODULE(authnz_apikey);

/* One kind of Require line. */
struct fact {
	const char *name;
	int (*valid)(const char *text);
	const char *expected;
	bool (*holds)(const struct apikey_result *key, const char *wanted);
	bool is_scope; /* a refusal is insufficient_scope */
};

struct requirement {
	const struct fact *fact;
	apr_array_header_t *wanted; /* const ap_expr_info_t * */
	bool negated;
};

static bool
account_holds(const struct apikey_result *key, const char *wanted)
{
	return strcmp(key->account, wanted) == 0;
}

static bool
product_holds(const struct apikey_result *key, const char *wanted)
{
	return strcmp(key->product, wanted) == 0;
}

static bool
permission_holds(const struct apikey_result *key, const char *wanted)
{
	if (strcmp(wanted, "write") == 0)
		return key->permission == APIKEY_PERMISSION_WRITE;
	return strcmp(wanted, "read") == 0 &&
	    key->permission != APIKEY_PERMISSION_NONE;
}

static bool
scope_holds(const struct apikey_result *key, const char *wanted)
{
	size_t len = strlen(wanted);

	for (const char *at = key->scopes; *at != '\0';) {
		size_t word = strcspn(at, " ");

		if (word == len && memcmp(at, wanted, len) == 0)
			return true;
		at += word + (at[word] != '\0');
	}
	return false;
}

static const struct fact account_fact = {
    "apikey-account", settings_slug_valid, EXPECTED_SLUG, account_holds, false};
static const struct fact product_fact = {
    "apikey-product", settings_slug_valid, EXPECTED_SLUG, product_holds, false};
static const struct fact permission_fact = {"apikey-permission",
    settings_permission_valid, EXPECTED_PERMISSION, permission_holds, true};
static const struct fact scope_fact = {
    "apikey-scope", settings_scope_valid, EXPECTED_SCOPE, scope_holds, true};

/*
 * Whether the line, as it stands in the configuration, is turned around by a
 * "not" or a <RequireNone>. httpd asks providers once without a user, and
 * makes "neither yes nor no" of a negated line's no: with another line that
 * says yes, the request would pass without any key being looked at. So the
 * negated lines have to know what they are. Where an alias is used cannot be
 * seen from here, so it counts as negated.
 */
static bool
is_negated(const cmd_parms *cmd)
{
	const ap_directive_t *at = cmd->directive;

	if (strncasecmp(at->args, "not", 3) == 0 && apr_isspace(at->args[3]))
		return true;
	for (; at != NULL; at = at->parent)
		if (strcasecmp(at->directive, "<RequireNone") == 0 ||
		    strcasecmp(at->directive, "<AuthzProviderAlias") == 0)
			return true;
	return false;
}

static const char *
parse(cmd_parms *cmd, const char *line, const struct fact *fact,
    const void **parsed)
{
	struct requirement *requirement =
	    apr_pcalloc(cmd->pool, sizeof *requirement);
	const char *name = apr_pstrcat(cmd->pool, "Require ", fact->name, NULL);
	const char *word, *error;

	requirement->fact = fact;
	requirement->wanted =
	    apr_array_make(cmd->pool, 1, sizeof(ap_expr_info_t *));
	requirement->negated = is_negated(cmd);
	/* Split here and not when evaluated: what a client puts into a path
	 * must not become several words. */
	while (*(word = ap_getword_conf(cmd->pool, &line)) != '\0') {
		const ap_expr_info_t *wanted;

		error = settings_expression(
		    cmd, name, word, fact->valid, fact->expected, &wanted);
		if (error != NULL)
			return error;
		APR_ARRAY_PUSH(requirement->wanted, const ap_expr_info_t *) =
		    wanted;
	}
	if (requirement->wanted->nelts == 0)
		return apr_pstrcat(
		    cmd->pool, name, ": expected ", fact->expected, NULL);
	*parsed = requirement;
	return NULL;
}

/*
 * Whether any of the line's words holds. *first is the first word, for the
 * scope attribute. An empty value is nobody's: it never holds.
 */
static authz_status
judge(request_rec *r, const struct requirement *requirement,
    const struct apikey_result *key, const char **first)
{
	*first = NULL;
	for (int i = 0; i < requirement->wanted->nelts; i++) {
		const char *error = NULL;
		const char *wanted = ap_expr_str_exec(r,
		    APR_ARRAY_IDX(
			requirement->wanted, i, const ap_expr_info_t *),
		    &error);

		if (error != NULL || wanted == NULL) {
			ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
			    "Require %s: the expression failed: %s",
			    requirement->fact->name,
			    error != NULL ? error : "no value");
			return AUTHZ_GENERAL_ERROR;
		}
		if (*first == NULL && wanted[0] != '\0')
			*first = wanted;
		if (wanted[0] != '\0' && requirement->fact->holds(key, wanted))
			return AUTHZ_GRANTED;
	}
	return AUTHZ_DENIED;
}

static authz_status
check(request_rec *r, const char *line, const void *parsed)
{
	const struct requirement *requirement = parsed;
	struct visit *visit = visit_of(r);
	const char *first;
	authz_status status;

	(void)line;
	if (r->user == NULL) {
		visit->user_needed |= requirement->negated;
		return AUTHZ_DENIED_NO_USER;
	}
	if (visit->granted == NULL) {
		ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
		    "Require %s: the user was not authenticated by an API "
		    "key (AuthType ApiKey)",
		    requirement->fact->name);
		/* A negated line would make a yes of AUTHZ_DENIED. */
		return requirement->negated ? AUTHZ_GENERAL_ERROR
					    : AUTHZ_DENIED;
	}
	status = judge(r, requirement, &visit->granted->result, &first);
	/* A later line of a RequireAny may allow, so the reason is only noted;
	 * the last line that was asked is the one that decided. */
	visit->missing_scope = status == AUTHZ_DENIED &&
		requirement->fact->is_scope && !requirement->negated
	    ? first
	    : NULL;
	return status;
}

static const char *
parse_account(cmd_parms *cmd, const char *line, const void **parsed)
{
	return parse(cmd, line, &account_fact, parsed);
}

static const char *
parse_product(cmd_parms *cmd, const char *line, const void **parsed)
{
	return parse(cmd, line, &product_fact, parsed);
}

static const char *
parse_permission(cmd_parms *cmd, const char *line, const void **parsed)
{
	return parse(cmd, line, &permission_fact, parsed);
}

static const char *
parse_scope(cmd_parms *cmd, const char *line, const void **parsed)
{
	return parse(cmd, line, &scope_fact, parsed);
}

static const struct {
	const struct fact *fact;
	authz_provider provider;
} providers[] = {
    {&account_fact, {check, parse_account}},
    {&product_fact, {check, parse_product}},
    {&permission_fact, {check, parse_permission}},
    {&scope_fact, {check, parse_scope}},
};

void
requirements_register(apr_pool_t *pool)
{
	for (size_t i = 0; i < sizeof providers / sizeof providers[0]; i++)
		ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP,
		    providers[i].fact->name, AUTHZ_PROVIDER_VERSION,
		    &providers[i].provider, AP_AUTH_INTERNAL_PER_CONF);
}
