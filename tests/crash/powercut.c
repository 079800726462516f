/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Power cuts: the disk's image is cloned at a random moment while workers
 * change keys, and a second apikeyd starts on the clone. What was acknowledged
 * before the clone was begun is there; what was under way is there or not.
 * powercut.sh makes the disks; it says what they cannot show.
 *
 *   powercut DISK IMAGE CUT CUT_IMAGE
 *
 * DISK is where IMAGE is mounted, CUT where CUT_IMAGE is to be, for a moment.
 *
 *   POWERCUT_ROUNDS   cuts (10)
 *   POWERCUT_SEED     of the random numbers (from the clock)
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "admin.h"
#include "apikeyd.h"
#include "plugins/client/apikey.h"
#include "tests/random.h"

enum {
	WORKERS = 4,
	SLOTS = 16, /* keys of each */
	TOKEN_SIZE = 80,
	FLUSH_MS = 100,     /* usage_flush_interval, and ... */
	FLUSH_SLACK = 4000, /* ... what a busy machine adds, ms */
	MARKS = 64,
	ROUNDS_ENOUGH = 50, /* to come to usage that had to be flushed */
};

enum state { NONE, ACTIVE, DISABLED, REVOKED, DELETED };

struct slot {
	enum state now, then; /* then: with what is under way */
	bool under_way;
	char token[TOKEN_SIZE], dead[TOKEN_SIZE]; /* dead: before a rotation */
};

struct worker {
	struct slot slots[SLOTS];
	int number;
	uint64_t random;
	unsigned long acknowledged;
};

