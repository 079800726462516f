/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mod_authnz_apikey: API keys for httpd 2.4. The daemon decides; this module
 * carries the question there and the answer back.
 *
 *   settings        the directives
 *   credential      where a token is in a request, and taking it out
 *   inquiry         one client request: what was asked, what was answered
 *   connections     to apikeyd
 *   authentication  AuthType ApiKey, and AuthBasicProvider apikey
 *   response        verdicts as HTTP
 *   problem         their bodies as JSON
 *   requirement     Require apikey-…
 *   identity        r->user, the environment and header fields
 *   usage_handler   SetHandler apikey-usage
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

#include "authentication.h"
#include "connections.h"
#include "identity.h"
#include "inquiry.h"
#include "problem.h"
#include "requirement.h"
#include "response.h"
#include "settings.h"
#include "usage_handler.h"

/* Everything else is built with hidden visibility. */
extern module AP_MODULE_DECLARE_DATA authnz_apikey_module
    __attribute__((visibility("default")));

/* Trailers come after everything that is done here with header fields. */
static int
post_config(apr_pool_t *pool, apr_pool_t *log, apr_pool_t *temporary,
    server_rec *server)
{
	(void)pool;
	(void)log;
	(void)temporary;
	for (; server != NULL; server = server->next) {
		const core_server_config *core =
		    ap_get_core_module_config(server->module_config);

		if (core->merge_trailers == AP_MERGE_TRAILERS_ENABLE)
			ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server,
			    "MergeTrailers On lets a client send Apikey-* "
			    "fields to a backend");
	}
	return OK;
}

/* In all sections, and before anybody looks at the header: which backend
 * believes these fields is not known here. */
static int
post_read_request(request_rec *r)
{
	identity_strip(r);
	return DECLINED;
}

/*
 * As soon as it is known which sections apply, and whatever comes of the
 * request: a refusal may end in an ErrorDocument that is a CGI, a request may
 * pass without authentication, mod_proxy writes the URL of the backend in
 * fixups, and the access log wants the request line. The inquiry keeps what is
 * taken out here. An identity that was passed on belongs to the section that a
 * redirect came from.
 */
static int
post_perdir_config(request_rec *r)
{
	if (authentication_is_ours(r))
		inquiry_strip(r, settings_of(r));
	if (inquiry_exists(r) && inquiry_of(r)->identity_passed)
		identity_strip(r);
	return DECLINED;
}

/*
 * Whether r is, or is part of, what a client sent as a CORS preflight request;
 * what a redirect has made a GET of it is not.
 */
static bool
is_preflight(request_rec *r)
{
	bool preflight = inquiry_of(r)->preflight;

	while (r->main != NULL)
		r = r->main;
	return preflight && r->method_number == M_OPTIONS;
}

/*
 * Says OK, in the place of a key, to CORS preflight requests where that is
 * wished; what the section demands beside a user holds for them, too. The hook
 * is one where the first answer counts: see check_authz().
 */
static int
check_access(request_rec *r)
{
	struct visit *visit = visit_of(r);
	int status;

	if (visit->entering || !authentication_is_ours(r) ||
	    settings_of(r)->preflight != 1 || !is_preflight(r))
		return DECLINED;
	visit->entering = true;
	status = ap_run_access_checker_ex(r);
	visit->entering = false;
	visit->user_needed = false;
	return status == DECLINED ? OK : status;
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
		if (!authentication_is_apikey(r))
			return DECLINED;
		/* Somebody else has set r->user under our AuthType. */
		ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
		    "AuthType ApiKey without a verified key");
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
	return visit_of(r)->user_needed ? OK : DECLINED;
}

/* For whoever calls ap_note_auth_failure() in a section of ours. With a good
 * key there is nothing to challenge: check_authz() makes it 403. */
static int
note_auth_failure(request_rec *r, const char *type)
{
	if (strcasecmp(type, "ApiKey") != 0)
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
	struct visit *visit = visit_of(r);
	int status;

	if (visit->granted == NULL) {
		status = take_over(r, visit);
		if (status != OK)
			return status;
	}
	/* Again: internal redirects rename the environment. And nobody's
	 * SetEnvIf shall look like a key where no key was asked for. */
	if (visit->granted != NULL)
		identity_set(r, &visit->granted->result);
	else if (authentication_is_ours(r))
		identity_clear(r);
	else
		return DECLINED;
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
	const struct answer *granted = visit_of(r)->granted;
	const struct dir_settings *dir = settings_of(r);

	if (authentication_is_ours(r))
		inquiry_strip(r, dir);
	response_insert_filter(r);
	if (granted == NULL)
		return;
	apr_table_setn(r->subprocess_env, "no-cache", "1");
	if (dir->pass_headers == 1) {
		identity_pass(r, &granted->result);
		inquiry_of(r)->identity_passed = true;
	}
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
	authentication_register(pool);
	problem_register();
	response_register();
	usage_handler_register();
	ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
	ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
	ap_hook_post_read_request(
	    post_read_request, NULL, NULL, APR_HOOK_REALLY_FIRST);
	ap_hook_post_perdir_config(
	    post_perdir_config, NULL, NULL, APR_HOOK_REALLY_FIRST);
	ap_hook_check_access_ex(check_access, NULL, NULL, APR_HOOK_REALLY_FIRST,
	    AP_AUTH_INTERNAL_PER_CONF);
	ap_hook_check_authn(authenticate, NULL, NULL, APR_HOOK_REALLY_FIRST,
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
