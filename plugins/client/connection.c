/* SPDX-License-Identifier: BSD-2-Clause */
#include "connection.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

bool
connection_init(struct connection *c, const char *path)
{
	size_t len = strlen(path);

	memset(c, 0, sizeof *c);
	c->fd = -1;
	c->retired = -1;
	if (len == 0 || len >= sizeof c->peer.sun_path)
		return false;
	c->peer.sun_family = AF_UNIX;
	memcpy(c->peer.sun_path, path, len + 1);
	return true;
}

/*
 * Many a child closes every descriptor it inherited and opens its own. The
 * number in c->fd may be one of those by now: it is ours only while it still
 * is the same socket.
 */
static bool
still_ours(const struct connection *c)
{
	struct stat st;

	return fstat(c->fd, &st) == 0 && st.st_dev == c->device &&
	    st.st_ino == c->inode;
}

/* Leaves errno alone. */
static void
close_socket(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

void
connection_recheck(struct connection *c)
{
	int saved = errno;

	if (c->fd >= 0 && !still_ours(c))
		c->fd = -1;
	errno = saved;
}

void
connection_guard(struct connection *c)
{
	if (c->fd < 0 || c->owner == getpid())
		return;
	/* What is closed is the child's copy; the parent's stays open. */
	connection_recheck(c);
	close_socket(&c->fd);
}

static int
connect_socket(struct connection *c)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct stat st;
	int error;

	if (fd < 0)
		return errno;
	if (connect(fd, (const struct sockaddr *)&c->peer, sizeof c->peer) !=
		0 ||
	    fstat(fd, &st) != 0) {
		error = errno;
		close(fd);
		return error;
	}
	c->fd = fd;
	c->owner = getpid();
	c->device = st.st_dev;
	c->inode = st.st_ino;
	c->rested = false;
	c->limit_ms = 0;
	return 0;
}

int
connection_open(struct connection *c)
{
	int error = connect_socket(c);

	close_socket(&c->retired);
	return error;
}

bool
connection_wait_for(struct connection *c, int limit_ms)
{
	struct timeval limit = {limit_ms / 1000, limit_ms % 1000 * 1000};

	if (c->limit_ms == limit_ms)
		return true;
	if (setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) !=
	    0)
		return false;
	if (c->limit_ms == 0 && fcntl(c->fd, F_SETFL, 0) != 0)
		return false;
	c->limit_ms = limit_ms;
	return true;
}

void
connection_retire(struct connection *c)
{
	close_socket(&c->retired);
	c->retired = c->fd;
	c->fd = -1;
}

void
connection_close(struct connection *c)
{
	close_socket(&c->fd);
	close_socket(&c->retired);
}
