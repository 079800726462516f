/* SPDX-License-Identifier: BSD-2-Clause */
/* All connections of a server: what they share, and the end of them. */
#include <stdlib.h>

#include "conn_impl.h"

static void
reap(struct conns *conns)
{
	struct conn *conn;

	while ((conn = TAILQ_FIRST(&conns->gone)) != NULL) {
		TAILQ_REMOVE(&conns->gone, conn, link);
		conn->plane->closed(conn->context, conn->session);
		free(conn);
	}
}

static void
on_reap(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	reap(arg);
}

int
conns_init(struct conns *conns, struct event_base *base,
    conn_closed_fn *on_close, void *context)
{
	*conns = (struct conns){
	    .base = base,
	    .out = malloc(CONN_OUT_SIZE),
	    .on_close = on_close,
	    .context = context,
	};
	if (conns->out == NULL ||
	    !deadlines_init(&conns->deadlines, base, conn_on_expired)) {
		free(conns->out);
		return -1;
	}
	TAILQ_INIT(&conns->open);
	TAILQ_INIT(&conns->gone);
	TAILQ_INIT(&conns->queue);
	evtimer_assign(&conns->turn, base, conn_on_turn, conns);
	event_assign(&conns->reaper, base, -1, 0, on_reap, conns);
	return 0;
}

int
conns_reserve(struct conns *conns, size_t unfinished_max)
{
	/* Held input is at most what one read left: a leftover and a read. */
	size_t size = unfinished_max + CONN_READ_MAX;
	uint8_t *in;

	if (size <= conns->in_size)
		return 0;
	in = malloc(size);
	if (in == NULL)
		return -1;
	free(conns->in); /* wiped after each use */
	conns->in = in;
	conns->in_size = size;
	return 0;
}

void
conns_drain(struct conns *conns)
{
	struct conn *conn, *next;

	conns->draining = true;
	for (conn = TAILQ_FIRST(&conns->open); conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, link);
		conn_settle(conn);
	}
}

void
conns_close_all(struct conns *conns)
{
	struct conn *conn;

	while ((conn = TAILQ_FIRST(&conns->open)) != NULL)
		conn_drop(conn);
	reap(conns);
}

void
conns_free(struct conns *conns)
{
	conns_close_all(conns);
	event_del(&conns->reaper);
	event_del(&conns->turn);
	deadlines_free(&conns->deadlines);
	free(conns->in);
	free(conns->out);
}
