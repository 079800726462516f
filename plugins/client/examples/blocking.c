/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Verifies the API key on the first line of standard input, and waits for it.
 *
 *	cc blocking.c $(pkg-config --cflags --libs libapikey)
 *	./a.out [SOCKET [TIMEOUT_MS]] <FILE
 *
 * Exits 0 if it is valid, 1 if not, 2 if nobody knows.
 */
#include <apikey.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : NULL;
	int timeout_ms = argc > 2 ? atoi(argv[2]) : 1000;
	struct apikey_request request = APIKEY_REQUEST_INIT;
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;
	enum apikey_status status;
	char token[256] = "";

	if (fgets(token, sizeof token, stdin) == NULL)
		return 2;
	token[strcspn(token, "\n")] = '\0';
	status = apikey_client_open(&client, path);
	if (status == APIKEY_OK) {
		request.token = token;
		request.token_len = strlen(token);
		request.endpoint = "example: blocking";
		status = apikey_verify(client, &request, &result, timeout_ms);
		explicit_bzero(token, sizeof token);
	}
	apikey_client_close(client);
	if (status != APIKEY_OK) {
		fprintf(stderr, "no answer: %s\n", apikey_status_text(status));
		return 2;
	}
	printf("%s %s\n", apikey_verdict_text(result.verdict), result.id);
	return result.verdict == APIKEY_VALID ? 0 : 1;
}
