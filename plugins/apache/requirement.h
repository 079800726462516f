/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Require apikey-account, apikey-product, apikey-permission, apikey-scope:
 * authz providers that judge the facts of a verified key.
 *
 * A line with several words is satisfied by any of them, as with httpd's own
 * Require user. write includes read.
 */
#ifndef APACHE_REQUIREMENT_H
#define APACHE_REQUIREMENT_H

#include <apr_pools.h>

void requirements_register(apr_pool_t *pool);

#endif
