/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server_world.h"

struct line_session *sessions[SESSIONS_MAX];
int opened_count, closed_count, received_count;
struct conn *waiting;
char big[20000];

static void *
line_opened(void *context, struct conn *conn, const struct peer *peer)
{
	struct line_session *session = calloc(1, sizeof *session);

	ck_assert_ptr_eq(context, big);
	ck_assert_ptr_nonnull(session);
	session->conn = conn;
	session->peer = *peer;
	session->number = opened_count++;
	sessions[session->number % SESSIONS_MAX] = session;
	return session;
}

static enum plane_status
line_received(void *context, void *session_, struct bytes in, size_t *used,
    struct writer *out)
{
	struct line_session *session = session_;

	(void)context;
	received_count++;
	*used = 0;
	while (in.len > 0) {
		const uint8_t *end = memchr(in.data, '\n', in.len);
		struct bytes line;

		if (end == NULL)
			return PLANE_MORE;
		line = (struct bytes){in.data, (size_t)(end - in.data) + 1};
		if (bytes_equal(line, bytes_of("big\n"))) {
			if (out->capacity - out->len < sizeof big)
				return PLANE_FULL;
			write_bytes(out, big, sizeof big);
		} else if (out->capacity - out->len < line.len) {
			return PLANE_FULL;
		}
		*used += line.len;
		in.data += line.len;
		in.len -= line.len;
		if (bytes_equal(line, bytes_of("wait\n"))) {
			waiting = session->conn;
			return PLANE_WAIT;
		}
		if (bytes_equal(line, bytes_of("early\n"))) {
			conn_send(session->conn, "early!\n", 7);
			conn_resume(session->conn);
			return PLANE_WAIT;
		}
		if (bytes_equal(line, bytes_of("finish\n"))) {
			conn_finish(session->conn);
			return PLANE_MORE;
		}
		if (!bytes_equal(line, bytes_of("big\n")))
			write_bytes(out, line.data, line.len);
		if (bytes_equal(line, bytes_of("quit\n")))
			return PLANE_CLOSE;
	}
	return PLANE_MORE;
}

static void
line_closed(void *context, void *session_)
{
	struct line_session *session = session_;

	ck_assert_ptr_eq(context, big);
	closed_count++;
	if (waiting == session->conn)
		waiting = NULL;
	/* The pointer is good until we return, and nothing comes of it. */
	conn_send(session->conn, "late", 4);
	conn_resume(session->conn);
	conn_finish(session->conn);
	sessions[session->number % SESSIONS_MAX] = NULL;
	free(session);
}

static void
line_refuse(enum plane_refusal why, struct writer *out)
{
	write_bytes(out, why == PLANE_BUSY ? "busy\n" : "slow\n", 5);
}

static struct plane line_plane = {
    .name = "line",
    .unfinished_max = 1000,
    .refuse = line_refuse,
    .opened = line_opened,
    .received = line_received,
    .closed = line_closed,
};

struct event_base *base;
struct server *server;
char directory[] = "/tmp/apikeyd-test-XXXXXX";
struct sockaddr_un address = {.sun_family = AF_UNIX};

int
listener(struct sockaddr_un *at, const char *name)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(at->sun_path, sizeof at->sun_path, "%s/%s", directory, name);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)at, sizeof *at), 0);
	ck_assert_int_eq(listen(fd, 1024), 0);
	return fd;
}

static void
set_up(void)
{
	struct server_limits limits = {
	    .connections = 1000,
	    .connections_per_uid = 1000,
	    .request_timeout_ms = 100,
	};
	int fd;

	memset(big, 'b', sizeof big);
	big[sizeof big - 1] = '\n';
	ck_assert_ptr_nonnull(mkdtemp(directory));
	fd = listener(&address, "s");
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	server = server_new(base, &limits);
	ck_assert_ptr_nonnull(server);
	ck_assert_int_eq(server_listen(server, fd, &line_plane, big), 0);
}

static void
tear_down(void)
{
	server_free(server);
	event_base_free(base);
	unlink(address.sun_path);
	rmdir(directory);
	ck_assert_int_eq(opened_count, closed_count);
}

void
step(void)
{
	ck_assert_int_ge(event_base_loop(base, EVLOOP_ONCE), 0);
}

void
poll_loop(void)
{
	ck_assert_int_ge(event_base_loop(base, EVLOOP_NONBLOCK), 0);
}

int
client_of(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(
	    connect(fd, (const struct sockaddr *)at, sizeof *at), 0);
	return fd;
}

int
client(void)
{
	return client_of(&address);
}

void
say(int fd, const char *text)
{
	ck_assert_int_eq(
	    send(fd, text, strlen(text), MSG_NOSIGNAL), (int)strlen(text));
}

size_t
hear_some(int fd, char *out, size_t size)
{
	for (;;) {
		ssize_t n = read(fd, out, size);

		if (n >= 0)
			return (size_t)n;
		if (errno == ECONNRESET)
			return 0;
		ck_assert_int_eq(errno, EAGAIN);
		step();
	}
}

void
expect(int fd, const char *text)
{
	char got[256];
	size_t len = 0;

	while (len < strlen(text)) {
		size_t n = hear_some(fd, got + len, strlen(text) - len);

		ck_assert_msg(n > 0, "end of stream, not \"%s\"", text);
		len += n;
	}
	ck_assert_int_eq(memcmp(got, text, len), 0);
}

void
expect_end(int fd)
{
	char byte;

	ck_assert_uint_eq(hear_some(fd, &byte, 1), 0);
	close(fd);
}

size_t
hear_all(int fd)
{
	static char sink[65536];
	size_t total = 0, n;

	while ((n = hear_some(fd, sink, sizeof sink)) > 0)
		total += n;
	close(fd);
	return total;
}

struct server_counters
counters(void)
{
	struct server_counters now;

	server_counters(server, NULL, &now);
	return now;
}

double
milliseconds_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void
set_up_turns(void)
{
	line_plane.takes_turns = true;
	set_up();
}

TCase *
server_add(Suite *suite, const char *name, const TTest *test)
{
	return suite_add_between(suite, name, test, set_up, tear_down);
}

TCase *
server_add_turns(Suite *suite, const char *name, const TTest *test)
{
	return suite_add_between(suite, name, test, set_up_turns, tear_down);
}
