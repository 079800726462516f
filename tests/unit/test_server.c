/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server with real sockets and a plane of one-line requests. Server and
 * clients share one thread: step() turns the event loop, and what a test
 * waits for ends the turning. Check runs each test in a process of its own,
 * with a time limit.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/server.h"
#include "daemon/varlink.h"
#include "suite.h"

enum { CLIENTS_MAX = 64 };

/*
 * Requests end with a newline.
 *   "wait"    is answered by the test, with conn_send() and conn_resume()
 *   "early"   is answered before received() returns PLANE_WAIT
 *   "big"     is answered by 20000 bytes, so that the buffer gets full
 *   "quit"    is answered and closes
 *   "finish"  calls conn_finish() from within
 *   others    come back as they are
 */
struct line_session {
	struct conn *conn;
	struct peer peer;
	int number;
};

static struct line_session *sessions[CLIENTS_MAX * 64];
static int opened_count, closed_count, drained_count;
static struct conn *waiting;
static char big[20000];

static void *
line_opened(void *context, struct conn *conn, const struct peer *peer)
{
	struct line_session *session = calloc(1, sizeof *session);

	ck_assert_ptr_eq(context, big);
	ck_assert_ptr_nonnull(session);
	session->conn = conn;
	session->peer = *peer;
	session->number = opened_count++;
	sessions[session->number % (CLIENTS_MAX * 64)] = session;
	return session;
}

static enum plane_status
line_received(void *context, void *session_, struct bytes in, size_t *used,
    struct writer *out)
{
	struct line_session *session = session_;

	(void)context;
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
	sessions[session->number % (CLIENTS_MAX * 64)] = NULL;
	free(session);
}

static void
line_refuse(enum plane_refusal why, struct writer *out)
{
	write_bytes(out, why == PLANE_BUSY ? "busy\n" : "slow\n", 5);
}

static const struct plane line_plane = {
    .name = "line",
    .unfinished_max = 1000,
    .refuse = line_refuse,
    .opened = line_opened,
    .received = line_received,
    .closed = line_closed,
};

static struct event_base *base;
static struct server *server;
static char directory[] = "/tmp/apikeyd-test-XXXXXX";
static struct sockaddr_un address = {.sun_family = AF_UNIX};

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
	snprintf(address.sun_path, sizeof address.sun_path, "%s/s", directory);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(
	    bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(fd, 1024), 0);
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

static void
step(void)
{
	ck_assert_int_ge(event_base_loop(base, EVLOOP_ONCE), 0);
}

/* One turn that does not wait for anything. */
static void
poll_loop(void)
{
	ck_assert_int_ge(event_base_loop(base, EVLOOP_NONBLOCK), 0);
}

