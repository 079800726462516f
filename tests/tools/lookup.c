/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asks what a key ID says to the public:
 *
 *	lookup SOCKET ID
 *
 * Prints "TYPE ACCOUNT PRODUCT active" or "... inactive", or "unknown".
 * Exits 1 where nobody knows.
 */
#include <stdio.h>

#include "plugins/client/apikey.h"

int
main(int argc, char **argv)
{
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client = NULL;
	enum apikey_status status;
	int found = 0, active = 0;

	if (argc != 3)
		return 2;
	status = apikey_client_open(&client, argv[1]);
	if (status == APIKEY_OK)
		status = apikey_lookup(
		    client, argv[2], &found, &active, &result, 10000);
	apikey_client_close(client);
	if (status != APIKEY_OK) {
		fprintf(stderr, "lookup: %s\n", apikey_status_text(status));
		return 1;
	}
	if (found)
		printf("%s %s %s %s\n",
		    result.type == APIKEY_TYPE_HMAC ? "hmac" : "bearer",
		    result.account, result.product,
		    active ? "active" : "inactive");
	else
		puts("unknown");
	return 0;
}
