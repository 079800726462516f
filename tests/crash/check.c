/* SPDX-License-Identifier: BSD-2-Clause */
/* What is there after a restart. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "torture.h"

/* Showing */

/* All pages of a list, as members of all by what they are called. */
static void
list_all(struct test *test, struct varlink_client *client, const char *method,
    const char *plural, const char *by, json_t *all)
{
	json_t *after = json_null();

	while (after != NULL) {
		json_t *parameters = json_pack("{s:O}", "after", after);
		json_t *answer, *item;
		size_t i;

		if (admin_call(client, method, parameters, &answer) != DONE)
			problem(test, "%s failed", method);
		json_array_foreach (json_object_get(answer, plural), i, item)
			json_object_set(all,
			    json_string_value(json_object_get(item, by)), item);
		json_decref(parameters);
		json_decref(after);
		after = json_object_get(answer, "next");
		after = json_is_string(after) ? json_incref(after) : NULL;
		json_decref(answer);
	}
}

static struct shown
look(struct test *test, struct varlink_client *client)
{
	struct shown shown = {
	    json_object(), json_object(), json_object(), json_object()};

	list_all(
	    test, client, "ListAccounts", "accounts", "slug", shown.accounts);
	list_all(
	    test, client, "ListProducts", "products", "slug", shown.products);
	list_all(test, client, "ListKeys", "keys", "id", shown.keys);
	list_all(test, client, "ListOperators", "operators", "login",
	    shown.operators);
	return shown;
}

static void
forget(struct shown *shown)
{
	json_decref(shown->accounts);
	json_decref(shown->products);
	json_decref(shown->keys);
	json_decref(shown->operators);
}

/* Comparing */

static void
compare(struct test *test, const struct shown *shown)
{
	char text[256];

	for (int i = 0; i < WORKERS; i++)
		if (!test->workers[i].is_under_way &&
		    world_differs(
			&test->workers[i].world, shown, text, sizeof text))
			problem(test, "%s", text);
}

/* That there is nothing that nobody made; when nothing is under way. */
static void
compare_others(struct test *test, const struct shown *shown)
{
	json_t *const all[] = {
	    shown->accounts, shown->products, shown->keys, shown->operators};
	const char *name;
	json_t *view;

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		json_object_foreach (all[i], name, view) {
			bool is_known = strncmp(name, "worker-", 7) == 0;

			for (int k = 0; k < WORKERS; k++)
				is_known = is_known ||
				    world_has(&test->workers[k].world, name);
			if (!is_known)
				problem(test, "%s: there, and nobody made it",
				    name);
		}
}

/* What was under way */

static void
settle_as(struct worker *worker, struct varlink_client *client,
    struct world *after, bool carried_out)
{
	struct operation *op = &worker->under_way;
	struct test *test = worker->test;
	json_t *answer;
	enum outcome outcome = ask_for(worker, client, &answer);

	if (outcome == REFUSED && !carried_out && operation_is_shared(op)) {
		worker->is_under_way = false; /* it was suspended meanwhile */
	} else if (outcome != DONE) {
		problem(test, "%s %s could not be repeated",
		    operation_method(op), op->id);
	} else if (json_is_true(json_object_get(answer, "repeated")) !=
	    carried_out) {
		problem(test,
		    "%s %s was %scarried out but repeating it says otherwise",
		    operation_method(op), op->id, carried_out ? "" : "not ");
	} else {
		if (!carried_out) {
			*after = world_copy(&worker->world);
			world_apply(after, op, answer);
		}
		note_done(worker, after);
	}
	json_decref(answer);
}

/*
 * It is there or it is not; asked for once more it is answered, and there
 * once.
 */
static void
settle_under_way(struct worker *worker, struct varlink_client *client,
    const struct shown *shown)
{
	struct test *test = worker->test;
	struct world after = world_copy(&worker->world);
	char text[256], text_after[256];
	bool carried_out;

	world_apply(&after, &worker->under_way, NULL);
	carried_out =
	    !world_differs(&after, shown, text_after, sizeof text_after);
	if (!carried_out &&
	    world_differs(&worker->world, shown, text, sizeof text)) {
		problem(test, "%s without %s, and with it %s", text,
		    operation_method(&worker->under_way), text_after);
		return;
	}
	if (carried_out)
		test->carried_out++;
	else
		test->not_carried_out++;
	if (carried_out && may_lack_trace(worker))
		note_done(worker, &after);
	else
		settle_as(worker, client, &after, carried_out);
}

static void
repeat_acknowledged(struct worker *worker, struct varlink_client *client)
{
	unsigned long count =
	    worker->acked_count < ACKED ? worker->acked_count : ACKED;
	const struct operation under_way = worker->under_way;

	for (unsigned long i = 0; i < count; i++) {
		json_t *answer;

		worker->under_way = worker->acked[i];
		if (ask_for(worker, client, &answer) != DONE ||
		    !json_is_true(json_object_get(answer, "repeated")))
			problem(worker->test,
			    "%s %s, acknowledged, is not known",
			    operation_method(&worker->under_way),
			    worker->under_way.id);
		json_decref(answer);
	}
	worker->under_way = under_way;
}

