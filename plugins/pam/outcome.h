/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What PAM is told. Total: whatever the daemon or the library said, there is
 * an answer, and PAM_SUCCESS is the answer to one thing alone.
 */
#ifndef PAM_OUTCOME_H
#define PAM_OUTCOME_H

#include "options.h"
#include "plugins/client/apikey.h"

/* A PAM return code for a verification: PAM_SUCCESS for APIKEY_OK with
 * APIKEY_VALID. */
int outcome_verify(enum apikey_status status, enum apikey_verdict verdict,
    const struct options *options);

/*
 * A PAM return code for a call that got no verdict; status is not APIKEY_OK.
 */
int
outcome_unanswered(enum apikey_status status, const struct options *options);

/*
 * The code of a libpam call that failed, as a code to return: a failure that
 * calls itself PAM_SUCCESS or PAM_IGNORE is none.
 */
int outcome_failed(int pam_code);

#endif
