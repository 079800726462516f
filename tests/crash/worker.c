/* SPDX-License-Identifier: BSD-2-Clause */
/* An operator at work. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "torture.h"

void
become(uid_t uid)
{
	/* As such, since the C library would have all threads follow. */
	if (uid != geteuid() && syscall(SYS_setresuid, -1, uid, -1) != 0)
		bail_out("setresuid to %u", (unsigned)uid);
}

/* What is shared */

static bool
changes_shared(const struct worker *worker)
{
	return worker->world.keeper && operation_is_shared(&worker->under_way);
}

unsigned
look_at_shared(struct worker *worker)
{
	const struct world *kept = &worker->test->workers[KEEPER].world;
	struct world *world = &worker->world;
	unsigned changes;

	pthread_mutex_lock(&worker->test->lock);
	changes = worker->test->shared_changes;
	if (!world->keeper) {
		world->unsure = changes % 2 != 0;
		world->accounts[WORLD_SHARED] = kept->accounts[WORLD_SHARED];
		world->enabled[WORLD_SHARED][WORLD_SHARED] =
		    kept->enabled[WORLD_SHARED][WORLD_SHARED];
	}
	pthread_mutex_unlock(&worker->test->lock);
	return changes;
}

static void
begin_shared(struct worker *worker)
{
	pthread_mutex_lock(&worker->test->lock);
	worker->test->shared_changes |= 1;
	pthread_mutex_unlock(&worker->test->lock);
}

/* How it ended */

static void
tell_event(struct test *test)
{
	pthread_mutex_lock(&test->lock);
	test->events++;
	pthread_cond_signal(&test->event);
	pthread_mutex_unlock(&test->lock);
}

bool
may_lack_trace(const struct worker *worker)
{
	return worker->test->fault != FAULT_NONE &&
	    !operation_makes_tokens(&worker->under_way);
}

void
note_done(struct worker *worker, const struct world *after)
{
	struct test *test = worker->test;
	bool is_shared = changes_shared(worker);

	pthread_mutex_lock(&test->lock);
	worker->world = *after;
	if (is_shared && test->shared_changes % 2 != 0)
		test->shared_changes++;
	test->changes++;
	pthread_mutex_unlock(&test->lock);
	if (!may_lack_trace(worker))
		worker->acked[worker->acked_count++ % ACKED] =
		    worker->under_way;
	acknowledged_add(&worker->this_round, worker->under_way.id,
	    operation_takes_away(&worker->under_way));
	worker->is_under_way = false;
}

static void
accept_answer(struct worker *worker, const json_t *answer)
{
	struct world after = world_copy(&worker->world);

	world_apply(&after, &worker->under_way, answer);
	note_done(worker, &after);
}

static void
refused(struct worker *worker, const json_t *answer)
{
	char *text = json_dumps(answer, JSON_COMPACT);

	problem(worker->test, "%s %s refused: %.200s",
	    operation_method(&worker->under_way), worker->under_way.id,
	    text != NULL ? text : "by apikeyctl");
	free(text);
}

/* Whether no answer is what there has to be; if not that is a problem. */
static bool
may_be_lost(struct test *test, const char *what)
{
	bool may;

	pthread_mutex_lock(&test->lock);
	/* Without memory a connection is closed. */
	may = test->ending || test->fault == FAULT_MEMORY ||
	    test->fault == FAULT_MAP;
	pthread_mutex_unlock(&test->lock);
	if (!may)
		problem(test, "%s: no answer, though nobody ended apikeyd (%s)",
		    what, fault_text(test->fault));
	return may;
}

static bool
is_ending(struct test *test)
{
	bool ending;

	pthread_mutex_lock(&test->lock);
	ending = test->ending || test->problem[0] != '\0';
	pthread_mutex_unlock(&test->lock);
	return ending;
}

/* One attempt */

static enum outcome
call(struct varlink_client *client, const char *method, json_t *parameters,
    json_t **answer)
{
	enum outcome outcome = admin_call(client, method, parameters, answer);

	json_decref(parameters);
	return outcome;
}

static bool
is_error(const json_t *answer, const char *name)
{
	const char *error = json_string_value(json_object_get(answer, "error"));
	const char *end = error != NULL ? strrchr(error, '.') : NULL;

	return end != NULL && strcmp(end + 1, name) == 0;
}

