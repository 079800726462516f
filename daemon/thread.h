/* SPDX-License-Identifier: BSD-2-Clause */
/* The threads beside the loop's. */
#ifndef DAEMON_THREAD_H
#define DAEMON_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/*
 * Runs run(argument) on a thread that takes no signals but those of its own
 * faults: the others are the loop's. name, at most 15 bytes, is what a log line
 * and top(1) call it. False after logging.
 */
bool thread_start(pthread_t *thread, const char *name,
    void *(*run)(void *argument), void *argument);

/*
 * Of the thread that calls it: where processors are short, it leaves them to
 * the loop, so that a verification does not wait until a PIN is stretched or a
 * change is written. Lowered, not idle: on a machine that is full for ever a
 * revocation and a PIN take longer, and come to their end all the same.
 */
void thread_lower(void);

#endif
