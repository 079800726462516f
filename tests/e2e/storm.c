/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bad input for apikeyd's sockets, a great deal of it.
 *
 *     storm verify|admin SOCKET ROUNDS PATIENCE_MS
 *
 * Sends each kind of bad input ROUNDS times, every time over a connection of
 * its own, and waits for what has to come: an error frame, or the close of
 * the connection. Prints a line for each kind: its name, and "closed", "error
 * N" or what else happened.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/frame.h"
#include "proto/message.h"
#include "tests/random.h"

enum { INPUT_MAX = 2 << 20 };

struct storm {
	const char *socket;
	int patience_ms;
	uint8_t *input; /* INPUT_MAX */
	uint64_t random;
};

typedef size_t make_fn(struct storm *storm);

static void
die(const char *what)
{
	fprintf(stderr, "storm: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int
connect_to(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&name, sizeof name) != 0)
		die(path);
	return fd;
}

/* Verify: frames */

static size_t
header(struct storm *storm, uint8_t version, uint8_t type, uint32_t len)
{
	struct writer w = writer_over(storm->input, INPUT_MAX);

	write_bytes(&w, "ak", 2);
	write_u8(&w, version);
	write_u8(&w, type);
	write_u32(&w, 7);
	write_u32(&w, len);
	return w.len;
}

static size_t
make_magic(struct storm *storm)
{
	memcpy(storm->input, "GET / HTTP/1.1\r\n\r\n", 18);
	return 18;
}

static size_t
make_version(struct storm *storm)
{
	return header(storm, 0xff, FRAME_VERIFY, 0);
}

static size_t
make_type(struct storm *storm)
{
	return header(storm, FRAME_VERSION, 0x7f, UINT32_MAX);
}

static size_t
make_reply(struct storm *storm)
{
	return header(storm, FRAME_VERSION, FRAME_VERIFY | FRAME_REPLY, 4);
}

static size_t
make_over(struct storm *storm)
{
	return header(
	    storm, FRAME_VERSION, FRAME_VERIFY, VERIFY_REQUEST_MAX + 1);
}

static size_t
make_huge(struct storm *storm)
{
	return header(storm, FRAME_VERSION, FRAME_VERIFY, UINT32_MAX);
}

static size_t
make_empty(struct storm *storm)
{
	return header(storm, FRAME_VERSION, FRAME_VERIFY, 0);
}

static size_t
make_body(struct storm *storm)
{
	size_t len =
	    (size_t)(next_random(&storm->random) % VERIFY_REQUEST_MAX) + 1;
	size_t begin =
	    header(storm, FRAME_VERSION, FRAME_VERIFY, (uint32_t)len);

	for (size_t i = 0; i < len; i++)
		storm->input[begin + i] = (uint8_t)next_random(&storm->random);
	/* A credential longer than the body is never one message. */
	memset(storm->input + begin, 0xff, len < 2 ? len : 2);
	return begin + len;
}

static size_t
make_half(struct storm *storm)
{
	size_t begin = header(storm, FRAME_VERSION, FRAME_VERIFY, 100);

	memset(storm->input + begin, 'x', 99);
	return (size_t)(next_random(&storm->random) % (begin + 98)) + 1;
}

/* The longest there is, but for its last byte. */
static size_t
make_half_signature(struct storm *storm)
{
	size_t begin = header(storm, FRAME_VERSION, FRAME_VERIFY_SIGNATURE,
	    SIGNATURE_REQUEST_MAX);

	memset(storm->input + begin, 'x', SIGNATURE_REQUEST_MAX);
	return begin + SIGNATURE_REQUEST_MAX - 1;
}

static size_t
make_over_signature(struct storm *storm)
{
	return header(storm, FRAME_VERSION, FRAME_VERIFY_SIGNATURE,
	    SIGNATURE_REQUEST_MAX + 1);
}

/* Admin: what is no call */

static size_t
make_garbage(struct storm *storm)
{
	size_t len = (size_t)(next_random(&storm->random) % 4096) + 1;

	for (size_t i = 0; i < len; i++)
		storm->input[i] = (uint8_t)next_random(&storm->random) | 0x80;
	storm->input[len] = '\0';
	return len + 1;
}

static size_t
make_nuls(struct storm *storm)
{
	memset(storm->input, 0, 65536);
	return 65536;
}

static size_t
make_deep(struct storm *storm)
{
	memset(storm->input, '[', 500000);
	storm->input[500000] = '\0';
	return 500001;
}

