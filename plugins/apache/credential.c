/* SPDX-License-Identifier: BSD-2-Clause */
#include "credential.h"

#include <stdbool.h>
#include <string.h>

#include <apr_base64.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "plugins/client/apikey.h"
#include "proto/token.h"

const char *
credential_authorization(bool proxied)
{
	return proxied ? "Proxy-Authorization" : "Authorization";
}

static const char *
skip_space(const char *text)
{
	return text + strspn(text, " \t");
}

static const char *
scheme_name(enum source_kind from)
{
	return from == SOURCE_BASIC ? "Basic" : "Bearer";
}

/* The parameters after the scheme, or NULL where the scheme is another one.
 * Scheme names are case-insensitive (RFC 9110 section 11.1). */
static const char *
after_scheme(const char *value, enum source_kind from)
{
	const char *scheme = scheme_name(from);
	size_t len = strlen(scheme);

	value = skip_space(value);
	if (strncasecmp(value, scheme, len) != 0)
		return NULL;
	value += len;
	if (*value != '\0' && *value != ' ' && *value != '\t')
		return NULL;
	return skip_space(value);
}

/* httpd joins repeated header lines with a comma, which no token contains. */
static bool
names_scheme(const char *value, enum source_kind from)
{
	for (; value != NULL; value = strchr(value, ',')) {
		if (*value == ',')
			value++;
		if (after_scheme(value, from) != NULL)
			return true;
	}
	return false;
}

static const char *
trimmed(apr_pool_t *pool, const char *text)
{
	size_t len;

	text = skip_space(text);
	len = strlen(text);
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	return apr_pstrmemdup(pool, text, len);
}

/*
 * user-pass of RFC 7617. What it is not, has an empty token, which is
 * malformed: a NUL inside would let the text that is checked and the text
 * that somebody else sees be different ones.
 */
static struct credential
basic_credential(apr_pool_t *pool, const char *encoded)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz0123456789+/";
	struct credential credential = {"", "", encoded, SOURCE_BASIC};
	size_t digits = strspn(encoded, alphabet);
	char *text, *colon;
	int len;

	if (encoded[digits + strspn(encoded + digits, "=")] != '\0')
		return credential;
	text = apr_palloc(pool, (apr_size_t)apr_base64_decode_len(encoded) + 1);
	len = apr_base64_decode(text, encoded);
	colon = strchr(text, ':');
	if (len < 0 || strlen(text) != (size_t)len || colon == NULL)
		return credential;
	*colon = '\0';
	credential.user = text;
	credential.token = colon + 1;
	return credential;
}

static struct credential
credential_of(apr_pool_t *pool, const char *text, enum source_kind from)
{
	if (from == SOURCE_HEADER)
		return (struct credential){text, NULL, text, from};
	if (after_scheme(text, from) != NULL)
		text = after_scheme(text, from);
	return from == SOURCE_BASIC
	    ? basic_credential(pool, text)
	    : (struct credential){text, NULL, text, from};
}

/* What stands between two commas. */
static void
add_found(apr_pool_t *pool, const char *value, enum source_kind from,
    apr_array_header_t *found)
{
	const char *end;

	do {
		const char *text;

		end = strchr(value, ',');
		text = trimmed(pool,
		    end == NULL ? value
				: apr_pstrmemdup(
				      pool, value, (apr_size_t)(end - value)));
		APR_ARRAY_PUSH(found, struct credential) =
		    credential_of(pool, text, from);
		value = end == NULL ? NULL : end + 1;
	} while (value != NULL);
}

static void
find_scheme(apr_pool_t *pool, const char *value, enum source_kind from,
    apr_array_header_t *found)
{
	if (names_scheme(value, from))
		add_found(pool, value, from, found);
}

static void
find_header(apr_pool_t *pool, const char *value, apr_array_header_t *found)
{
	if (value != NULL && *skip_space(value) != '\0')
		add_found(pool, value, SOURCE_HEADER, found);
}

/*
 * Cuts the next NAME=VALUE off *query. Returns it, or NULL at the end; *value
 * is decoded where the parameter is called name, and else NULL. A name is
 * compared decoded, since that is how a backend will see it.
 */
