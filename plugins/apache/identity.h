/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who a request is from, for handlers, CGI and logs: r->user and the APIKEY_*
 * environment. In a section that takes keys a variable is there only if a
 * valid key has put it there.
 */
#ifndef APACHE_IDENTITY_H
#define APACHE_IDENTITY_H

#include <httpd.h>

#include "plugins/client/apikey.h"

/* result lives as long as r. */
void identity_set(request_rec *r, const struct apikey_result *result);
void identity_clear(request_rec *r);

/* The same as request header fields Apikey-Id, Apikey-Account, ..., for a
 * backend that is asked next. No others that look so are left. */
void identity_pass(request_rec *r, const struct apikey_result *result);

/*
 * Takes out request header fields that are called as the variables are, with
 * hyphens or underscores: a backend may be set up to believe them.
 */
void identity_strip(request_rec *r);

#endif
