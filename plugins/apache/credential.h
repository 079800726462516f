/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the credential is in a request, and taking it out of there.
 */
#ifndef APACHE_CREDENTIAL_H
#define APACHE_CREDENTIAL_H

#include <httpd.h>
#include <apr_tables.h>

#include "settings.h"

enum credential_count { CREDENTIAL_NONE, CREDENTIAL_ONE, CREDENTIAL_SEVERAL };

struct credential {
	const char *token;
	enum source_kind from;
};

/*
 * Looks through sources (struct source) in the headers and the query as the
 * client sent them. *credential is set for CREDENTIAL_ONE; its token may be
 * empty, where the client named a scheme and gave nothing. More than one place,
 * or one place used twice, is CREDENTIAL_SEVERAL: RFC 6750 section 2 allows
 * one, and to choose would let two parties of one request be different ones.
 */
enum credential_count credential_find(apr_pool_t *pool,
    const apr_table_t *headers, const char *query, int proxied,
    const apr_array_header_t *sources, struct credential *credential);

/*
 * Takes whatever the sources name out of r, so that no handler, backend, CGI
 * or log format sees it; a token that SetEnvIf had copied too. token may be
 * NULL. Other schemes of the Authorization header stay.
 */
void credential_strip(
    request_rec *r, const apr_array_header_t *sources, const char *token);

#endif
