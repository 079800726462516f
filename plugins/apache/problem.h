/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Refusals as problem details (RFC 9457), for clients that like JSON no less
 * than HTML.
 */
#ifndef APACHE_PROBLEM_H
#define APACHE_PROBLEM_H

#include <httpd.h>

/* For the register_hooks function. */
void problem_register(void);

/*
 * For the insert_error_filter hook: the response of r, which httpd is about to
 * write in HTML, becomes a JSON document with this detail, unless the client
 * prefers HTML or the operator has configured an ErrorDocument.
 */
void problem_insert(request_rec *r, const char *detail);

#endif
