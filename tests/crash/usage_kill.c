/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill -9 under load: what was answered is counted once.
 *
 * Each round, clients verify over connections of their own, with endpoints and
 * addresses of all sorts, until the daemon is killed under them (now and then
 * it is stopped instead, or killed again while it starts). After the restart
 * the usage of every key, by verdict, is what its clients were answered, all
 * rounds together; of each client one request was under way, which may count
 * or not. The used quota is the number of valid answers, and store check finds
 * nothing.
 *
 *   USAGE_ROUNDS    rounds (5)
 *   TORTURE_SEED    of the random numbers (from the clock)
 */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin.h"
#include "apikeyd.h"
#include "plugins/client/apikey.h"
#include "tests/random.h"

enum { CLIENTS = 8, KEYS = 3, VERDICTS = 32, TOKEN_SIZE = 80 };

struct counts {
	uint64_t of[VERDICTS];
};

struct client {
	pthread_t thread;
	struct test *test;
	unsigned number, key;
	uint64_t random, sent;
	struct counts answered;      /* this round */
	enum apikey_verdict pending; /* what one under way would be; 0: none */
};

struct test {
	struct apikeyd daemon;
	struct varlink_client admin;
	struct client clients[CLIENTS];
	char ids[KEYS][32], tokens[KEYS][TOKEN_SIZE];
	struct counts counted[KEYS]; /* as the daemon said last */
	uint64_t random, quota_used;
	unsigned long round, answers, in_flight, in_flight_counted;
	char problem[256];
};

static void
pause_us(uint64_t us)
{
	struct timespec time = {
	    (time_t)(us / 1000000), (long)(us % 1000000) * 1000};

	nanosleep(&time, NULL);
}

/* The load */

static void *
verify_until_it_ends(void *argument)
{
	struct client *client = argument;
	struct test *test = client->test;
	struct apikey_client *connection;
	char endpoint[64], address[40];

	if (apikey_client_open(&connection, test->daemon.verify) != APIKEY_OK)
		return NULL;
	for (;;) {
		struct apikey_request request = APIKEY_REQUEST_INIT;
		struct apikey_result result = APIKEY_RESULT_INIT;
		uint64_t random = next_random(&client->random);
		bool other = random % 5 == 0;

		snprintf(endpoint, sizeof endpoint, "GET /%u",
		    (unsigned)(random >> 8) % 90);
		snprintf(address, sizeof address, "10.%u.%u.%u", client->number,
		    (unsigned)(random >> 16) % 8,
		    (unsigned)(random >> 24) % 64);
		request.token = test->tokens[client->key];
		request.token_len = strlen(request.token);
		request.endpoint = endpoint;
		request.address = address;
		request.service = "load";
		/* Every fifth is refused. */
		request.product = other ? "another" : NULL;
		client->pending =
		    other ? APIKEY_PRODUCT_MISMATCH : APIKEY_VALID;
		if (apikey_verify(connection, &request, &result, PATIENCE_MS) !=
			APIKEY_OK ||
		    (size_t)result.verdict >= VERDICTS)
			break;
		client->answered.of[result.verdict]++;
		client->sent++;
	}
	apikey_client_close(connection);
	return NULL;
}

static void
run_load(struct test *test)
{
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct client *client = &test->clients[i];

		*client = (struct client){.test = test,
		    .number = i,
		    .key = i % KEYS,
		    .random = next_random(&test->random) | 1};
		if (pthread_create(&client->thread, NULL, verify_until_it_ends,
			client) != 0)
			bail_out("no thread");
	}
	/* Short rounds are the rule; in long ones the files are written. */
	pause_us(next_random(&test->random) %
	    (test->round % 5 == 0 ? 2500000 : 300000));
	apikeyd_end(&test->daemon, test->round % 7 == 6 ? SIGTERM : SIGKILL);
	for (unsigned i = 0; i < CLIENTS; i++)
		pthread_join(test->clients[i].thread, NULL);
}

/* What the daemon says */

static bool
problem(struct test *test, const char *what, uint64_t has, uint64_t least,
    uint64_t most)
{
	if (test->problem[0] == '\0')
		snprintf(test->problem, sizeof test->problem,
		    "round %lu: %s: %" PRIu64 " where %" PRIu64 " to %" PRIu64
		    " are right",
		    test->round, what, has, least, most);
	return false;
}

static json_t *
call(struct test *test, const char *method, json_t *parameters)
{
	json_t *answer;

	if (admin_call(&test->admin, method, parameters, &answer) != DONE)
		bail_out("%s failed in round %lu", method, test->round);
	json_decref(parameters);
	return answer;
}

