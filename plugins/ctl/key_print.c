/* SPDX-License-Identifier: BSD-2-Clause */
#include "key_print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *
text_rate(json_t *value)
{
	const json_t *per = json_object_get(value, "per_seconds");
	json_t *per_ms;
	char *duration, *text = NULL;

	if (!json_is_object(value))
		return text_plain(NULL);
	per_ms =
	    json_integer((json_int_t)(json_number_value(per) * 1000 + 0.5));
	duration = text_duration(per_ms);
	json_decref(per_ms);
	if (duration != NULL &&
	    asprintf(&text, "%" JSON_INTEGER_FORMAT " per %s",
		json_integer_value(json_object_get(value, "limit")),
		duration) < 0)
		text = NULL;
	free(duration);
	return text;
}

static char *
text_quota(json_t *value)
{
	const char *per = json_string_value(json_object_get(value, "per"));
	const json_t *used = json_object_get(value, "used");
	char text[128];
	int len;

	if (!json_is_object(value) || per == NULL)
		return text_plain(NULL);
	len = snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT " %s %s",
	    json_integer_value(json_object_get(value, "limit")),
	    strcmp(per, "total") == 0 ? "in" : "per", per);
	if (json_is_integer(used) && len > 0 && (size_t)len < sizeof text)
		snprintf(text + len, sizeof text - (size_t)len,
		    ", %" JSON_INTEGER_FORMAT " used",
		    json_integer_value(used));
	return strdup(text);
}

/* "on" or "off", and an entry a line. */
static char *
text_allowlist(json_t *value)
{
	const json_t *entries = json_object_get(value, "entries");
	char *text = NULL;
	size_t i, size;
	json_t *entry;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	fputs(json_is_true(json_object_get(value, "enabled")) ? "on" : "off",
	    out);
	json_array_foreach (entries, i, entry) {
		const char *cidr =
		    json_string_value(json_object_get(entry, "cidr"));
		const char *label =
		    json_string_value(json_object_get(entry, "label"));

		fprintf(out, "\n%s%s%s", cidr != NULL ? cidr : "?",
		    label != NULL ? "  " : "", label != NULL ? label : "");
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

const struct field key_fields[] = {
    {"id", "Key ID", text_plain, ABSENT_NULL, false},
    {"type", "Type", text_plain, ABSENT_NULL, false},
    {"name", "Name", text_plain, ABSENT_NULL, false},
    {"account", "Account", text_plain, ABSENT_NULL, false},
    {"product", "Product", text_plain, ABSENT_NULL, false},
    {"environment", "Environment", text_plain, ABSENT_NULL, false},
    {"permission", "Permission", text_plain, ABSENT_NULL, false},
    {"scopes", "Scopes", text_list, ABSENT_LIST, false},
    {"user", "User", text_plain, ABSENT_NULL, false},
    {"services", "Services", text_list, ABSENT_LIST, false},
    {"callers", "Callers", text_list, ABSENT_LIST, false},
    {"status", "Status", text_plain, ABSENT_NULL, false},
    {"created_at", "Created", text_time, ABSENT_NULL, false},
    {"created_by", "Created by", text_plain, ABSENT_NULL, false},
    {"expires_at", "Expires", text_time, ABSENT_NULL, false},
    {"last_used_at", "Last used", text_time, ABSENT_NULL, false},
    {"last_used_address", "Last used from", text_plain, ABSENT_NULL, true},
    {"rotated_at", "Rotated", text_time, ABSENT_NULL, true},
    {"previous_secret_until", "Old secret until", text_time, ABSENT_NULL, true},
    {"previous_last_used_at", "Old secret used", text_time, ABSENT_NULL, true},
    {"previous_last_used_address", "Old secret from", text_plain, ABSENT_NULL,
	true},
    {"revoked_at", "Revoked", text_time, ABSENT_LEFT_OUT, true},
    {"revoked_reason", "Reason", text_plain, ABSENT_LEFT_OUT, true},
    {"allowlist", "Allow-list", text_allowlist, ABSENT_NULL, false},
    {"rate", "Rate", text_rate, ABSENT_NULL, false},
    {"quota", "Quota", text_quota, ABSENT_NULL, false},
    {"foreign", "Token made elsewhere", text_yes_no, ABSENT_LEFT_OUT, true},
    {"token", NULL, text_plain, ABSENT_LEFT_OUT, true},
    {0},
};

const struct column key_columns[] = {
    {"KEY ID", "id", text_plain, COLUMN_WHOLE, 0},
    {"NAME", "name", text_plain, COLUMN_SHRINK, 1},
    {"ACCOUNT", "account", text_plain, COLUMN_SHRINK, 2},
    {"PRODUCT", "product", text_plain, COLUMN_SHRINK, 2},
    {"ENVIRONMENT", "environment", text_plain, COLUMN_SHRINK, 1},
    {"PERMISSION", "permission", text_plain, COLUMN_SHRINK, 3},
    {"STATUS", "status", text_plain, COLUMN_STATUS, 3},
    {"CREATED", "created_at", text_when, COLUMN_WHOLE, 4},
    {"EXPIRES", "expires_at", text_when, COLUMN_WHOLE, 4},
    {"LAST USED", "last_used_at", text_when, COLUMN_WHOLE, 0},
    {0},
};

void
key_print_token(struct invocation *inv, const json_t *key)
{
	const char *token = json_string_value(json_object_get(key, "token"));
	const char *type = json_string_value(json_object_get(key, "type"));
	const char *id = json_string_value(json_object_get(key, "id"));
	const char *status = json_string_value(json_object_get(key, "status"));
	const char *until =
	    json_string_value(json_object_get(key, "expires_at"));

	if (token == NULL)
		return;
	puts(token);
	/* Nothing is explained that nobody received. */
	if (output_flush() != 0)
		return;
	fprintf(stderr, "%s %s.\n", inv->command->done, id != NULL ? id : "");
	if (status != NULL && strcmp(status, "active") != 0)
		fprintf(
		    stderr, "It is %s: no token of it is accepted.\n", status);
	/* It may be the product that limits it. */
	else if (until != NULL)
		fprintf(stderr, "It is accepted until %s.\n", until);
	fputs("Its token went to standard output, this once; it cannot be "
	      "shown again,\nunless its product is recoverable.\n",
	    stderr);
	if (type != NULL && strcmp(type, "hmac") == 0)
		fputs("It is the key of the HMAC-SHA-256 that signs each "
		      "payload; it is not sent itself.\n",
		    stderr);
	else
		fputs("Clients send it as: Authorization: Bearer TOKEN\n",
		    stderr);
}

void
key_print_revealed(struct invocation *inv, const json_t *key)
{
	const char *token = json_string_value(json_object_get(key, "token"));

	(void)inv;
	if (token != NULL)
		puts(token);
}
