/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Four operators change things at once until apikeyd is killed, or suffers a
 * fault and is killed then: what was acknowledged is there after the restart,
 * what was under way is there wholly or not at all, and what was revoked or
 * deleted does not come back.
 *
 * Each round, operators of different roles change what is their own, over
 * connections of their own or through apikeyctl, until the daemon is killed
 * under them: while it works, while files or memory fail it, while it ends,
 * and again while it starts. Then it is started on the same state directory,
 * and everything that it shows, every verdict on every token there ever was,
 * and every line of the audit log is compared with what the operators were
 * told. What was under way is settled by what is there, and stays so.
 *
 *   TORTURE_ROUNDS   rounds (50)
 *   TORTURE_SEED     of the random numbers (1)
 *   TORTURE_LIE      lost, half or resurrected: what is not true, to see that
 *                    it is noticed
 *
 * Other users to be operators are had by root alone; faults not under a
 * sanitizer. The directory of a round that failed is kept.
 */
#include "torture.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FAULTS_ENOUGH = 20 };

/* Who they are, where other users can be had. */
static const struct {
	uid_t uid;
	const char *role; /* NULL: root */
	bool limited;     /* to accounts of its own, and the shared one */
} operators[WORKERS] = {
    [CTL_WORKER] = {0, NULL, false},
    [KEEPER] = {61101, "superadmin", false},
    {61102, "admin", false},
    {61103, "admin", true},
};

void
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

static void
pause_us(uint64_t us)
{
	struct timespec time = {
	    (time_t)(us / 1000000), (long)(us % 1000000) * 1000};

	nanosleep(&time, NULL);
}

/* What is there before anything else */

static void
found(struct worker *worker, struct varlink_client *client,
    enum operation_kind kind, int account, int product)
{
	struct world after = world_copy(&worker->world);
	json_t *answer;

	worker->under_way = (struct operation){
	    .kind = kind, .account = account, .product = product};
	snprintf(worker->under_way.id, sizeof worker->under_way.id,
	    "found-%d-%lu", worker->world.worker, worker->acked_count);
	if (ask_for(worker, client, &answer) != DONE)
		bail_out("%s failed", operation_method(&worker->under_way));
	world_apply(&after, &worker->under_way, answer);
	note_done(worker, &after);
	json_decref(answer);
}

/* Accounts and products from first to last, each enabled for each. */
static void
found_places(
    struct worker *worker, struct varlink_client *client, int first, int last)
{
	for (int i = first; i <= last; i++) {
		found(worker, client, ACCOUNT_CREATE, i, i);
		found(worker, client, ACCOUNT_APPROVE, i, i);
		found(worker, client, PRODUCT_CREATE, i, i);
	}
	for (int i = first; i <= last; i++)
		for (int k = first; k <= last; k++)
			found(worker, client, PRODUCT_ENABLE, i, k);
	/* It was root that did it: not to be repeated by the worker. */
	worker->acked_count = 0;
}

static void
found_operator(const struct worker *worker, struct varlink_client *client)
{
	char account[WORLD_SLUG_MAX], other[WORLD_SLUG_MAX],
	    shared[WORLD_SLUG_MAX], login[WORLD_SLUG_MAX];
	int number = worker->world.worker;
	json_t *parameters, *answer;

	world_account(&worker->world, 0, account);
	world_account(&worker->world, 1, other);
	world_account(&worker->world, WORLD_SHARED, shared);
	snprintf(login, sizeof login, "worker-%d", number);
	parameters = json_pack("{s:s, s:I, s:s, s:o*}", "login", login, "uid",
	    (json_int_t)worker->uid, "role", operators[number].role, "accounts",
	    operators[number].limited
		? json_pack("[s, s, s]", account, other, shared)
		: NULL);
	if (admin_call(client, "AddOperator", parameters, &answer) != DONE)
		bail_out("AddOperator failed");
	json_decref(parameters);
	json_decref(answer);
}

static void
found_world(struct test *test)
{
	struct varlink_client client;

	varlink_init(&client, test->daemon.admin);
	found_places(
	    &test->workers[KEEPER], &client, WORLD_SHARED, WORLD_SHARED);
	for (int i = 0; i < WORKERS; i++) {
		if (!test->workers[i].world.superadmin)
			found_places(
			    &test->workers[i], &client, 0, WORLD_SHARED - 1);
		if (test->others && operators[i].role != NULL)
			found_operator(&test->workers[i], &client);
	}
	varlink_close(&client);
}

