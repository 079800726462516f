/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Verdicts as HTTP: status, WWW-Authenticate (RFC 6750), Retry-After and the
 * RateLimit fields (draft-ietf-httpapi-ratelimit-headers). Each function sets
 * the fields and returns the status for a hook to return.
 */
#ifndef APACHE_RESPONSE_H
#define APACHE_RESPONSE_H

#include <httpd.h>

#include "inquiry.h"

/* 401 without an error code: no credential was sent. */
int response_no_credential(request_rec *r);
/* 400: more than one credential was sent. */
int response_several_credentials(request_rec *r);
/* 401: with HTTP Basic, a key came as the user name. */
int response_key_for_user(request_rec *r);
/* OK for a valid key, else its refusal. */
int response_of_answer(request_rec *r, const struct answer *answer);
/* 403: a Require line refuses the key. missing_scope: the permission or scope
 * that would have satisfied it, or NULL. */
int response_not_authorized(request_rec *r, const char *missing_scope);

/* 400: of no such window can usage be told. */
int response_no_window(request_rec *r);

/* For a good answer to a credential in the query (RFC 6750 section 2.3). */
void response_private(request_rec *r);
/* For the insert_filter hook: that nobody else makes it public. */
void response_insert_filter(request_rec *r);
/* For the register_hooks function. */
void response_register(void);

/*
 * Sets the fields of a refusal once more, on the response that is sent at
 * last. mod_dir and others take over the status of a subrequest, but not its
 * header fields, and a 401 without WWW-Authenticate is none.
 */
void response_repeat(request_rec *r);

#endif
