/* SPDX-License-Identifier: BSD-2-Clause */
#include "response.h"

#include <stdbool.h>
#include <string.h>

#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>
#include <apr_strings.h>

#include "problem.h"
#include "settings.h"

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

static ap_filter_rec_t *private_filter;

struct outcome {
	int status;
	const char *error;  /* RFC 6750 section 3.1, or NULL */
	const char *detail; /* for people */
};

/*
 * The table of verdicts, total: without a default the compiler finds a verdict
 * that is missing, and a number that is none of them is no yes. The details
 * may say what is wrong with a key: beyond malformed and unknown, a verdict is
 * only given to who has its secret.
 */
static struct outcome
outcome_of(enum apikey_verdict verdict)
{
	switch (verdict) {
	case APIKEY_VALID:
		return (struct outcome){OK, NULL, NULL};
	case APIKEY_MALFORMED:
		return (struct outcome){HTTP_UNAUTHORIZED, INVALID_TOKEN,
		    "What was sent is not a complete API key."};
	case APIKEY_UNKNOWN:
		return (struct outcome){HTTP_UNAUTHORIZED, INVALID_TOKEN,
		    "The API key is not known."};
	case APIKEY_REVOKED:
		return (struct outcome){HTTP_UNAUTHORIZED, INVALID_TOKEN,
		    "The API key has been revoked."};
	case APIKEY_DISABLED:
		return (struct outcome){HTTP_UNAUTHORIZED, INVALID_TOKEN,
		    "The API key is disabled."};
	case APIKEY_EXPIRED:
		return (struct outcome){HTTP_UNAUTHORIZED, INVALID_TOKEN,
		    "The API key has expired."};
	case APIKEY_ACCOUNT_INACTIVE:
		return (struct outcome){HTTP_UNAUTHORIZED, INVALID_TOKEN,
		    "The API key's account is not active."};
	case APIKEY_PRODUCT_DISABLED:
		return (struct outcome){HTTP_FORBIDDEN, NULL,
		    "The product is not enabled for the API key's account."};
	case APIKEY_ACCOUNT_MISMATCH:
		return (struct outcome){HTTP_FORBIDDEN, NULL,
		    "The API key belongs to another account."};
	case APIKEY_PRODUCT_MISMATCH:
		return (struct outcome){HTTP_FORBIDDEN, NULL,
		    "The API key is for another product."};
	case APIKEY_USER_MISMATCH:
		return (struct outcome){HTTP_FORBIDDEN, NULL,
		    "The API key does not belong to this user name."};
	case APIKEY_SERVICE_DENIED:
		return (struct outcome){HTTP_FORBIDDEN, NULL,
		    "The API key is not for use with this service."};
	case APIKEY_ADDRESS_DENIED:
		return (struct outcome){HTTP_FORBIDDEN, NULL,
		    "The API key may not be used from this address."};
	case APIKEY_PERMISSION_DENIED:
		return (struct outcome){HTTP_FORBIDDEN, INSUFFICIENT_SCOPE,
		    "The API key lacks a permission or scope."};
	case APIKEY_RATE_LIMITED:
		return (struct outcome){HTTP_TOO_MANY_REQUESTS, NULL,
		    "The API key is over its rate limit."};
	case APIKEY_QUOTA_EXCEEDED:
		return (struct outcome){HTTP_TOO_MANY_REQUESTS, NULL,
		    "The API key's quota is used up."};
	case APIKEY_NO_ANSWER:
		break;
	}
	return (struct outcome){HTTP_SERVICE_UNAVAILABLE, NULL,
	    "API keys cannot be checked at the moment."};
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
challenge(
    request_rec *r, const char *scheme, const char *error, const char *scope)
{
	const char *realm = ap_auth_name(r);

	return apr_pstrcat(r->pool, scheme,
	    " realm=", quoted(r->pool, realm != NULL ? realm : REALM_DEFAULT),
	    error != NULL ? ", error=\"" : "", error != NULL ? error : "",
	    error != NULL ? "\"" : "", scope != NULL ? ", scope=" : "",
	    scope != NULL ? quoted(r->pool, scope) : "", NULL);
}

static bool
takes(request_rec *r, enum source_kind kind)
{
	const apr_array_header_t *sources = settings_sources(settings_of(r));

	for (int i = 0; i < sources->nelts; i++)
		if (APR_ARRAY_IDX(sources, i, struct source).kind == kind)
			return true;
	return false;
}

/*
 * Which schemes the section invites to. Basic has no error codes, so beside
 * 401 it has nothing to say. Bearer stands for a section that takes neither:
 * a 401 needs a challenge, and there is no name for one's own header field.
 */
static void
set_challenges(request_rec *r, struct refusal *refusal, const char *error,
    const char *scope)
{
	bool is_basic = strcasecmp(ap_auth_type(r), "Basic") == 0;
	bool basic = is_basic || takes(r, SOURCE_BASIC);
	bool bearer = !is_basic && (takes(r, SOURCE_BEARER) || !basic);

	refusal->bearer =
	    bearer && (error != NULL || refusal->status == HTTP_UNAUTHORIZED)
	    ? challenge(r, "Bearer", error, scope)
	    : NULL;
	refusal->basic = basic && refusal->status == HTTP_UNAUTHORIZED
	    ? challenge(r, "Basic", NULL, NULL)
	    : NULL;
}

static void
set_fields(request_rec *r, const struct refusal *refusal)
{
	apr_table_t *fields = r->err_headers_out;
	const char *authenticate = r->proxyreq == PROXYREQ_PROXY
	    ? "Proxy-Authenticate"
	    : "WWW-Authenticate";

	/* mod_auth_basic may have said 401 to what is none. */
	apr_table_unset(fields, authenticate);
	if (refusal->bearer != NULL)
		apr_table_addn(fields, authenticate, refusal->bearer);
	if (refusal->basic != NULL)
		apr_table_addn(fields, authenticate, refusal->basic);
	if (refusal->retry_after_s > 0)
		apr_table_setn(fields, "Retry-After",
		    apr_psprintf(
			r->pool, "%" APR_UINT64_T_FMT, refusal->retry_after_s));
	if (refusal->status == HTTP_TOO_MANY_REQUESTS)
		apr_table_setn(fields, "Cache-Control", "no-store");
}

static int
refuse(request_rec *r, struct outcome outcome, const char *scope,
    apr_uint64_t retry_after_s)
{
	struct refusal *refusal = &inquiry_of(r)->refusal;

	refusal->status = outcome.status;
	refusal->detail = outcome.detail;
	refusal->retry_after_s = retry_after_s;
	set_challenges(r, refusal, outcome.error, scope);
	set_fields(r, refusal);
	return outcome.status;
}

/* Whether the response that is being sent is the refusal's. */
static bool
is_refusal(const request_rec *r, const struct refusal *refusal)
{
	return refusal->status != 0 &&
	    (r->status == refusal->status ||
		(r->status == HTTP_PROXY_AUTHENTICATION_REQUIRED &&
		    refusal->status == HTTP_UNAUTHORIZED));
}

void
response_repeat(request_rec *r)
{
	const struct refusal *refusal = &inquiry_of(r)->refusal;

	if (!is_refusal(r, refusal))
		return;
	set_fields(r, refusal);
	problem_insert(r, refusal->detail);
}

int
response_no_credential(request_rec *r)
{
	return refuse(r,
	    (struct outcome){HTTP_UNAUTHORIZED, NULL, "An API key is needed."},
	    NULL, 0);
}

int
response_several_credentials(request_rec *r)
{
	return refuse(r,
	    (struct outcome){HTTP_BAD_REQUEST, INVALID_REQUEST,
		"More than one API key was sent."},
	    NULL, 0);
}

int
response_key_for_user(request_rec *r)
{
	return refuse(r,
	    (struct outcome){HTTP_UNAUTHORIZED, INVALID_TOKEN,
		"The API key was sent as the user name, not as the password."},
	    NULL, 0);
}

int
response_not_authorized(request_rec *r, const char *missing_scope)
{
	return refuse(r,
	    (struct outcome){HTTP_FORBIDDEN,
		missing_scope != NULL ? INSUFFICIENT_SCOPE : NULL,
		"The API key does not give access to this."},
	    missing_scope, 0);
}

int
response_no_window(request_rec *r)
{
	return refuse(r,
	    (struct outcome){
		HTTP_BAD_REQUEST, NULL, "The window has to be 24h, 7d or 30d."},
	    NULL, 0);
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

/* A handler's own Cache-Control would stand beside ours, and say "public". */
static apr_status_t
keep_private(ap_filter_t *self, apr_bucket_brigade *brigade)
{
	request_rec *r = self->r;
	const char *said = apr_table_get(r->headers_out, "Cache-Control");

	if (said != NULL && !ap_find_token(r->pool, said, "private") &&
	    !ap_find_token(r->pool, said, "no-store"))
		apr_table_unset(r->headers_out, "Cache-Control");
	ap_remove_output_filter(self);
	return ap_pass_brigade(self->next, brigade);
}

void
response_register(void)
{
	private_filter = ap_register_output_filter(
	    "APIKEY_PRIVATE", keep_private, NULL, AP_FTYPE_PROTOCOL - 1);
}

void
response_private(request_rec *r)
{
	inquiry_of(r)->is_private = true;
	apr_table_setn(
	    inquiry_first(r)->err_headers_out, "Cache-Control", "private");
}

void
response_insert_filter(request_rec *r)
{
	if (inquiry_exists(r) && inquiry_of(r)->is_private)
		ap_add_output_filter_handle(
		    private_filter, NULL, r, r->connection);
}

int
response_of_answer(request_rec *r, const struct answer *answer)
{
	struct outcome outcome =
	    outcome_of(answer->status == APIKEY_OK ? answer->result.verdict
						   : APIKEY_NO_ANSWER);
	apr_uint64_t wait_s = retry_after(&answer->result);

	/* A request that we should not have made: asking again is no help. */
	if (answer->status == APIKEY_ARGUMENT)
		return HTTP_INTERNAL_SERVER_ERROR;
	set_limits(r, &answer->result);
	if (outcome.status == OK)
		return OK;
	if (outcome.status == HTTP_SERVICE_UNAVAILABLE)
		wait_s = RETRY_NO_ANSWER_S;
	return refuse(r, outcome,
	    answer->result.verdict == APIKEY_PERMISSION_DENIED
		? scope_asked(r, &answer->asked)
		: NULL,
	    wait_s);
}
