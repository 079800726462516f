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
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "plugins/client/apikey.h"
#include "tests/crash/admin.h"
#include "tests/crash/apikeyd.h"
#include "tests/crash/fault.h"

enum { KEYS = 5, TOKEN_SIZE = 80, SAID_MAX = 4096 };

static struct apikeyd daemon_;
static struct faults faults;
static char tokens[KEYS][TOKEN_SIZE];
static unsigned long started, refused, own_words;

static void
ask(const char *method, json_t *parameters, char token[TOKEN_SIZE])
{
	struct varlink_client client;
	json_t *answer;

	varlink_init(&client, daemon_.admin);
	if (admin_call(&client, method, parameters, &answer) != DONE)
		bail_out("%s is refused", method);
	varlink_close(&client);
	if (token != NULL)
		snprintf(token, TOKEN_SIZE, "%s",
		    json_string_value(json_object_get(
			json_object_get(answer, "key"), "token")));
	json_decref(answer);
	json_decref(parameters);
}

/* A bit of each kind, and of what a key has in records of its own. */
static void
make_objects(void)
{
	ask("CreateAccount",
	    json_pack("{s:s,s:s}", "slug", "acme", "status", "approved"), NULL);
	ask("CreateProduct", json_pack("{s:s}", "slug", "api"), NULL);
	ask("EnableProduct",
	    json_pack("{s:s,s:s}", "slug", "api", "account", "acme"), NULL);
	ask("AddOperator",
	    json_pack("{s:s,s:i,s:s,s:[s]}", "login", "nobody", "uid", 65534,
		"role", "auditor", "accounts", "acme"),
	    NULL);
	for (int i = 0; i < KEYS; i++)
		ask("CreateKey",
		    json_pack("{s:{s:s,s:s,s:s,s:[s,s]}}", "settings", "name",
			"memory", "account", "acme", "product", "api", "scopes",
			"a:read", "a-scope-that-takes-some-room:write"),
		    tokens[i]);
}

static bool
is_valid(const char *token)
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
	return status == APIKEY_OK && result.verdict == APIKEY_VALID;
}

static const char *
problem_of_start(void)
{
	for (int i = 0; i < KEYS; i++)
		if (!is_valid(tokens[i]))
			return "it has started, and a key is not valid";
	return NULL;
}

/* What was said from there on. */
static void
read_log(long from, char said[SAID_MAX])
{
	FILE *log = fopen(daemon_.log, "re");
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

	return stat(daemon_.log, &st) == 0 ? (long)st.st_size : 0;
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

	faults_arm(&faults, FAULT_MEMORY, nth, times);
	apikeyd_spawn(&daemon_);
	ready = apikeyd_await_ready(&daemon_);
	*struck = atomic_load(&faults.shared->after) < 0;
	faults_end(&faults);
	read_log(from, said);
	problem = problem_with(said);
	if (ready && problem == NULL)
		problem = problem_of_start();
	status = apikeyd_end(&daemon_, SIGTERM);
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
each(int stride, int times)
{
	const char *problem = NULL;
	bool struck = true;
	int nth = 0;

	while (struck && problem == NULL) {
		problem = round_of(nth, times, &struck);
		if (problem != NULL)
			printf("# allocation %d, %s\n", nth,
			    times == 1 ? "alone" : "and all after it");
		nth += stride;
	}
	if (problem == NULL && nth <= stride)
		problem = "no allocation failed: was it preloaded?";
	return problem;
}

int
main(void)
{
	int stride = (int)number_variable("MEMORY_STRIDE", 11);
	const char *sanitizers = getenv("SANITIZERS");
	const char *problem;

	if (sanitizers != NULL && strcmp(sanitizers, "yes") == 0) {
		puts("1..0 # SKIP a sanitizer has its own malloc()");
		return 0;
	}
	apikeyd_prepare(&daemon_);
	faults_prepare(&faults, &daemon_);
	apikeyd_start(&daemon_);
	make_objects();
	apikeyd_end(&daemon_, SIGTERM);
	problem = each(stride, 1);
	if (problem == NULL)
		problem = each(stride, INT_MAX);
	if (problem == NULL && own_words == 0)
		problem = "of no refusal it was said that memory was short";
	if (problem == NULL) {
		apikeyd_start(&daemon_);
		problem = problem_of_start();
	}
	printf("# each %d. allocation: %lu starts, %lu refusals, %lu of them "
	       "as keys.tdb was read\n",
	    stride, started, refused, own_words);
	if (problem == NULL) {
		apikeyd_remove(&daemon_);
		puts("ok 1 - a start without memory says so, or is none");
	} else {
		printf("not ok 1 - %s\n# log: %s\n", problem, daemon_.log);
	}
	puts("1..1");
	return problem == NULL ? 0 : 1;
}
