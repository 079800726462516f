/* SPDX-License-Identifier: BSD-2-Clause */
#include "identity.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_tables.h>

static const struct {
	const char *variable;
	const char *header;
	size_t text; /* of struct apikey_result; 0: the permission's */
} variables[] = {
    {"APIKEY_ID", "Apikey-Id", offsetof(struct apikey_result, id)},
    {"APIKEY_NAME", "Apikey-Name", offsetof(struct apikey_result, name)},
    {"APIKEY_ACCOUNT", "Apikey-Account",
	offsetof(struct apikey_result, account)},
    {"APIKEY_PRODUCT", "Apikey-Product",
	offsetof(struct apikey_result, product)},
    {"APIKEY_PERMISSION", "Apikey-Permission", 0},
    {"APIKEY_SCOPES", "Apikey-Scopes", offsetof(struct apikey_result, scopes)},
    {"APIKEY_ENVIRONMENT", "Apikey-Environment",
	offsetof(struct apikey_result, environment)},
};

enum { VARIABLE_COUNT = sizeof variables / sizeof variables[0] };

static const char *
value_of(const struct apikey_result *result, int i)
{
	return variables[i].text == 0
	    ? apikey_permission_text(result->permission)
	    : (const char *)result + variables[i].text;
}

void
identity_set(request_rec *r, const struct apikey_result *result)
{
	identity_clear(r);
	for (int i = 0; i < VARIABLE_COUNT; i++) {
		const char *text = value_of(result, i);

		if (text[0] != '\0')
			apr_table_setn(
			    r->subprocess_env, variables[i].variable, text);
	}
	r->user = (char *)(result->user[0] != '\0' ? result->user : result->id);
}

/* As a field's value: a name may hold what ends a line. */
static const char *
field_value(apr_pool_t *pool, const char *text)
{
	char *value = apr_pstrdup(pool, text);

	for (char *at = value; *at != '\0'; at++)
		if (apr_iscntrl(*at))
			*at = ' ';
	return value;
}

void
identity_pass(request_rec *r, const struct apikey_result *result)
{
	identity_strip(r);
	for (int i = 0; i < VARIABLE_COUNT; i++) {
		const char *text = value_of(result, i);

		if (text[0] != '\0')
			apr_table_setn(r->headers_in, variables[i].header,
			    field_value(r->pool, text));
	}
}

void
identity_clear(request_rec *r)
{
	for (int i = 0; i < VARIABLE_COUNT; i++)
		apr_table_unset(r->subprocess_env, variables[i].variable);
}

/* Servers and languages take - and _, and some a dot, for the same, and case
 * for nothing. */
static bool
looks_like(const char *header, const char *variable)
{
	for (; *header != '\0' && *variable != '\0'; header++, variable++)
		if ((apr_isalnum(*header) ? apr_toupper(*header) : '_') !=
		    *variable)
			return false;
	return *header == *variable;
}

static const char *
identity_header(const apr_array_header_t *all)
{
	for (int i = 0; i < all->nelts; i++) {
		const char *key = APR_ARRAY_IDX(all, i, apr_table_entry_t).key;

		for (int j = 0; key != NULL && j < VARIABLE_COUNT; j++)
			if (looks_like(key, variables[j].variable))
				return key;
	}
	return NULL;
}

void
identity_strip(request_rec *r)
{
	const char *header;

	while (
	    (header = identity_header(apr_table_elts(r->headers_in))) != NULL)
		apr_table_unset(r->headers_in, header);
}
