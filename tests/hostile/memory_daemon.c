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
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "plugins/client/apikey.h"
#include "tests/crash/admin.h"
#include "tests/crash/apikeyd.h"
#include "tests/crash/fault.h"

enum { ROUNDS_MAX = 8192, TOKEN_SIZE = 80, NO_ANSWER = -1 };

static struct apikeyd daemon_;
static struct faults faults;
static struct {
	char token[TOKEN_SIZE];
	int verdict;
} known[ROUNDS_MAX];
static unsigned long known_count, starts, acknowledged;

/* Over a connection of its own. */
static enum outcome
ask(const char *method, json_t *parameters, char token[TOKEN_SIZE])
{
	struct varlink_client client;
	enum outcome outcome;
	const char *text;
	json_t *answer;

	varlink_init(&client, daemon_.admin);
	outcome = admin_call(&client, method, parameters, &answer);
	varlink_close(&client);
	text = json_string_value(
	    json_object_get(json_object_get(answer, "key"), "token"));
	if (outcome == DONE && text != NULL && token != NULL)
		snprintf(token, TOKEN_SIZE, "%s", text);
	acknowledged += outcome == DONE;
	json_decref(answer);
	json_decref(parameters);
	return outcome;
}

static int
verdict_of(const char *token)
{
	struct apikey_request request = APIKEY_REQUEST_INIT;
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;
	enum apikey_status status;

	if (apikey_client_open(&client, daemon_.verify) != APIKEY_OK)
		bail_out("out of memory");
	request.token = token;
	request.token_len = strlen(token);
	status = apikey_verify(client, &request, &result, PATIENCE_MS);
	apikey_client_close(client);
	return status == APIKEY_OK ? (int)result.verdict : NO_ANSWER;
}

static bool
is_sound(void)
{
	struct varlink_client client;
	json_t *parameters = json_object(), *answer;
	const char *store;
	bool sound;

	varlink_init(&client, daemon_.admin);
	if (admin_call(&client, "GetStatus", parameters, &answer) != DONE)
		bail_out("no status");
	store = json_string_value(
	    json_object_get(json_object_get(answer, "status"), "store"));
	sound = store != NULL && strcmp(store, "sound") == 0;
	json_decref(answer);
	json_decref(parameters);
	varlink_close(&client);
	return sound;
}

/* The problem with what a round ended in, or NULL. */
static const char *
problem_of(
    enum outcome created, enum outcome revoked, const char *token, int during)
{
	int after;

	if (created != DONE)
		return NULL;
	after = verdict_of(token);
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
	char token[TOKEN_SIZE] = "";
	int during = NO_ANSWER;

	faults_arm(&faults, FAULT_MEMORY, nth, 1);
	created = ask("CreateKey",
	    json_pack("{s:{s:s,s:s,s:s}}", "settings", "name", "memory",
		"account", "acme", "product", "api"),
	    token);
	if (created == DONE) {
		size_t len = (size_t)(strrchr(token, '_') - token);

		revoked = ask(
		    "RevokeKey", json_pack("{s:s%}", "id", token, len), NULL);
		during = verdict_of(token);
	}
	*struck = atomic_load(&faults.shared->after) < 0;
	faults_end(&faults);
	if (waitpid(daemon_.pid, NULL, WNOHANG) != 0)
		return "it has ended";
	return problem_of(created, revoked, token, during);
}

static const char *
restart(void)
{
	int status = apikeyd_end(&daemon_, SIGTERM);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return "its end is not 0";
	apikeyd_start(&daemon_);
	starts++;
	for (unsigned long i = 0; i < known_count; i++)
		if (verdict_of(known[i].token) != known[i].verdict)
			return "a key is not what it was before the start";
	return NULL;
}

static void
make_objects(void)
{
	if (ask("CreateAccount",
		json_pack("{s:s,s:s}", "slug", "acme", "status", "approved"),
		NULL) != DONE ||
	    ask("CreateProduct", json_pack("{s:s}", "slug", "api"), NULL) !=
		DONE ||
	    ask("EnableProduct",
		json_pack("{s:s,s:s}", "slug", "api", "account", "acme"),
		NULL) != DONE)
		bail_out("there is no account");
}

int
main(void)
{
	int stride = (int)number_variable("MEMORY_STRIDE", 23), nth = 0;
	const char *problem = NULL;
	bool struck = true;
	const char *sanitizers = getenv("SANITIZERS");

	if (sanitizers != NULL && strcmp(sanitizers, "yes") == 0) {
		puts("1..0 # SKIP a sanitizer has its own malloc()");
		return 0;
	}
	apikeyd_prepare(&daemon_);
	faults_prepare(&faults, &daemon_);
	apikeyd_start(&daemon_);
	make_objects();
	for (; struck && problem == NULL && known_count < ROUNDS_MAX;
	     nth += stride) {
		problem = round_of(nth, &struck);
		/* After some, nobody knows whether a commit is on disk. */
		if (problem == NULL && !is_sound())
			problem = restart();
	}
	if (problem == NULL && (nth <= stride || known_count == 0))
		problem = "no allocation failed: was it preloaded?";
	if (problem == NULL)
		problem = restart();
	printf("# %d allocations, each %d. failed; %lu calls acknowledged, "
	       "%lu restarts\n",
	    nth, stride, acknowledged, starts);
	if (problem == NULL) {
		apikeyd_remove(&daemon_);
		puts("ok 1 - what is acknowledged is so, without memory");
	} else {
		printf("not ok 1 - %s\n# allocation %d, log: %s\n", problem,
		    nth - stride, daemon_.log);
	}
	puts("1..1");
	return problem == NULL ? 0 : 1;
}
