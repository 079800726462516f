/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was acknowledged is in force for the very next verification, asked for
 * by another process over connections that stay open: no exception in any
 * round. A third process keeps the daemon busy with verifications meanwhile.
 *
 *   REVOKE_ROUNDS   rounds (200)
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin.h"
#include "apikeyd.h"
#include "plugins/client/apikey.h"

enum { CONNECTIONS = 3, TOKEN_SIZE = 80, CTL_EVERY = 20 };

struct test {
	struct apikeyd daemon;
	struct varlink_client admin;
	int verifier; /* a token goes in, a verdict comes out */
	char id[32], token[TOKEN_SIZE], old_token[TOKEN_SIZE];
	unsigned long round, asked, wrong;
};

/* The other processes */

static enum apikey_verdict
verdict_of(struct apikey_client *client, const char *token)
{
	struct apikey_request request = APIKEY_REQUEST_INIT;
	struct apikey_result result = APIKEY_RESULT_INIT;

	request.token = token;
	request.token_len = strlen(token);
	if (apikey_verify(client, &request, &result, PATIENCE_MS) != APIKEY_OK)
		return APIKEY_NO_ANSWER;
	return result.verdict;
}

static void
verify_for_parent(int fd, const char *path)
{
	struct apikey_client *clients[CONNECTIONS];
	char token[TOKEN_SIZE];
	unsigned next = 0;

	for (int i = 0; i < CONNECTIONS; i++)
		if (apikey_client_open(&clients[i], path) != APIKEY_OK)
			_exit(1);
	while (recv(fd, token, sizeof token, 0) == sizeof token) {
		enum apikey_verdict verdict =
		    verdict_of(clients[next++ % CONNECTIONS], token);

		if (send(fd, &verdict, sizeof verdict, 0) < 0)
			break;
	}
	_exit(0);
}

static void
verify_for_ever(const char *path, const char *token)
{
	struct apikey_client *client;

	if (apikey_client_open(&client, path) == APIKEY_OK)
		while (verdict_of(client, token) != APIKEY_NO_ANSWER)
			;
	_exit(0);
}

static pid_t
fork_child(void)
{
	pid_t pid = fork();

	if (pid < 0)
		bail_out("fork: %s", strerror(errno));
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* The rounds */

static void
copy_member(const json_t *object, const char *name, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(object, name));

	snprintf(out, size, "%s", text != NULL ? text : "");
}

static void
change(struct test *test, const char *method, json_t *parameters)
{
	json_t *answer, *key;

	if (admin_call(&test->admin, method, parameters, &answer) != DONE)
		bail_out("%s failed in round %lu", method, test->round);
	key = json_object_get(answer, "key");
	if (json_object_get(key, "token") != NULL) {
		memcpy(test->old_token, test->token, sizeof test->token);
		copy_member(key, "id", test->id, sizeof test->id);
		copy_member(key, "token", test->token, sizeof test->token);
	}
	json_decref(answer);
	json_decref(parameters);
}

static void
change_key(struct test *test, const char *method)
{
	change(test, method, json_pack("{s:s}", "id", test->id));
}

static void
change_account(struct test *test, const char *method)
{
	change(test, method, json_pack("{s:s}", "slug", "acme"));
}

static void
change_product(struct test *test, const char *method)
{
	change(test, method,
	    json_pack("{s:s, s:s}", "slug", "api", "account", "acme"));
}

/* Now and then the way people do it. */
static void
revoke_key(struct test *test)
{
	char ctl[] = "apikeyctl", key[] = "key", verb[] = "revoke",
	     yes[] = "--yes", json[] = "--json";
	char *words[] = {ctl, key, verb, test->id, yes, json, NULL};
	json_t *answer;

	if (test->round % CTL_EVERY != 0) {
		change_key(test, "RevokeKey");
		return;
	}
	if (admin_ctl(words, &answer) != DONE)
		bail_out("apikeyctl key revoke failed");
	json_decref(answer);
}