static const char *
next_parameter(
    apr_pool_t *pool, const char **query, const char *name, const char **value)
{
	size_t len = strcspn(*query, "&;");
	char *raw, *decoded, *equals;

	*value = NULL;
	if (**query == '\0')
		return NULL;
	raw = apr_pstrmemdup(pool, *query, len);
	*query += len + ((*query)[len] != '\0');
	decoded = apr_pstrdup(pool, raw);
	equals = strchr(decoded, '=');
	if (equals != NULL)
		*equals = '\0';
	/* A bad escape is left as it is, and is then a bad token. */
	ap_unescape_urlencoded(decoded);
	if (strcmp(decoded, name) != 0)
		return raw;
	*value = "";
	if (equals != NULL) {
		ap_unescape_urlencoded(equals + 1);
		*value = equals + 1;
	}
	return raw;
}

static void
find_query(apr_pool_t *pool, const char *query, const char *name,
    apr_array_header_t *found)
{
	const char *value;

	while (
	    query != NULL && next_parameter(pool, &query, name, &value) != NULL)
		if (value != NULL && value[0] != '\0')
			APR_ARRAY_PUSH(found, struct credential) =
			    (struct credential){
				value, NULL, value, SOURCE_QUERY};
}

apr_array_header_t *
credential_find(apr_pool_t *pool, const apr_table_t *headers, const char *query,
    int proxied, const apr_array_header_t *sources)
{
	apr_array_header_t *found =
	    apr_array_make(pool, 1, sizeof(struct credential));

	for (int i = 0; i < sources->nelts; i++) {
		const struct source *source =
		    &APR_ARRAY_IDX(sources, i, struct source);

		switch (source->kind) {
		case SOURCE_BEARER:
		case SOURCE_BASIC:
			find_scheme(pool,
			    apr_table_get(
				headers, credential_authorization(proxied)),
			    source->kind, found);
			break;
		case SOURCE_HEADER:
			find_header(
			    pool, apr_table_get(headers, source->name), found);
			break;
		case SOURCE_QUERY:
			find_query(pool, query, source->name, found);
			break;
		}
	}
	return found;
}

enum credential_count
credential_count(const apr_array_header_t *found)
{
	if (found->nelts == 0)
		return CREDENTIAL_NONE;
	return found->nelts == 1 ? CREDENTIAL_ONE : CREDENTIAL_SEVERAL;
}

/* query without the parameters called name; NULL where none is left. */
static char *
without_parameter(apr_pool_t *pool, const char *query, const char *name)
{
	char *kept = NULL;
	const char *raw, *value;

	while ((raw = next_parameter(pool, &query, name, &value)) != NULL)
		if (value == NULL)
			kept = kept == NULL
			    ? apr_pstrdup(pool, raw)
			    : apr_pstrcat(pool, kept, "&", raw, NULL);
	return kept;
}

static bool
has_parameter(apr_pool_t *pool, const char *query, const char *name)
{
	const char *value;

	while (next_parameter(pool, &query, name, &value) != NULL)
		if (value != NULL)
			return true;
	return false;
}

/* The same for the query inside a URI or a request line. What is called by
 * another name stays byte for byte as it was. */
static void
strip_query_in(apr_pool_t *pool, char **text, const char *name)
{
	char *mark = *text == NULL ? NULL : strchr(*text, '?');
	size_t len;
	char *query, *kept;

	if (mark == NULL)
		return;
	len = strcspn(mark + 1, " #");
	query = apr_pstrmemdup(pool, mark + 1, len);
	if (!has_parameter(pool, query, name))
		return;
	kept = without_parameter(pool, query, name);
	*text = apr_pstrcat(pool,
	    apr_pstrmemdup(pool, *text, (apr_size_t)(mark - *text)),
	    kept == NULL ? "" : "?", kept == NULL ? "" : kept, mark + 1 + len,
	    NULL);
}

/* REQUEST_URI is made of the request line, the access log prints it, and a
 * proxied URL is put together before authentication. */
