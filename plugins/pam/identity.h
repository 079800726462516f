/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whom the last authentication on a PAM handle let in: kept with the handle
 * from there to setcred and account. No secret is in it.
 */
#ifndef PAM_IDENTITY_H
#define PAM_IDENTITY_H

#include <security/pam_modules.h>
#include <stdint.h>

#include "plugins/client/apikey.h"

struct identity {
	char key_id[sizeof((struct apikey_result *)0)->id];
	char account[sizeof((struct apikey_result *)0)->account];
	enum apikey_permission permission;
	int64_t expires_at; /* Unix milliseconds, 0: never */
};

/* NULL where there is none. Belongs to the handle. */
const struct identity *identity_get(const pam_handle_t *pamh);

/* Both return a PAM code. */
int identity_set(pam_handle_t *pamh, const struct apikey_result *result);
int identity_forget(pam_handle_t *pamh);

/* Puts APIKEY_ID, APIKEY_ACCOUNT and APIKEY_PERMISSION into the handle's
 * environment, or takes them out of it. Return a PAM code. */
int identity_export(pam_handle_t *pamh, const struct identity *identity);
int identity_unexport(pam_handle_t *pamh);

#endif
