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
	char *files = text_bytes(json_object_get(value, "files_bytes"));
	char *used = text_bytes(json_object_get(value, "journal_used_bytes"));
	char *journal = text_bytes(json_object_get(value, "journal_bytes"));
	char *text = NULL, *more = NULL;

	if (!json_is_object(value))
		text = text_plain(NULL);
	else if (files == NULL || used == NULL || journal == NULL ||
	    asprintf(&text, "%s in files, %s of %s of the journal in use",
		files, used, journal) < 0)
		text = NULL;
	if (text != NULL && (failing != NULL || dropped > 0)) {
		if (asprintf(&more,
			"%s; %s, %" JSON_INTEGER_FORMAT " calls not counted",
			text, failing != NULL ? failing : "working again",
			dropped) < 0)
			more = NULL;
		free(text);
		text = more;
	}
	free(files);
	free(used);
	free(journal);
	return text;
}

static char *
text_audit(json_t *value)
{
	const char *state = json_string_value(json_object_get(value, "state"));
	const char *reason =
	    json_string_value(json_object_get(value, "reason"));
	char *bytes = text_bytes(json_object_get(value, "bytes"));
	char *text = NULL;

	if (state == NULL)
		text = text_plain(NULL);
	else if (bytes == NULL ||
	    asprintf(&text, "%s, %" JSON_INTEGER_FORMAT " lines, %s%s%s", state,
		json_integer_value(json_object_get(value, "sequence")), bytes,
		reason != NULL ? ": " : "", reason != NULL ? reason : "") < 0)
		text = NULL;
	free(bytes);
	return text;
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
