/* SPDX-License-Identifier: BSD-2-Clause */
/* store check: whether what is kept adds up. */
#include <stdlib.h>
#include <string.h>

#include "admin_impl.h"

/* A line each; the text ends with a newline where there is any. */
static json_t *
lines_of(const char *text)
{
	json_t *lines = json_array();

	for (const char *end; text != NULL; text = end + 1) {
		end = strchr(text, '\n');
		if (end == NULL)
			break;
		json_array_append_new(
		    lines, json_stringn(text, (size_t)(end - text)));
	}
	return lines;
}

struct checking {
	struct admin *admin;
	struct call *call;
};

static void
on_checked(void *context, const struct usage_findings *findings)
{
	struct checking *checking = context;
	json_t *lines = lines_of(findings->text);
	json_int_t problems = (json_int_t)findings->problems;
	struct store_facts facts;

	store_facts(checking->admin->store, &facts);
	if (facts.suspect) {
		json_array_append_new(
		    lines, json_sprintf("keys.tdb: %s", facts.reason));
		problems++;
	}
	/* Without a text nothing was looked at. */
	if (findings->text == NULL)
		answer_failure(checking->call, "StoreFailed",
		    "the check was cut off: the daemon ends, or is short of "
		    "memory");
	else
		admin_reply(checking->call, "check",
		    json_pack("{s:b, s:I, s:I, s:I, s:o}", "sound",
			problems == 0, "files", (json_int_t)findings->files,
			"rows", (json_int_t)findings->rows, "problem_count",
			problems, "problems", json_incref(lines)));
	json_decref(lines);
	free(checking);
}

void
admin_check_store(void *context, struct call *call)
{
	struct params params = params_over(call_parameters(call));
	struct checking *checking;

	if (!admin_params_ok(call, &params))
		return;
	checking = malloc(sizeof *checking);
	if (checking == NULL) {
		call_abort(call);
		return;
	}
	*checking = (struct checking){context, call};
	if (usage_check(checking->admin->usage, on_checked, checking))
		return;
	free(checking);
	answer_failure(call, "Conflict",
	    "too many questions are being answered: try again in a moment");
}
