/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connections of one httpd process to apikeyd. Each is used by one thread
 * at a time; there are at most as many as the process has threads, and they
 * are made when first needed.
 */
#ifndef APACHE_CONNECTIONS_H
#define APACHE_CONNECTIONS_H

#include <httpd.h>

#include "plugins/client/apikey.h"

/* For the child_init hook. Servers with the same socket and timeout share. */
void connections_open(apr_pool_t *pool, server_rec *servers);

/*
 * apikey_verify() on a connection that is free. *error: the errno of what kept
 * apikeyd unavailable, 0 where there is none to tell.
 */
enum apikey_status
connections_verify(const request_rec *r, const struct apikey_request *request,
    struct apikey_result *result, int *error);
/* apikey_usage(), likewise. */
enum apikey_status
connections_usage(const request_rec *r, const struct apikey_request *request,
    enum apikey_window window, struct apikey_usage *usage, int *error);

#endif
