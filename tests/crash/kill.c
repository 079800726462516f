/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill -9 at any moment: what was acknowledged is there after the restart,
 * what was under way is there wholly or not at all.
 *
 * Each round, workers change what is their own, over connections of their own
 * or through apikeyctl, until the daemon is killed under them: while it works,
 * while it ends, and again while it starts. Then it is started on the same
 * state directory, and everything it shows and every verdict it gives is
 * compared with what the workers were told.
 *
 *   TORTURE_ROUNDS   rounds (25)
 *   TORTURE_SEED     of the random numbers (from the clock)
 */
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "admin.h"
#include "apikeyd.h"
#include "audit.h"
#include "world.h"

enum { WORKERS = 5, CTL_WORKER = WORKERS - 1, ACKED = 4 };

struct worker {
	struct world world;
	struct operation under_way;
	bool is_under_way;
	struct operation acked[ACKED]; /* the last ones */
	unsigned long acked_count;
	struct acknowledged this_round;
	uint64_t random;
	pthread_t thread;
	struct test *test;
};

struct test {
	struct apikeyd daemon;
	struct worker workers[WORKERS];
	unsigned long seed, round;
	int64_t sequence; /* the highest the daemon has shown */
	unsigned long kills, carried_out, not_carried_out;
	pthread_mutex_t lock;
	pthread_cond_t acknowledged;
	unsigned long answers; /* this round */
	unsigned long running; /* workers */
	char problem[512];     /* the first one */
};

