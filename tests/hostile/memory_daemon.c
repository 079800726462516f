/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No memory, at each allocation of the whole daemon in turn: sockets, loop,
 * store thread and libraries included. It goes on; what it acknowledges is so,
 * at once and after the next start. memory.c does the same to its own code,
 * where what is in memory can be compared as well.
 *
 *   MEMORY_STRIDE   allocations from one that fails to the next (23)
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "plugins/client/apikey.h"
#include "tests/hostile/starved.h"

enum { ROUNDS_MAX = 8192 };

static struct starved starved;
static struct {
	char token[STARVED_TOKEN_SIZE];
	int verdict;
} known[ROUNDS_MAX];
static unsigned long known_count, starts, acknowledged;

static bool
is_sound(void)
{
	const char *store;
	json_t *answer;
	bool sound;

	if (starved_ask(&starved, "GetStatus", json_object(), &answer) != DONE)
		bail_out("no status");
	store = json_string_value(
	    json_object_get(json_object_get(answer, "status"), "store"));
	sound = store != NULL && strcmp(store, "sound") == 0;
	json_decref(answer);
	return sound;
}

static enum outcome
revoke_key(const char *token)
{
	size_t len = (size_t)(strrchr(token, '_') - token);
	json_t *answer;
	enum outcome outcome = starved_ask(&starved, "RevokeKey",
	    json_pack("{s:s%}", "id", token, len), &answer);

	json_decref(answer);
	return outcome;
}

/* The problem with what a round ended in, or NULL. */
static const char *
problem_of(
    enum outcome created, enum outcome revoked, const char *token, int during)
{
	int after;

	if (created != DONE)
		return NULL;
	after = starved_verdict(&starved, token);
	strcpy(known[known_count].token, token);
	known[known_count++].verdict = after;
	if (revoked == DONE && after != APIKEY_REVOKED)
		return "a revocation was acknowledged and is not in force";
	if (revoked != DONE && revoked != LOST && after != APIKEY_VALID)
		return "a revocation was refused and is in force";
	if (after != APIKEY_VALID && after != APIKEY_REVOKED)
		return "a key was acknowledged and is not in force";
	if (during != NO_ANSWER && during != after)
		return "a verdict was wrong";
	return NULL;
}

/* With memory failing once, at the nth allocation; *struck: there were so
 * many. */
static const char *
round_of(int nth, bool *struck)
{
	enum outcome created, revoked = FAILED;
	char token[STARVED_TOKEN_SIZE];
	int during = NO_ANSWER;

	faults_arm(&starved.faults, FAULT_MEMORY, nth, 1);
	created = starved_create_key(&starved, NULL, token);
	acknowledged += created == DONE;
	if (created == DONE) {
		revoked = revoke_key(token);
		acknowledged += revoked == DONE;
		during = starved_verdict(&starved, token);
	}
	*struck = starved_feed(&starved);
	if (waitpid(starved.daemon.pid, NULL, WNOHANG) != 0)
		return "it has ended";
	return problem_of(created, revoked, token, during);
}

static const char *
restart(void)
{
	int status = apikeyd_end(&starved.daemon, SIGTERM);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return "its end is not 0";
	apikeyd_start(&starved.daemon);
	starts++;
	for (unsigned long i = 0; i < known_count; i++)
		if (starved_verdict(&starved, known[i].token) !=
		    known[i].verdict)
			return "a key is not what it was before the start";
	return NULL;
}

int
main(void)
{
	const char *problem = NULL;
	bool struck = true;
	int nth = 0;

	starved_prepare(&starved, 23);
	apikeyd_start(&starved.daemon);
	starved_make_objects(&starved);
	for (; struck && problem == NULL && known_count < ROUNDS_MAX;
	     nth += starved.stride) {
		problem = round_of(nth, &struck);
		/* After some, nobody knows whether a commit is on disk. */
		if (problem == NULL && !is_sound())
			problem = restart();
	}
	if (problem == NULL && (nth <= starved.stride || known_count == 0))
		problem = "no allocation failed: was it preloaded?";
	if (problem == NULL)
		problem = restart();
	printf("# %d allocations, each %d. failed; %lu calls acknowledged, "
	       "%lu restarts\n",
	    nth, starved.stride, acknowledged, starts);
	return starved_end(
	    &starved, "what is acknowledged is so, without memory", problem);
}
