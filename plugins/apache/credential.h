/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the credential is in a request, and taking it out of there.
 */
#ifndef APACHE_CREDENTIAL_H
#define APACHE_CREDENTIAL_H

#include <stdbool.h>

#include <httpd.h>
#include <apr_tables.h>

#include "settings.h"

/* Something that stood where a token may come from. */
struct credential {
	const char *token; /* empty: a scheme was named and no token given */
	const char *user;  /* of SOURCE_BASIC, else NULL */
	const char *sent;  /* the token as it was sent: base64 or itself */
	enum source_kind from;
};

enum credential_count { CREDENTIAL_NONE, CREDENTIAL_ONE, CREDENTIAL_SEVERAL };

/* The header field of Bearer and Basic; proxied: the client takes us for its
 * proxy. */
const char *credential_authorization(bool proxied);

/* Whether it has the shape and checksum of a token of apikeyd's. */
bool credential_is_token(const char *text);
/* Whether it, or a user name that came with it, has. */
bool credential_holds_token(const struct credential *credential);
/* Whether it can be a token at all: of ours, or one that was made elsewhere. */
bool credential_is_plausible(const char *text);

/*
 * Looks through sources (struct source) in the headers and the query as the
 * client sent them. Returns what is there, as an array of struct credential.
 */
apr_array_header_t *
credential_find(apr_pool_t *pool, const apr_table_t *headers, const char *query,
    int proxied, const apr_array_header_t *sources);

/*
 * More than one place, or one place used twice, is CREDENTIAL_SEVERAL: RFC
 * 6750 section 2 allows one, and to choose would let two parties of one
 * request be different ones.
 */
enum credential_count credential_count(const apr_array_header_t *found);

/*
 * Takes whatever the sources name out of r, so that no handler, backend, CGI
 * or log format sees it; a token found also from where SetEnvIf had copied
 * it. Other schemes of the Authorization header stay.
 */
void credential_strip(request_rec *r, const apr_array_header_t *sources,
    const apr_array_header_t *found);

/* Takes what apikeyd says is a token out of where SetEnvIf had copied it to. */
void
credential_strip_copies(request_rec *r, const struct credential *credential);

#endif
