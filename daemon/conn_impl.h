/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection's insides, for conn.c and conns.c alone. */
#ifndef DAEMON_CONN_IMPL_H
#define DAEMON_CONN_IMPL_H

#include "conn.h"
#include "kept.h"

enum {
	CONN_READ_MAX = 65536, /* one read(2) */
	CONN_OUT_SIZE = 65536, /* replies to one read, as a rule */
};

struct conn {
	struct event event;
	struct deadline deadline; /* for out, where there is any, else in */
	TAILQ_ENTRY(conn) link, queue_link;
	struct conns *conns;
	const struct plane *plane;
	void *context;
	void *session;
	struct kept in;  /* read and not used by the plane */
	struct kept out; /* replies not yet sent */
	size_t out_due;  /* of out: what has to be sent by the deadline */
	int fd;
	uid_t uid;
	unsigned timeout_ms;
	short watched;      /* EV_READ, EV_WRITE or 0 */
	bool busy : 1;      /* within received() */
	bool resumed : 1;   /* conn_resume() came before PLANE_WAIT */
	bool waiting : 1;   /* PLANE_WAIT */
	bool held : 1;      /* in was not wholly looked at by the plane */
	bool queued : 1;    /* for its turn */
	bool eof : 1;       /* the peer sends no more */
	bool finishing : 1; /* close when out is sent */
	bool late : 1;      /* a deadline ends it */
	bool gone : 1;
};

/* Closes it, once; what is left of it goes with the next turn of the loop. */
void conn_drop(struct conn *conn);
/* What is to happen next with a connection that nobody is working on. */
void conn_settle(struct conn *conn);

void conn_on_expired(struct deadline *deadline);
/* Of struct conns: a turn is over. */
void conn_on_turn(evutil_socket_t fd, short what, void *arg);

#endif
