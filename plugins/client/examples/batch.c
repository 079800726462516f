/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Verifies the API keys on standard input, one a line, all in one call.
 *
 *	cc batch.c $(pkg-config --cflags --libs libapikey)
 *	./a.out [SOCKET [TIMEOUT_MS]] <FILE
 *
 * Exits 0 if all are valid, 1 if not, 2 if nobody knows.
 */
#include <apikey.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 100, LINE_MAX_LEN = 256 };

static char tokens[BATCH_MAX][LINE_MAX_LEN];
static struct apikey_request requests[BATCH_MAX];
static struct apikey_result results[BATCH_MAX];

static size_t
read_requests(void)
{
	static const struct apikey_request nothing = APIKEY_REQUEST_INIT;
	size_t count = 0;

	while (count < BATCH_MAX &&
	    fgets(tokens[count], LINE_MAX_LEN, stdin) != NULL) {
		tokens[count][strcspn(tokens[count], "\n")] = '\0';
		requests[count] = nothing;
		requests[count].token = tokens[count];
		requests[count].token_len = strlen(tokens[count]);
		requests[count].endpoint = "example: batch";
		results[count].size = sizeof results[count];
		count++;
	}
	return count;
}

int
main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : NULL;
	int timeout_ms = argc > 2 ? atoi(argv[2]) : 1000;
	struct apikey_client *client;
	enum apikey_status status;
	size_t count = read_requests();
	int code = 0;

	status = apikey_client_open(&client, path);
	if (status == APIKEY_OK)
		status = apikey_verify_batch(
		    client, requests, results, count, timeout_ms);
	apikey_client_close(client);
	explicit_bzero(tokens, sizeof tokens);
	/* Some may have been answered even where the call failed. */
	for (size_t i = 0; i < count; i++) {
		printf("%s %s\n", apikey_verdict_text(results[i].verdict),
		    results[i].id);
		if (results[i].verdict != APIKEY_VALID)
			code = 1;
	}
	if (status != APIKEY_OK) {
		fprintf(stderr, "not all: %s\n", apikey_status_text(status));
		return 2;
	}
	return code;
}
