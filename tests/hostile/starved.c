/* SPDX-License-Identifier: BSD-2-Clause */
#include "starved.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/client/apikey.h"

void
starved_prepare(struct starved *starved, int stride)
{
	const char *sanitizers = getenv("SANITIZERS");

	if (sanitizers != NULL && strcmp(sanitizers, "yes") == 0) {
		puts("1..0 # SKIP a sanitizer has its own malloc()");
		exit(0);
	}
	starved->stride =
	    (int)number_variable("MEMORY_STRIDE", (unsigned long)stride);
	apikeyd_prepare(&starved->daemon);
	faults_prepare(&starved->faults, &starved->daemon);
}

enum outcome
starved_ask(struct starved *starved, const char *method, json_t *parameters,
    json_t **answer)
{
	struct varlink_client client;
	enum outcome outcome;

	varlink_init(&client, starved->daemon.admin);
	outcome = admin_call(&client, method, parameters, answer);
	varlink_close(&client);
	json_decref(parameters);
	return outcome;
}

void
starved_tell(struct starved *starved, const char *method, json_t *parameters)
{
	json_t *answer;

	if (starved_ask(starved, method, parameters, &answer) != DONE)
		bail_out("%s is refused", method);
	json_decref(answer);
}

void
starved_make_objects(struct starved *starved)
{
	starved_tell(starved, "CreateAccount",
	    json_pack("{s:s,s:s}", "slug", "acme", "status", "approved"));
	starved_tell(
	    starved, "CreateProduct", json_pack("{s:s}", "slug", "api"));
	starved_tell(starved, "EnableProduct",
	    json_pack("{s:s,s:s}", "slug", "api", "account", "acme"));
}

enum outcome
starved_create_key(
    struct starved *starved, json_t *scopes, char token[STARVED_TOKEN_SIZE])
{
	json_t *answer;
	enum outcome outcome = starved_ask(starved, "CreateKey",
	    json_pack("{s:{s:s,s:s,s:s,s:o*}}", "settings", "name", "memory",
		"account", "acme", "product", "api", "scopes", scopes),
	    &answer);
	const char *text = json_string_value(
	    json_object_get(json_object_get(answer, "key"), "token"));

	snprintf(token, STARVED_TOKEN_SIZE, "%s",
	    outcome == DONE && text != NULL ? text : "");
	json_decref(answer);
	return outcome;
}

int
starved_verdict(struct starved *starved, const char *token)
{
	struct apikey_request request = APIKEY_REQUEST_INIT;
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;
	enum apikey_status status;

	if (apikey_client_open(&client, starved->daemon.verify) != APIKEY_OK)
		bail_out("out of memory");
	request.token = token;
	request.token_len = strlen(token);
	status = apikey_verify(client, &request, &result, PATIENCE_MS);
	apikey_client_close(client);
	return status == APIKEY_OK ? (int)result.verdict : NO_ANSWER;
}

bool
starved_feed(struct starved *starved)
{
	bool struck = atomic_load(&starved->faults.shared->after) < 0;

	faults_end(&starved->faults);
	return struck;
}

int
starved_end(struct starved *starved, const char *claim, const char *problem)
{
	if (problem == NULL) {
		apikeyd_remove(&starved->daemon);
		printf("ok 1 - %s\n", claim);
	} else {
		printf(
		    "not ok 1 - %s\n# log: %s\n", problem, starved->daemon.log);
	}
	puts("1..1");
	return problem == NULL ? 0 : 1;
}
