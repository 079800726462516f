/* SPDX-License-Identifier: BSD-2-Clause */
#include "response.h"

#include <string.h>

#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <apr_strings.h>

/* The first versions of httpd 2.4 have no name for it. */
#ifndef HTTP_TOO_MANY_REQUESTS
#define HTTP_TOO_MANY_REQUESTS 429
#endif

#define REALM_DEFAULT      "ApiKey"
#define INVALID_REQUEST    "invalid_request"
#define INVALID_TOKEN      "invalid_token"
#define INSUFFICIENT_SCOPE "insufficient_scope"

/* Seconds a client is asked to wait where apikeyd did not answer: longer than
 * a restart of it takes. */
enum { RETRY_NO_ANSWER_S = 5 };

struct outcome {
	int status;
	const char *error; /* RFC 6750 section 3.1, or NULL */
};

/* The table of verdicts, total: without a default the compiler finds a verdict
 * that is missing, and a number that is none of them is no yes. */
static struct outcome
outcome_of(enum apikey_verdict verdict)
{
	switch (verdict) {
	case APIKEY_VALID:
		return (struct outcome){OK, NULL};
	case APIKEY_MALFORMED:
	case APIKEY_UNKNOWN:
	case APIKEY_REVOKED:
	case APIKEY_DISABLED:
	case APIKEY_EXPIRED:
	case APIKEY_ACCOUNT_INACTIVE:
		return (struct outcome){HTTP_UNAUTHORIZED, INVALID_TOKEN};
	case APIKEY_PRODUCT_DISABLED:
	case APIKEY_ACCOUNT_MISMATCH:
	case APIKEY_PRODUCT_MISMATCH:
	case APIKEY_USER_MISMATCH:
	case APIKEY_SERVICE_DENIED:
	case APIKEY_ADDRESS_DENIED:
		return (struct outcome){HTTP_FORBIDDEN, NULL};
	case APIKEY_PERMISSION_DENIED:
		return (struct outcome){HTTP_FORBIDDEN, INSUFFICIENT_SCOPE};
	case APIKEY_RATE_LIMITED:
	case APIKEY_QUOTA_EXCEEDED:
		return (struct outcome){HTTP_TOO_MANY_REQUESTS, NULL};
	case APIKEY_NO_ANSWER:
		break;
	}
	return (struct outcome){HTTP_SERVICE_UNAVAILABLE, NULL};
}

/*
 * quoted-string of RFC 9110; what cannot stand in one is left out. httpd has
 * escaped the quotes of an AuthName already, so a backslash that escapes
 * something stays, and nothing is escaped twice.
 */
static const char *
quoted(apr_pool_t *pool, const char *text)
{
	char *out = apr_palloc(pool, 2 * strlen(text) + 3), *to = out;

	*to++ = '"';
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			continue;
		if (*text == '\\' && (text[1] == '"' || text[1] == '\\'))
			*to++ = *text++;
		else if (*text == '"' || *text == '\\')
			*to++ = '\\';
		*to++ = *text;
	}
	*to++ = '"';
	*to = '\0';
	return out;
}

static const char *
challenge(request_rec *r, const char *error, const char *scope)
{
	const char *realm = ap_auth_name(r);

	return apr_pstrcat(r->pool, "Bearer realm=",
	    quoted(r->pool, realm != NULL ? realm : REALM_DEFAULT),
	    error != NULL ? ", error=\"" : "", error != NULL ? error : "",
	    error != NULL ? "\"" : "", scope != NULL ? ", scope=" : "",
	    scope != NULL ? quoted(r->pool, scope) : "", NULL);
}

static void
set_fields(request_rec *r, const struct refusal *refusal)
{
	apr_table_t *fields = r->err_headers_out;

	if (refusal->challenge != NULL)
		apr_table_set(fields,
		    r->proxyreq == PROXYREQ_PROXY ? "Proxy-Authenticate"
						  : "WWW-Authenticate",
		    refusal->challenge);
	if (refusal->retry_after_s > 0)
		apr_table_setn(fields, "Retry-After",
		    apr_psprintf(
			r->pool, "%" APR_UINT64_T_FMT, refusal->retry_after_s));
	if (refusal->status == HTTP_TOO_MANY_REQUESTS)
		apr_table_setn(fields, "Cache-Control", "no-store");
}

static int
refuse(request_rec *r, int status, const char *challenge_text,
    apr_uint64_t retry_after_s)
{
	struct refusal *refusal = &inquiry_of(r)->refusal;

	refusal->status = status;
	refusal->challenge = challenge_text;
	refusal->retry_after_s = retry_after_s;
	set_fields(r, refusal);
	return status;
}

void
response_repeat(request_rec *r)
{
	const struct refusal *refusal = &inquiry_of(r)->refusal;

	if (refusal->status != 0 &&
	    (r->status == refusal->status ||
		(r->status == HTTP_PROXY_AUTHENTICATION_REQUIRED &&
		    refusal->status == HTTP_UNAUTHORIZED)))
		set_fields(r, refusal);
}

int
response_no_credential(request_rec *r)
{
	return refuse(r, HTTP_UNAUTHORIZED, challenge(r, NULL, NULL), 0);
}

