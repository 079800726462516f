/* SPDX-License-Identifier: BSD-2-Clause */
#include "problem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_core.h>
#include <util_filter.h>
#include <apr_strings.h>

#define FILTER_NAME "APIKEY_PROBLEM"

static ap_filter_rec_t *filter;

/* Of a quality from 0 to 1, whatever a client may send: RFC 9110 section
 * 12.4.2 has no finer ones. */
static int
thousandths(double value)
{
	if (!(value > 0))
		return 0;
	return value < 1 ? (int)(value * 1000) : 1000;
}

static int
quality(const char *parameters)
{
	const char *q = strchr(parameters, ';');

	for (; q != NULL; q = strchr(q, ';')) {
		q++;
		q += strspn(q, " \t");
		if ((q[0] == 'q' || q[0] == 'Q') && q[1] == '=')
			return thousandths(strtod(q + 2, NULL));
	}
	return 1000;
}

/* How closely a media range of the length names the type: 0 not at all. */
static int
closeness(const char *range, size_t len, const char *type)
{
	size_t family = (size_t)(strchr(type, '/') + 1 - type);

	if (len == strlen(type) && strncasecmp(range, type, len) == 0)
		return 3;
	if (len == family + 1 && range[family] == '*' &&
	    strncasecmp(range, type, family) == 0)
		return 2;
	return len == 3 && strncmp(range, "*/*", 3) == 0;
}

/* The quality of the range that names the type most closely. */
static int
preference(apr_pool_t *pool, const char *accept, const char *type)
{
	int best = 0, found = 0;

	while (*accept != '\0') {
		size_t len;
		const char *range;
		int close;

		accept += strspn(accept, " \t");
		len = strcspn(accept, ",");
		range = apr_pstrmemdup(pool, accept, len);
		close = closeness(range, strcspn(range, "; \t"), type);

		if (close > best) {
			best = close;
			found = quality(range);
		}
		accept += len + (accept[len] != '\0');
	}
	return found;
}

static bool
likes_json(const request_rec *r)
{
	const char *accept = apr_table_get(r->headers_in, "Accept");
	int json, problem;

	if (accept == NULL)
		return true;
	json = preference(r->pool, accept, "application/json");
	problem = preference(r->pool, accept, "application/problem+json");
	if (problem > json)
		json = problem;
	return json > 0 && json >= preference(r->pool, accept, "text/html");
}

/* The texts are ours and need no escaping. about:blank wants the title to be
 * HTTP's own (RFC 9457 section 4.2.1). */
static const char *
document(request_rec *r, const char *detail)
{
	const char *line = ap_get_status_line(r->status);

	return apr_psprintf(r->pool,
	    "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,"
	    "\"detail\":\"%s\"}\n",
	    strlen(line) > 4 ? line + 4 : "", r->status, detail);
}

/* Lets nothing of httpd's own document through. */
static apr_status_t
replace(ap_filter_t *self, apr_bucket_brigade *brigade)
{
	request_rec *r = self->r;
	const char *text = document(r, self->ctx);
	apr_bucket *last = APR_BRIGADE_LAST(brigade), *body;

	if (APR_BRIGADE_EMPTY(brigade) || !APR_BUCKET_IS_EOS(last)) {
		apr_brigade_cleanup(brigade);
		return APR_SUCCESS;
	}
	APR_BUCKET_REMOVE(last);
	apr_brigade_cleanup(brigade);
	ap_set_content_type(r, "application/problem+json");
	ap_set_content_length(r, (apr_off_t)strlen(text));
	apr_table_unset(r->headers_out, "Content-Language");
	body = apr_bucket_pool_create(
	    text, strlen(text), r->pool, self->c->bucket_alloc);
	APR_BRIGADE_INSERT_TAIL(brigade, body);
	APR_BRIGADE_INSERT_TAIL(brigade, last);
	ap_remove_output_filter(self);
	return ap_pass_brigade(self->next, brigade);
}

void
problem_register(void)
{
	filter = ap_register_output_filter(
	    FILTER_NAME, replace, NULL, AP_FTYPE_RESOURCE);
}

void
problem_insert(request_rec *r, const char *detail)
{
	if (ap_response_code_string(r, ap_index_of_response(r->status)) ==
		NULL &&
	    likes_json(r))
		ap_add_output_filter_handle(
		    filter, (void *)detail, r, r->connection);
}
