/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections: from readable socket to plane to written replies. How many
 * there may be, and where they come from, is the server's affair (server.c).
 *
 * A connection is in one of these states, and watches its socket for at most
 * one thing:
 *   reading  for the next request, or for the rest of one (with a deadline)
 *   writing  replies its peer has not yet read (with a deadline); no reading
 *            meanwhile, so a peer that does not read costs one read's worth
 *   waiting  for the plane (PLANE_WAIT); nothing is read
 *   gone     closed; kept until the next turn of the loop, which calls
 *            closed() and frees it, so no callback frees under its caller
 */
#ifndef DAEMON_CONN_H
#define DAEMON_CONN_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "deadline.h"
#include "plane.h"
#include "proto/cursor.h"

TAILQ_HEAD(conn_list, conn);

/* A connection's descriptor has been closed; late: for being too slow. */
typedef void
conn_closed_fn(void *context, const struct plane *plane, uid_t uid, bool late);

/* What all connections of a server share. */
struct conns {
	struct event_base *base;
	struct conn_list open, gone;
	struct event reaper;
	struct conn_list queue; /* for their turns: see struct plane */
	struct event turn;      /* the next one */
	bool turn_taken;
	struct deadlines deadlines;
	uint8_t *in; /* CONN_READ_MAX behind the longest leftover */
	size_t in_size;
	uint8_t *out;
	struct writer writer; /* over out, while a plane is at work */
	bool draining;        /* read nothing more; close what is done */
	conn_closed_fn *on_close;
	void *context;
};

/* Returns 0, or -1 with errno. */
int conns_init(struct conns *conns, struct event_base *base,
    conn_closed_fn *on_close, void *context);
/* Room for a plane's leftovers; not from within a plane. 0, or -1. */
int conns_reserve(struct conns *conns, size_t unfinished_max);
/* Sends everybody home who has no reply coming, and the rest as theirs are
 * sent. */
void conns_drain(struct conns *conns);
/* Closes all connections at once, closed() included. */
void conns_close_all(struct conns *conns);
void conns_free(struct conns *conns);

/*
 * A new connection on fd, which is its own from then on. Returns 0, or -1
 * with errno and fd left open.
 */
int conn_open(struct conns *conns, int fd, const struct plane *plane,
    void *context, const struct peer *peer, unsigned timeout_ms);

#endif
