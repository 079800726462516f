/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mod_authnz_apikey: AuthType ApiKey for httpd 2.4. The daemon decides; this
 * module carries the question there and the answer back.
 *
 *   settings     the directives
 *   credential   where a token is in a request, and taking it out
 *   inquiry      one client request: what was asked, what was answered
 *   connections  to apikeyd
 *   response     verdicts as HTTP
 *   requirement  Require apikey-…
 *   identity     r->user and the environment
 *
 * Here are the hooks: in which phase what happens, and why there.
 */
#include <stdbool.h>
#include <string.h>

#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>

#include "connections.h"
#include "identity.h"
#include "inquiry.h"
#include "requirement.h"
#include "response.h"
#include "settings.h"

#define AUTH_TYPE "ApiKey"

/* Everything else is built with hidden visibility. */
extern module AP_MODULE_DECLARE_DATA authnz_apikey_module
    __attribute__((visibility("default")));

static bool
is_ours(request_rec *r)
{
	const char *type = ap_auth_type(r);

	return type != NULL && strcasecmp(type, AUTH_TYPE) == 0;
}

static void
strip(request_rec *r)
{
	inquiry_strip(r, settings_of(r));
	identity_strip(r);
}

/*
 * As soon as it is known which sections apply, and whatever comes of the
 * request: a refusal may end in an ErrorDocument that is a CGI, a request may
 * pass without authentication, mod_proxy writes the URL of the backend in
 * fixups, and the access log wants the request line. The inquiry keeps what is
 * taken out here.
 */
static int
post_perdir_config(request_rec *r)
{
	if (is_ours(r))
		strip(r);
	return DECLINED;
}

static int
authenticate(request_rec *r)
{
	const struct dir_settings *dir = settings_of(r);
	struct visit *visit = visit_of(r);
	struct apikey_request question;
	const struct answer *answer;
	const apr_array_header_t *found = inquiry_credentials(r, dir);
	const struct credential *credential;
	int status;

	visit->granted = NULL;
	switch (credential_count(found)) {
	case CREDENTIAL_NONE:
		return response_no_credential(r);
	case CREDENTIAL_SEVERAL:
		ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
		    "more than one credential in a request");
		return response_several_credentials(r);
	case CREDENTIAL_ONE:
		break;
	}
	credential = &APR_ARRAY_IDX(found, 0, struct credential);
	if (!inquiry_question(r, dir, credential->token, &question))
		return HTTP_INTERNAL_SERVER_ERROR;
	answer = inquiry_ask(r, &question);
	status = response_of_answer(r, answer);
	if (status != OK)
		return status;
	if (credential->from == SOURCE_QUERY)
		response_private(r);
	visit->granted = answer;
	identity_set(r, &answer->result);
	return OK;
}

static int
check_authn(request_rec *r)
{
	return is_ours(r) ? authenticate(r) : DECLINED;
}

/*
 * mod_authz_core makes a failed authorisation 401, or 403 where
 * AuthzSendForbiddenOnFailure is on. To somebody whose key is good, 401 says
 * "try another key" and starts retries, so it has to be 403 here. The flag is
 * private to that module, and note_auth_failure cannot change the status. But
 * auth_checker is a hook where the first answer counts: this one comes first,
 * runs the hook again with itself declining, and so sees what all the others
 * decide together, whoever they are.
 */
static int
check_authz(request_rec *r)
{
	struct visit *visit = visit_of(r);
	int status;

	if (visit->deciding)
		return DECLINED;
	if (visit->granted == NULL) {
		if (!is_ours(r))
			return DECLINED;
		/* Somebody else has set r->user under our AuthType. */
		ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
		    "AuthType " AUTH_TYPE " without a verified key");
		return response_no_credential(r);
	}
	visit->deciding = true;
	visit->missing_scope = NULL;
	status = ap_run_auth_checker(r);
	visit->deciding = false;
	return status == HTTP_UNAUTHORIZED
	    ? response_not_authorized(r, visit->missing_scope)
	    : status;
}

/* Without this a negated Require line would pass requests without a key: see
 * is_negated() in requirement.c. */
static int
force_authn(request_rec *r)
{
	return is_ours(r) && visit_of(r)->user_needed ? OK : DECLINED;
}

