/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store check: whether what is kept adds up. First what is counted, on the
 * usage's thread, then keys.tdb, on the store's, a portion at a time.
 */
#include <stdlib.h>
#include <string.h>

#include "admin_impl.h"
#include "store_check.h"

struct checking {
	struct store_task task; /* first: what the store hands back */
	struct admin *admin;
	struct call *call;
	struct store_check keys; /* the thread's while it is there */
	bool more;               /* of keys */
	bool given_up;
	/* Of what is counted: */
	uint64_t files, rows, problems;
	char *text; /* a line a problem */
};

/* On the store's thread */

static void
run_portion(struct store_task *task, struct store_file *file)
{
	struct checking *checking = (struct checking *)task;

	checking->more = file != NULL && !checking->given_up &&
	    store_check_portion(&checking->keys, file);
	if (!checking->more)
		store_check_end(&checking->keys);
}

/* On the loop */

/* A line each; the text ends with a newline where there is any. */
static void
add_lines(json_t *lines, const char *text)
{
	for (const char *end; (end = strchr(text, '\n')) != NULL;
	     text = end + 1)
		json_array_append_new(
		    lines, json_stringn(text, (size_t)(end - text)));
}

static void
add_findings(json_t *lines, const struct store_check *keys)
{
	for (size_t i = 0; i < keys->problems && i < STORE_FINDINGS_TOLD; i++) {
		const struct store_finding *told = &keys->told[i];
		bool somewhere = told->where[0] != '\0';

		json_array_append_new(lines,
		    json_sprintf("keys.tdb: %s%s%s%s",
			somewhere ? "record " : "", told->where,
			somewhere ? ": " : "", told->problem));
	}
}

static void
forget(struct checking *checking)
{
	free(checking->text);
	free(checking);
}

static void
cut_off(struct checking *checking)
{
	answer_failure(checking->call, "StoreFailed",
	    "the check was cut off: the daemon ends, or is short of memory");
	forget(checking);
}

static void
answer_check(struct checking *checking)
{
	const struct store_check *keys = &checking->keys;
	uint64_t problems = checking->problems + keys->problems;
	json_t *lines = json_array();
	struct store_facts facts;

	add_lines(lines, checking->text);
	add_findings(lines, keys);
	store_facts(checking->admin->store, &facts);
	if (facts.suspect) {
		json_array_append_new(
		    lines, json_sprintf("keys.tdb: %s", facts.reason));
		problems++;
	}
	admin_reply(checking->call, "check",
	    json_pack("{s:b, s:I, s:I, s:I, s:I, s:o}", "sound", problems == 0,
		"records", (json_int_t)keys->records, "files",
		(json_int_t)checking->files, "rows", (json_int_t)checking->rows,
		"problem_count", (json_int_t)problems, "problems", lines));
	forget(checking);
}

static void
on_portion(struct store_task *task)
{
	struct checking *checking = (struct checking *)task;
	struct admin *admin = checking->admin;

	if (checking->more) {
		checking->given_up =
		    admin->stopping || call_is_gone(checking->call);
		store_submit_task(admin->store, task);
	} else if (checking->given_up || checking->keys.no_memory) {
		cut_off(checking);
	} else if (!admin_may_call(admin, checking->call, admin_check_store)) {
		forget(checking); /* any more; it is answered */
	} else {
		answer_check(checking);
	}
}

static void
on_usage_checked(void *context, const struct usage_findings *findings)
{
	struct checking *checking = context;

	/* Without a text nothing was looked at. */
	if (findings->text != NULL)
		checking->text = strdup(findings->text);
	if (checking->text == NULL || call_is_gone(checking->call)) {
		cut_off(checking);
		return;
	}
	checking->files = findings->files;
	checking->rows = findings->rows;
	checking->problems = findings->problems;
	checking->task.run = run_portion;
	checking->task.done = on_portion;
	store_submit_task(checking->admin->store, &checking->task);
}

void
admin_check_store(void *context, struct call *call)
{
	struct params params = params_over(call_parameters(call));
	struct checking *checking;

	if (!admin_params_ok(call, &params))
		return;
	checking = calloc(1, sizeof *checking);
	if (checking == NULL) {
		call_abort(call);
		return;
	}
	checking->admin = context;
	checking->call = call;
	if (usage_check(checking->admin->usage, on_usage_checked, checking))
		return;
	free(checking);
	answer_failure(call, "Conflict",
	    "too many questions are being answered: try again in a moment");
}
