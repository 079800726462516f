/* SPDX-License-Identifier: BSD-2-Clause */
/* Who has signed: the proof of an hmac key. */
#ifndef DAEMON_SIGNATURE_H
#define DAEMON_SIGNATURE_H

#include "verify.h"

/*
 * The hmac key whose token made this signature, or NULL: wrong or malformed,
 * of a timestamp too far off, or of a key that is unknown or bearer. An unknown
 * key costs what a wrong signature costs. *by_previous as of verify_token().
 */
struct key *signature_key(const struct verifier *verifier,
    const struct signature_request *request, int64_t now, bool *by_previous);

#endif
