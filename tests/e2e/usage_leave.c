/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asks for usage and leaves before the answer, many times, then waits for one.
 *
 *     usage_leave SOCKET ROUNDS PATIENCE_MS <TOKEN
 *
 * Prints the total that it was told, or why it was told none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/client/apikey.h"

static enum apikey_status
ask(const char *socket, const char *token, struct apikey_usage *usage,
    int timeout_ms)
{
	struct apikey_request request = APIKEY_REQUEST_INIT;
	struct apikey_client *client;
	enum apikey_status status = apikey_client_open(&client, socket);

	request.token = token;
	request.token_len = strlen(token);
	if (status == APIKEY_OK)
		status = apikey_usage(
		    client, &request, APIKEY_WINDOW_30D, usage, timeout_ms);
	/* Closes the connection, whatever is under way on it. */
	apikey_client_close(client);
	return status;
}

int
main(int argc, char **argv)
{
	static struct apikey_usage usage = APIKEY_USAGE_INIT;
	char token[256] = "";
	enum apikey_status status;
	int rounds, patience;

	if (argc != 4 || fgets(token, sizeof token, stdin) == NULL) {
		fputs("usage_leave SOCKET ROUNDS PATIENCE_MS <TOKEN\n", stderr);
		return 2;
	}
	token[strcspn(token, "\n")] = '\0';
	rounds = atoi(argv[2]);
	patience = atoi(argv[3]);
	/* No patience: the request is sent, and nobody waits. */
	for (int i = 0; i < rounds; i++) {
		status = ask(argv[1], token, &usage, 0);
		if (status != APIKEY_OK && status != APIKEY_TIMEOUT) {
			printf("%s\n", apikey_status_text(status));
			return 1;
		}
	}
	/* Those who left may still be in the way. */
	do {
		status = ask(argv[1], token, &usage, patience);
	} while (status == APIKEY_OK && usage.verdict == APIKEY_VALID &&
	    !usage.told);
	if (status != APIKEY_OK || !usage.told) {
		printf("%s, %s\n", apikey_status_text(status),
		    apikey_verdict_text(usage.verdict));
		return 1;
	}
	printf("%llu\n", (unsigned long long)usage.total);
	return 0;
}
