/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who a request is from: AuthType ApiKey, and the authn provider "apikey" for
 * AuthType Basic with AuthBasicProvider apikey, where the password is the
 * token.
 */
#ifndef APACHE_AUTHENTICATION_H
#define APACHE_AUTHENTICATION_H

#include <stdbool.h>

#include <httpd.h>

/* Whether the section takes keys in one of the two ways. */
bool authentication_is_ours(request_rec *r);
/* Whether it does with AuthType ApiKey. */
bool authentication_is_apikey(request_rec *r);

/*
 * For the check_authn hook, first of all modules. OK with r->user and the
 * visit's granted set, a refusal's status with the response's fields set, or
 * DECLINED in a section that is not ours.
 */
int authenticate(request_rec *r);

void authentication_register(apr_pool_t *pool);

#endif
