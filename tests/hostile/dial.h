/* SPDX-License-Identifier: BSD-2-Clause */
/* Connecting to a daemon that is to be treated badly. */
#ifndef TESTS_HOSTILE_DIAL_H
#define TESTS_HOSTILE_DIAL_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static inline void
die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

/* -1 where the daemon takes nobody more. */
static inline int
try_to_connect(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&name, sizeof name) == 0)
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

#endif
