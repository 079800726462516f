/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A daemon whose allocations fail, from one that the test chooses on. It keeps
 * some objects, and is asked about them over a connection each.
 */
#ifndef HOSTILE_STARVED_H
#define HOSTILE_STARVED_H

#include <stdbool.h>

#include "tests/crash/admin.h"
#include "tests/crash/apikeyd.h"
#include "tests/crash/fault.h"

enum { STARVED_TOKEN_SIZE = 80, NO_ANSWER = -1 };

struct starved {
	struct apikeyd daemon;
	struct faults faults;
	int stride; /* allocations from one that fails to the next */
};

/*
 * Prepares the daemon; the stride is MEMORY_STRIDE, or this one. Where a
 * sanitizer has a malloc() of its own, the test is skipped and ends here.
 */
void starved_prepare(struct starved *starved, int stride);

/* Takes the parameters over; *answer is as admin_call() has it. */
enum outcome starved_ask(struct starved *starved, const char *method,
    json_t *parameters, json_t **answer);
/* Bails out where it is not acknowledged. */
void
starved_tell(struct starved *starved, const char *method, json_t *parameters);
/* Account acme, which may use product api. */
void starved_make_objects(struct starved *starved);
/* A key of theirs with these scopes (taken over; NULL: none). The token is
 * empty where there is none. */
enum outcome starved_create_key(
    struct starved *starved, json_t *scopes, char token[STARVED_TOKEN_SIZE]);
/* An enum apikey_verdict, or NO_ANSWER. */
int starved_verdict(struct starved *starved, const char *token);

/* Memory is there again. Whether an allocation failed meanwhile. */
bool starved_feed(struct starved *starved);

/* The test's last words, and main()'s exit code. problem NULL: the claim
 * holds. */
int
starved_end(struct starved *starved, const char *claim, const char *problem);

#endif