/* Ends and starts */

/* Until there were so many more; all workers gone is a problem. */
static void
await_events(struct test *test, unsigned long more)
{
	unsigned long until;

	pthread_mutex_lock(&test->lock);
	until = test->events + more;
	while (test->events < until && test->running == WORKERS)
		pthread_cond_wait(&test->event, &test->lock);
	pthread_mutex_unlock(&test->lock);
}

static void
suffer(struct test *test, uint64_t how)
{
	/* Those that make a change fail, and now and then the others. */
	static const enum fault_kind kinds[] = {FAULT_SYNC, FAULT_WRITE,
	    FAULT_DISK_FULL, FAULT_DISK_FULL, FAULT_MEMORY, FAULT_MEMORY,
	    FAULT_MAP, FAULT_FILE_SIZE};
	enum fault_kind kind = kinds[how % 8];
	int after = (int)(how >> 8 & 0xff) % (kind == FAULT_MEMORY ? 256 : 16);
	/* Once, a few times, or until it is over. */
	static const int often[] = {1, 1, 5, 1000000};

	test->fault = kind;
	test->faulted++;
	faults_arm(&test->faults, kind, after, often[how >> 16 & 3]);
	await_events(test, 1 + (how >> 24 & 15));
	if ((how >> 32 & 1) == 0)
		return;
	faults_end(&test->faults);
	await_events(test, 1 + (how >> 40 & 31));
}