static int
client(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(
	    connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

static void
say(int fd, const char *text)
{
	ck_assert_int_eq(
	    send(fd, text, strlen(text), MSG_NOSIGNAL), (int)strlen(text));
}

/* Turns the loop until a read is answered; 0 at the end of the stream, also
 * where the server closed with our bytes unread. */
static size_t
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

static void
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

static void
expect_end(int fd)
{
	char byte;

	ck_assert_uint_eq(hear_some(fd, &byte, 1), 0);
	close(fd);
}

static size_t
hear_all(int fd)
{
	static char sink[65536];
	size_t total = 0, n;

	while ((n = hear_some(fd, sink, sizeof sink)) > 0)
		total += n;
	close(fd);
	return total;
}

static struct server_counters
counters(void)
{
	struct server_counters now;

	server_counters(server, NULL, &now);
	return now;
}

static double
milliseconds_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

START_TEST(answers)
{
	int fd = client();

	say(fd, "one\n");
	expect(fd, "one\n");
	say(fd, "two\nthree\nfo");
	expect(fd, "two\nthree\n");
	say(fd, "ur\n");
	expect(fd, "four\n");
	ck_assert_uint_eq(counters().connections, 1);
	ck_assert_uint_eq(sessions[0]->peer.uid, getuid());
	ck_assert_int_eq(sessions[0]->peer.pid, getpid());
	close(fd);
	while (closed_count == 0)
		step();
	ck_assert_uint_eq(counters().connections, 0);
}
END_TEST

START_TEST(half_closed)
{
	int fd = client();

	say(fd, "one\nwait\ntwo\n");
	shutdown(fd, SHUT_WR);
	expect(fd, "one\n");
	ck_assert_ptr_nonnull(waiting);
	conn_send(waiting, "done\n", 5);
	conn_resume(waiting);
	expect(fd, "done\ntwo\n");
	expect_end(fd);
}
END_TEST

START_TEST(half_closed_unfinished)
{
	int fd = client();

	say(fd, "one\ntw");
	shutdown(fd, SHUT_WR);
	expect(fd, "one\n");
	expect_end(fd);
	ck_assert_uint_eq(counters().timed_out, 0);
}
END_TEST

START_TEST(closes)
{
	int fd = client();

	say(fd, "one\nquit\nnever\n");
	expect(fd, "one\nquit\n");
	expect_end(fd);
	fd = client();
	say(fd, "one\nfinish\nnever\n");
	expect(fd, "one\n");
	expect_end(fd);
	poll_loop();
	ck_assert_int_eq(closed_count, 2);
}
END_TEST

START_TEST(waits)
{
	int fd = client(), other = client();

	say(fd, "wait\ntwo\nthree\n");
	while (waiting == NULL)
		step();
	say(fd, "four\n");
	say(other, "other\n");
	expect(other, "other\n");
	conn_send(waiting, "one\n", 4);
	expect(fd, "one\n");
	conn_resume(waiting);
	expect(fd, "two\nthree\nfour\n");
	say(fd, "one\nearly\ntwo\n");
	expect(fd, "one\nearly!\ntwo\n");
	close(fd);
	close(other);
}
END_TEST

START_TEST(waiting_outlives_the_deadline)
{
	int fd = client(), slow = client();

	say(fd, "wait\n");
	say(slow, "unfinished");
	expect(slow, "slow\n"); /* 100 ms went by */
	expect_end(slow);
	ck_assert_ptr_nonnull(waiting);
	conn_send(waiting, "one\n", 4);
	conn_resume(waiting);
	expect(fd, "one\n");
	close(fd);
}
END_TEST

START_TEST(peer_gone_while_waiting)
{
	int fd = client();

	say(fd, "wait\nmore\n");
	while (waiting == NULL)
		step();
	close(fd);
	while (closed_count == 0)
		step();
	ck_assert_int_eq(closed_count, 1);
}
END_TEST

/* More input has come, so nothing is watched any more. */
START_TEST(peer_gone_unnoticed)
{
	struct conn *conn;
	int fd = client();

	say(fd, "wait\n");
	while (waiting == NULL)
		step();
	say(fd, "more\n");
	poll_loop();
	close(fd);
	poll_loop();
	conn = waiting;
	conn_send(conn, "one\n", 4);
	ck_assert_int_eq(closed_count, 0);
	conn_resume(conn);
	conn_finish(conn);
	while (closed_count == 0)
		step();
	ck_assert_int_eq(closed_count, 1);
}
END_TEST

START_TEST(finish_from_outside)
{
	int fd = client();

	say(fd, "wait\nmore\n");
	while (waiting == NULL)
		step();
	conn_send(waiting, "bye\n", 4);
	conn_finish(waiting);
	ck_assert_int_eq(closed_count, 0);
	expect(fd, "bye\n");
	expect_end(fd);
	poll_loop();
	ck_assert_int_eq(closed_count, 1);
}
END_TEST

START_TEST(full_buffers)
{
	char requests[4 * 50 + 1] = "";
	int fd = client();

	for (int i = 0; i < 50; i++)
		strcat(requests, "big\n");
	say(fd, requests);
	shutdown(fd, SHUT_WR);
	ck_assert_uint_eq(hear_all(fd), 50 * sizeof big);
}
END_TEST

START_TEST(long_leftover)
{
	char text[1101];
	int fd = client();

	memset(text, 'x', 1000);
	text[1000] = '\0';
	say(fd, text);
	poll_loop();
	poll_loop();
	say(fd, "\n");
	text[999] = '\0';
	expect(fd, "xxxxxxxx");
	while (hear_some(fd, text, sizeof text) > 0 &&
	    memchr(text, '\n', sizeof text) == NULL)
		;
	memset(text, 'x', 1100);
	text[1100] = '\0';
	say(fd, "ok\n");
	expect(fd, "ok\n");
	say(fd, text);
	expect_end(fd);
}
END_TEST

START_TEST(dripping)
{
	double start = milliseconds_of(CLOCK_MONOTONIC), took;
	char got[8] = "";
	int fd = client();

	/* A byte every few milliseconds, until the server has had enough. */
	while (read(fd, got, 5) < 0) {
		struct timeval pace = {.tv_usec = 5000};

		send(fd, "x", 1, MSG_NOSIGNAL);
		event_base_loopexit(base, &pace);
		ck_assert_int_ge(event_base_dispatch(base), 0);
	}
	took = milliseconds_of(CLOCK_MONOTONIC) - start;
	ck_assert_str_eq(got, "slow\n");
	expect_end(fd);
	ck_assert_msg(took >= 95 && took < 2000, "closed after %g ms", took);
	ck_assert_uint_eq(counters().timed_out, 1);
}
END_TEST

START_TEST(idle_stays)
{
	int idle = client(), fd = client();

	say(idle, "one\n");
	expect(idle, "one\n");
	say(fd, "unfinished");
	expect(fd, "slow\n");
	expect_end(fd);
	say(idle, "two\n");
	expect(idle, "two\n");
	close(idle);
}
END_TEST

START_TEST(never_reading)
{
	char requests[4 * 100 + 1] = "";
	int fd = client();
	size_t got;

	for (int i = 0; i < 100; i++)
		strcat(requests, "big\n");
	say(fd, requests);
	while (counters().timed_out == 0)
		step();
	got = hear_all(fd);
	ck_assert_uint_gt(got, 0);
	ck_assert_uint_lt(got, 100 * sizeof big);
}
END_TEST

START_TEST(long_stream)
{
	int fd = client();

	say(fd, "wait\n");
	while (waiting == NULL)
		step();
	for (int i = 0; i < 500; i++)
		conn_send(waiting, big, sizeof big);
	conn_finish(waiting);
	ck_assert_uint_eq(hear_all(fd), 500 * sizeof big);
}
END_TEST

START_TEST(refuses_over_limits)
{
	struct server_limits limits = {2, 1000, 100};
	int fds[4];

	server_set_limits(server, &limits);
	for (int i = 0; i < 4; i++)
		fds[i] = client();
	for (int i = 2; i < 4; i++) {
		expect(fds[i], "busy\n");
		expect_end(fds[i]);
	}
	ck_assert_uint_eq(counters().connections, 2);
	ck_assert_uint_eq(counters().accepted, 2);
	ck_assert_uint_eq(counters().refused, 2);
	close(fds[0]);
	while (counters().connections == 2)
		step();
	limits = (struct server_limits){1000, 2, 100};
	server_set_limits(server, &limits);
	fds[2] = client();
	fds[3] = client();
	say(fds[2], "one\n");
	expect(fds[2], "one\n");
	expect(fds[3], "busy\n");
	expect_end(fds[3]);
	close(fds[1]);
	close(fds[2]);
}
END_TEST

START_TEST(no_descriptors)
{
	struct rlimit limit;
	double cpu, wall;
	int fds[4], highest;

	/* All of them connect, then no descriptor is left to accept with. */
	for (int i = 0; i < 4; i++)
		fds[i] = client();
	highest = dup(fds[0]);
	close(highest);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = (rlim_t)highest + 2;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cpu = milliseconds_of(CLOCK_PROCESS_CPUTIME_ID);
	wall = milliseconds_of(CLOCK_MONOTONIC);
	while (milliseconds_of(CLOCK_MONOTONIC) - wall < 350)
		step();
	ck_assert_uint_eq(counters().connections, 2);
	cpu = milliseconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	ck_assert_msg(cpu < 175, "%g ms of CPU time in 350 ms", cpu);
	/* A connection that closes makes room at once. */
	close(fds[0]);
	say(fds[2], "three\n");
	expect(fds[2], "three\n");
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	say(fds[3], "four\n"); /* by the timer */
	expect(fds[3], "four\n");
	for (int i = 1; i < 4; i++)
		close(fds[i]);
}
END_TEST

static void
on_drained(void *context)
{
	ck_assert_ptr_eq(context, big);
	ck_assert_uint_eq(counters().connections, 0);
	ck_assert_int_eq(opened_count, closed_count);
	drained_count++;
}

START_TEST(drains)
{
	int idle = client(), unfinished = client(), wait = client();
	int unread = client();

	say(idle, "one\n");
	expect(idle, "one\n");
	say(unfinished, "unfini");
	say(unread,
	    "big\nbig\nbig\nbig\nbig\nbig\nbig\nbig\nbig\nbig\n"
	    "big\nbig\nbig\nbig\nbig\nbig\nbig\nbig\nbig\nbig\n");
	say(wait, "wait\ntwo\n");
	while (waiting == NULL)
		step();
	for (int i = 0; i < 4; i++)
		poll_loop();
	server_drain(server, 60000, on_drained, big);
	ck_assert_int_eq(drained_count, 0);
	expect_end(idle);
	expect_end(unfinished);
	ck_assert_uint_eq(hear_all(unread), 20 * sizeof big);
	ck_assert_int_eq(drained_count, 0);
	conn_send(waiting, "one\n", 4);
	conn_resume(waiting);
	expect(wait, "one\ntwo\n");
	expect_end(wait);
	while (drained_count == 0)
		step();
	ck_assert_int_eq(closed_count, 4);
	ck_assert_int_eq(connect(socket(AF_UNIX, SOCK_STREAM, 0),
			     (struct sockaddr *)&address, sizeof address),
	    -1);
}
END_TEST

START_TEST(drains_without_grace)
{
	int fd = client();

	say(fd, "wait\n");
	while (waiting == NULL)
		step();
	server_drain(server, 20, on_drained, big);
	expect_end(fd);
	while (drained_count == 0)
		step();
	ck_assert_int_eq(drained_count, 1);
}
END_TEST

START_TEST(drains_nobody)
{
	server_drain(server, 60000, on_drained, big);
	ck_assert_int_eq(drained_count, 0);
	step();
	ck_assert_int_eq(drained_count, 1);
}
END_TEST

START_TEST(free_with_all_states)
{
	int fd = client();

	client();
	say(client(), "unfinished");
	say(client(), "wait\nheld\n");
	for (int i = 0; i < 50; i++)
		say(fd, "big\n");
	for (int i = 0; i < 10; i++)
		poll_loop();
	ck_assert_uint_eq(counters().connections, 4);
	/* tear_down() frees the server and counts the calls of closed(). */
}
END_TEST

/* Clients that leave at any point of a request; random, but the same each
 * time. */
START_TEST(comes_and_goes)
{
	static const char *const requests[] = {"x\n", "wait\nx\n", "big\n",
	    "half", "quit\n", "early\nx\n", "finish\n"};
	int fds[16];

	for (int i = 0; i < 16; i++)
		fds[i] = client();
	for (unsigned i = 0, random = 1; i < 3000; i++) {
		int *fd = &fds[(random >> 8) % 16];

		random = random * 1103515245 + 12345;
		send(*fd, requests[(random >> 16) % 7],
		    strlen(requests[(random >> 16) % 7]), MSG_NOSIGNAL);
		if ((random >> 20) % 4 == 0) {
			close(*fd);
			*fd = client();
		}
		if (waiting != NULL && (random >> 22) % 2 == 0) {
			conn_send(waiting, "done\n", 5);
			conn_resume(waiting);
		}
		poll_loop();
	}
	for (int i = 0; i < 16; i++)
		close(fds[i]);
	for (int i = 0; i < 4000 && counters().connections > 0; i++) {
		if (waiting != NULL)
			conn_finish(waiting);
		poll_loop();
	}
}
END_TEST

/*
 * The admin plane. Its sessions are none of ours, so tests that use it look
 * at the other plane's only.
 */
static struct sockaddr_un admin_address = {.sun_family = AF_UNIX};
static char long_description[10001];
static struct varlink_service service = {
    .interface = "test",
    .description = long_description,
};

static void
listen_admin(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	varlink_init();
	memset(long_description, 'd', sizeof long_description - 1);
	snprintf(admin_address.sun_path, sizeof admin_address.sun_path, "%s/a",
	    directory);
	ck_assert_int_eq(
	    bind(fd, (struct sockaddr *)&admin_address, sizeof admin_address),
	    0);
	ck_assert_int_eq(listen(fd, 1024), 0);
	ck_assert_int_eq(chmod(directory, 0711), 0);
	ck_assert_int_eq(chmod(admin_address.sun_path, 0666), 0);
	ck_assert_int_eq(server_listen(server, fd, &admin_plane, &service), 0);
}

static int
admin_client(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&admin_address,
			     sizeof admin_address),
	    0);
	return fd;
}