static struct apikeyd live, cut;
static struct worker workers[WORKERS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of workers */
static char counted_token[TOKEN_SIZE];
static _Atomic unsigned long asked, answered;
static _Atomic bool ending;
static unsigned long round_number;
static unsigned long usage_rounds; /* where some usage had to be there */
static char problem_text[512];     /* the main thread's; the first one */

static void
problem(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void
problem(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (problem_text[0] == '\0')
		vsnprintf(problem_text, sizeof problem_text, format, args);
	va_end(args);
}

static int64_t
clock_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* The load */

static const struct {
	enum state from, to;
	const char *method;
} steps[] = {
    {NONE, ACTIVE, "CreateKey"},
    {ACTIVE, DISABLED, "DisableKey"},
    {ACTIVE, ACTIVE, "RotateKey"},
    {ACTIVE, REVOKED, "RevokeKey"},
    {ACTIVE, DELETED, "DeleteKey"},
    {DISABLED, ACTIVE, "EnableKey"},
    {DISABLED, REVOKED, "RevokeKey"},
    {DISABLED, DELETED, "DeleteKey"},
    {REVOKED, DELETED, "DeleteKey"},
    {DELETED, ACTIVE, "CreateKey"},
};
enum { STEPS = sizeof steps / sizeof steps[0] };

static json_t *
parameters_of(const struct slot *slot, const char *method)
{
	if (strcmp(method, "CreateKey") == 0)
		return json_pack("{s:{s:s,s:s,s:s}}", "settings", "name",
		    "power", "account", "acme", "product", "api");
	return json_pack("{s:s%}", "id", slot->token,
	    strlen(slot->token) - strlen(strrchr(slot->token, '_')));
}

static void
copy_token(char out[TOKEN_SIZE], const json_t *answer)
{
	const char *token = json_string_value(
	    json_object_get(json_object_get(answer, "key"), "token"));

	snprintf(out, TOKEN_SIZE, "%s", token != NULL ? token : "");
}

static void
acknowledge(struct worker *worker, struct slot *slot, const char *method,
    const json_t *answer)
{
	pthread_mutex_lock(&lock);
	if (strcmp(method, "CreateKey") == 0)
		slot->dead[0] = '\0';
	if (strcmp(method, "RotateKey") == 0)
		memcpy(slot->dead, slot->token, sizeof slot->dead);
	if (slot->then == ACTIVE && slot->now != DISABLED)
		copy_token(slot->token, answer);
	slot->now = slot->then;
	slot->under_way = false;
	worker->acknowledged++;
	pthread_mutex_unlock(&lock);
}

static void
change_something(struct worker *worker, struct varlink_client *client)
{
	struct slot *slot =
	    &worker->slots[next_random(&worker->random) % SLOTS];
	size_t step = next_random(&worker->random) % STEPS;
	json_t *parameters, *answer;

	while (steps[step].from != slot->now)
		step = (step + 1) % STEPS;
	parameters = parameters_of(slot, steps[step].method);
	pthread_mutex_lock(&lock);
	slot->then = steps[step].to;
	slot->under_way = true;
	pthread_mutex_unlock(&lock);
	if (admin_call(client, steps[step].method, parameters, &answer) != DONE)
		bail_out("%s failed", steps[step].method);
	acknowledge(worker, slot, steps[step].method, answer);
	json_decref(answer);
	json_decref(parameters);
}

static void *
work(void *argument)
{
	struct worker *worker = argument;
	struct varlink_client client;

	varlink_init(&client, live.admin);
	while (!ending)
		change_something(worker, &client);
	varlink_close(&client);
	return NULL;
}

static enum apikey_verdict
verdict_of(struct apikey_client *client, const char *token)
{
	struct apikey_request request = APIKEY_REQUEST_INIT;
	struct apikey_result result = APIKEY_RESULT_INIT;
	enum apikey_status status;

	request.token = token;
	request.token_len = strlen(token);
	status = apikey_verify(client, &request, &result, PATIENCE_MS);
	if (status != APIKEY_OK)
		bail_out("no answer from %s", live.verify);
	return result.verdict;
}

/* Verifications of one key, to be counted. */
static void *
verify_on(void *argument)
{
	struct apikey_client *client;

	(void)argument;
	if (apikey_client_open(&client, live.verify) != APIKEY_OK)
		bail_out("out of memory");
	while (!ending) {
		asked++;
		if (verdict_of(client, counted_token) != APIKEY_VALID)
			bail_out("a key that nobody changes is not valid");
		answered++;
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	}
	apikey_client_close(client);
	return NULL;
}

/* The cut */

static bool
run(const char *const words[])
{
	char *argv[8] = {NULL};
	int status = -1;
	pid_t pid;

	for (size_t i = 0; words[i] != NULL && i < 7; i++)
		argv[i] = strdup(words[i]);
	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) == 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	for (size_t i = 0; argv[i] != NULL; i++)
		free(argv[i]);
	return status == 0;
}

static void
clone_image(const char *image, const char *out)
{
	int from = open(image, O_RDONLY | O_CLOEXEC);
	int to = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (from < 0 || to < 0 || ioctl(to, FICLONE, from) != 0)
		bail_out("%s: cannot be cloned: %s", image, strerror(errno));
	close(from);
	close(to);
}

/* What a token may be said to be on the clone. */
static bool
may_be(const struct slot *slot, enum apikey_verdict verdict)
{
	static const enum apikey_verdict verdicts[] = {
	    [NONE] = APIKEY_UNKNOWN,
	    [ACTIVE] = APIKEY_VALID,
	    [DISABLED] = APIKEY_DISABLED,
	    [REVOKED] = APIKEY_REVOKED,
	    [DELETED] = APIKEY_UNKNOWN,
	};

	if (verdict == verdicts[slot->now])
		return true;
	if (!slot->under_way)
		return false;
	/* A rotation: to a token that nobody has yet. */
	if (slot->now == ACTIVE && slot->then == ACTIVE)
		return verdict == APIKEY_UNKNOWN;
	/* A deleted key's place: its new token is not known either. */
	return slot->now != DELETED && verdict == verdicts[slot->then];
}

static void
check_tokens(const struct worker *known)
{
	struct apikey_client *client;

	if (apikey_client_open(&client, cut.verify) != APIKEY_OK)
		bail_out("out of memory");
	for (int i = 0; i < WORKERS * SLOTS; i++) {
		const struct slot *slot = &known[i / SLOTS].slots[i % SLOTS];
		enum apikey_verdict verdict;

		if (slot->token[0] == '\0')
			continue;
		verdict = verdict_of(client, slot->token);
		if (!may_be(slot, verdict))
			problem("state %d (under way %d to %d): %s", slot->now,
			    slot->under_way, slot->then,
			    apikey_verdict_text(verdict));
		if (slot->dead[0] != '\0' &&
		    verdict_of(client, slot->dead) != APIKEY_UNKNOWN)
			problem("a rotated token is back");
	}
	apikey_client_close(client);
}

/* An answer's member of a member; NULL after saying what there is. */
static json_t *
asked_of(struct varlink_client *client, const char *method, json_t *parameters,
    const char *object, const char *member)
{
	json_t *answer, *found = NULL;

	if (admin_call(client, method, parameters, &answer) == DONE)
		found = json_incref(
		    json_object_get(json_object_get(answer, object), member));
	if (found == NULL || json_is_false(found)) {
		char *text = json_dumps(answer, JSON_COMPACT);

		problem("%s: %.400s", method, text != NULL ? text : "lost");
		free(text);
	}
	json_decref(answer);
	json_decref(parameters);
	return found;
}

static void
check_files(unsigned long at_least, unsigned long at_most)
{
	const char *last = strrchr(counted_token, '_');
	struct varlink_client client;
	json_int_t total;
	json_t *found;

	varlink_init(&client, cut.admin);
	json_decref(
	    asked_of(&client, "VerifyAudit", json_object(), "check", "sound"));
	json_decref(
	    asked_of(&client, "CheckStore", json_object(), "check", "sound"));
	found = asked_of(&client, "GetUsage",
	    json_pack("{s:s%,s:s}", "id", counted_token,
		(size_t)(last - counted_token), "window", "24h"),
	    "usage", "total");
	total = json_integer_value(found);
	json_decref(found);
	varlink_close(&client);
	if (total < (json_int_t)at_least || total > (json_int_t)at_most)
		problem("%lld verifications are counted, not %lu to %lu",
		    (long long)total, at_least, at_most);
}

/* How many were answered when, so that what had to be flushed is known. */
static struct mark {
	int64_t at;
	unsigned long answered;
} marks[MARKS];

static unsigned long
answered_until(int64_t at)
{
	unsigned long most = 0;

	for (int i = 0; i < MARKS; i++)
		if (marks[i].at != 0 && marks[i].at <= at &&
		    marks[i].answered > most)
			most = marks[i].answered;
	return most;
}

static void
cut_power(char *const argv[], uint64_t random)
{
	static struct worker known[WORKERS];
	unsigned long at_least, at_most;

	nanosleep(&(struct timespec){0, (long)(random % 200) * 1000000}, NULL);
	pthread_mutex_lock(&lock);
	memcpy(known, workers, sizeof known);
	at_least = answered_until(clock_ms() - FLUSH_MS - FLUSH_SLACK);
	usage_rounds += at_least > 0;
	marks[round_number % MARKS] = (struct mark){clock_ms(), answered};
	clone_image(argv[2], argv[4]);
	at_most = asked;
	pthread_mutex_unlock(&lock);
	if (!run((const char *[]){
		"mount", "-o", "loop", argv[4], argv[3], NULL}))
		bail_out("%s cannot be mounted", argv[4]);
	apikeyd_spawn(&cut);
	if (apikeyd_await_ready(&cut)) {
		check_tokens(known);
		check_files(at_least, at_most);
		apikeyd_end(&cut, SIGTERM);
	} else {
		problem("apikeyd does not start, see %s", cut.log);
		apikeyd_end(&cut, SIGKILL);
	}
	if (problem_text[0] == '\0' &&
	    !run((const char *[]){"umount", argv[3], NULL}))
		bail_out("%s cannot be unmounted", argv[3]);
}

static void
make_objects(void)
{
	static const char *const calls[][2] = {
	    {"CreateAccount", "{\"slug\":\"acme\",\"status\":\"approved\"}"},
	    {"CreateProduct", "{\"slug\":\"api\"}"},
	    {"EnableProduct", "{\"slug\":\"api\",\"account\":\"acme\"}"},
	    {"CreateKey",
		"{\"settings\":{\"name\":\"counted\",\"account\":\"acme\","
		"\"product\":\"api\"}}"},
	};
	struct varlink_client client;

	varlink_init(&client, live.admin);
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		json_t *parameters = json_loads(calls[i][1], 0, NULL), *answer;

		if (admin_call(&client, calls[i][0], parameters, &answer) !=
		    DONE)
			bail_out("%s failed", calls[i][0]);
		copy_token(counted_token, answer);
		json_decref(answer);
		json_decref(parameters);
	}
	varlink_close(&client);
}

