/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lets a shell script wait for events instead of sleeping.
 *
 * ready TIMEOUT_MS FIFO COMMAND ARGUMENT...
 *     Becomes COMMAND, with NOTIFY_SOCKET set (see sd_notify(3)), and writes
 *     one line to FIFO: "ready" once COMMAND said READY=1, "exited" if it
 *     ended before, "timeout" if neither happened. The script is COMMAND's
 *     parent, so that it can wait for it and learns its exit code:
 *
 *         mkfifo fifo; ready 10000 fifo COMMAND & read -r word <fifo
 *
 * ready --exit TIMEOUT_MS PID
 *     Waits until the process is gone, or a zombie. Exits 1 if it is not.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FAILED = 125, MS_PER_S = 1000, NS_PER_MS = 1000000 };

static void
check(int condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "ready: %s: %s\n", what, strerror(errno));
	exit(FAILED);
}

static int
number(const char *text)
{
	char *end;
	long value = strtol(text, &end, 10);

	errno = EINVAL;
	check(*text != '\0' && *end == '\0' && value > 0 && value < 1 << 30,
	    text);
	return (int)value;
}

/* A descriptor that is readable once the process has ended. Raw, since glibc
 * has no wrapper before 2.36. */
static int
process_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static long
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS;
}

/* poll() until deadline, whatever signals come. */
static int
poll_until(struct pollfd *fds, nfds_t count, long deadline)
{
	int ready;

	do {
		long left = deadline - now_ms();

		ready = poll(fds, count, left > 0 ? (int)left : 0);
	} while (ready < 0 && errno == EINTR);
	return ready;
}

static const char *
await_ready(int notify, int process, long deadline)
{
	struct pollfd fds[2] = {{notify, POLLIN, 0}, {process, POLLIN, 0}};

	while (poll_until(fds, 2, deadline) > 0) {
		char text[4096];
		ssize_t len;

		/* Its last words count even if it is gone by now. */
		len = recv(notify, text, sizeof text - 1, MSG_DONTWAIT);
		if (len > 0) {
			text[len] = '\0';
			for (char *line = strtok(text, "\n"); line != NULL;
			     line = strtok(NULL, "\n"))
				if (strcmp(line, "READY=1") == 0)
					return "ready\n";
		} else if (fds[1].revents != 0)
			return "exited\n";
	}
	return "timeout\n";
}

/* A datagram socket at an abstract name that the kernel chooses: nothing to
 * clean up. Sets NOTIFY_SOCKET to it. */
static int
notify_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	socklen_t len = sizeof name.sun_family;

	check(fd >= 0, "socket");
	check(bind(fd, (struct sockaddr *)&name, len) == 0, "bind");
	len = sizeof name - 1;
	check(getsockname(fd, (struct sockaddr *)&name, &len) == 0,
	    "getsockname");
	name.sun_path[0] = '@';
	setenv("NOTIFY_SOCKET", name.sun_path, 1);
	return fd;
}

/* Forks twice, so that COMMAND has no child it does not know of. */
static void
start_watcher(int fifo, int timeout_ms)
{
	long deadline = now_ms() + timeout_ms;
	int notify = notify_socket(), process = process_open(getpid());
	pid_t child;

	check(process >= 0, "pidfd_open");
	child = fork();
	check(child >= 0, "fork");
	if (child == 0) {
		if (fork() == 0) {
			const char *word =
			    await_ready(notify, process, deadline);

			if (write(fifo, word, strlen(word)) < 0)
				_exit(FAILED);
		}
		_exit(0);
	}
	waitpid(child, NULL, 0);
	close(notify);
	close(process);
}

static int
await_exit(int timeout_ms, pid_t pid)
{
	long deadline = now_ms() + timeout_ms;
	struct pollfd process = {process_open(pid), POLLIN, 0};

	if (process.fd < 0 && errno == ESRCH)
		return EXIT_SUCCESS;
	check(process.fd >= 0, "pidfd_open");
	return poll_until(&process, 1, deadline) > 0 ? EXIT_SUCCESS
						     : EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	int timeout_ms, fifo;

	if (argc == 4 && strcmp(argv[1], "--exit") == 0)
		return await_exit(number(argv[2]), number(argv[3]));
	if (argc < 4) {
		fprintf(stderr,
		    "usage: ready TIMEOUT_MS FIFO COMMAND ARGUMENT...\n"
		    "       ready --exit TIMEOUT_MS PID\n");
		return FAILED;
	}
	timeout_ms = number(argv[1]);
	/* Waits for the reader; the alarm is for one that never comes. */
	alarm((unsigned)timeout_ms / MS_PER_S + 1);
	fifo = open(argv[2], O_WRONLY | O_CLOEXEC);
	check(fifo >= 0, argv[2]);
	alarm(0);
	start_watcher(fifo, timeout_ms);
	execvp(argv[3], argv + 3);
	check(0, argv[3]);
	return FAILED;
}
