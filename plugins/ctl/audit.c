/* SPDX-License-Identifier: BSD-2-Clause */
/* audit log, audit verify: who did what, and that nobody has touched it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "output.h"

/* "status=revoked, name=CRM" */
static char *
text_changes(json_t *value)
{
	json_t *words = json_array(), *member;
	const char *name;
	char *text;

	json_object_foreach (value, name, member) {
		char said[96];
		size_t len = json_dumpb(
		    member, said, sizeof said, JSON_COMPACT | JSON_ENCODE_ANY);

		if (json_is_string(member))
			json_array_append_new(words,
			    json_sprintf(
				"%s=%s", name, json_string_value(member)));
		else if (len <= sizeof said)
			json_array_append_new(words,
			    json_sprintf("%s=%.*s", name, (int)len, said));
		else
			json_array_append_new(
			    words, json_sprintf("%s=...", name));
	}
	text = text_list(words);
	json_decref(words);
	return text;
}

static const struct field audit_fields[] = {
    {"sequence", NULL, text_plain, ABSENT_NULL, false},
    {"time", NULL, text_plain, ABSENT_NULL, false},
    {"uid", NULL, text_plain, ABSENT_LEFT_OUT, false},
    {"login", NULL, text_plain, ABSENT_LEFT_OUT, false},
    {"method", NULL, text_plain, ABSENT_LEFT_OUT, false},
    {"kind", NULL, text_plain, ABSENT_LEFT_OUT, false},
    {"name", NULL, text_plain, ABSENT_LEFT_OUT, false},
    {"account", NULL, text_plain, ABSENT_LEFT_OUT, false},
    {"operation_id", NULL, text_plain, ABSENT_LEFT_OUT, false},
    {"reason", NULL, text_plain, ABSENT_LEFT_OUT, false},
    {"before", NULL, text_plain, ABSENT_LEFT_OUT, false},
    {"after", NULL, text_plain, ABSENT_LEFT_OUT, false},
    {"count", NULL, text_plain, ABSENT_LEFT_OUT, false},
    {"outcome", NULL, text_plain, ABSENT_NULL, false},
    {"mac", NULL, text_plain, ABSENT_NULL, false},
    {0},
};

static const struct column audit_columns[] = {
    {"TIME", "time", text_time, COLUMN_WHOLE, 0},
    {"WHO", "login", text_plain, COLUMN_WHOLE, 0},
    {"DID", "method", text_plain, COLUMN_WHOLE, 0},
    {"TO", "name", text_plain, COLUMN_WHOLE, 0},
    {"ACCOUNT", "account", text_plain, COLUMN_SHRINK, 0},
    {"OUTCOME", "outcome", text_plain, COLUMN_WHOLE, 0},
    {"COUNT", "count", text_plain, COLUMN_NUMBER, 0},
    {"REASON", "reason", text_plain, COLUMN_SHRINK, 0},
    {"NOW", "after", text_changes, COLUMN_SHRINK, 0},
    {0},
};

static const struct option_row log_options[] = {
    {.name = "since",
	.metavar = "DUR",
	.field = "since_ms",
	.kind = &value_positive_duration,
	.help = "not older than this, such as 24h"},
    {.name = "key",
	.metavar = "ID",
	.field = "key",
	.kind = &value_key_id,
	.help = "about this key"},
    {.name = "follow",
	.field = "follow",
	.help = "go on with each new line as it is written"},
    {0},
};

/* One entry on a line of its own: of those to come nobody knows how wide the
 * columns of a table will have to be, and a narrow terminal has no room for
 * any. */
static void
print_line(const json_t *entry)
{
	const char *blank = "";

	for (const struct column *c = audit_columns; c->head != NULL; c++) {
		json_t *value = json_object_get(entry, c->name);
		char *text = value != NULL ? c->text(value) : NULL;

		if (text != NULL) {
			fputs(blank, stdout);
			output_text(stdout, text);
			blank = "  ";
		}
		free(text);
	}
	putchar('\n');
}

/* False once nobody reads any more. */
static bool
print_entries(void *context, const json_t *parameters)
{
	const struct invocation *inv = context;
	json_t *entry, *row;
	size_t i;

	json_array_foreach (json_object_get(parameters, "entries"), i, entry) {
		if (inv->json) {
			row = fields_complete(audit_fields, entry);
			json_dumpf(row, stdout, JSON_COMPACT);
			putchar('\n');
			json_decref(row);
		} else {
			print_line(entry);
		}
	}
	return output_flush() == 0;
}

static enum ctl_exit
run_log(struct invocation *inv)
{
	if (json_is_true(json_object_get(inv->parameters, "follow")))
		return call_follow(
		    inv, "ListAudit", print_entries, inv, STDOUT_FILENO);
	return call_run(inv);
}

static void
print_problem(const json_t *problem)
{
	const char *kind = json_string_value(json_object_get(problem, "kind"));
	long long line = json_integer_value(json_object_get(problem, "line"));
	long long sequence =
	    json_integer_value(json_object_get(problem, "sequence"));

	if (kind == NULL)
		kind = "broken";
	printf("audit.log is not as it was written: at line %lld, record %lld ",
	    line, sequence);
	if (strcmp(kind, "truncated") == 0)
		puts("and all after it are missing.");
	else if (strcmp(kind, "missing") == 0)
		puts("is missing.");
	else if (strcmp(kind, "reordered") == 0)
		puts("should be, which is elsewhere.");
	else
		puts("is broken.");
}

static enum ctl_exit
run_verify(struct invocation *inv)
{
	json_t *answer, *check;
	enum ctl_exit code =
	    call_once(inv, "VerifyAudit", inv->parameters, &answer);
	bool sound;

	if (code != CTL_DONE)
		return code;
	check = json_object_get(answer, "check");
	sound = json_is_true(json_object_get(check, "sound"));
	if (inv->json)
		output_json(check);
	else if (sound)
		printf("%lld lines, all as they were written.\n",
		    (long long)json_integer_value(
			json_object_get(check, "lines")));
	else
		print_problem(json_object_get(check, "problem"));
	json_decref(answer);
	return sound ? CTL_DONE : CTL_REFUSED;
}

const struct command audit_commands[] = {
    {.noun = "audit",
	.verb = "log",
	.summary = "Show who has changed what, and who was refused",
	.note = "With --json and --follow each line is a document of its own.",
	.example = "apikeyctl audit log --since 24h",
	.options = log_options,
	.method = "ListAudit",
	.result = "entries",
	.fields = audit_fields,
	.columns = audit_columns,
	.print_line = print_line,
	.run = run_log},
    {.noun = "audit",
	.verb = "verify",
	.summary = "Check that nobody has changed the audit log",
	.example = "apikeyctl audit verify",
	.exits = "1 it is not as it was written; the first broken, missing "
		 "or moved record is named",
	.run = run_verify},
    {0},
};
