/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

static char *
text_latency(json_t *value)
{
	const json_t *p50 = json_object_get(value, "p50_us");
	const json_t *p99 = json_object_get(value, "p99_us");
	char text[80];

	if (!(json_number_value(p99) > 0))
		return text_plain(NULL);
	snprintf(text, sizeof text, "p50 %.1f us, p99 %.1f us",
	    json_number_value(p50), json_number_value(p99));
	return strdup(text);
}

/* Sizes; what is not counted, only where there is something. */
static char *
text_usage(json_t *value)
{
	const char *failing =
	    json_string_value(json_object_get(value, "failing"));
	json_int_t dropped =
	    json_integer_value(json_object_get(value, "dropped"));
	char text[256];

	if (!json_is_object(value))
		return text_plain(NULL);
	snprintf(text, sizeof text,
	    "%" JSON_INTEGER_FORMAT " B in files, %" JSON_INTEGER_FORMAT
	    " of %" JSON_INTEGER_FORMAT " B of the journal in use",
	    json_integer_value(json_object_get(value, "files_bytes")),
	    json_integer_value(json_object_get(value, "journal_used_bytes")),
	    json_integer_value(json_object_get(value, "journal_bytes")));
	if (failing != NULL || dropped > 0)
		snprintf(text + strlen(text), sizeof text - strlen(text),
		    "; %s, %" JSON_INTEGER_FORMAT " calls not counted",
		    failing != NULL ? failing : "working again", dropped);
	return strdup(text);
}

static char *
text_audit(json_t *value)
{
	const char *reason =
	    json_string_value(json_object_get(value, "reason"));
	json_t *text = json_sprintf("%s, %lld lines, %lld B%s%s",
	    json_string_value(json_object_get(value, "state")),
	    (long long)json_integer_value(json_object_get(value, "sequence")),
	    (long long)json_integer_value(json_object_get(value, "bytes")),
	    reason != NULL ? ": " : "", reason != NULL ? reason : "");
	char *copy = text_plain(text);

	json_decref(text);
	return copy;
}

static const struct field status_fields[] = {
    {"version", "Version", text_plain, ABSENT_NULL, false},
    {"pid", "Process", text_plain, ABSENT_NULL, false},
    {"uptime_seconds", "Uptime", text_seconds, ABSENT_NULL, false},
    {"state_directory", "State directory", text_plain, ABSENT_NULL, false},
    {"store", "Store", text_plain, ABSENT_NULL, false},
    {"store_reason", "Reason", text_plain, ABSENT_NULL, true},
    {"store_bytes", "Store size", text_bytes, ABSENT_NULL, false},
    {"sequence", "Last change", text_plain, ABSENT_NULL, false},
    {"accounts", "Accounts", text_plain, ABSENT_NULL, false},
    {"products", "Products", text_plain, ABSENT_NULL, false},
    {"keys", "Keys", text_plain, ABSENT_NULL, false},
    {"connections", "Connections", text_plain, ABSENT_NULL, false},
    {"verifications", "Verifications", text_plain, ABSENT_NULL, false},
    {"verifications_per_second", "Per second", text_plain, ABSENT_NULL, false},
    {"verdicts", "Verdicts", text_counts, ABSENT_NULL, false},
    {"audit", "Audit log", text_audit, ABSENT_NULL, false},
    {"latency", "Latency", text_latency, ABSENT_NULL, false},
    {"usage", "Usage", text_usage, ABSENT_NULL, false},
    {0},
};

const struct command status_commands[] = {
    {.noun = "status",
	.summary = "Show how the daemon is",
	.example = "apikeyctl status",
	.method = "GetStatus",
	.result = "status",
	.fields = status_fields},
    {0},
};