static void
expect(struct test *test, const char *token, enum apikey_verdict wanted,
    const char *after)
{
	enum apikey_verdict verdict;

	if (send(test->verifier, token, TOKEN_SIZE, 0) != TOKEN_SIZE ||
	    recv(test->verifier, &verdict, sizeof verdict, 0) != sizeof verdict)
		bail_out("the verifying process has gone");
	test->asked++;
	if (verdict == wanted)
		return;
	test->wrong++;
	printf("# round %lu, after %s: %s instead of %s\n", test->round, after,
	    apikey_verdict_text(verdict), apikey_verdict_text(wanted));
}

static void
run_round(struct test *test)
{
	change(test, "CreateKey",
	    json_pack("{s:{s:s, s:s, s:s}}", "settings", "account", "acme",
		"product", "api", "name", "round"));
	expect(test, test->token, APIKEY_VALID, "create");
	change_key(test, "DisableKey");
	expect(test, test->token, APIKEY_DISABLED, "disable");
	change_key(test, "EnableKey");
	expect(test, test->token, APIKEY_VALID, "enable");
	change_key(test, "RotateKey");
	expect(test, test->old_token, APIKEY_UNKNOWN, "rotate");
	expect(test, test->token, APIKEY_VALID, "rotate");
	change_account(test, "SuspendAccount");
	expect(test, test->token, APIKEY_ACCOUNT_INACTIVE, "suspend");
	change_account(test, "ApproveAccount");
	change_product(test, "DisableProduct");
	expect(test, test->token, APIKEY_PRODUCT_DISABLED, "product disable");
	change_product(test, "EnableProduct");
	expect(test, test->token, APIKEY_VALID, "product enable");
	revoke_key(test);
	expect(test, test->token, APIKEY_REVOKED, "revoke");
	change_key(test, "DeleteKey");
	expect(test, test->token, APIKEY_UNKNOWN, "delete");
}

int
main(void)
{
	static struct test test;
	unsigned long rounds = number_variable("REVOKE_ROUNDS", 200);
	pid_t verifier, busy;
	int pair[2];

	required_variable("APIKEYD");
	required_variable("APIKEYCTL");
	apikeyd_prepare(&test.daemon);
	apikeyd_start(&test.daemon);
	setenv("APIKEYD_ADMIN_SOCKET", test.daemon.admin, 1);
	varlink_init(&test.admin, test.daemon.admin);
	change(&test, "CreateAccount",
	    json_pack("{s:s, s:s}", "slug", "acme", "status", "approved"));
	change(&test, "CreateProduct", json_pack("{s:s}", "slug", "api"));
	change_product(&test, "EnableProduct");
	change(&test, "CreateKey",
	    json_pack("{s:{s:s, s:s, s:s}}", "settings", "account", "acme",
		"product", "api", "name", "busy"));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		bail_out("socketpair: %s", strerror(errno));
	busy = fork_child();
	if (busy == 0)
		verify_for_ever(test.daemon.verify, test.token);
	verifier = fork_child();
	if (verifier == 0) {
		close(pair[1]);
		verify_for_parent(pair[0], test.daemon.verify);
	}
	close(pair[0]);
	test.verifier = pair[1];
	while (test.round < rounds && test.wrong == 0) {
		test.round++;
		run_round(&test);
	}
	printf("# %lu rounds, %lu verdicts, %lu wrong\n", test.round,
	    test.asked, test.wrong);
	printf("%sok 1 - what was acknowledged holds for the next "
	       "verification\n1..1\n",
	    test.wrong == 0 ? "" : "not ");
	kill(busy, SIGKILL);
	waitpid(busy, NULL, 0);
	close(test.verifier);
	waitpid(verifier, NULL, 0);
	varlink_close(&test.admin);
	apikeyd_remove(&test.daemon);
	return test.wrong == 0 ? 0 : 1;
}
