/* SPDX-License-Identifier: BSD-2-Clause */
#include "outcome.h"

#include <security/_pam_types.h>

/* No default in these switches: the compiler finds the case that is missing. */

static int
verdict_code(enum apikey_verdict verdict)
{
	switch (verdict) {
	case APIKEY_VALID:
		return PAM_SUCCESS;
	case APIKEY_EXPIRED:
		return PAM_ACCT_EXPIRED;
	case APIKEY_PRODUCT_DISABLED:
	case APIKEY_PERMISSION_DENIED:
	case APIKEY_SERVICE_DENIED:
	case APIKEY_ADDRESS_DENIED:
		return PAM_PERM_DENIED;
	case APIKEY_RATE_LIMITED:
	case APIKEY_QUOTA_EXCEEDED:
		return PAM_MAXTRIES;
	case APIKEY_MALFORMED:
	case APIKEY_UNKNOWN:
	case APIKEY_REVOKED:
	case APIKEY_DISABLED:
	case APIKEY_ACCOUNT_INACTIVE:
	case APIKEY_ACCOUNT_MISMATCH:
	case APIKEY_PRODUCT_MISMATCH:
	case APIKEY_USER_MISMATCH:
	case APIKEY_NO_ANSWER:
		break;
	}
	return PAM_AUTH_ERR;
}

int
outcome_unanswered(enum apikey_status status, const struct options *options)
{
	switch (status) {
	case APIKEY_UNAVAILABLE:
	case APIKEY_TIMEOUT:
	case APIKEY_PROTOCOL:
		return options->ignore_authinfo_unavail ? PAM_IGNORE
							: PAM_AUTHINFO_UNAVAIL;
	case APIKEY_NOMEM:
		return PAM_BUF_ERR;
	case APIKEY_ARGUMENT:
	case APIKEY_IN_PROGRESS:
	case APIKEY_OK:
		break;
	}
	/* A user name no key can carry, say. It is the client's choice, so
	 * ignore_authinfo_unavail must not apply to it. */
	return PAM_AUTH_ERR;
}

int
outcome_verify(enum apikey_status status, enum apikey_verdict verdict,
    const struct options *options)
{
	if (status != APIKEY_OK)
		return outcome_unanswered(status, options);
	/*
	 * Whose user has no key cannot be asked without a secret, so "not one
	 * of ours" is said of the credential: no token at all, or none that
	 * the daemon knows. Anybody can enter such a one: the option is for
	 * lines that may let in (sufficient), not for lines that must.
	 */
	if (options->ignore_unknown_user &&
	    (verdict == APIKEY_MALFORMED || verdict == APIKEY_UNKNOWN))
		return PAM_IGNORE;
	return verdict_code(verdict);
}

int
outcome_failed(int pam_code)
{
	if (pam_code == PAM_CONV_AGAIN)
		return PAM_INCOMPLETE;
	if (pam_code == PAM_SUCCESS || pam_code == PAM_IGNORE)
		return PAM_SYSTEM_ERR;
	return pam_code;
}
