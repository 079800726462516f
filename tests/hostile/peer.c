/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other end of a socket, as well or as badly as a test wants it.
 *
 *     peer frames TOKEN         writes requests with and about this token
 *     peer say SOCKET           sends stdin, and prints all that is answered
 *     peer again SOCKET ROUNDS  the same over and over; 1 if ever the answer is
 *                               another one than the first time
 *     peer leave SOCKET ROUNDS  sends the beginning of stdin, a byte more each
 *                               round, and is gone
 *     peer hold SOCKET COUNT COMMAND...
 *                               runs COMMAND while COUNT connections are open
 *                               and silent; exits as it does
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dial.h"
#include "proto/frame.h"
#include "proto/message.h"

enum { INPUT_MAX = 1 << 17, ANSWER_MAX = 1 << 20, SPARE = 20, CROWD = 16 };

static uint8_t input[INPUT_MAX];
static size_t input_len;

/* Everything that is answered until the daemon closes. */
static size_t
converse(const char *path, uint8_t *answer)
{
	int fd = connect_to(path);
	size_t len = 0, n;

	if (send(fd, input, input_len, MSG_NOSIGNAL) != (ssize_t)input_len)
		die("send");
	shutdown(fd, SHUT_WR);
	while ((n = read_some(fd, answer + len, ANSWER_MAX - len)) > 0)
		len += n;
	close(fd);
	return len;
}

static int
say(const char *path)
{
	static uint8_t answer[ANSWER_MAX];
	size_t len = converse(path, answer);

	return fwrite(answer, 1, len, stdout) == len ? 0 : 1;
}

static int
again(const char *path, long rounds)
{
	static uint8_t first[ANSWER_MAX], answer[ANSWER_MAX];
	size_t len = converse(path, first);

	for (long i = 1; i < rounds; i++)
		if (converse(path, answer) != len ||
		    memcmp(first, answer, len) != 0) {
			fprintf(stderr, "peer: round %ld: another answer\n", i);
			return 1;
		}
	return len > 0 ? 0 : 1;
}

/* Until the daemon has seen to those that came before: it closes who has
 * nothing to say. */
static void
await_turn(const char *path)
{
	int fd = connect_to(path);
	char byte;

	shutdown(fd, SHUT_WR);
	if (read(fd, &byte, 1) != 0)
		die("an answer to nothing");
	close(fd);
}

static int
leave(const char *path, long rounds)
{
	for (long i = 0; i < rounds; i++) {
		int fd = connect_to(path);
		size_t len = (size_t)i % (input_len + 1);

		if (len > 0 &&
		    send(fd, input, len, MSG_NOSIGNAL) != (ssize_t)len)
			die("send");
		close(fd);
		if (i % CROWD == 0 || i + 1 == rounds)
			await_turn(path);
	}
	return 0;
}

static int
run(char **command)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		execvp(command[0], command);
		die(command[0]);
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int
hold(const char *path, long count, char **command)
{
	struct rlimit limit = {(rlim_t)count + SPARE, (rlim_t)count + SPARE};

	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		die("descriptors");
	for (long i = 0; i < count; i++)
		if (try_to_connect(path) < 0)
			die(path);
	return run(command);
}

static int
write_frames(const char *token)
{
	static uint8_t out[INPUT_MAX];
	struct writer w = writer_over(out, sizeof out);
	struct bytes credentials[] = {bytes_of(token),
	    {(const uint8_t *)token, strlen(token) - 1}, bytes_of("")};
	size_t begin;

	for (size_t i = 0; i < sizeof credentials / sizeof credentials[0];
	     i++) {
		begin = frame_begin(&w, FRAME_VERIFY, (uint32_t)i);
		verify_request_write(
		    &w, &(struct verify_request){.credential = credentials[i]});
		frame_end(&w, begin);
	}
	begin = frame_begin(&w, FRAME_LOOKUP, 100);
	lookup_request_write(&w,
	    (struct bytes){(const uint8_t *)token,
		strlen(token) - TOKEN_SECRET_LEN - TOKEN_CHECK_LEN - 1});
	frame_end(&w, begin);
	begin = frame_begin(&w, FRAME_PING, 101);
	frame_end(&w, begin);
	return !w.failed && fwrite(out, 1, w.len, stdout) == w.len ? 0 : 1;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	long number = argc > 3 ? strtol(argv[3], NULL, 10) : 0;

	if (strcmp(what, "frames") == 0)
		return write_frames(argv[2]);
	if (strcmp(what, "hold") == 0 && argc > 4)
		return hold(argv[2], number, argv + 4);
	input_len = fread(input, 1, sizeof input, stdin);
	if (strcmp(what, "say") == 0)
		return say(argv[2]);
	if (strcmp(what, "again") == 0 && number > 0)
		return again(argv[2], number);
	if (strcmp(what, "leave") == 0 && number > 0)
		return leave(argv[2], number);
	fputs("usage: peer frames|say|again|leave|hold ...\n", stderr);
	return 2;
}
