/* SPDX-License-Identifier: BSD-2-Clause */
#include "usage_handler.h"

#include <string.h>

#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <apr_strings.h>

#include "authentication.h"
#include "connections.h"
#include "inquiry.h"
#include "response.h"
#include "proto/text.h"

APLOG_USE_MODULE(authnz_apikey);

#define HANDLER "apikey-usage"

static const struct {
	const char *text;
	enum apikey_window window;
} windows[] = {
    {"24h", APIKEY_WINDOW_24H},
    {"7d", APIKEY_WINDOW_7D},
    {"30d", APIKEY_WINDOW_30D},
};

enum { WINDOWS = sizeof windows / sizeof windows[0] };

/* Which of windows the query asks for, the first where it does not; WINDOWS
 * for another one, or more than one. */
static size_t
window_asked(request_rec *r)
{
	static const char name[] = "window=";
	const char *at = r->args != NULL ? r->args : "";
	size_t found = 0, seen = 0;

	while (*at != '\0') {
		size_t len = strcspn(at, "&");

		if (strncmp(at, name, sizeof name - 1) == 0) {
			const char *value = apr_pstrmemdup(r->pool,
			    at + sizeof name - 1, len - (sizeof name - 1));

			for (found = 0; found < WINDOWS &&
			     strcmp(windows[found].text, value) != 0;
			     found++)
				;
			seen++;
		}
		at += len + (at[len] != '\0');
	}
	return seen > 1 ? WINDOWS : found;
}

/* A string of JSON, or null for an empty one. */
static void
put_text(request_rec *r, const char *text)
{
	if (text[0] == '\0') {
		ap_rputs("null", r);
		return;
	}
	ap_rputc('"', r);
	for (; *text != '\0'; text++)
		if (*text == '"' || *text == '\\')
			ap_rprintf(r, "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			ap_rprintf(r, "\\u%04x", (unsigned)*text);
		else
			ap_rputc(*text, r);
	ap_rputc('"', r);
}

static void
put_time(request_rec *r, int64_t at)
{
	char text[TIME_TEXT_MAX];

	time_text(at, text);
	put_text(r, text);
}

static void
put_count(request_rec *r, const char *before, uint64_t count)
{
	ap_rprintf(r, "%s%" APR_UINT64_T_FMT, before, (apr_uint64_t)count);
}

static void
put_verdicts(request_rec *r, const struct apikey_usage *usage)
{
	ap_rputs(",\"verdicts\":{", r);
	for (int i = APIKEY_VALID; i <= APIKEY_QUOTA_EXCEEDED; i++) {
		ap_rputs(i > APIKEY_VALID ? "," : "", r);
		put_text(r, apikey_verdict_text((enum apikey_verdict)i));
		put_count(r, ":", usage->verdicts[i]);
	}
	ap_rputs("}", r);
}

static void
put_endpoints(request_rec *r, const struct apikey_usage *usage)
{
	ap_rputs(",\"endpoints\":[", r);
	for (size_t i = 0; i < usage->endpoint_count; i++) {
		ap_rputs(i > 0 ? ",{\"endpoint\":" : "{\"endpoint\":", r);
		put_text(r, usage->endpoints[i].endpoint);
		put_count(r, ",\"calls\":", usage->endpoints[i].calls);
		ap_rputs("}", r);
	}
	put_count(r, "],\"other_endpoints\":", usage->other_endpoints);
}

static void
put_addresses(request_rec *r, const struct apikey_usage *usage)
{
	ap_rputs(",\"addresses\":[", r);
	for (size_t i = 0; i < usage->address_count; i++) {
		ap_rputs(i > 0 ? ",{\"address\":" : "{\"address\":", r);
		put_text(r, usage->addresses[i].address);
		put_count(r, ",\"calls\":", usage->addresses[i].calls);
		ap_rputs(",\"last_at\":", r);
		put_time(r, usage->addresses[i].last_at);
		ap_rputs("}", r);
	}
	put_count(r, "],\"other_addresses\":", usage->other_addresses);
}

static void
put_series(request_rec *r, const struct apikey_usage *usage)
{
	ap_rputs(",\"series\":[", r);
	for (size_t i = 0; i < usage->step_count; i++) {
		ap_rputs(i > 0 ? ",{\"from\":" : "{\"from\":", r);
		put_time(r, usage->series[i].from);
		put_count(r, ",\"calls\":", usage->series[i].calls);
		ap_rputs("}", r);
	}
	ap_rputs("]", r);
}

static int
put_usage(request_rec *r, const struct apikey_usage *usage, const char *window)
{
	ap_set_content_type(r, "application/json");
	/* It is about one key, and old the moment it is sent. */
	apr_table_setn(r->headers_out, "Cache-Control", "no-store");
	ap_rputs("{\"id\":", r);
	put_text(r, usage->id);
	ap_rprintf(r, ",\"window\":\"%s\",\"from\":", window);
	put_time(r, usage->from);
	ap_rputs(",\"to\":", r);
	put_time(r, usage->to);
	put_count(r, ",\"total\":", usage->total);
	put_verdicts(r, usage);
	put_endpoints(r, usage);
	put_addresses(r, usage);
	put_series(r, usage);
	ap_rputs("}\n", r);
	return OK;
}

/* The key may have been revoked since the request was let in. */
static int
refuse(request_rec *r, const struct answer *granted, enum apikey_status status,
    const struct apikey_usage *usage)
{
	struct answer *answer = apr_pmemdup(r->pool, granted, sizeof *granted);

	answer->status = status;
	/* Valid, but untold: busy. */
	answer->result.verdict =
	    usage->verdict == APIKEY_VALID ? APIKEY_NO_ANSWER : usage->verdict;
	return response_of_answer(r, answer);
}

static int
tell_usage(request_rec *r, const struct answer *granted, size_t window)
{
	static const struct apikey_usage empty = APIKEY_USAGE_INIT;
	struct apikey_usage *usage = apr_pmemdup(r->pool, &empty, sizeof empty);
	enum apikey_status status;
	int error;

	status = connections_usage(
	    r, &granted->asked, windows[window].window, usage, &error);
	if (status == APIKEY_OK && usage->told)
		return put_usage(r, usage, windows[window].text);
	ap_log_rerror(APLOG_MARK,
	    status == APIKEY_OK ? APLOG_WARNING : APLOG_ERR, error, r,
	    "no usage from apikeyd: %s, key %s: %s", apikey_status_text(status),
	    granted->result.id, apikey_verdict_text(usage->verdict));
	return refuse(r, granted, status, usage);
}

static int
handle(request_rec *r)
{
	const struct answer *granted;
	size_t window;

	if (r->handler == NULL || strcmp(r->handler, HANDLER) != 0)
		return DECLINED;
	ap_allow_standard_methods(r, REPLACE_ALLOW, M_GET, -1);
	if (r->method_number != M_GET) /* HEAD is one, too */
		return HTTP_METHOD_NOT_ALLOWED;
	granted = visit_of(r)->granted;
	if (granted == NULL && authentication_is_ours(r))
		return response_no_credential(r);
	if (granted == NULL) {
		ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
		    "SetHandler " HANDLER " takes AuthType ApiKey, or "
		    "AuthBasicProvider apikey, and a Require line");
		return HTTP_INTERNAL_SERVER_ERROR;
	}
	window = window_asked(r);
	if (window == WINDOWS)
		return response_no_window(r);
	return tell_usage(r, granted, window);
}

void
usage_handler_register(void)
{
	ap_hook_handler(handle, NULL, NULL, APR_HOOK_MIDDLE);
}
