/* SPDX-License-Identifier: BSD-2-Clause */
/* The torture test's parts: operators at work, and the look at what is there
 * after them. torture.c says what it is all about. */
#ifndef CRASH_TORTURE_H
#define CRASH_TORTURE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "admin.h"
#include "apikeyd.h"
#include "audit.h"
#include "fault.h"
#include "model.h"
#include "operation.h"
#include "tests/random.h"

enum {
	WORKERS = 4,
	CTL_WORKER = 0, /* by apikeyctl, as root */
	KEEPER = 1,     /* of what is shared */
	ACKED = 4,
};

/* What is not true, to see whether it is noticed. */
enum lie {
	LIE_NONE,
	LIE_LOST,        /* a key that was created is taken away */
	LIE_HALF,        /* a key of an import is left out */
	LIE_RESURRECTED, /* a key is said to be revoked */
};

struct worker {
	struct test *test;
	uid_t uid;
	struct world world;
	struct operation under_way;
	bool is_under_way;
	struct operation acked[ACKED]; /* the last ones */
	unsigned long acked_count, chosen, imports_abandoned;
	struct acknowledged this_round;
	uint64_t random;
	pthread_t thread;
};

struct test {
	struct apikeyd daemon;
	struct faults faults;
	struct audit_lines lines;
	struct worker workers[WORKERS];
	unsigned long seed, round;
	int64_t sequence; /* the highest the daemon has shown */
	uint64_t omitted; /* changes that the audit log is yet to tell of */
	unsigned long kills, faulted, changes;
	unsigned long carried_out, not_carried_out;
	enum lie lie;
	uid_t self;
	bool others; /* other users can be had, so that roles count */
	_Atomic enum fault_kind fault; /* that was there in this round */
	pthread_mutex_t lock;          /* of what follows */
	pthread_cond_t event;
	unsigned long events;  /* answers and failures of this round */
	unsigned long running; /* workers */
	bool ending;           /* whoever gets no answer now need not wonder */
	unsigned shared_changes; /* of what is shared, begun and done */
	char problem[512];       /* the first one */
};

void problem(struct test *test, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* From here on this thread is this user to those it connects to. */
void become(uid_t uid);

/* Asks for what is under way, over the socket; as admin_call(). */
enum outcome
ask_for(struct worker *worker, struct varlink_client *client, json_t **answer);
/* Where there is no room for more, a change that makes no token is done even
 * if its operation id cannot be remembered. */
bool may_lack_trace(const struct worker *worker);
/* It is done, and has made this of its world. */
void note_done(struct worker *worker, const struct world *after);

/*
 * Only its keeper knows what is shared; others go by how it stands, and are
 * unsure while it is being changed. Returns how often a change of it was begun
 * or done.
 */
unsigned look_at_shared(struct worker *worker);

/* A thread: changes and verifications until the daemon is gone. */
void *work(void *worker);

/* Every token of the worker's keys, and of those that are no more the latest,
 * or all. LOST where the daemon went away, REFUSED with a problem. */
enum outcome verify_world(
    struct worker *worker, struct apikey_client *client, bool all_dead);

/* What the daemon has, against what the workers know, after a restart. */
void check_all(struct test *test);

#endif
