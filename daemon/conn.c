/* SPDX-License-Identifier: BSD-2-Clause */
#include "conn_impl.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "instant.h"
#include "log.h"
#include "secret.h"

static void on_event(evutil_socket_t fd, short what, void *arg);

/* Always deletes first: the event may have been made active by hand. */
static void
watch(struct conn *conn, short what)
{
	if (conn->watched == what)
		return;
	event_del(&conn->event);
	conn->watched = what;
	if (what == 0)
		return;
	if (event_assign(&conn->event, conn->conns->base, conn->fd,
		(short)(what | EV_PERSIST), on_event, conn) != 0 ||
	    event_add(&conn->event, NULL) != 0)
		conn_drop(conn);
}

/* Bytes sent, 0 where the socket takes none; drops what is broken. */
static size_t
send_some(struct conn *conn, const void *data, size_t len)
{
	ssize_t n = send(conn->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n >= 0)
		return (size_t)n;
	if (errno != EAGAIN && errno != EINTR)
		conn_drop(conn);
	return 0;
}

static void
start_out_deadline(struct conn *conn)
{
	conn->out_due =
	    conn->out.len < CONN_OUT_SIZE ? conn->out.len : CONN_OUT_SIZE;
	deadline_set(
	    &conn->conns->deadlines, &conn->deadline, conn->timeout_ms);
}

/* Sends, and keeps what the socket does not take. */
static void
output(struct conn *conn, const uint8_t *data, size_t len)
{
	bool first = conn->out.len == 0;
	size_t sent = 0;

	if (conn->gone || len == 0)
		return;
	if (first)
		sent = send_some(conn, data, len);
	if (conn->gone || sent == len)
		return;
	if (!kept_append(&conn->out, data + sent, len - sent))
		conn_drop(conn);
	else if (first)
		start_out_deadline(conn);
}

/*
 * The deadline is for the bytes that were there when it was set, and of many
 * for the first CONN_OUT_SIZE. So a peer that reads a byte now and then does
 * not move it, and one that keeps up with a long stream is not cut off.
 */
static void
flush_kept(struct conn *conn)
{
	struct kept *out = &conn->out;
	size_t sent = send_some(conn, out->data + out->start, out->len);

	if (conn->gone || sent == 0)
		return;
	kept_take(out, sent);
	if (out->len == 0) {
		deadline_clear(&conn->conns->deadlines, &conn->deadline);
		if (conn->waiting && conn->plane->sent != NULL)
			conn->plane->sent(conn->context, conn->session);
	} else if (sent >= conn->out_due)
		start_out_deadline(conn);
	else
		conn->out_due -= sent;
}

/* Gone for good: a peer that only sends no more still reads. */
static bool
is_hung_up(const struct conn *conn)
{
	struct pollfd fd = {.fd = conn->fd};

	return poll(&fd, 1, 0) == 1 && (fd.revents & (POLLHUP | POLLERR)) != 0;
}

/* In pieces: memset() wipes larger ones a byte at a time, by an instruction
 * that takes a while to get going. */
static void
wipe(uint8_t *data, size_t len)
{
	enum { PIECE = 1024 };

	for (; len > PIECE; data += PIECE, len -= PIECE)
		secret_wipe(data, PIECE);
	secret_wipe(data, len);
}

static void
flush_writer(struct conn *conn)
{
	struct writer *w = &conn->conns->writer;

	output(conn, w->start, w->len);
	if (!conn->plane->replies_public)
		wipe(w->start, w->len);
	*w = writer_over(conn->conns->out, CONN_OUT_SIZE);
}

static void
leave_queue(struct conn *conn)
{
	if (conn->queued)
		TAILQ_REMOVE(&conn->conns->queue, conn, queue_link);
	conn->queued = false;
}

void
conn_drop(struct conn *conn)
{
	struct conns *conns = conn->conns;

	if (conn->gone)
		return;
	conn->gone = true;
	leave_queue(conn);
	event_del(&conn->event);
	deadline_clear(&conns->deadlines, &conn->deadline);
	close(conn->fd);
	conn->fd = -1;
	kept_clear(&conn->in);
	kept_clear(&conn->out);
	TAILQ_REMOVE(&conns->open, conn, link);
	TAILQ_INSERT_TAIL(&conns->gone, conn, link);
	event_active(&conns->reaper, EV_TIMEOUT, 0);
	conns->on_close(conns->context, conn->plane, conn->uid, conn->late);
}

