/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One operation on a connection: count requests out, count answers in, as a
 * machine that never waits, but in exchange_await(). Whoever drives it waits:
 * until the descriptor has what exchange_events() names, or pause_ms is over,
 * or patience is.
 *
 * Requests are encoded and sent a buffer at a time while answers are read, so
 * neither side can wait for the other to make room, however many there are.
 *
 * A connection that breaks before a byte of an answer has come is replaced
 * once and everything sent again: that is a daemon that was restarted. After
 * any other end than APIKEY_OK the connection is closed, so that a late answer
 * is never taken for the answer to a later question.
 */
#ifndef CLIENT_EXCHANGE_H
#define CLIENT_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apikey.h"
#include "connection.h"
#include "proto/cursor.h"
#include "proto/frame.h"

/* What is asked and where the answers go; the driver's. */
struct exchange_task {
	enum frame_type type;
	size_t count;
	/* Writes the body of request i. */
	void (*encode)(void *context, size_t i, struct writer *w);
	/* Takes the answer to request i; false where it makes no sense. */
	bool (*decode)(void *context, size_t i, struct bytes body);
	void *context;
	/* The end of the last request's body, which is long and is sent from
	 * where it is: encode() leaves it out. */
	struct bytes tail;
};

enum exchange_step { EXCHANGE_CONNECT, EXCHANGE_TALK, EXCHANGE_DONE };

struct exchange {
	struct connection connection;
	const struct exchange_task *task;
	enum exchange_step step;
	enum apikey_status status; /* once the step is EXCHANGE_DONE */
	int error;                 /* errno that goes with it */
	int pause_ms;              /* before the next try to connect, or 0 */
	bool retried;
	bool heard;        /* a byte of an answer has come */
	bool peer_deaf;    /* it has closed; it may have said why before */
	uint32_t next_id;  /* of the next task's first request */
	uint32_t first_id; /* of this task's */
	size_t encoded;    /* requests that have been put into out */
	size_t answered;
	size_t in_len;
	size_t out_at, out_len; /* what is still to be sent */
	size_t out_high;        /* what has to be wiped */
	size_t tail_at;         /* of the task's tail */
	/* Two of the longest frames, so that short ones travel together. */
	uint8_t in[2 * FRAME_MAX];
	uint8_t out[2 * FRAME_MAX];
};

/* x is all zeroes. False where the path is no socket path. Connects to nothing
 * yet. */
bool exchange_init(struct exchange *x, const char *path);

/* Begins a task; it and its context have to live until the end of it. */
void exchange_start(struct exchange *x, const struct exchange_task *task);

/* Which of POLLIN and POLLOUT to wait for on connection.fd; 0: for neither. */
short exchange_events(const struct exchange *x);

/* Goes as far as it can without waiting. revents is what poll() found. */
void exchange_advance(struct exchange *x, short revents);

/*
 * Takes the answer, where there is nothing to do but wait for it: waits for it
 * for limit_ms at most, or not at all where that is 0, and goes on like
 * exchange_advance(). That is one system call and not two, for a driver that
 * has nothing else to wait for. Where there is more to do it does nothing.
 */
void exchange_await(struct exchange *x, int limit_ms);

/* Ends a task before its time, also one that a parent process began. */
void exchange_abort(struct exchange *x, enum apikey_status status, int error);

void exchange_close(struct exchange *x);

#endif
