/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a socket speaks. The server moves bytes; a plane understands them. The
 * verify plane and the admin plane are two tables of these functions, which
 * never see a descriptor or an event loop, so tests and fuzzers call them
 * with plain buffers.
 */
#ifndef DAEMON_PLANE_H
#define DAEMON_PLANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/cursor.h"

/* Who is at the other end, as the kernel said at connect (SO_PEERCRED). */
struct peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;
};

struct conn;

enum plane_status {
	PLANE_MORE,  /* all whole requests are handled; send me more bytes */
	PLANE_FULL,  /* no room left in out, or enough sent for now: call again
			once everything has been written */
	PLANE_WAIT,  /* a request is being worked on: hold back further input
			until conn_resume() */
	PLANE_CLOSE, /* close, once what is in out has been written */
};

enum plane_refusal {
	PLANE_BUSY, /* over a limit of connections */
	PLANE_SLOW, /* a request took too long to come, or a reply to go */
};
enum { PLANE_REFUSAL_MAX = 128 };

/*
 * How many connections a plane has at once. Each plane has a budget of its
 * own, so that a crowd at one socket does not shut the other. 0: as the
 * server is configured (server.h).
 */
struct plane_limits {
	unsigned connections;
	unsigned connections_per_uid;
	/* For uid 0 and the daemon's own, in place of both: so that a crowd
	 * cannot lock them out. 0: they are users like others. */
	unsigned connections_privileged;
};

struct plane {
	const char *name;      /* "verify", "admin": also the socket's name */
	size_t unfinished_max; /* longest beginning of a request kept */
	bool replies_public;   /* no secrets in them: they are not wiped */
	/* One call of received() a turn of the loop, of all its connections:
	 * whatever anybody sends, other planes are asked in between. */
	bool takes_turns;
	struct plane_limits limits;
	/* Writes what a connection is told that is closed for this reason;
	 * NULL where there is nothing to say. */
	void (*refuse)(enum plane_refusal why, struct writer *out);

	/* Returns the session, the plane's own memory of a connection; NULL
	 * where it needs none. */
	void *(*opened)(
	    void *context, struct conn *conn, const struct peer *peer);
	/*
	 * Takes requests from the front of in, sets *used to the bytes it is
	 * done with, and writes replies to out (at least 16 KiB are free at
	 * the first call). The buffers are the server's and are wiped after
	 * the call. Bytes that are not used come again, with more behind
	 * them; more than unfinished_max of them close the connection.
	 */
	enum plane_status (*received)(void *context, void *session,
	    struct bytes in, size_t *used, struct writer *out);
	/* What conn_send() could not send at once is sent now, and a request is
	 * being worked on (PLANE_WAIT). NULL: it does not matter. */
	void (*sent)(void *context, void *session);
	/* The connection is gone; forget the session and struct conn. */
	void (*closed)(void *context, void *session);
	/*
	 * What one read brought has been handled, and the replies to it have
	 * been written as far as the peer takes them, so long after the read.
	 * NULL: not measured. Two looks at the clock a read, however many
	 * requests it had.
	 */
	void (*timed)(void *context, uint64_t ns);
};

/*
 * Sends outside of received(): copies data behind whatever waits to be sent.
 * The copy is wiped when sent. If memory is short, the connection is closed.
 */
void conn_send(struct conn *conn, const void *data, size_t len);
/* Whether something waits to be sent: who has more to send waits for sent(). */
bool conn_is_clogged(const struct conn *conn);
/* Ends PLANE_WAIT: input that was held back is handled and reading goes on, by
 * the loop: the plane is never called from within. */
void conn_resume(struct conn *conn);
/* Closes once everything has been sent. Calls closed() later, not within. */
void conn_finish(struct conn *conn);

#endif
