/* SPDX-License-Identifier: BSD-2-Clause */
#include "authentication.h"

#include <string.h>

#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_request.h>
#include <ap_provider.h>
#include <mod_auth.h>

#include "identity.h"
#include "inquiry.h"
#include "response.h"
#include "settings.h"

APLOG_USE_MODULE(authnz_apikey);

#define AUTH_TYPE "ApiKey"

static bool
has_type(request_rec *r, const char *wanted)
{
	const char *type = ap_auth_type(r);

	return type != NULL && strcasecmp(type, wanted) == 0;
}

bool
authentication_is_apikey(request_rec *r)
{
	return has_type(r, AUTH_TYPE);
}

bool
authentication_is_ours(request_rec *r)
{
	return has_type(r, AUTH_TYPE) ||
	    (settings_of(r)->basic_provider == 1 && has_type(r, "Basic"));
}

/* apikeyd's answer, or NULL where the section's conditions fail. */
static const struct answer *
ask(request_rec *r, const struct credential *credential)
{
	const struct dir_settings *dir = settings_of(r);
	struct apikey_request question;
	const struct answer *answer;

	if (!inquiry_question(r, dir, credential, &question))
		return NULL;
	answer = inquiry_ask(r, &question);
	/* Beyond malformed it is a token, whatever it looks like. */
	if (answer->status == APIKEY_OK &&
	    answer->result.verdict != APIKEY_MALFORMED && dir->forward != 1)
		credential_strip_copies(r, credential);
	return answer;
}

/* The status for an answer of ask(). */
static int
conclude(request_rec *r, const struct answer *answer)
{
	int status;

	if (answer == NULL)
		return HTTP_INTERNAL_SERVER_ERROR;
	status = response_of_answer(r, answer);
	if (status == OK)
		visit_of(r)->granted = answer;
	return status;
}

static int
several(request_rec *r)
{
	ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
	    "more than one credential in a request");
	return response_several_credentials(r);
}

static int
by_key(request_rec *r)
{
	const struct dir_settings *dir = settings_of(r);
	const apr_array_header_t *found = inquiry_credentials(r, dir);
	const struct credential *credential;
	int status;

	switch (credential_count(found)) {
	case CREDENTIAL_NONE:
		return response_no_credential(r);
	case CREDENTIAL_SEVERAL:
		return several(r);
	case CREDENTIAL_ONE:
		break;
	}
	credential = &APR_ARRAY_IDX(found, 0, struct credential);
	status = conclude(r, ask(r, credential));
	if (status != OK)
		return status;
	if (credential->from == SOURCE_QUERY)
		response_private(r);
	identity_set(r, &visit_of(r)->granted->result);
	r->ap_auth_type = (char *)AUTH_TYPE;
	return OK;
}

/*
 * Whether a password that has not the shape of our tokens is left to the
 * providers after us: what apikeyd calls malformed, and, so that their users
 * get in without apikeyd, what it does not answer to. If they let nobody in,
 * by_password() tells why.
 */
static bool
is_left(struct visit *visit, const struct answer *answer)
{
	if (answer == NULL)
		return false;
	if (answer->status == APIKEY_OK)
		return answer->result.verdict == APIKEY_MALFORMED;
	visit->unanswered = answer;
	return true;
}

/*
 * The provider. What can be no key is left to other providers and shown to
 * nobody; what has not the shape of one may be a token that was made
 * elsewhere, as apikeyd alone can say. A key that is refused is AUTH_DENIED,
 * which ends the search under all settings of mod_auth_basic's; by_password()
 * makes it the status that it should be.
 */
static authn_status
check_password(request_rec *r, const char *user, const char *password)
{
	const struct credential *sent = inquiry_password(r);
	const struct credential credential = {
	    password, user, sent != NULL ? sent->sent : password, SOURCE_BASIC};
	bool ours = credential_is_token(password);
	struct visit *visit = visit_of(r);
	const struct answer *answer;

	if (!visit->authenticating) {
		ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
		    "the provider " PROVIDER_NAME " is for AuthType Basic "
		    "alone");
		return AUTH_GENERAL_ERROR;
	}
	if (inquiry_several_passwords(r)) {
		if (!ours)
			return AUTH_USER_NOT_FOUND;
		visit->refused = several(r);
		return AUTH_DENIED;
	}
	if (!credential_is_plausible(password))
		return AUTH_USER_NOT_FOUND;
	answer = ask(r, &credential);
	if (!ours && is_left(visit, answer))
		return AUTH_USER_NOT_FOUND;
	visit->refused = conclude(r, answer);
	return visit->refused == OK ? AUTH_GRANTED : AUTH_DENIED;
}

/*
 * curl -u KEY: is a mistake easily made, and mod_auth_basic and the access log
 * write user names down.
 */
static bool
is_key_for_user(request_rec *r)
{
	const struct credential *sent = inquiry_password(r);

	return settings_of(r)->basic_provider == 1 && sent != NULL &&
	    sent->user != NULL && credential_is_token(sent->user);
}

/*
 * mod_auth_basic knows yes, no and error; a provider cannot tell it of 403,
 * 429 and 503. But check_authn is a hook where the first answer counts: this
 * one comes first, runs the hook again with itself declining, and puts the
 * status right.
 */
static int
by_password(request_rec *r)
{
	struct visit *visit = visit_of(r);
	bool shown;
	int status;

	if (is_key_for_user(r)) {
		inquiry_strip_password(r, settings_of(r));
		return response_key_for_user(r);
	}
	shown = inquiry_show_password(r);
	visit->authenticating = true;
	visit->refused = OK;
	visit->unanswered = NULL;
	status = ap_run_check_user_id(r);
	visit->authenticating = false;
	if (status != OK) {
		visit->granted = NULL;
		if (visit->refused == OK && visit->unanswered != NULL)
			visit->refused = conclude(r, visit->unanswered);
		if (visit->refused != OK)
			status = visit->refused;
	}
	if (visit->granted != NULL)
		identity_set(r, &visit->granted->result);
	if (shown || visit->granted != NULL || visit->refused != OK)
		inquiry_strip_password(r, settings_of(r));
	return status;
}

int
authenticate(request_rec *r)
{
	struct visit *visit = visit_of(r);

	if (visit->authenticating)
		return DECLINED;
	visit->granted = NULL;
	if (has_type(r, AUTH_TYPE))
		return by_key(r);
	return has_type(r, "Basic") ? by_password(r) : DECLINED;
}

static const authn_provider provider = {.check_password = check_password};

void
authentication_register(apr_pool_t *pool)
{
	ap_register_auth_provider(pool, AUTHN_PROVIDER_GROUP, PROVIDER_NAME,
	    AUTHN_PROVIDER_VERSION, &provider, AP_AUTH_INTERNAL_PER_CONF);
}