/* Of an AddToImport that was answered. */
static enum outcome
line_outcome(const json_t *answer)
{
	const json_t *error =
	    json_array_get(json_object_get(answer, "errors"), 0);
	const char *name = json_string_value(json_object_get(error, "error"));

	if (name == NULL)
		return DONE;
	return strstr(name, "StoreFailed") != NULL ? FAILED : REFUSED;
}

/* Each line in a call of its own, so that there is a lot to be half done. */
static enum outcome
add_lines(struct worker *worker, struct varlink_client *client,
    const struct operation *op, json_t **answer)
{
	enum outcome outcome = DONE;
	unsigned left = op->keys;
	int line = 0;

	if (worker->test->lie == LIE_HALF && (left & (left - 1)) != 0)
		left &= left - 1;
	for (int i = 0; i < WORLD_KEYS && outcome == DONE; i++) {
		if ((left >> i & 1) == 0)
			continue;
		json_decref(*answer);
		outcome = call(client, "AddToImport",
		    json_pack("{s:i, s:[o]}", "first_line", ++line, "keys",
			operation_line(&worker->world, op, i)),
		    answer);
		if (outcome == DONE)
			outcome = line_outcome(*answer);
	}
	return outcome;
}

static enum outcome
import(struct worker *worker, struct varlink_client *client,
    const struct operation *op, json_t **answer)
{
	enum outcome outcome = call(client, "BeginImport",
	    json_pack("{s:s}", "operation_id", op->id), answer);

	if (outcome == REFUSED && is_error(*answer, "Conflict"))
		outcome = FAILED; /* another one is under way */
	if (outcome != DONE ||
	    json_is_true(json_object_get(*answer, "repeated")))
		return outcome;
	outcome = add_lines(worker, client, op, answer);
	if (outcome == DONE) {
		json_decref(*answer);
		outcome = call(client, operation_method(op),
		    operation_parameters(&worker->world, op), answer);
	}
	if (outcome != DONE)
		varlink_close(client); /* which gives it up */
	return outcome;
}

static enum outcome
run_apikeyctl(const struct worker *worker, json_t **answer)
{
	char *words[OPERATION_WORDS], text[OPERATION_TEXT];

	operation_words(&worker->world, &worker->under_way, words, text);
	return admin_ctl(words, answer);
}

enum outcome
ask_for(struct worker *worker, struct varlink_client *client, json_t **answer)
{
	const struct operation *op = &worker->under_way;

	*answer = NULL;
	if (op->kind == KEY_IMPORT)
		return import(worker, client, op, answer);
	if (op->kind == KEY_REVOKE && worker->test->lie == LIE_RESURRECTED)
		return DONE;
	return call(client, operation_method(op),
	    operation_parameters(&worker->world, op), answer);
}

static void
take_away(struct varlink_client *client, const json_t *answer)
{
	const json_t *key = json_object_get(answer, "key");
	json_t *nothing;

	call(client, "DeleteKey",
	    json_pack("{s:O}", "id", json_object_get(key, "id")), &nothing);
	json_decref(nothing);
}

/* One attempt, in the worker's way. */
static enum outcome
attempt(struct worker *worker, struct varlink_client *client, json_t **answer)
{
	const struct operation *op = &worker->under_way;
	enum outcome outcome;

	if (worker == &worker->test->workers[CTL_WORKER] &&
	    operation_has_words(op))
		return run_apikeyctl(worker, answer);
	outcome = ask_for(worker, client, answer);
	if (outcome == DONE && op->kind == KEY_CREATE &&
	    worker->test->lie == LIE_LOST)
		take_away(client, *answer);
	return outcome;
}

/* What may not be */

/* Staged and given up: nothing of it may ever be there. */
static void
abandon_import(struct worker *worker, struct varlink_client *client)
{
	struct operation op = {.kind = KEY_IMPORT,
	    .account = WORLD_SHARED, /* that nobody deletes meanwhile */
	    .product = WORLD_SHARED,
	    .keys = 3};
	json_t *answer = NULL;

	snprintf(op.id, sizeof op.id, "given-up-%lu-%d-%lu",
	    worker->test->round, worker->world.worker, worker->chosen++);
	if (worker->world.accounts[WORLD_SHARED] == APPROVED &&
	    worker->world.enabled[WORLD_SHARED][WORLD_SHARED] &&
	    call(client, "BeginImport", json_object(), &answer) == DONE &&
	    add_lines(worker, client, &op, &answer) == DONE)
		worker->imports_abandoned++;
	world_give_up(&worker->world, &op);
	json_decref(answer);
	varlink_close(client);
}