static void
strip_query(request_rec *r, const char *name)
{
	for (; r != NULL; r = r->prev != NULL ? r->prev : r->main) {
		if (r->args != NULL && has_parameter(r->pool, r->args, name))
			r->args = without_parameter(r->pool, r->args, name);
		if (r->parsed_uri.query != NULL &&
		    has_parameter(r->pool, r->parsed_uri.query, name))
			r->parsed_uri.query = without_parameter(
			    r->pool, r->parsed_uri.query, name);
		strip_query_in(r->pool, &r->unparsed_uri, name);
		strip_query_in(r->pool, &r->the_request, name);
		if (r->proxyreq != PROXYREQ_NONE)
			strip_query_in(r->pool, &r->filename, name);
	}
}

/* The names of the variables that hold text, or NULL: there are none. */
static const apr_array_header_t *
variables_with(request_rec *r, const char *text)
{
	const apr_array_header_t *all = apr_table_elts(r->subprocess_env);
	apr_array_header_t *names = NULL;

	for (int i = 0; i < all->nelts; i++) {
		const apr_table_entry_t *entry =
		    &APR_ARRAY_IDX(all, i, apr_table_entry_t);

		if (entry->key == NULL || entry->val == NULL ||
		    strstr(entry->val, text) == NULL)
			continue;
		if (names == NULL)
			names =
			    apr_array_make(r->pool, 2, sizeof(const char *));
		APR_ARRAY_PUSH(names, const char *) = entry->key;
	}
	return names;
}

/*
 * SetEnvIf Authorization "(.*)" HTTP_AUTHORIZATION=$1 is a common line. Only
 * for what has the shape of a token or is one, as apikeyd says: with any other
 * text a client could choose which variables of the server's it takes away,
 * and Require env asks them.
 */
static void
strip_environment(request_rec *r, const char *token)
{
	const apr_array_header_t *names = variables_with(r, token);

	for (int i = 0; names != NULL && i < names->nelts; i++)
		apr_table_unset(
		    r->subprocess_env, APR_ARRAY_IDX(names, i, const char *));
}

bool
credential_is_token(const char *text)
{
	return apikey_token_check(text, strlen(text)) == APIKEY_REASON_NONE;
}

bool
credential_is_plausible(const char *text)
{
	size_t len = strlen(text);

	if (len < 1 || len > FOREIGN_TOKEN_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!apr_isascii(text[i]) || !apr_isprint(text[i]))
			return false;
	return true;
}

bool
credential_holds_token(const struct credential *credential)
{
	return credential_is_token(credential->token) ||
	    (credential->user != NULL && credential_is_token(credential->user));
}

void
credential_strip(request_rec *r, const apr_array_header_t *sources,
    const apr_array_header_t *found)
{
	const char *authorization =
	    credential_authorization(r->proxyreq == PROXYREQ_PROXY);

	for (int i = 0; i < sources->nelts; i++) {
		const struct source *source =
		    &APR_ARRAY_IDX(sources, i, struct source);

		switch (source->kind) {
		case SOURCE_BEARER:
		case SOURCE_BASIC:
			if (names_scheme(
				apr_table_get(r->headers_in, authorization),
				source->kind))
				apr_table_unset(r->headers_in, authorization);
			break;
		case SOURCE_HEADER:
			apr_table_unset(r->headers_in, source->name);
			break;
		case SOURCE_QUERY:
			strip_query(r, source->name);
			break;
		}
	}
	for (int i = 0; i < found->nelts; i++) {
		const struct credential *credential =
		    &APR_ARRAY_IDX(found, i, struct credential);

		/* This first: a checksum costs more, and as a rule there is
		 * nothing. */
		if (variables_with(r, credential->token) == NULL &&
		    variables_with(r, credential->sent) == NULL)
			continue;
		if (!credential_holds_token(credential))
			continue;
		if (credential_is_token(credential->token))
			strip_environment(r, credential->token);
		strip_environment(r, credential->sent);
	}
}

void
credential_strip_copies(request_rec *r, const struct credential *credential)
{
	strip_environment(r, credential->token);
	strip_environment(r, credential->sent);
}
