/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No memory while the daemon starts, at each allocation in turn: it starts all
 * the same, with the verdicts it had, or does not. Nothing that it says then is
 * advice for a store that is damaged: who follows it puts an older one in the
 * place of one that is sound.
 *
 *   MEMORY_STRIDE   allocations from one that fails to the next (11)
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "plugins/client/apikey.h"
#include "tests/hostile/starved.h"

enum { KEYS = 5, SAID_MAX = 4096 };

static struct starved starved;
static char tokens[KEYS][STARVED_TOKEN_SIZE];
static unsigned long started, refused, own_words;

/* A bit of each kind, and of what a key has in records of its own. */
static void
make_objects(void)
{
	starved_make_objects(&starved);
	starved_tell(&starved, "AddOperator",
	    json_pack("{s:s,s:i,s:s,s:[s]}", "login", "nobody", "uid", 65534,
		"role", "auditor", "accounts", "acme"));
	for (int i = 0; i < KEYS; i++)
		if (starved_create_key(&starved,
			json_pack("[s,s]", "a:read",
			    "a-scope-that-takes-some-room:write"),
			tokens[i]) != DONE)
			bail_out("CreateKey is refused");
}

static const char *
problem_of_start(void)
{
	for (int i = 0; i < KEYS; i++)
		if (starved_verdict(&starved, tokens[i]) != APIKEY_VALID)
			return "it has started, and a key is not valid";
	return NULL;
}

/* What was said from there on. */
static void
read_log(long from, char said[SAID_MAX])
{
	FILE *log = fopen(starved.daemon.log, "re");
	size_t len = 0;

	if (log != NULL && fseek(log, from, SEEK_SET) == 0)
		len = fread(said, 1, SAID_MAX - 1, log);
	said[len] = '\0';
	if (log != NULL)
		fclose(log);
}

static const char *
problem_with(const char *said)
{
	static const char *const wrong[] = {"damaged", "restore", "move it",
	    "missing", "another master key", "makes no sense", "suspect"};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		if (strstr(said, wrong[i]) != NULL)
			return "it has taken it for something else";
	own_words += strstr(said, "keys.tdb: out of memory") != NULL;
	return NULL;
}

static long
log_size(void)
{
	struct stat st;

	return stat(starved.daemon.log, &st) == 0 ? (long)st.st_size : 0;
}

/* From the nth allocation on so many fail; *struck: there were so many. */
static const char *
round_of(int nth, int times, bool *struck)
{
	long from = log_size();
	char said[SAID_MAX];
	const char *problem;
	bool ready;
	int status;

	faults_arm(&starved.faults, FAULT_MEMORY, nth, times);
	apikeyd_spawn(&starved.daemon);
	ready = apikeyd_await_ready(&starved.daemon);
	*struck = starved_feed(&starved);
	read_log(from, said);
	problem = problem_with(said);
	if (ready && problem == NULL)
		problem = problem_of_start();
	status = apikeyd_end(&starved.daemon, SIGTERM);
	/* Where it has not started, libraries may have ended it. */
	if (ready && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		problem = "it has not ended as it should";
	if (ready)
		started++;
	else
		refused++;
	if (problem != NULL)
		printf("# %s", said);
	return problem;
}

/* Each in turn, once for itself or with all that follow. */
static const char *
each(int times)
{
	const char *problem = NULL;
	bool struck = true;
	int nth = 0;

	while (struck && problem == NULL) {
		problem = round_of(nth, times, &struck);
		if (problem != NULL)
			printf("# allocation %d, %s\n", nth,
			    times == 1 ? "alone" : "and all after it");
		nth += starved.stride;
	}
	if (problem == NULL && nth <= starved.stride)
		problem = "no allocation failed: was it preloaded?";
	return problem;
}

int
main(void)
{
	const char *problem;

	starved_prepare(&starved, 11);
	apikeyd_start(&starved.daemon);
	make_objects();
	apikeyd_end(&starved.daemon, SIGTERM);
	problem = each(1);
	if (problem == NULL)
		problem = each(INT_MAX);
	if (problem == NULL && own_words == 0)
		problem = "of no refusal it was said that memory was short";
	if (problem == NULL) {
		apikeyd_start(&starved.daemon);
		problem = problem_of_start();
	}
	printf("# each %d. allocation: %lu starts, %lu refusals, %lu of them "
	       "as keys.tdb was read\n",
	    starved.stride, started, refused, own_words);
	return starved_end(
	    &starved, "a start without memory says so, or is none", problem);
}