static void problem(struct test *test, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
problem(struct test *test, const char *format, ...)
{
	va_list args;

	pthread_mutex_lock(&test->lock);
	if (test->problem[0] == '\0') {
		va_start(args, format);
		vsnprintf(test->problem, sizeof test->problem, format, args);
		va_end(args);
	}
	pthread_mutex_unlock(&test->lock);
}

/* xorshift64*, so that a seed says what is done, though not when. */
static uint64_t
next_random(void *context)
{
	uint64_t *state = context;

	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545F4914F6CDD1DULL;
}

static void
pause_us(uint64_t us)
{
	struct timespec time = {
	    (time_t)(us / 1000000), (long)(us % 1000000) * 1000};

	nanosleep(&time, NULL);
}

/* One change, over the socket or by apikeyctl */

static enum outcome
call_operation(struct varlink_client *client, const struct world *world,
    const struct operation *operation, json_t **answer)
{
	json_t *parameters = operation_parameters(world, operation);
	enum outcome outcome =
	    admin_call(client, operation_method(operation), parameters, answer);

	json_decref(parameters);
	return outcome;
}

static enum outcome
run_operation(const struct world *world, const struct operation *operation,
    json_t **answer)
{
	char *words[OPERATION_WORDS], text[OPERATION_TEXT];

	operation_words(world, operation, words, text);
	return admin_ctl(words, answer);
}

/* Verification */

static bool
expectation_met(struct test *test, const struct expectation *expected,
    const struct apikey_result *result)
{
	if (result->verdict == expected->verdict)
		return true;
	problem(test, "%s of %.*s: %s instead of %s", expected->what,
	    (int)strcspn(expected->token, "_") + 13, expected->token,
	    apikey_verdict_text(result->verdict),
	    apikey_verdict_text(expected->verdict));
	return false;
}

/* Every token of the world; LOST where the daemon went away. */
static enum outcome
verify_world(
    struct test *test, struct apikey_client *client, const struct world *world)
{
	struct expectation expected[WORLD_EXPECTATIONS];
	size_t count = world_expect(world, expected);

	for (size_t i = 0; i < count; i++) {
		struct apikey_request request = APIKEY_REQUEST_INIT;
		struct apikey_result result = APIKEY_RESULT_INIT;

		request.token = expected[i].token;
		request.token_len = strlen(expected[i].token);
		request.address = "203.0.113.1";
		request.service = "crash";
		if (apikey_verify(client, &request, &result, PATIENCE_MS) !=
		    APIKEY_OK)
			return LOST;
		if (!expectation_met(test, &expected[i], &result))
			return REFUSED;
	}
	return DONE;
}

/* A worker's round: changes until the daemon is gone */

static void
note_acknowledged(struct worker *worker, const json_t *answer)
{
	struct test *test = worker->test;

	world_apply(&worker->world, &worker->under_way, answer);
	worker->acked[worker->acked_count++ % ACKED] = worker->under_way;
	acknowledged_add(&worker->this_round, worker->under_way.id);
	worker->is_under_way = false;
	pthread_mutex_lock(&test->lock);
	test->answers++;
	pthread_cond_signal(&test->acknowledged);
	pthread_mutex_unlock(&test->lock);
}

static bool
change_something(struct worker *worker, struct varlink_client *client)
{
	struct test *test = worker->test;
	struct operation *operation = &worker->under_way;
	enum outcome outcome;
	json_t *answer;
	char id[40];

	snprintf(id, sizeof id, "r%lu-w%d-%lu", test->round,
	    worker->world.worker, worker->acked_count);
	world_choose(
	    &worker->world, next_random, &worker->random, id, operation);
	worker->is_under_way = true;
	if (worker->world.worker == CTL_WORKER &&
	    operation_has_words(operation))
		outcome = run_operation(&worker->world, operation, &answer);
	else
		outcome =
		    call_operation(client, &worker->world, operation, &answer);
	if (outcome == DONE)
		note_acknowledged(worker, answer);
	else if (outcome == REFUSED) {
		char *text = json_dumps(answer, JSON_COMPACT);

		problem(test, "%s of %s refused: %.200s",
		    operation_method(operation), id,
		    text != NULL ? text : "by apikeyctl");
		free(text);
	}
	json_decref(answer);
	return outcome == DONE;
}

static void *
work(void *argument)
{
	struct worker *worker = argument;
	struct test *test = worker->test;
	struct varlink_client admin;
	struct apikey_client *verify;

	varlink_init(&admin, test->daemon.admin);
	if (apikey_client_open(&verify, test->daemon.verify) != APIKEY_OK)
		bail_out("out of memory");
	/* In force is what was acknowledged, at once. */
	while (change_something(worker, &admin) &&
	    (next_random(&worker->random) % 4 != 0 ||
		verify_world(test, verify, &worker->world) == DONE))
		;
	varlink_close(&admin);
	apikey_client_close(verify);
	pthread_mutex_lock(&test->lock);
	test->running--;
	pthread_cond_signal(&test->acknowledged);
	pthread_mutex_unlock(&test->lock);
	return NULL;
}

/* The kill */

/* Until so many changes were acknowledged; all workers gone is a problem. */
static void
await_answers(struct test *test, unsigned long count)
{
	pthread_mutex_lock(&test->lock);
	while (test->answers < count && test->running == WORKERS)
		pthread_cond_wait(&test->acknowledged, &test->lock);
	pthread_mutex_unlock(&test->lock);
}

static void
end_daemon(struct test *test, uint64_t how)
{
	int status;

	switch (how % 8) {
	case 0: /* while it ends */
		kill(test->daemon.pid, SIGTERM);
		pause_us((how >> 8) % 3000);
		break;
	case 1:
		status = apikeyd_end(&test->daemon, SIGTERM);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			problem(test, "wait status %#x after SIGTERM", status);
		return;
	default:
		pause_us((how >> 8) % 2000);
	}
	apikeyd_end(&test->daemon, SIGKILL);
	test->kills++;
}

/* Some starts do not come to their end, either. */
static void
start_daemon(struct test *test, uint64_t how)
{
	for (uint64_t again = how % 4; again >= 2; again--) {
		apikeyd_spawn(&test->daemon);
		pause_us((how >> (8 * again)) % 20000);
		apikeyd_end(&test->daemon, SIGKILL);
		test->kills++;
	}
	apikeyd_start(&test->daemon);
}

/* What is there */

/* All pages of a list, as an object of objects by this member. */
static json_t *
list_all(struct test *test, struct varlink_client *client, const char *method,
    const char *plural, const char *by)
{
	json_t *all = json_object(), *after = json_null();

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
	return all;
}

static struct shown
look(struct test *test, struct varlink_client *client)
{
	return (struct shown){
	    .accounts =
		list_all(test, client, "ListAccounts", "accounts", "slug"),
	    .products =
		list_all(test, client, "ListProducts", "products", "slug"),
	    .keys = list_all(test, client, "ListKeys", "keys", "id"),
	};
}

static void
forget(struct shown *shown)
{
	json_decref(shown->accounts);
	json_decref(shown->products);
	json_decref(shown->keys);
}

static void
check_status(struct test *test, struct varlink_client *client)
{
	json_t *parameters = json_object(), *answer, *status;
	int64_t sequence;

	if (admin_call(client, "GetStatus", parameters, &answer) != DONE)
		problem(test, "GetStatus failed");
	status = json_object_get(answer, "status");
	sequence = json_integer_value(json_object_get(status, "sequence"));
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

/*
 * What was under way: it is there or it is not; asked for once more it is
 * answered, and there once.
 */
static void
settle_under_way(struct test *test, struct worker *worker,
    struct varlink_client *client, const struct shown *shown)
{
	const struct operation *operation = &worker->under_way;
	struct world after = worker->world;
	char text[256], text_after[256];
	bool carried_out;
	json_t *answer;

	world_apply(&after, operation, NULL);
	carried_out =
	    !world_differs(&after, shown, text_after, sizeof text_after);
	if (!carried_out &&
	    world_differs(&worker->world, shown, text, sizeof text)) {
		problem(test, "neither without %s (%s) nor with it (%s)",
		    operation_method(operation), text, text_after);
		return;
	}
	if (call_operation(client, &worker->world, operation, &answer) != DONE)
		problem(test, "%s %s could not be repeated",
		    operation_method(operation), operation->id);
	else if (json_is_true(json_object_get(answer, "repeated")) !=
	    carried_out)
		problem(test,
		    "%s %s was %scarried out but repeating it says "
		    "otherwise",
		    operation_method(operation), operation->id,
		    carried_out ? "" : "not ");
	else if (carried_out)
		worker->world = after;
	else
		world_apply(&worker->world, operation, answer);
	json_decref(answer);
	worker->acked[worker->acked_count++ % ACKED] = *operation;
	acknowledged_add(&worker->this_round, operation->id);
	worker->is_under_way = false;
	if (carried_out)
		test->carried_out++;
	else
		test->not_carried_out++;
}

static void
repeat_acknowledged(
    struct test *test, struct worker *worker, struct varlink_client *client)
{
	unsigned long count =
	    worker->acked_count < ACKED ? worker->acked_count : ACKED;

	for (unsigned long i = 0; i < count; i++) {
		const struct operation *operation = &worker->acked[i];
		json_t *answer;

		if (call_operation(
			client, &worker->world, operation, &answer) != DONE ||
		    !json_is_true(json_object_get(answer, "repeated")))
			problem(test, "%s %s, acknowledged, is not known",
			    operation_method(operation), operation->id);
		json_decref(answer);
	}
}

static void
compare(struct test *test, const struct shown *shown, const char *when)
{
	size_t count = 0;
	char text[256];

	for (int i = 0; i < WORKERS; i++) {
		struct worker *worker = &test->workers[i];

		count += world_count(&worker->world);
		if (!worker->is_under_way &&
		    world_differs(&worker->world, shown, text, sizeof text))
			problem(test, "%s %s", text, when);
	}
	if (strcmp(when, "at the end") == 0 &&
	    count !=
		json_object_size(shown->accounts) +
		    json_object_size(shown->products) +
		    json_object_size(shown->keys))
		problem(test, "there are objects that nobody has made");
}

/* Each change of this round has its line, and the chain holds. */
static void
check_audit(struct test *test, struct varlink_client *client)
{
	json_t *parameters = json_object(), *answer;
	char path[APIKEYD_PATH_MAX + 16], text[128];

	if (admin_call(client, "VerifyAudit", parameters, &answer) != DONE ||
	    !json_is_true(
		json_object_get(json_object_get(answer, "check"), "sound"))) {
		char *said = json_dumps(answer, JSON_COMPACT);

		problem(test, "the audit log is not sound: %s", said);
		free(said);
	}
	json_decref(answer);
	json_decref(parameters);
	snprintf(path, sizeof path, "%s/audit.log", test->daemon.state);
	for (int i = 0; i < WORKERS; i++) {
		struct acknowledged *round = &test->workers[i].this_round;

		if (!acknowledged_has_lines(round, path, text, sizeof text))
			problem(test, "%s", text);
		acknowledged_clear(round);
	}
}

static void
check_all(struct test *test)
{
	struct varlink_client client;
	struct apikey_client *verify;
	struct shown shown;

	varlink_init(&client, test->daemon.admin);
	check_status(test, &client);
	shown = look(test, &client);
	compare(test, &shown, "after the restart");
	for (int i = 0; i < WORKERS; i++)
		if (test->workers[i].is_under_way)
			settle_under_way(
			    test, &test->workers[i], &client, &shown);
	forget(&shown);
	for (int i = 0; i < WORKERS; i++)
		repeat_acknowledged(test, &test->workers[i], &client);
	shown = look(test, &client);
	compare(test, &shown, "at the end");
	forget(&shown);
	check_audit(test, &client);
	varlink_close(&client);
	if (apikey_client_open(&verify, test->daemon.verify) != APIKEY_OK)
		bail_out("out of memory");
	for (int i = 0; i < WORKERS; i++)
		if (verify_world(test, verify, &test->workers[i].world) == LOST)
			problem(test, "no verification after the restart");
	apikey_client_close(verify);
}

static void
run_round(struct test *test, uint64_t *random)
{
	test->answers = 0;
	test->running = WORKERS;
	for (int i = 0; i < WORKERS; i++)
		if (pthread_create(&test->workers[i].thread, NULL, work,
			&test->workers[i]) != 0)
			bail_out("no thread");
	await_answers(test, 1 + next_random(random) % 100);
	end_daemon(test, next_random(random));
	for (int i = 0; i < WORKERS; i++)
		pthread_join(test->workers[i].thread, NULL);
	start_daemon(test, next_random(random));
	check_all(test);
}

static int
report(struct test *test, unsigned long rounds)
{
	unsigned long changes = 0;

	for (int i = 0; i < WORKERS; i++)
		changes += test->workers[i].acked_count;
	printf("# %lu rounds, %lu kills, %lu changes; of those under way %lu "
	       "were carried out, %lu were not\n",
	    test->round, test->kills, changes, test->carried_out,
	    test->not_carried_out);
	if (test->problem[0] == '\0') {
		apikeyd_remove(&test->daemon);
		printf("ok 1 - nothing is lost and nothing half there after "
		       "%lu rounds of kills\n",
		    rounds);
	} else {
		apikeyd_end(&test->daemon, SIGKILL);
		printf("not ok 1 - nothing is lost and nothing half there\n"
		       "# round %lu, TORTURE_SEED=%lu: %s\n"
		       "# state, log: %s\n",
		    test->round, test->seed, test->problem,
		    test->daemon.directory);
	}
	puts("1..1");
	return test->problem[0] == '\0' ? 0 : 1;
}

int
main(void)
{
	static struct test test = {
	    .lock = PTHREAD_MUTEX_INITIALIZER,
	    .acknowledged = PTHREAD_COND_INITIALIZER,
	};
	unsigned long rounds = number_variable("TORTURE_ROUNDS", 25);
	uint64_t random;

	test.seed = number_variable("TORTURE_SEED",
	    (unsigned long)time(NULL) ^ (unsigned long)getpid() << 32);
	random = test.seed * 2 + 1; /* anything but 0 */
	signal(SIGPIPE, SIG_IGN);
	required_variable("APIKEYD");
	required_variable("APIKEYCTL");
	apikeyd_prepare(&test.daemon);
	setenv("APIKEYD_ADMIN_SOCKET", test.daemon.admin, 1);
	printf("# TORTURE_SEED=%lu\n", test.seed);
	for (int i = 0; i < WORKERS; i++) {
		test.workers[i].test = &test;
		test.workers[i].world.worker = i;
		test.workers[i].random = next_random(&random);
	}
	apikeyd_start(&test.daemon);
	for (; test.round < rounds && test.problem[0] == '\0'; test.round++)
		run_round(&test, &random);
	return report(&test, rounds);
}
