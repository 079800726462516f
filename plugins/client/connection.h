/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket to the daemon: at most one, opened by the process that uses it.
 */
#ifndef CLIENT_CONNECTION_H
#define CLIENT_CONNECTION_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

struct connection {
	struct sockaddr_un peer;
	int fd;      /* -1: none */
	int retired; /* lost, and open until another has been opened; or -1 */
	pid_t owner; /* the process that opened fd */
	dev_t device;
	ino_t inode;  /* of fd, to know it again after a fork */
	int limit_ms; /* that receiving waits at most, where it may; or 0 */
	bool rested;  /* nothing was sent since the last task on it: the daemon
			 may have closed it meanwhile */
};

/* False where path is empty or longer than a socket address holds. */
bool connection_init(struct connection *c, const char *path);

/*
 * To be called before each use: lets go of a connection that belongs to the
 * parent of this process.
 */
void connection_guard(struct connection *c);

/* Lets go, untouched, of a descriptor that is not the socket any more. */
void connection_recheck(struct connection *c);

/*
 * Opens a non-blocking, close-on-exec connection where there is none. Returns 0
 * or an errno; EAGAIN: the daemon is there, but its queue is full for the
 * moment.
 */
int connection_open(struct connection *c);

/*
 * For a connection that was lost and will be opened again: keeps its descriptor
 * until then, so that the new one has another number and an event loop can tell
 * them apart.
 */
void connection_retire(struct connection *c);

/*
 * From now on receiving waits, for limit_ms at most and more than 0, unless it
 * is told not to. False where that cannot be had.
 */
bool connection_wait_for(struct connection *c, int limit_ms);

/* Does nothing where there is none. Leaves errno alone. */
void connection_close(struct connection *c);

#endif
