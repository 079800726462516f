/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fills the queue of connections that a server which does not accept has, runs
 * a command meanwhile, and exits as it does:
 *
 *   backlog SOCKET COMMAND
 *
 * Exits 77 where this process may not open as many descriptors.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

enum { NOT_POSSIBLE = 77, FAILED = 125 };

static int
knock(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	return connect(fd, (const struct sockaddr *)address, sizeof *address) ==
		0
	    ? 0
	    : errno;
}

int
main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct rlimit files;
	int error, status;

	if (argc != 3 || strlen(argv[1]) >= sizeof address.sun_path)
		return FAILED;
	memcpy(address.sun_path, argv[1], strlen(argv[1]) + 1);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	do
		error = knock(&address);
	while (error == 0);
	if (error == EMFILE || error == ENFILE)
		return NOT_POSSIBLE;
	if (error != EAGAIN) {
		fprintf(stderr, "backlog: %s\n", strerror(error));
		return FAILED;
	}
	status = system(argv[2]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : FAILED;
}
