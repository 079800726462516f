/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An exchange with a deadline and an owner: what a client of apikey.h is doing
 * at the moment, if anything. Event loops advance it step by step, and the
 * blocking calls are the same steps with a wait between each two.
 */
#ifndef CLIENT_OPERATION_H
#define CLIENT_OPERATION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "apikey.h"
#include "exchange.h"

struct operation {
	struct exchange exchange;
	struct exchange_task task;
	int64_t deadline; /* nanoseconds on CLOCK_MONOTONIC */
	pid_t owner;      /* the process that began it */
};

/* op is all zeroes. False where the path is no socket path. */
bool operation_init(struct operation *op, const char *path);
void operation_close(struct operation *op);

/* One that a parent process began is not running here: it is given up. */
bool operation_running(struct operation *op);

/*
 * Begins a task, none running; its context has to live until the end of it.
 * Like operation_advance() for what is returned.
 */
enum apikey_status operation_start(
    struct operation *op, const struct exchange_task *task, int timeout_ms);

/*
 * Goes on with what is running. Returns APIKEY_IN_PROGRESS or how it ended,
 * with errno where it did not end well. revents is what poll() found.
 */
enum apikey_status operation_advance(struct operation *op, short revents);

/* To wait at most before the next step, in milliseconds for poll(): not
 * negative, or -1 if nothing runs. */
int operation_patience_ms(const struct operation *op);

/* Gives up what is running, if anything. */
void operation_cancel(struct operation *op);

/* Starts and waits for the end. */
enum apikey_status operation_run(
    struct operation *op, const struct exchange_task *task, int timeout_ms);

#endif