/* Beyond what its role allows. */
static void
overreach(struct worker *worker, struct varlink_client *client)
{
	json_t *answer = NULL;

	if (call(client, "AddOperator",
		json_pack("{s:s, s:I, s:s}", "login", "myself", "uid",
		    (json_int_t)worker->uid, "role", "superadmin"),
		&answer) == DONE)
		problem(worker->test, "uid %u has made itself superadmin",
		    (unsigned)worker->uid);
	json_decref(answer);
}

/* Changes until the daemon is gone */

/* As long as it takes, under one operation id. before: how often what is shared
 * had been changed when it was chosen. False where the daemon is
 * gone, or there is a problem. */
static bool
carry_out(struct worker *worker, struct varlink_client *client,
    struct apikey_client *verify, unsigned before)
{
	struct test *test = worker->test;
	bool is_known = true;

	if (changes_shared(worker))
		begin_shared(worker);
	while (!is_ending(test)) {
		json_t *answer;
		enum outcome outcome = attempt(worker, client, &answer);

		if (outcome == DONE)
			accept_answer(worker, answer);
		else if (outcome == LOST)
			is_known = false;
		else if (outcome == REFUSED &&
		    operation_is_shared(&worker->under_way) &&
		    (look_at_shared(worker) != before || before % 2 != 0))
			worker->is_under_way = false; /* it was suspended */
		else if (outcome == REFUSED && !is_known &&
		    may_lack_trace(worker))
			return false; /* done by the lost attempt, perhaps */
		else if (outcome == REFUSED)
			refused(worker, answer);
		json_decref(answer);
		tell_event(test);
		if (!worker->is_under_way)
			return true;
		if (outcome == LOST) {
			varlink_close(client);
			if (!may_be_lost(test, worker->under_way.id))
				return false;
		} else if (is_known &&
		    verify_world(worker, verify, false) == LOST &&
		    !may_be_lost(test, "verification")) {
			return false;
		}
	}
	return false;
}

static bool
change_something(struct worker *worker, struct varlink_client *client,
    struct apikey_client *verify)
{
	struct test *test = worker->test;
	uint64_t random = next_random(&worker->random);
	char id[OPERATION_ID_MAX];
	unsigned before;

	if (random % 32 == 0)
		abandon_import(worker, client);
	else if (random % 32 == 1 && test->others && !worker->world.superadmin)
		overreach(worker, client);
	snprintf(id, sizeof id, "r%lu-w%d-%lu", test->round,
	    worker->world.worker, worker->chosen++);
	before = look_at_shared(worker);
	operation_choose(
	    &worker->world, &worker->random, id, &worker->under_way);
	worker->is_under_way = true;
	return carry_out(worker, client, verify, before);
}

static bool
verify_something(struct worker *worker, struct apikey_client *verify)
{
	enum outcome outcome = verify_world(worker, verify, false);

	return outcome == DONE ||
	    (outcome == LOST && may_be_lost(worker->test, "verification"));
}

void *
work(void *argument)
{
	struct worker *worker = argument;
	struct test *test = worker->test;
	struct varlink_client admin;
	struct apikey_client *verify;

	become(worker->uid);
	varlink_init(&admin, test->daemon.admin);
	if (apikey_client_open(&verify, test->daemon.verify) != APIKEY_OK)
		bail_out("out of memory");
	/* In force is what was acknowledged, at once. */
	while (change_something(worker, &admin, verify) &&
	    (next_random(&worker->random) % 4 != 0 ||
		verify_something(worker, verify)))
		;
	varlink_close(&admin);
	apikey_client_close(verify);
	pthread_mutex_lock(&test->lock);
	test->running--;
	pthread_cond_signal(&test->event);
	pthread_mutex_unlock(&test->lock);
	return NULL;
}