/* Sockets made here and connected by a child of this uid; SO_PEERCRED names
 * who connected. */
static void
crowd(uid_t uid, int *fds, int count)
{
	int status;
	pid_t pid;

	for (int i = 0; i < count; i++)
		fds[i] = socket(
		    AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (setuid(uid) != 0)
			_exit(1);
		for (int i = 0; i < count; i++)
			if (connect(fds[i], (struct sockaddr *)&admin_address,
				sizeof admin_address) != 0)
				_exit(2);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

static void
expect_both_planes_work(void)
{
	static const char info[] =
	    "{\"method\":\"org.varlink.service.Nothing\"}";
	int fd = client(), admin = admin_client();

	say(fd, "one\n");
	expect(fd, "one\n");
	ck_assert_int_eq(
	    send(admin, info, sizeof info, MSG_NOSIGNAL), (int)sizeof info);
	expect(admin, "{\"error\":\"org.varlink.service.MethodNotFound\"");
	close(fd);
	close(admin);
}

START_TEST(budgets)
{
	struct server_limits limits = {2, 2, 100};
	int fds[300];

	listen_admin();
	server_set_limits(server, &limits);
	/* The daemon's own user has 64, whatever the server's limits are. */
	for (int i = 0; i < 65; i++)
		fds[i] = admin_client();
	expect_end(fds[64]);
	ck_assert_uint_eq(counters().connections, 64);
	ck_assert_uint_eq(counters().refused, 1);
	fds[64] = client();
	say(fds[64], "one\n");
	expect(fds[64], "one\n");
	for (int i = 0; i < 65; i++)
		close(fds[i]);
	while (counters().connections > 0)
		step();
	if (getuid() != 0) {
		fputs("not root: crowds of other users are left out\n", stderr);
		unlink(admin_address.sun_path);
		return;
	}
	crowd(1001, fds, 44);
	while (counters().refused < 13)
		step();
	ck_assert_uint_eq(counters().connections, 32);
	expect_both_planes_work();
	for (unsigned i = 1; i < 9; i++)
		crowd(1001 + i, fds + i * 32 + 12, 32);
	while (counters().refused < 45)
		step();
	while (counters().connections > 256)
		step();
	ck_assert_uint_eq(counters().connections, 256);
	expect_both_planes_work();
	for (int i = 0; i < 300; i++)
		close(fds[i]);
	while (counters().connections > 0)
		step();
	crowd(1001, fds, 1);
	while (counters().connections == 0)
		step();
	close(fds[0]);
	unlink(admin_address.sun_path);
}
END_TEST

/* Answers come in order, and are made as fast as they are read. */
START_TEST(pipelined_calls)
{
	static const char described[] =
	    "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
	    "\"parameters\":{\"interface\":\"test\"}}";
	static char requests[65536], answer[16384];
	size_t len = 0, before;
	int fd, count = 0;

	listen_admin();
	while (len + sizeof described + 64 < sizeof requests) {
		memcpy(requests + len, described, sizeof described);
		len += sizeof described;
		len += (size_t)sprintf(requests + len,
			   "{\"method\":\"number.%d\"}", count++) +
		    1;
	}
	fd = admin_client();
	poll_loop();
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	ck_assert_int_eq(send(fd, requests, len, MSG_NOSIGNAL), (int)len);
	for (int i = 0; i < 10; i++)
		poll_loop();
	ck_assert_uint_lt(
	    mallinfo2().uordblks + mallinfo2().hblkhd, before + (1 << 20));
	for (int i = 0; i < 2 * count; i++) {
		char wanted[32];
		size_t got = 0;

		do
			ck_assert_uint_eq(hear_some(fd, answer + got, 1), 1);
		while (answer[got++] != '\0');
		snprintf(wanted, sizeof wanted, "\"number.%d\"", i / 2);
		if (i % 2 == 0)
			ck_assert_uint_gt(got, sizeof long_description);
		else
			ck_assert_ptr_nonnull(strstr(answer, wanted));
	}
	close(fd);
	unlink(admin_address.sun_path);
}
END_TEST

static void
add(Suite *suite, const char *name, const TTest *test)
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, SUITE_TIMEOUT);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, test);
	suite_add_tcase(suite, tcase);
}