static void
prepare(struct apikeyd *daemon, const char *disk)
{
	char settings[96];

	apikeyd_prepare(daemon);
	rmdir(daemon->state);
	snprintf(daemon->state, sizeof daemon->state, "%s/state", disk);
	snprintf(settings, sizeof settings,
	    "usage_journal_size = 16\nusage_flush_interval = %dms\n", FLUSH_MS);
	apikeyd_configure(daemon, settings);
}

static int
report(unsigned long rounds)
{
	unsigned long changes = 0;

	for (int i = 0; i < WORKERS; i++)
		changes += workers[i].acknowledged;
	if (round_number >= ROUNDS_ENOUGH && usage_rounds == 0)
		problem("no cut came after usage had to be flushed");
	printf("# %lu power cuts, %lu of them with usage that had to be there, "
	       "%lu changes, %lu verifications\n",
	    round_number, usage_rounds, changes, answered);
	if (problem_text[0] == '\0')
		printf("ok 1 - nothing is lost after %lu power cuts\n", rounds);
	else
		printf("not ok 1 - nothing is lost\n# cut %lu: %s\n",
		    round_number, problem_text);
	puts("1..1");
	return problem_text[0] == '\0' ? 0 : 1;
}

int
main(int argc, char **argv)
{
	unsigned long rounds = number_variable("POWERCUT_ROUNDS", 10);
	unsigned long seed = number_variable("POWERCUT_SEED",
	    (unsigned long)time(NULL) ^ (unsigned long)getpid() << 32);
	uint64_t random = seed * 2 + 1; /* anything but 0 */
	pthread_t threads[WORKERS + 1];

	if (argc != 5)
		bail_out("usage: powercut DISK IMAGE CUT CUT_IMAGE");
	printf("# POWERCUT_SEED=%lu\n", seed);
	prepare(&live, argv[1]);
	mkdir(live.state, 0700);
	apikeyd_start(&live);
	make_objects();
	prepare(&cut, argv[3]);
	for (int i = 0; i < WORKERS; i++) {
		workers[i].number = i;
		workers[i].random = next_random(&random);
		pthread_create(&threads[i], NULL, work, &workers[i]);
	}
	pthread_create(&threads[WORKERS], NULL, verify_on, NULL);
	for (; round_number < rounds && problem_text[0] == '\0'; round_number++)
		cut_power(argv, next_random(&random));
	ending = true;
	for (int i = 0; i <= WORKERS; i++)
		pthread_join(threads[i], NULL);
	apikeyd_end(&live, SIGTERM);
	apikeyd_remove(&live);
	if (problem_text[0] == '\0')
		apikeyd_remove(&cut);
	return report(rounds);
}