static void
end_daemon(struct test *test, uint64_t how)
{
	bool sound = test->fault == FAULT_NONE;
	int status;

	if (waitpid(test->daemon.pid, &status, WNOHANG) > 0) {
		problem(test, "apikeyd ended by itself, wait status %#x (%s)",
		    status, fault_text(test->fault));
		test->daemon.pid = 0;
		apikeyd_spawn(&test->daemon); /* to be killed below */
	}
	pthread_mutex_lock(&test->lock);
	test->ending = true;
	pthread_mutex_unlock(&test->lock);
	switch (how % 8) {
	case 0: /* while it ends */
		kill(test->daemon.pid, SIGTERM);
		pause_us((how >> 8) % 3000);
		break;
	case 1:
		status = apikeyd_end(&test->daemon, SIGTERM);
		if (sound && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
			problem(test, "wait status %#x after SIGTERM", status);
		return;
	default:
		pause_us((how >> 8) % 2000);
	}
	apikeyd_end(&test->daemon, SIGKILL);
	test->kills++;
}

/* Some starts do not come to their end, either; some for a fault. */
static void
start_daemon(struct test *test, uint64_t how)
{
	for (uint64_t again = how % 4; again >= 2; again--) {
		uint64_t next = how >> (8 * again);

		if (test->faults.shared != NULL && next % 2 == 0) {
			faults_arm(&test->faults,
			    FAULT_SYNC +
				(enum fault_kind)(next >> 1) %
				    (FAULT_SHARED_KINDS - FAULT_SYNC),
			    (int)(next >> 4 & 0xff), 1000000);
			test->faulted++;
		}
		apikeyd_spawn(&test->daemon);
		pause_us(next % 20000);
		apikeyd_end(&test->daemon, SIGKILL);
		test->kills++;
		faults_end(&test->faults);
	}
	apikeyd_start(&test->daemon);
}

static void
run_round(struct test *test, uint64_t *random)
{
	uint64_t how;

	test->events = 0;
	test->running = WORKERS;
	test->ending = false;
	test->fault = FAULT_NONE;
	for (int i = 0; i < WORKERS; i++)
		if (pthread_create(&test->workers[i].thread, NULL, work,
			&test->workers[i]) != 0)
			bail_out("no thread");
	await_events(test, 1 + next_random(random) % 64);
	how = next_random(random);
	if (test->faults.shared != NULL && how % 3 == 0)
		suffer(test, how / 3);
	end_daemon(test, next_random(random));
	for (int i = 0; i < WORKERS; i++)
		pthread_join(test->workers[i].thread, NULL);
	faults_end(&test->faults);
	start_daemon(test, next_random(random));
	check_all(test);
}

static int
report(struct test *test)
{
	unsigned long tokens = 0, abandoned = 0;

	for (int i = 0; i < WORKERS; i++) {
		tokens += test->workers[i].world.dead_tokens.count;
		abandoned += test->workers[i].imports_abandoned;
	}
	/* Some of so many do, or the daemon runs without fault_preload.so. */
	if (test->faults.armed >= FAULTS_ENOUGH && test->faults.struck == 0)
		problem(test, "none of %lu faults struck", test->faults.armed);
	printf("# %lu rounds, %lu kills, %lu faults, of %lu armed %lu struck, "
	       "%lu changes, %lu dead tokens; of changes under way %lu were "
	       "carried out, %lu were not; %lu imports were given up\n",
	    test->round, test->kills, test->faulted, test->faults.armed,
	    test->faults.struck, test->changes, tokens, test->carried_out,
	    test->not_carried_out, abandoned);
	if (test->problem[0] == '\0') {
		apikeyd_remove(&test->daemon);
	} else {
		apikeyd_end(&test->daemon, SIGKILL);
		printf("# round %lu, TORTURE_SEED=%lu: %s\n# state, log: %s\n",
		    test->round, test->seed, test->problem,
		    test->daemon.directory);
	}
	printf("%sok 1 - nothing is lost, half there or back again after %lu "
	       "rounds\n1..1\n",
	    test->problem[0] == '\0' ? "" : "not ", test->round);
	return test->problem[0] == '\0' ? 0 : 1;
}

/* Setting up */

static enum lie
lie_variable(void)
{
	static const char *const lies[] = {
	    [LIE_LOST] = "lost",
	    [LIE_HALF] = "half",
	    [LIE_RESURRECTED] = "resurrected",
	};
	const char *value = getenv("TORTURE_LIE");

	for (int i = LIE_LOST; i <= LIE_RESURRECTED && value != NULL; i++)
		if (strcmp(value, lies[i]) == 0)
			return (enum lie)i;
	return LIE_NONE;
}

/* Whether another user gets to the sockets: the temporary directory may be
 * where others cannot go. */
static bool
others_can(const struct test *test)
{
	struct stat status;
	bool can;

	if (test->self != 0 || chmod(test->daemon.directory, 0711) != 0)
		return false;
	become(operators[KEEPER].uid);
	can = stat(test->daemon.run, &status) == 0;
	become(test->self);
	return can;
}

static void
prepare(struct test *test, uint64_t *random)
{
	const char *sanitizers = getenv("SANITIZERS");

	apikeyd_prepare(&test->daemon);
	setenv("APIKEYD_ADMIN_SOCKET", test->daemon.admin, 1);
	test->self = geteuid();
	test->others = others_can(test);
	if (!test->others)
		puts("# one user for all operators: others take root");
	if (sanitizers == NULL || strcmp(sanitizers, "yes") != 0)
		faults_prepare(&test->faults, &test->daemon);
	else
		puts("# no faults under a sanitizer");
	for (int i = 0; i < WORKERS; i++) {
		struct worker *worker = &test->workers[i];

		worker->test = test;
		worker->uid = test->others ? operators[i].uid : test->self;
		worker->random = next_random(random);
		worker->world.worker = i;
		worker->world.keeper = i == KEEPER;
		worker->world.superadmin = i <= KEEPER;
	}
}

int
main(void)
{
	static struct test test = {
	    .lock = PTHREAD_MUTEX_INITIALIZER,
	    .event = PTHREAD_COND_INITIALIZER,
	};
	unsigned long rounds = number_variable("TORTURE_ROUNDS", 50);
	uint64_t random;

	test.seed = number_variable("TORTURE_SEED", 1);
	random = test.seed * 2 + 1; /* anything but 0 */
	test.lie = lie_variable();
	signal(SIGPIPE, SIG_IGN);
	required_variable("APIKEYD");
	required_variable("APIKEYCTL");
	prepare(&test, &random);
	printf("# TORTURE_SEED=%lu\n", test.seed);
	apikeyd_start(&test.daemon);
	found_world(&test);
	for (; test.round < rounds && test.problem[0] == '\0'; test.round++)
		run_round(&test, &random);
	return report(&test);
}
