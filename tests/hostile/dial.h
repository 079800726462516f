/* SPDX-License-Identifier: BSD-2-Clause */
/* Connecting to a daemon that is to be treated badly. */
#ifndef TESTS_HOSTILE_DIAL_H
#define TESTS_HOSTILE_DIAL_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static inline void
die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

enum { DIAL_PATIENCE_S = 60 };

/* -1 where the daemon takes nobody more. Nothing waits for ever on what is
 * returned: it fails by EAGAIN. */
static inline int
try_to_connect(const char *path)
{
	const struct timeval patience = {.tv_sec = DIAL_PATIENCE_S};
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
	if (fd < 0)
		return fd;
	/* Of sending: also of connect(). */
	if (setsockopt(
		fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
	    setsockopt(
		fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
	    connect(fd, (struct sockaddr *)&name, sizeof name) == 0)
		return fd;
	close(fd);
	return -1;
}

static inline int
connect_to(const char *path)
{
	int fd = try_to_connect(path);

	if (fd < 0)
		die(path);
	return fd;
}

/* 0 once the daemon has closed, also where it had not read all. */
static inline size_t
read_some(int fd, void *data, size_t size)
{
	ssize_t n = read(fd, data, size);

	if (n < 0 && errno != ECONNRESET)
		die("read");
	return n > 0 ? (size_t)n : 0;
}

#endif
