/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The least a server on libevent can do: what it reads, it writes back.
 *
 *     echo SOCKET
 *
 * Raw events and one fixed buffer, as apikeyd has them, so that the difference
 * between the two is what a verification costs. Says "ready" once it listens.
 */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char buffer[65536];

struct peer {
	struct event *readable;
};

static void
die(const char *what)
{
	fprintf(stderr, "echo: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
on_readable(evutil_socket_t fd, short what, void *context)
{
	struct peer *peer = context;
	ssize_t got = read(fd, buffer, sizeof buffer), sent = 0;

	(void)what;
	if (got < 0 && errno == EAGAIN)
		return;
	/* Its peers read what they are sent, so no write is ever short. */
	if (got > 0)
		sent = write(fd, buffer, (size_t)got);
	if (got > 0 && sent == got)
		return;
	event_free(peer->readable);
	close(fd);
	free(peer);
}

static void
on_connection(evutil_socket_t listener, short what, void *context)
{
	struct event_base *base = context;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct peer *peer;

	(void)what;
	if (fd < 0)
		return;
	peer = calloc(1, sizeof *peer);
	if (peer == NULL ||
	    (peer->readable = event_new(
		 base, fd, EV_READ | EV_PERSIST, on_readable, peer)) == NULL)
		die("no memory");
	event_add(peer->readable, NULL);
}

int
main(int argc, char **argv)
{
	struct event_base *base = event_base_new();
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct event *listener;

	if (argc != 2 || base == NULL || fd < 0)
		die("usage: echo SOCKET");
	signal(SIGPIPE, SIG_IGN);
	snprintf(name.sun_path, sizeof name.sun_path, "%s", argv[1]);
	if (bind(fd, (struct sockaddr *)&name, sizeof name) != 0 ||
	    listen(fd, SOMAXCONN) != 0)
		die(argv[1]);
	listener =
	    event_new(base, fd, EV_READ | EV_PERSIST, on_connection, base);
	if (listener == NULL || event_add(listener, NULL) != 0)
		die("libevent");
	puts("ready");
	fflush(stdout);
	event_base_dispatch(base);
	return 0;
}
