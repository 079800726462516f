/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whom the last authentication on a PAM handle let in, and by which key: kept
 * with the handle from there to setcred and account. No secret is in it.
 */
#ifndef PAM_IDENTITY_H
#define PAM_IDENTITY_H

#include <security/pam_modules.h>
#include <stdbool.h>

#include "plugins/client/apikey.h"

struct identity {
	struct apikey_result key;
	/* Whose the key had to be; empty where that did not matter. */
	char user[sizeof((struct apikey_result *)0)->user];
};

/* NULL where there is none. Belongs to the handle. */
const struct identity *identity_get(const pam_handle_t *pamh);

/*
 * Both return a PAM code. user is NULL where it does not matter; one that no
 * key can have is PAM_BUF_ERR.
 */
int identity_set(
    pam_handle_t *pamh, const struct apikey_result *key, const char *user);
int identity_forget(pam_handle_t *pamh);

/*
 * False where the handle is somebody else's by now: an application may change
 * PAM_USER at any time, and a key that opened for one user must not go on for
 * another.
 */
bool identity_is_of(const struct identity *identity, const char *user);

/* Puts APIKEY_ID, APIKEY_ACCOUNT and APIKEY_PERMISSION into the handle's
 * environment, or takes them out of it. Return a PAM code. */
int identity_export(pam_handle_t *pamh, const struct identity *identity);
int identity_unexport(pam_handle_t *pamh);

#endif
