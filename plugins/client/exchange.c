/* SPDX-License-Identifier: BSD-2-Clause */
#include "exchange.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum { PAUSE_MIN_MS = 1, PAUSE_MAX_MS = 32 };

bool
exchange_init(struct exchange *x, const char *path)
{
	x->step = EXCHANGE_DONE;
	return connection_init(&x->connection, path);
}

static void
finish(struct exchange *x, enum apikey_status status, int error)
{
	explicit_bzero(x->out, x->out_high);
	x->out_high = 0;
	x->step = EXCHANGE_DONE;
	x->status = status;
	x->error = error;
	x->connection.rested = true;
	if (status != APIKEY_OK)
		connection_close(&x->connection);
}

/* Back to the first request, on the connection there is or on a new one. */
static void
rewind_task(struct exchange *x)
{
	x->step = x->connection.fd < 0 ? EXCHANGE_CONNECT : EXCHANGE_TALK;
	x->pause_ms = 0;
	x->heard = false;
	x->peer_deaf = false;
	x->encoded = 0;
	x->answered = 0;
	x->in_len = 0;
	x->out_at = 0;
	x->out_len = 0;
	x->tail_at = 0;
}

void
exchange_start(struct exchange *x, const struct exchange_task *task)
{
	connection_guard(&x->connection);
	x->task = task;
	x->first_id = x->next_id;
	x->next_id += (uint32_t)task->count;
	x->retried = false;
	x->out_high = 0;
	rewind_task(x);
}

/* The connection is gone: take a new one, once, if nothing was heard yet. */
static void
lose(struct exchange *x, int error)
{
	connection_retire(&x->connection);
	if (x->heard || x->retried) {
		finish(x, APIKEY_UNAVAILABLE, error);
		return;
	}
	x->retried = true;
	rewind_task(x);
}

static void
step_connect(struct exchange *x)
{
	int error = connection_open(&x->connection);

	if (error == 0) {
		x->pause_ms = 0;
		x->step = EXCHANGE_TALK;
	} else if (error == EAGAIN) {
		/*
		 * A local socket whose queue is full cannot be polled for room
		 * in it, so that one is tried again after a while.
		 */
		x->pause_ms = x->pause_ms == 0 ? PAUSE_MIN_MS : x->pause_ms * 2;
		if (x->pause_ms > PAUSE_MAX_MS)
			x->pause_ms = PAUSE_MAX_MS;
	} else
		finish(x, APIKEY_UNAVAILABLE, error);
}

/* Fills out with as many of the requests to come as it holds. */
static void
refill(struct exchange *x)
{
	struct writer w = writer_over(x->out, sizeof x->out);

	while (x->encoded < x->task->count) {
		size_t begin = frame_begin(&w, (uint8_t)x->task->type,
		    x->first_id + (uint32_t)x->encoded);

		x->task->encode(x->task->context, x->encoded, &w);
		frame_end_before(&w, begin,
		    x->encoded + 1 == x->task->count ? x->task->tail.len : 0);
		if (w.failed) {
			/* Part of it may be there: cover it by the wiping. */
			if (w.len > x->out_high)
				x->out_high = w.len;
			w.len = begin;
			break;
		}
		x->encoded++;
	}
	x->out_at = 0;
	x->out_len = w.len;
	if (x->out_len > x->out_high)
		x->out_high = x->out_len;
}

/* What is to be sent next, nothing where all is. */
static struct bytes
next_bytes(struct exchange *x)
{
	const struct bytes *tail = &x->task->tail;

	if (x->out_at == x->out_len)
		refill(x);
	if (x->out_at < x->out_len || x->encoded < x->task->count)
		return (struct bytes){
		    x->out + x->out_at, x->out_len - x->out_at};
	if (x->tail_at == tail->len)
		return (struct bytes){NULL, 0};
	return (struct bytes){tail->data + x->tail_at, tail->len - x->tail_at};
}

