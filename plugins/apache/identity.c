/* SPDX-License-Identifier: BSD-2-Clause */
#include "identity.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_tables.h>

static const struct {
	const char *variable;
	size_t text; /* of struct apikey_result; 0: the permission's */
} variables[] = {
    {"APIKEY_ID", offsetof(struct apikey_result, id)},
    {"APIKEY_NAME", offsetof(struct apikey_result, name)},
    {"APIKEY_ACCOUNT", offsetof(struct apikey_result, account)},
    {"APIKEY_PRODUCT", offsetof(struct apikey_result, product)},
    {"APIKEY_PERMISSION", 0},
    {"APIKEY_SCOPES", offsetof(struct apikey_result, scopes)},
    {"APIKEY_ENVIRONMENT", offsetof(struct apikey_result, environment)},
};

enum { VARIABLE_COUNT = sizeof variables / sizeof variables[0] };

void
identity_set(request_rec *r, const struct apikey_result *result)
{
	identity_clear(r);
	for (int i = 0; i < VARIABLE_COUNT; i++) {
		const char *text = variables[i].text == 0
		    ? apikey_permission_text(result->permission)
		    : (const char *)result + variables[i].text;

		if (text[0] != '\0')
			apr_table_setn(
			    r->subprocess_env, variables[i].variable, text);
	}
	r->user = (char *)(result->user[0] != '\0' ? result->user : result->id);
	r->ap_auth_type = (char *)"ApiKey";
}

void
identity_clear(request_rec *r)
{
	for (int i = 0; i < VARIABLE_COUNT; i++)
		apr_table_unset(r->subprocess_env, variables[i].variable);
}

/* Servers and languages take - and _ for the same, and case for nothing. */
static bool
looks_like(const char *header, const char *variable)
{
	for (; *header != '\0' && *variable != '\0'; header++, variable++)
		if ((*header == '-' ? '_' : apr_toupper(*header)) != *variable)
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