void
conn_settle(struct conn *conn)
{
	struct conns *conns = conn->conns;

	if (conn->gone || conn->busy)
		return;
	if (conn->out.len > 0) {
		watch(conn, EV_WRITE);
	} else if (conn->finishing) {
		conn_drop(conn);
	} else if (conn->waiting) {
		deadline_clear(&conns->deadlines, &conn->deadline);
		/* Reading stays on until something comes: as a rule it is
		 * nothing, and two epoll_ctl(2) are saved. */
		if (conn->watched == EV_WRITE)
			watch(conn, 0);
	} else if (conn->held) {
		/* By the loop: the shared buffers may be in use just now. */
		if (!conn->queued)
			event_active(&conn->event, EV_READ, 0);
	} else if (conn->eof || (conns->draining && !conn->queued)) {
		conn_drop(conn);
	} else {
		if (conn->in.len > 0 && !deadline_is_set(&conn->deadline))
			deadline_set(&conns->deadlines, &conn->deadline,
			    conn->timeout_ms);
		watch(conn, EV_READ);
	}
}

/* One call of the plane. True if it is to be called again. */
static bool
call_plane(struct conn *conn, struct reader *r)
{
	struct conns *conns = conn->conns;
	enum plane_status status;
	size_t used = 0;

	conn->busy = true;
	conn->resumed = false;
	status = conn->plane->received(conn->context, conn->session,
	    (struct bytes){r->at, r->left}, &used, &conns->writer);
	conn->busy = false;
	read_bytes(r, used);
	/* What is left over is the beginning of another request. */
	if (used > 0 && conn->out.len == 0)
		deadline_clear(&conns->deadlines, &conn->deadline);
	if (r->failed || (conns->writer.failed && status != PLANE_FULL)) {
		log_error("%s: plane left its buffers", conn->plane->name);
		conn_drop(conn);
	}
	if (conn->gone || conn->finishing)
		return false;
	switch (status) {
	case PLANE_MORE:
		return false;
	case PLANE_FULL:
		if (used == 0 && conns->writer.len == 0) {
			log_error("%s: reply too long", conn->plane->name);
			conn_drop(conn);
			return false;
		}
		flush_writer(conn);
		/* A reply begun and taken back may lie behind the end. */
		if (!conn->plane->replies_public)
			wipe(conns->out, CONN_OUT_SIZE);
		conn->held = conn->out.len > 0 || conn->plane->takes_turns;
		return !conn->gone && !conn->held;
	case PLANE_WAIT:
		conn->waiting = !conn->resumed;
		conn->held =
		    r->left > 0 && (conn->waiting || conn->plane->takes_turns);
		return r->left > 0 && !conn->held;
	case PLANE_CLOSE:
		break;
	}
	conn->finishing = true;
	return false;
}

/* Gives the plane len bytes in the shared input buffer. */
static void
process(struct conn *conn, size_t len)
{
	struct conns *conns = conn->conns;
	struct reader r = reader_over(conns->in, len);

	conn->held = false;
	conns->writer = writer_over(conns->out, CONN_OUT_SIZE);
	while (call_plane(conn, &r))
		;
	flush_writer(conn);
	if (!conn->gone && !conn->finishing) {
		if (!conn->held && !conn->waiting &&
		    r.left > conn->plane->unfinished_max)
			conn->finishing = true;
		else if (r.left > 0 && !kept_append(&conn->in, r.at, r.left))
			conn_drop(conn);
	}
	wipe(conns->in, len);
}

static void
process_timed(struct conn *conn, size_t len)
{
	const struct plane *plane = conn->plane;
	uint64_t begun;

	if (plane->timed == NULL) {
		process(conn, len);
		return;
	}
	begun = monotonic_ns();
	process(conn, len);
	plane->timed(conn->context, monotonic_ns() - begun);
}

/* Copies what was kept to the front of the shared input buffer. */
static size_t
recall(const struct conn *conn)
{
	if (conn->in.len > 0)
		memcpy(conn->conns->in, conn->in.data, conn->in.len);
	return conn->in.len;
}

static void
process_held(struct conn *conn)
{
	size_t len = recall(conn);

	kept_clear(&conn->in);
	process_timed(conn, len);
}