/* At most one buffer, so that the driver looks at its clock in between. */
static void
step_send(struct exchange *x)
{
	struct bytes next;
	ssize_t sent;

	if (x->peer_deaf)
		return;
	next = next_bytes(x);
	if (next.len == 0) {
		/* Never so, unless the caller changed a request meanwhile. */
		if (x->encoded < x->task->count)
			finish(x, APIKEY_ARGUMENT, EINVAL);
		return;
	}
	do {
		sent = send(x->connection.fd, next.data, next.len,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (sent < 0 && errno == EINTR);
	if (sent >= 0) {
		if (x->out_at < x->out_len)
			x->out_at += (size_t)sent;
		else
			x->tail_at += (size_t)sent;
		x->connection.rested = false;
	} else if (errno == EAGAIN || errno == EWOULDBLOCK)
		return;
	else if (x->connection.rested)
		lose(x, errno); /* closed since the last task */
	else
		x->peer_deaf = true; /* refused: read the reason, if any */
}

/* Answers come in the order of the questions. False: this is not the next. */
static bool
take_reply(struct exchange *x, const struct frame *frame)
{
	size_t index = x->answered;
	bool unsent =
	    index + 1 == x->task->count && x->tail_at < x->task->tail.len;

	if (unsent || frame->type != ((uint8_t)x->task->type | FRAME_REPLY) ||
	    index == x->encoded || frame->id != x->first_id + (uint32_t)index ||
	    !x->task->decode(x->task->context, index, frame->body))
		return false;
	x->answered++;
	return true;
}

/* Every whole frame that is in the buffer. */
static void
take_frames(struct exchange *x)
{
	enum frame_status whole;
	enum frame_error error;
	struct frame frame;
	size_t at = 0;

	for (;;) {
		whole = frame_peek(x->in + at, x->in_len - at,
		    frame_reply_limit, &frame, &error);
		if (whole != FRAME_WHOLE)
			break;
		if (!take_reply(x, &frame)) {
			finish(x, APIKEY_PROTOCOL, EPROTO);
			return;
		}
		at += FRAME_HEADER_LEN + frame.body.len;
	}
	x->in_len -= at;
	memmove(x->in, x->in + at, x->in_len);
	if (whole == FRAME_BAD ||
	    (x->answered == x->task->count && x->in_len > 0))
		finish(x, APIKEY_PROTOCOL, EPROTO);
	else if (x->answered == x->task->count)
		finish(x, APIKEY_OK, 0);
}

static void
step_receive(struct exchange *x, int flags)
{
	ssize_t got;

	/* There is room: in holds two frames, and not even one is whole. */
	got = recv(x->connection.fd, x->in + x->in_len,
	    sizeof x->in - x->in_len, flags);
	if (got > 0) {
		x->heard = true;
		x->in_len += (size_t)got;
		take_frames(x);
	} else if (got == 0)
		lose(x, ECONNRESET);
	else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
		lose(x, errno);
}

short
exchange_events(const struct exchange *x)
{
	if (x->step != EXCHANGE_TALK)
		return 0;
	if (x->peer_deaf ||
	    (x->out_at == x->out_len && x->encoded == x->task->count &&
		x->tail_at == x->task->tail.len))
		return POLLIN;
	return POLLIN | POLLOUT;
}

/* Sends what can be sent, on a new connection where there has to be one. */
static void
go_on(struct exchange *x)
{
	do {
		if (x->step == EXCHANGE_CONNECT)
			step_connect(x);
		if (x->step == EXCHANGE_TALK)
			step_send(x);
	} while (x->step == EXCHANGE_CONNECT && x->pause_ms == 0);
}

void
exchange_advance(struct exchange *x, short revents)
{
	if (x->step == EXCHANGE_TALK && (revents & ~POLLOUT) != 0)
		step_receive(x, MSG_DONTWAIT);
	go_on(x);
}

void
exchange_await(struct exchange *x, int limit_ms)
{
	bool waits;

	if (exchange_events(x) != POLLIN)
		return;
	waits = limit_ms > 0 && connection_wait_for(&x->connection, limit_ms);
	step_receive(x, waits ? 0 : MSG_DONTWAIT);
	go_on(x);
}

void
exchange_abort(struct exchange *x, enum apikey_status status, int error)
{
	connection_guard(&x->connection);
	finish(x, status, error);
}

void
exchange_close(struct exchange *x)
{
	connection_guard(&x->connection);
	connection_close(&x->connection);
}
