/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An apikeyd of the test's own, in a directory of its own: started, awaited,
 * killed. The program is $APIKEYD. Nothing is found by name and nothing is
 * slept for: readiness comes by sd_notify(3), the end by waitpid(2).
 *
 * Where the machine itself does not do what a test needs, the test bails out.
 */
#ifndef CRASH_APIKEYD_H
#define CRASH_APIKEYD_H

#include <stdbool.h>
#include <sys/types.h>

enum {
	APIKEYD_PATH_MAX = 100, /* the length of a socket's address */
	/* What nothing takes, even under a sanitizer on a busy machine. */
	PATIENCE_MS = 30000,
};

struct apikeyd {
	char directory[APIKEYD_PATH_MAX / 2];
	char state[APIKEYD_PATH_MAX], run[APIKEYD_PATH_MAX];
	char admin[APIKEYD_PATH_MAX], verify[APIKEYD_PATH_MAX];
	char log[APIKEYD_PATH_MAX];    /* its stderr, appended to */
	char config[APIKEYD_PATH_MAX]; /* empty: none */
	const char *preload;           /* a library for it; NULL: none */
	pid_t pid;                     /* 0: not running */
	int notify;                    /* the socket it says READY=1 to */
};

/* Makes the directory. */
void apikeyd_prepare(struct apikeyd *daemon);
/* Has it read these settings from its next start on. */
void apikeyd_configure(struct apikeyd *daemon, const char *settings);
/* Starts it; comes back at once. */
void apikeyd_spawn(struct apikeyd *daemon);
/* True once it is ready, false where it has ended instead. */
bool apikeyd_await_ready(struct apikeyd *daemon);
/* Both; what it said is shown, and the test bails out, if it does not come. */
void apikeyd_start(struct apikeyd *daemon);
/* Its end after this signal, as waitpid(2) tells it. */
int apikeyd_end(struct apikeyd *daemon, int signal_number);
/* Kills it if it runs, and removes the directory. */
void apikeyd_remove(struct apikeyd *daemon);

/* "Bail out!" with a message, and the end of the test. */
void bail_out(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* From the environment; fallback where it is not set. */
const char *required_variable(const char *name);
unsigned long number_variable(const char *name, unsigned long fallback);

#endif