/* Of one key: every verdict, and the sums. */
static void
compare_key(struct test *test, unsigned key, struct apikey_client *connection)
{
	static struct apikey_usage usage;
	struct apikey_request request = APIKEY_REQUEST_INIT;

	usage = (struct apikey_usage)APIKEY_USAGE_INIT;
	request.token = test->tokens[key];
	request.token_len = strlen(request.token);
	if (apikey_usage(connection, &request, APIKEY_WINDOW_24H, &usage,
		PATIENCE_MS) != APIKEY_OK ||
	    !usage.told)
		bail_out("usage is not told in round %lu", test->round);
	for (int verdict = 0; verdict < VERDICTS; verdict++) {
		uint64_t least = test->counted[key].of[verdict], most;
		uint64_t has = (size_t)verdict <
			sizeof usage.verdicts / sizeof usage.verdicts[0]
		    ? usage.verdicts[verdict]
		    : 0;

		for (unsigned i = 0; i < CLIENTS; i++)
			if (test->clients[i].key == key)
				least += test->clients[i].answered.of[verdict];
		most = least;
		for (unsigned i = 0; i < CLIENTS; i++)
			most += test->clients[i].key == key &&
			    (int)test->clients[i].pending == verdict;
		if (has < least || has > most)
			problem(test,
			    apikey_verdict_text((enum apikey_verdict)verdict),
			    has, least, most);
		test->in_flight_counted += has - least;
		test->counted[key].of[verdict] = has;
	}
}

static void
compare(struct test *test)
{
	struct apikey_client *connection;
	json_t *answer;
	uint64_t used;

	if (apikey_client_open(&connection, test->daemon.verify) != APIKEY_OK)
		bail_out("cannot connect");
	for (unsigned key = 0; key < KEYS; key++)
		compare_key(test, key, connection);
	apikey_client_close(connection);
	for (unsigned i = 0; i < CLIENTS; i++) {
		test->answers += test->clients[i].sent;
		test->in_flight++;
	}
	answer = call(test, "GetKey", json_pack("{s:s}", "id", test->ids[0]));
	used = (uint64_t)json_integer_value(json_object_get(
	    json_object_get(json_object_get(answer, "key"), "quota"), "used"));
	json_decref(answer);
	if (used != test->counted[0].of[APIKEY_VALID])
		problem(test, "used quota", used,
		    test->counted[0].of[APIKEY_VALID],
		    test->counted[0].of[APIKEY_VALID]);
	answer = call(test, "CheckStore", json_object());
	if (!json_is_true(
		json_object_get(json_object_get(answer, "check"), "sound"))) {
		char *text = json_dumps(answer, 0);

		printf("# %s\n", text);
		free(text);
		problem(test, "store check's problems", 1, 0, 0);
	}
	json_decref(answer);
}

static void
seed(struct test *test)
{
	json_decref(call(test, "CreateAccount",
	    json_pack("{s:s, s:s}", "slug", "acme", "status", "approved")));
	json_decref(
	    call(test, "CreateProduct", json_pack("{s:s}", "slug", "api")));
	json_decref(call(test, "EnableProduct",
	    json_pack("{s:s, s:s}", "slug", "api", "account", "acme")));
	for (unsigned i = 0; i < KEYS; i++) {
		json_t *answer = call(test, "CreateKey",
		    json_pack("{s:{s:s, s:s, s:s, s:{s:i, s:s}}}", "settings",
			"account", "acme", "product", "api", "name", "key",
			"quota", "limit", 1000000000, "per", "total"));
		const json_t *key = json_object_get(answer, "key");

		snprintf(test->ids[i], sizeof test->ids[i], "%s",
		    json_string_value(json_object_get(key, "id")));
		snprintf(test->tokens[i], sizeof test->tokens[i], "%s",
		    json_string_value(json_object_get(key, "token")));
		json_decref(answer);
	}
}

static void
start_again(struct test *test)
{
	/* Now and then it is killed while it takes up what is in the journal.
	 */
	if (test->round % 4 == 3) {
		apikeyd_spawn(&test->daemon);
		pause_us(next_random(&test->random) % 60000);
		apikeyd_end(&test->daemon, SIGKILL);
	}
	apikeyd_start(&test->daemon);
	varlink_close(&test->admin);
	varlink_init(&test->admin, test->daemon.admin);
}

int
main(void)
{
	static struct test test;
	unsigned long rounds = number_variable("USAGE_ROUNDS", 5);
	unsigned long number =
	    number_variable("TORTURE_SEED", (unsigned long)time(NULL));

	required_variable("APIKEYD");
	test.random = number | 1;
	apikeyd_prepare(&test.daemon);
	/* Small, so that files are written all the time. */
	apikeyd_configure(&test.daemon,
	    "usage_journal_size = 16\nusage_flush_interval = 20ms\n");
	apikeyd_start(&test.daemon);
	varlink_init(&test.admin, test.daemon.admin);
	seed(&test);
	while (test.round < rounds && test.problem[0] == '\0') {
		test.round++;
		run_load(&test);
		start_again(&test);
		compare(&test);
	}
	printf("# %lu rounds with seed %lu: %lu answers; of %lu requests under "
	       "way %lu were counted, too\n",
	    test.round, number, test.answers, test.in_flight,
	    test.in_flight_counted);
	if (test.problem[0] != '\0')
		printf("# %s\n", test.problem);
	printf("%sok 1 - what was answered is counted once\n1..1\n",
	    test.problem[0] == '\0' ? "" : "not ");
	varlink_close(&test.admin);
	apikeyd_remove(&test.daemon);
	return test.problem[0] == '\0' ? 0 : 1;
}
