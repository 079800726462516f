/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listeners and connections: accepting, reading, writing, limits and
 * deadlines. What the bytes mean is the plane's affair (plane.h).
 *
 * Reads go into one buffer shared by all connections and replies into
 * another; both are wiped after use. A connection has memory of its own only
 * for the beginning of a request that has not wholly come and for replies its
 * peer has not yet read, so ten thousand idle ones cost next to nothing.
 */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "plane.h"

struct event_base;
struct server;

struct server_limits {
	unsigned connections;         /* at once, of a plane without limits of
					 its own (plane.h) */
	unsigned connections_per_uid; /* likewise; root's included */
	unsigned request_timeout_ms;  /* from a request's first byte to its
					 last, and for a peer to read replies */
};

/* Returns NULL with errno set. Everything happens on base's thread. */
struct server *
server_new(struct event_base *base, const struct server_limits *limits);
void server_free(struct server *server);

/* For new connections from now on. */
void
server_set_limits(struct server *server, const struct server_limits *limits);

/*
 * Serves plane on the listening socket fd, which is the server's from now on
 * and has to be non-blocking. Returns 0, or -1 with errno.
 */
int server_listen(
    struct server *server, int fd, const struct plane *plane, void *context);

/*
 * For the end: closes the listeners, reads nothing more, and calls drained
 * once every connection has had its replies (a PLANE_WAIT one the answer it
 * waits for) or grace_ms are over. Everything that was read is answered.
 */
void server_drain(struct server *server, unsigned grace_ms,
    void (*drained)(void *context), void *context);

struct server_counters {
	unsigned connections;        /* now */
	unsigned long long accepted; /* since the start */
	unsigned long long refused;  /* over a limit */
	unsigned long long timed_out;
};
/* Of a plane's sockets; plane NULL: of all. */
void server_counters(const struct server *server, const struct plane *plane,
    struct server_counters *counters);

#endif