/* As the worker itself, since it is whose operations they are. */
static void
settle(struct worker *worker, const struct shown *shown)
{
	struct varlink_client client;

	become(worker->uid);
	varlink_init(&client, worker->test->daemon.admin);
	if (worker->is_under_way)
		settle_under_way(worker, &client, shown);
	repeat_acknowledged(worker, &client);
	varlink_close(&client);
	become(worker->test->self);
}

/* The rest */

static void
check_status(struct test *test, struct varlink_client *client)
{
	json_t *parameters = json_object(), *answer, *status;
	int64_t sequence;

	if (admin_call(client, "GetStatus", parameters, &answer) != DONE)
		problem(test, "GetStatus failed");
	status = json_object_get(answer, "status");
	sequence = json_integer_value(json_object_get(status, "sequence"));
	test->omitted = (uint64_t)json_integer_value(
	    json_object_get(json_object_get(status, "audit"), "omitted"));
	for (int i = 0; i < WORKERS; i++)
		if (test->workers[i].world.sequence > test->sequence)
			test->sequence = test->workers[i].world.sequence;
	if (sequence < test->sequence)
		problem(test, "sequence went back from %lld to %lld",
		    (long long)test->sequence, (long long)sequence);
	test->sequence = sequence;
	if (strcmp(json_string_value(json_object_get(status, "store")),
		"sound") != 0)
		problem(test, "the store is not sound");
	json_decref(answer);
	json_decref(parameters);
}

/* VerifyAudit, CheckStore: both answer with a check. */
static void
check_sound(
    struct test *test, struct varlink_client *client, const char *method)
{
	json_t *parameters = json_object(), *answer;

	if (admin_call(client, method, parameters, &answer) != DONE ||
	    !json_is_true(
		json_object_get(json_object_get(answer, "check"), "sound"))) {
		char *said = json_dumps(answer, JSON_COMPACT);

		problem(test, "%s: %s", method, said);
		free(said);
	}
	json_decref(answer);
	json_decref(parameters);
}

/* Each change has its line. */
static void
check_lines(struct test *test)
{
	char path[APIKEYD_PATH_MAX + 16], text[128];

	snprintf(path, sizeof path, "%s/audit.log", test->daemon.state);
	if (!audit_read(&test->lines, path, text, sizeof text))
		problem(test, "%s", text);
	for (int i = 0; i < WORKERS; i++) {
		struct acknowledged *round = &test->workers[i].this_round;

		if (!audit_has(
			&test->lines, round, test->omitted, text, sizeof text))
			problem(test, "%s", text);
		acknowledged_clear(round);
	}
	if (json_object_size(test->lines.done) + test->lines.lacking !=
	    test->changes)
		problem(test, "%zu changes have a line, of %lu",
		    json_object_size(test->lines.done), test->changes);
}

static void
check_operator(struct worker *worker, int which)
{
	const struct world_operator *user = &worker->world.operators[which];
	json_t *parameters = json_object(), *answer;
	char login[WORLD_SLUG_MAX];
	struct varlink_client client;
	enum outcome outcome;

	become(world_operator_uid(&worker->world, which));
	varlink_init(&client, worker->test->daemon.admin);
	outcome = admin_call(&client, "GetStatus", parameters, &answer);
	if (outcome != (user->role != 0 ? DONE : REFUSED)) {
		world_operator_login(&worker->world, which, login);
		problem(worker->test, "%s is %slet in", login,
		    outcome == DONE ? "" : "not ");
	}
	json_decref(answer);
	json_decref(parameters);
	varlink_close(&client);
	become(worker->test->self);
}

static void
check_verdicts(struct test *test)
{
	struct apikey_client *verify;

	if (apikey_client_open(&verify, test->daemon.verify) != APIKEY_OK)
		bail_out("out of memory");
	for (int i = 0; i < WORKERS; i++) {
		if (verify_world(&test->workers[i], verify, true) == LOST)
			problem(test, "no verification after the restart");
	}
	apikey_client_close(verify);
}

void
check_all(struct test *test)
{
	struct varlink_client client;
	struct shown shown;

	varlink_init(&client, test->daemon.admin);
	shown = look(test, &client);
	compare(test, &shown);
	/* The keeper first: others go by what it keeps. */
	settle(&test->workers[KEEPER], &shown);
	for (int i = 0; i < WORKERS; i++)
		if (i != KEEPER)
			settle(&test->workers[i], &shown);
	forget(&shown);
	shown = look(test, &client);
	compare(test, &shown);
	compare_others(test, &shown);
	forget(&shown);
	check_verdicts(test);
	for (int i = 0; i < WORKERS && test->others; i++)
		for (int k = 0; k < WORLD_OPERATORS; k++)
			check_operator(&test->workers[i], k);
	check_status(test, &client);
	check_sound(test, &client, "VerifyAudit");
	check_sound(test, &client, "CheckStore");
	check_lines(test);
	varlink_close(&client);
}