/* For whoever calls ap_note_auth_failure() in a section of ours. With a good
 * key there is nothing to challenge: check_authz() makes it 403. */
static int
note_auth_failure(request_rec *r, const char *type)
{
	if (strcasecmp(type, AUTH_TYPE) != 0)
		return DECLINED;
	if (visit_of(r)->granted == NULL)
		response_no_credential(r);
	return OK;
}

/* The request that r continues or belongs to, if httpd has taken its
 * authentication over because the same sections apply. */
static request_rec *
taken_over_from(request_rec *r)
{
	if (r->prev != NULL && r->prev->per_dir_config == r->per_dir_config)
		return r->prev;
	if (r->main != NULL && r->main->per_dir_config == r->per_dir_config)
		return r->main;
	return NULL;
}

/*
 * httpd takes the same sections for the same conditions. They are not, where
 * an expression looks at the path: /v1/organizations/a redirected to
 * /v1/organizations/b is in one LocationMatch. So where the path is another
 * one, the conditions are looked at again; that asks apikeyd only if they
 * came out differently.
 */
static int
take_over(request_rec *r, struct visit *visit)
{
	request_rec *from = taken_over_from(r);
	int status;

	if (from == NULL || visit_of(from)->granted == NULL)
		return OK;
	if (strcmp(from->uri, r->uri) == 0) {
		visit->granted = visit_of(from)->granted;
		return OK;
	}
	status = authenticate(r);
	if (status == OK)
		status = check_authz(r);
	return status == DECLINED ? HTTP_INTERNAL_SERVER_ERROR : status;
}

/* Before all others, since RequestHeader and RewriteCond may want to know who
 * it is. */
static int
fixups(request_rec *r)
{
	struct visit *visit;
	int status;

	if (!is_ours(r))
		return DECLINED;
	visit = visit_of(r);
	if (visit->granted == NULL) {
		status = take_over(r, visit);
		if (status != OK)
			return status;
	}
	/* Again: internal redirects rename the environment. And nobody's
	 * SetEnvIf shall look like a key where no key was asked for. */
	if (visit->granted != NULL)
		identity_set(r, &visit->granted->result);
	else
		identity_clear(r);
	return OK;
}

/*
 * The last moment before a handler sees the request. DirectoryIndex and
 * negotiation move a request into another section after all other hooks.
 * httpd's cache looks for Authorization to tell what is not for everybody;
 * it is gone by now, so that is said in another way.
 */
static void
insert_filter(request_rec *r)
{
	if (!is_ours(r))
		return;
	strip(r);
	if (visit_of(r)->granted != NULL)
		apr_table_setn(r->subprocess_env, "no-cache", "1");
}

static void
insert_error_filter(request_rec *r)
{
	if (inquiry_exists(r))
		response_repeat(r);
}

static void
child_init(apr_pool_t *pool, server_rec *servers)
{
	connections_open(pool, servers);
}

static void
register_hooks(apr_pool_t *pool)
{
	requirements_register(pool);
	ap_hook_post_perdir_config(
	    post_perdir_config, NULL, NULL, APR_HOOK_REALLY_FIRST);
	ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
	ap_hook_check_authn(check_authn, NULL, NULL, APR_HOOK_MIDDLE,
	    AP_AUTH_INTERNAL_PER_CONF);
	ap_hook_check_authz(check_authz, NULL, NULL, APR_HOOK_REALLY_FIRST,
	    AP_AUTH_INTERNAL_PER_CONF);
	ap_hook_force_authn(force_authn, NULL, NULL, APR_HOOK_MIDDLE);
	ap_hook_note_auth_failure(
	    note_auth_failure, NULL, NULL, APR_HOOK_MIDDLE);
	ap_hook_fixups(fixups, NULL, NULL, APR_HOOK_REALLY_FIRST);
	ap_hook_insert_filter(insert_filter, NULL, NULL, APR_HOOK_REALLY_FIRST);
	ap_hook_insert_error_filter(
	    insert_error_filter, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(authnz_apikey) = {
    STANDARD20_MODULE_STUFF,
    settings_create_dir,
    settings_merge_dir,
    settings_create_server,
    settings_merge_server,
    settings_commands,
    register_hooks,
    AP_MODULE_FLAG_NONE,
};
