/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole cycles of a PAM service: start, authenticate, acct_mgmt, end.
 *
 *     cycles CONFDIR SERVICE USER SECONDS <PASSWORD
 *
 * Each of them has to end in success. Prints one line: cycles, seconds, rate.
 */
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "samples.h"

static char password[256];

static int
converse(int count, const struct pam_message **messages,
    struct pam_response **responses, void *context)
{
	struct pam_response *out = calloc((size_t)count, sizeof *out);

	(void)messages;
	(void)context;
	if (out == NULL)
		return PAM_BUF_ERR;
	for (int i = 0; i < count; i++)
		out[i].resp = strdup(password);
	*responses = out;
	return PAM_SUCCESS;
}

static int
cycle(const char *directory, const char *service, const char *user)
{
	const struct pam_conv conversation = {converse, NULL};
	pam_handle_t *handle = NULL;
	int code =
	    pam_start_confdir(service, user, &conversation, directory, &handle);

	if (code == PAM_SUCCESS)
		code = pam_authenticate(handle, 0);
	if (code == PAM_SUCCESS)
		code = pam_acct_mgmt(handle, 0);
	pam_end(handle, code);
	return code;
}

int
main(int argc, char **argv)
{
	unsigned long cycles = 0;
	uint64_t begun, end, ns;

	if (argc != 5 || fgets(password, sizeof password, stdin) == NULL) {
		fputs("usage: cycles CONFDIR SERVICE USER SECONDS <PASSWORD\n",
		    stderr);
		return 2;
	}
	password[strcspn(password, "\n")] = '\0';
	begun = now_ns();
	end = begun + (uint64_t)(atof(argv[4]) * 1e9);
	for (; now_ns() < end; cycles++) {
		int code = cycle(argv[1], argv[2], argv[3]);

		if (code != PAM_SUCCESS) {
			fprintf(stderr, "cycles: %s: %s\n", argv[2],
			    pam_strerror(NULL, code));
			return 1;
		}
	}
	ns = now_ns() - begun;
	printf("cycles=%lu seconds=%.3f rate=%.1f\n", cycles, (double)ns / 1e9,
	    (double)cycles * 1e9 / (double)ns);
	return 0;
}