int
response_several_credentials(request_rec *r)
{
	return refuse(
	    r, HTTP_BAD_REQUEST, challenge(r, INVALID_REQUEST, NULL), 0);
}

int
response_not_authorized(request_rec *r, const char *missing_scope)
{
	return refuse(r, HTTP_FORBIDDEN,
	    missing_scope != NULL
		? challenge(r, INSUFFICIENT_SCOPE, missing_scope)
		: NULL,
	    0);
}

/* In whole seconds, as HTTP counts, and never too early. */
static apr_uint64_t
seconds_up(apr_uint64_t ms)
{
	return ms / 1000 + (ms % 1000 != 0);
}

static apr_uint64_t
seconds_until(apr_int64_t at_ms)
{
	apr_int64_t now_ms = (apr_int64_t)apr_time_as_msec(apr_time_now());

	return at_ms > now_ms ? seconds_up((apr_uint64_t)(at_ms - now_ms)) : 0;
}

static apr_uint64_t
retry_after(const struct apikey_result *result)
{
	apr_uint64_t seconds = seconds_up(result->retry_after_ms);

	if (seconds == 0 && result->verdict == APIKEY_QUOTA_EXCEEDED)
		seconds = seconds_until(result->quota_resets_at);
	return seconds;
}

/* Until the bucket is full again, if nobody takes anything. */
static apr_uint64_t
refill_ms(const struct apikey_result *result)
{
	apr_uint64_t missing = result->rate_remaining < result->rate_limit
	    ? result->rate_limit - result->rate_remaining
	    : 0;

	/* Both below 2^32 and a century: no product comes near 2^64. */
	return (missing * result->rate_per_ms + result->rate_limit - 1) /
	    result->rate_limit;
}

static void
add_limit(apr_pool_t *pool, apr_table_t *fields, const char *policy,
    const char *state)
{
	apr_table_mergen(fields, "RateLimit-Policy", apr_pstrdup(pool, policy));
	apr_table_mergen(fields, "RateLimit", apr_pstrdup(pool, state));
}

/* On the first request of the client's: whatever httpd makes of it, its error
 * fields are sent, and sent once. */
static void
set_limits(request_rec *r, const struct apikey_result *result)
{
	apr_table_t *fields;
	const char *reset;

	r = inquiry_first(r);
	fields = r->err_headers_out;
	apr_table_unset(fields, "RateLimit-Policy");
	apr_table_unset(fields, "RateLimit");
	if (result->rate_limit != 0) {
		apr_uint64_t wait = result->verdict == APIKEY_RATE_LIMITED
		    ? retry_after(result)
		    : seconds_up(refill_ms(result));

		add_limit(r->pool, fields,
		    apr_psprintf(r->pool, "\"burst\";q=%u;w=%" APR_UINT64_T_FMT,
			result->rate_limit, seconds_up(result->rate_per_ms)),
		    apr_psprintf(r->pool, "\"burst\";r=%u;t=%" APR_UINT64_T_FMT,
			result->rate_remaining, wait));
	}
	if (result->quota_limit != 0) {
		reset = result->quota_resets_at == 0
		    ? ""
		    : apr_psprintf(r->pool, ";t=%" APR_UINT64_T_FMT,
			  seconds_until(result->quota_resets_at));
		add_limit(r->pool, fields,
		    apr_psprintf(r->pool, "\"quota\";q=%" APR_UINT64_T_FMT,
			result->quota_limit),
		    apr_psprintf(r->pool, "\"quota\";r=%" APR_UINT64_T_FMT "%s",
			result->quota_remaining, reset));
	}
}

/* What the section asked for, as the scope attribute lists it: the permission
 * and the scopes, separated by spaces. */
static const char *
scope_asked(request_rec *r, const struct apikey_request *asked)
{
	const char *list = asked->permission != APIKEY_PERMISSION_NONE
	    ? apikey_permission_text(asked->permission)
	    : NULL;

	for (size_t i = 0; i < asked->scope_count; i++)
		list = list == NULL
		    ? asked->scopes[i]
		    : apr_pstrcat(r->pool, list, " ", asked->scopes[i], NULL);
	return list;
}

void
response_private(request_rec *r)
{
	apr_table_setn(
	    inquiry_first(r)->err_headers_out, "Cache-Control", "private");
}

int
response_of_answer(request_rec *r, const struct answer *answer)
{
	struct outcome outcome =
	    outcome_of(answer->status == APIKEY_OK ? answer->result.verdict
						   : APIKEY_NO_ANSWER);
	apr_uint64_t wait_s = retry_after(&answer->result);
	const char *challenge_text = NULL;

	/* A request that we should not have made: asking again is no help. */
	if (answer->status == APIKEY_ARGUMENT)
		return refuse(r, HTTP_INTERNAL_SERVER_ERROR, NULL, 0);
	set_limits(r, &answer->result);
	if (outcome.status == OK)
		return OK;
	if (outcome.status == HTTP_SERVICE_UNAVAILABLE)
		wait_s = RETRY_NO_ANSWER_S;
	if (outcome.error != NULL)
		challenge_text = challenge(r, outcome.error,
		    answer->result.verdict == APIKEY_PERMISSION_DENIED
			? scope_asked(r, &answer->asked)
			: NULL);
	return refuse(r, outcome.status, challenge_text, wait_s);
}
