/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of pam_apikey share: a real PAM stack, against a scripted
 * daemon. PAM_MODULE names the module. Each stack ends in pam_permit, so that
 * PAM_IGNORE, which libpam keeps to itself, shows as PAM_SUCCESS; a real
 * success has an identity.
 */
#ifndef TESTS_UNIT_PAM_STACK_H
#define TESTS_UNIT_PAM_STACK_H

#include <security/pam_appl.h>
#include <stdbool.h>
#include <stdint.h>

#include "fake_daemon.h"
#include "suite.h"

extern const char pam_token[];

/* What the daemon is to say, and what it was asked last. */
struct script {
	enum verdict verdict;
	const char *malformed; /* the one text whose verdict is that, or NULL */
	bool active;           /* what a lookup says */
	int64_t expires_at;    /* of the key */
	const char *lie;       /* sent in the place of an answer */
	struct fake_request seen;
};

/* What is typed at the prompts, in this order. */
struct answers {
	const char *texts[4];
	int prompts;
	int others;    /* messages that are no prompt */
	char last[64]; /* the prompt */
};

struct stack {
	struct fake_daemon daemon;
	struct script script;
	struct answers answers;
	char service_path[128];
	pam_handle_t *pamh;
};

/*
 * Starts the daemon, which says "valid", and writes the service "probe": one
 * line of the module with these options, or two, the first of which decides
 * nothing.
 */
void stack_open(struct stack *stack, const char *first, const char *second);

/* Has the account line ask the daemon of other; no line has options then. */
void stack_account_elsewhere(struct stack *stack, const struct stack *other);

/* Begins as user alice. */
void stack_start(struct stack *stack);
void stack_close(struct stack *stack);

/* The usual conversation; its context is a struct answers. */
int stack_converse(int count, const struct pam_message **messages,
    struct pam_response **responses, void *context);

bool has_identity(const struct stack *stack);

/* The part of the suite that plays odd applications. */
void add_application_cases(Suite *suite);

#endif