int
main(void)
{
	Suite *suite = suite_create("server");

	log_set_level(LOG_LEVEL_ERROR);
	add(suite, "answers", answers);
	add(suite, "half-closed peer", half_closed);
	add(suite, "half-closed, unfinished", half_closed_unfinished);
	add(suite, "closes", closes);
	add(suite, "waits", waits);
	add(suite, "waits without deadline", waiting_outlives_the_deadline);
	add(suite, "peer gone while waiting", peer_gone_while_waiting);
	add(suite, "peer gone unnoticed", peer_gone_unnoticed);
	add(suite, "finish from outside", finish_from_outside);
	add(suite, "full buffers", full_buffers);
	add(suite, "long leftover", long_leftover);
	add(suite, "dripping peer", dripping);
	add(suite, "idle stays", idle_stays);
	add(suite, "never reading peer", never_reading);
	add(suite, "long stream", long_stream);
	add(suite, "limits", refuses_over_limits);
	add(suite, "no descriptors", no_descriptors);
	add(suite, "drains", drains);
	add(suite, "drains without grace", drains_without_grace);
	add(suite, "drains nobody", drains_nobody);
	add(suite, "freed in all states", free_with_all_states);
	add(suite, "comes and goes", comes_and_goes);
	add(suite, "budgets", budgets);
	add(suite, "pipelined calls", pipelined_calls);
	return suite_run(suite);
}