static size_t
make_oversize(struct storm *storm)
{
	memset(storm->input, ' ', INPUT_MAX);
	return INPUT_MAX;
}

static size_t
text(struct storm *storm, const char *json)
{
	size_t len = strlen(json) + 1;

	memcpy(storm->input, json, len);
	return len;
}

static size_t
make_array(struct storm *storm)
{
	return text(storm, "[1,2,3]");
}

static size_t
make_no_method(struct storm *storm)
{
	return text(storm, "{\"parameters\":{}}");
}

static size_t
make_twice(struct storm *storm)
{
	return text(storm,
	    "{\"method\":\"io.apikeyd.Admin.GetStatus\",\"method\":\"x\"}");
}

static size_t
make_half_json(struct storm *storm)
{
	return text(storm, "{\"method\":\"io.apikeyd.Admin.GetSta") - 1;
}

static const struct kind {
	const char *plane, *name;
	make_fn *make;
} kinds[] = {
    {"verify", "magic", make_magic},
    {"verify", "version", make_version},
    {"verify", "type", make_type},
    {"verify", "reply", make_reply},
    {"verify", "over", make_over},
    {"verify", "huge", make_huge},
    {"verify", "empty", make_empty},
    {"verify", "body", make_body},
    {"verify", "half", make_half},
    {"verify", "half-signature", make_half_signature},
    {"verify", "over-signature", make_over_signature},
    {"admin", "garbage", make_garbage},
    {"admin", "nuls", make_nuls},
    {"admin", "deep", make_deep},
    {"admin", "oversize", make_oversize},
    {"admin", "array", make_array},
    {"admin", "no-method", make_no_method},
    {"admin", "twice", make_twice},
    {"admin", "half", make_half_json},
};

/* Sends what the peer takes; one that closes early is what we wait for. */
static void
send_all(struct storm *storm, int fd, size_t len)
{
	for (size_t at = 0; at < len;) {
		struct pollfd ready = {.fd = fd, .events = POLLOUT};
		ssize_t n = send(fd, storm->input + at, len - at,
		    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0)
			at += (size_t)n;
		else if (errno != EAGAIN ||
		    poll(&ready, 1, storm->patience_ms) <= 0)
			return;
	}
}

/* What came until the close: "closed", "error N", or why not. */
static void
await_end(struct storm *storm, int fd, char *outcome, size_t size)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	uint8_t answer[FRAME_MAX];
	size_t len = 0;
	ssize_t n;

	for (;;) {
		if (poll(&ready, 1, storm->patience_ms) <= 0) {
			snprintf(outcome, size, "neither answer nor close");
			return;
		}
		n = read(fd, answer + len, sizeof answer - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	if (len == 0)
		snprintf(outcome, size, "closed");
	else if (len > FRAME_HEADER_LEN && memcmp(answer, "ak", 2) == 0 &&
	    answer[3] == FRAME_ERROR)
		snprintf(outcome, size, "error %d", answer[FRAME_HEADER_LEN]);
	else
		snprintf(outcome, size, "%zu bytes of something else", len);
}

static void
rage(struct storm *storm, const struct kind *kind, long rounds)
{
	char outcome[64] = "", first[64] = "";

	for (long i = 0; i < rounds; i++) {
		int fd = connect_to(storm->socket);

		send_all(storm, fd, kind->make(storm));
		await_end(storm, fd, outcome, sizeof outcome);
		close(fd);
		if (i == 0)
			memcpy(first, outcome, sizeof first);
		else if (strcmp(first, outcome) != 0)
			break;
	}
	printf("%s: %s%s%s\n", kind->name, first,
	    strcmp(first, outcome) != 0 ? ", but also " : "",
	    strcmp(first, outcome) != 0 ? outcome : "");
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	struct storm storm = {.random = 0x9E3779B97F4A7C15ULL};
	long rounds;

	if (argc != 5) {
		fputs("usage: storm verify|admin SOCKET ROUNDS PATIENCE_MS\n",
		    stderr);
		return 2;
	}
	storm.socket = argv[2];
	rounds = strtol(argv[3], NULL, 10);
	storm.patience_ms = (int)strtol(argv[4], NULL, 10);
	storm.input = malloc(INPUT_MAX);
	if (storm.input == NULL)
		die("malloc");
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(kinds[i].plane, argv[1]) == 0)
			/* Half a frame takes the daemon's whole patience. */
			rage(&storm, &kinds[i],
			    strncmp(kinds[i].name, "half", 4) == 0 ? 1
								   : rounds);
	free(storm.input);
	return 0;
}
