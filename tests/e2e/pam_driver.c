/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes a PAM service through some steps and prints what each came to:
 *
 *   pam_driver CONFDIR SERVICE USER STEP...
 *
 *   authenticate, acct_mgmt, setcred   that call: "authenticate PAM_SUCCESS"
 *   environment                        the PAM environment, a line each
 *   rhost=HOST                         sets PAM_RHOST
 *   run=COMMAND                        runs it by the shell, between steps
 *
 * Prompts are answered by the lines of standard input. Exits 0 whatever the
 * calls said, 1 where a step could not be taken.
 */
#include <security/pam_appl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CODE(name)            \
	{                     \
		(name), #name \
	}

static const struct {
	int code;
	const char *name;
} codes[] = {
    CODE(PAM_SUCCESS),
    CODE(PAM_SERVICE_ERR),
    CODE(PAM_SYSTEM_ERR),
    CODE(PAM_BUF_ERR),
    CODE(PAM_PERM_DENIED),
    CODE(PAM_AUTH_ERR),
    CODE(PAM_AUTHINFO_UNAVAIL),
    CODE(PAM_USER_UNKNOWN),
    CODE(PAM_MAXTRIES),
    CODE(PAM_ACCT_EXPIRED),
    CODE(PAM_CRED_ERR),
    CODE(PAM_CONV_ERR),
    CODE(PAM_IGNORE),
    CODE(PAM_INCOMPLETE),
    CODE(PAM_MODULE_UNKNOWN),
};

static void
report(const char *step, int code)
{
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (codes[i].code == code) {
			printf("%s %s\n", step, codes[i].name);
			return;
		}
	printf("%s %d\n", step, code);
}

/* The next line of standard input, without its end; the caller frees it. */
static char *
read_answer(void)
{
	char *line = NULL;
	size_t size = 0;

	if (getline(&line, &size, stdin) < 0) {
		free(line);
		return strdup("");
	}
	line[strcspn(line, "\n")] = '\0';
	return line;
}

static int
converse(int count, const struct pam_message **messages,
    struct pam_response **responses, void *context)
{
	struct pam_response *out = calloc((size_t)count, sizeof *out);

	(void)context;
	if (out == NULL)
		return PAM_BUF_ERR;
	for (int i = 0; i < count; i++)
		if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF ||
		    messages[i]->msg_style == PAM_PROMPT_ECHO_ON)
			out[i].resp = read_answer();
	*responses = out;
	return PAM_SUCCESS;
}

static void
print_environment(pam_handle_t *pamh)
{
	char **list = pam_getenvlist(pamh);

	for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
		puts(list[i]);
		free(list[i]);
	}
	free(list);
}

static bool
take_step(pam_handle_t *pamh, const char *step)
{
	if (strcmp(step, "authenticate") == 0)
		report(step, pam_authenticate(pamh, 0));
	else if (strcmp(step, "acct_mgmt") == 0)
		report(step, pam_acct_mgmt(pamh, 0));
	else if (strcmp(step, "setcred") == 0)
		report(step, pam_setcred(pamh, PAM_ESTABLISH_CRED));
	else if (strcmp(step, "environment") == 0)
		print_environment(pamh);
	else if (strncmp(step, "rhost=", 6) == 0)
		return pam_set_item(pamh, PAM_RHOST, step + 6) == PAM_SUCCESS;
	else if (strncmp(step, "run=", 4) == 0) {
		fflush(stdout);
		return system(step + 4) == 0;
	} else
		return false;
	return true;
}

int
main(int argc, char **argv)
{
	struct pam_conv conversation = {converse, NULL};
	pam_handle_t *pamh = NULL;
	int code;

	if (argc < 4) {
		fputs(
		    "usage: pam_driver CONFDIR SERVICE USER STEP...\n", stderr);
		return 1;
	}
	/* No copy of an answer in a buffer of ours. */
	setvbuf(stdin, NULL, _IONBF, 0);
	code =
	    pam_start_confdir(argv[2], argv[3], &conversation, argv[1], &pamh);
	if (code != PAM_SUCCESS) {
		report("start", code);
		return 1;
	}
	for (int i = 4; i < argc; i++)
		if (!take_step(pamh, argv[i])) {
			fprintf(stderr, "pam_driver: %s failed\n", argv[i]);
			pam_end(pamh, PAM_ABORT);
			return 1;
		}
	pam_end(pamh, PAM_SUCCESS);
	return 0;
}