static void
process_read(struct conn *conn)
{
	uint8_t *in = conn->conns->in;
	size_t len = recall(conn);
	ssize_t n = read(conn->fd, in + len, CONN_READ_MAX);

	if (n > 0) {
		if (len > 0)
			kept_clear(&conn->in);
		process_timed(conn, len + (size_t)n);
		return;
	}
	secret_wipe(in, len);
	if (n == 0)
		conn->eof = true;
	else if (errno != EAGAIN && errno != EINTR)
		conn_drop(conn);
}

static bool
takes_input(const struct conn *conn)
{
	return !conn->gone && !conn->waiting && !conn->finishing &&
	    conn->out.len == 0;
}

static void
take_input(struct conn *conn)
{
	if (conn->held)
		process_held(conn);
	else
		process_read(conn);
}

/* By a timer of libevent's own, which is due when all descriptors have been
 * looked at again, and runs no longer: an event that is made active by hand, or
 * a descriptor, might come before others. */
static void
take_turn(struct conns *conns)
{
	static const struct timeval at_once = {0, 0};

	/* Without memory for the timer there are no turns. */
	conns->turn_taken = evtimer_add(&conns->turn, &at_once) == 0;
}

/* Whether it is this one's turn; else it comes later. */
static bool
has_turn(struct conn *conn)
{
	struct conns *conns = conn->conns;

	if (!conn->plane->takes_turns)
		return true;
	if (conn->queued)
		return false;
	if (!conns->turn_taken) {
		take_turn(conns);
		return true;
	}
	conn->queued = true;
	TAILQ_INSERT_TAIL(&conns->queue, conn, queue_link);
	return false;
}

void
conn_on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct conns *conns = arg;
	struct conn *conn;

	(void)fd;
	(void)what;
	conns->turn_taken = false;
	while (
	    !conns->turn_taken && (conn = TAILQ_FIRST(&conns->queue)) != NULL) {
		leave_queue(conn);
		take_turn(conns);
		if (takes_input(conn))
			take_input(conn);
		conn_settle(conn);
	}
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;
	bool came = (what & EV_READ) != 0 && !conn->conns->draining;

	(void)fd;
	if (conn->out.len > 0)
		flush_kept(conn);
	else if (conn->waiting && is_hung_up(conn))
		conn_drop(conn);
	else if (conn->waiting)
		watch(conn, 0);
	if (takes_input(conn) && (conn->held || came) && has_turn(conn))
		take_input(conn);
	conn_settle(conn);
}

void
conn_on_expired(struct deadline *deadline)
{
	struct conn *conn = (struct conn *)(void *)((char *)deadline -
	    offsetof(struct conn, deadline));
	uint8_t said[PLANE_REFUSAL_MAX];
	struct writer w = writer_over(said, sizeof said);

	conn->late = true;
	if (conn->out.len == 0 && conn->plane->refuse != NULL) {
		conn->plane->refuse(PLANE_SLOW, &w);
		send_some(conn, said, w.len);
	}
	conn_drop(conn);
}

void
conn_send(struct conn *conn, const void *data, size_t len)
{
	/* Replies the plane has in hand come first. */
	if (conn->busy)
		flush_writer(conn);
	output(conn, data, len);
	if (conn->out.len > 0)
		conn_settle(conn);
}

bool
conn_is_clogged(const struct conn *conn)
{
	return conn->out.len > 0;
}

void
conn_resume(struct conn *conn)
{
	conn->resumed = true;
	if (!conn->waiting)
		return;
	conn->waiting = false;
	conn_settle(conn);
}

void
conn_finish(struct conn *conn)
{
	conn->finishing = true;
	conn_settle(conn);
}

int
conn_open(struct conns *conns, int fd, const struct plane *plane, void *context,
    const struct peer *peer, unsigned timeout_ms)
{
	struct conn *conn = calloc(1, sizeof *conn);

	if (conn == NULL)
		return -1;
	conn->conns = conns;
	conn->plane = plane;
	conn->context = context;
	conn->fd = fd;
	conn->uid = peer->uid;
	conn->timeout_ms = timeout_ms;
	conn->watched = EV_READ;
	if (event_assign(&conn->event, conns->base, fd, EV_READ | EV_PERSIST,
		on_event, conn) != 0 ||
	    event_add(&conn->event, NULL) != 0) {
		free(conn);
		return -1;
	}
	TAILQ_INSERT_TAIL(&conns->open, conn, link);
	conn->session = plane->opened(context, conn, peer);
	return 0;
}
