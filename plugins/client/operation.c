/* SPDX-License-Identifier: BSD-2-Clause */
#include "operation.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

enum { NS_PER_MS = 1000000, MS_PER_S = 1000 };

/* Nanoseconds on a clock that nobody sets. */
static int64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * MS_PER_S * NS_PER_MS + now.tv_nsec;
}

bool
operation_init(struct operation *op, const char *path)
{
	return exchange_init(&op->exchange, path);
}

void
operation_close(struct operation *op)
{
	operation_cancel(op);
	exchange_close(&op->exchange);
}

bool
operation_running(struct operation *op)
{
	if (op->exchange.step == EXCHANGE_DONE)
		return false;
	if (op->owner == getpid())
		return true;
	/* The parent goes on with it, and the answer is the parent's. */
	exchange_abort(&op->exchange, APIKEY_UNAVAILABLE, ECANCELED);
	return false;
}

void
operation_cancel(struct operation *op)
{
	if (operation_running(op))
		exchange_abort(&op->exchange, APIKEY_UNAVAILABLE, ECANCELED);
}

static enum apikey_status
outcome(const struct operation *op)
{
	const struct exchange *x = &op->exchange;

	if (x->step != EXCHANGE_DONE)
		return APIKEY_IN_PROGRESS;
	if (x->status != APIKEY_OK)
		errno = x->error;
	return x->status;
}

enum apikey_status
operation_start(
    struct operation *op, const struct exchange_task *task, int timeout_ms)
{
	op->task = *task;
	op->deadline = now_ns() + (int64_t)timeout_ms * NS_PER_MS;
	op->owner = getpid();
	exchange_start(&op->exchange, &op->task);
	exchange_advance(&op->exchange, 0);
	return outcome(op);
}

/* A step of what is running, and not a parent's. */
static enum apikey_status
advance(struct operation *op, short revents)
{
	struct exchange *x = &op->exchange;
	/* One look after the deadline is free, so that an answer which is
	 * there already is not thrown away. */
	bool late = now_ns() >= op->deadline;

	exchange_advance(x, late ? (short)(revents | POLLIN) : revents);
	if (late && x->step != EXCHANGE_DONE)
		exchange_abort(x, APIKEY_TIMEOUT, ETIMEDOUT);
	return outcome(op);
}

enum apikey_status
operation_advance(struct operation *op, short revents)
{
	return operation_running(op) ? advance(op, revents) : outcome(op);
}

/* To wait at most before the next step, in nanoseconds: negative if overdue. */
static int64_t
patience_of(const struct operation *op)
{
	int64_t left = op->deadline - now_ns();
	int64_t pause = (int64_t)op->exchange.pause_ms * NS_PER_MS;

	return pause > 0 && pause < left ? pause : left;
}

int
operation_patience_ms(const struct operation *op)
{
	int64_t patience;

	if (op->exchange.step == EXCHANGE_DONE)
		return -1;
	patience = patience_of(op);
	/* Rounded up, lest one waits for nothing in the last of them. */
	return patience > 0 ? (int)((patience + NS_PER_MS - 1) / NS_PER_MS) : 0;
}

/* Returns poll()'s revents, 0 where only time has passed. */
static short
wait_events(const struct operation *op)
{
	const struct exchange *x = &op->exchange;
	struct pollfd wanted = {x->connection.fd, exchange_events(x), 0};
	int64_t patience = patience_of(op);
	struct timespec limit = {0, 0};

	if (patience > 0) {
		limit.tv_sec = (time_t)(patience / NS_PER_MS / MS_PER_S);
		limit.tv_nsec =
		    (long)(patience % ((int64_t)NS_PER_MS * MS_PER_S));
	}
	/* A signal ends the wait early; the next step looks at the clock. */
	if (ppoll(&wanted, 1, &limit, NULL) <= 0)
		return 0;
	return wanted.revents;
}

/*
 * As a rule all was sent at once and the answer is the next to come. The limit
 * is that of the whole operation, which the connection knows from the last one:
 * where a part of it has gone by already, it would be too long.
 */
static enum apikey_status
await_answer(struct operation *op, int timeout_ms)
{
	int64_t whole = (int64_t)timeout_ms * NS_PER_MS;
	bool fresh = patience_of(op) > whole - NS_PER_MS;

	exchange_await(&op->exchange, fresh && timeout_ms > 0 ? timeout_ms : 0);
	return outcome(op);
}

enum apikey_status
operation_run(
    struct operation *op, const struct exchange_task *task, int timeout_ms)
{
	enum apikey_status status = operation_start(op, task, timeout_ms);

	if (status == APIKEY_IN_PROGRESS)
		status = await_answer(op, timeout_ms);
	while (status == APIKEY_IN_PROGRESS)
		status = advance(op, wait_events(op));
	return status;
}
