/* SPDX-License-Identifier: BSD-2-Clause */
/* One connection: what is asked, answered, waited for, and how it ends. */
#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/log.h"
#include "server_world.h"

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
	/* Before the deadline, while nobody reads. */
	int fd = client(), count = suite_rounds(500);

	say(fd, "wait\n");
	while (waiting == NULL)
		step();
	for (int i = 0; i < count; i++)
		conn_send(waiting, big, sizeof big);
	conn_finish(waiting);
	ck_assert_uint_eq(hear_all(fd), (size_t)count * sizeof big);
}
END_TEST

static int drained_count;

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

/* Who has come, but not had a turn, is answered. */
START_TEST(drains_who_waits_for_a_turn)
{
	int first = client(), second = client();

	while (opened_count < 2)
		step();
	say(first, "one\n");
	say(second, "two\n");
	step();
	ck_assert_int_eq(received_count, 1);
	server_drain(server, 60000, on_drained, big);
	expect(first, "one\n");
	expect_end(first);
	expect(second, "two\n");
	expect_end(second);
	while (drained_count == 0)
		step();
}
END_TEST

/* A plane that takes turns, and a byte at a time: before its second one the
 * other plane has answered somebody who came during the first. */

static int turns, turns_opened, newcomer;

static void *
turns_begin(void *context, struct conn *conn, const struct peer *peer)
{
	(void)context;
	(void)conn;
	(void)peer;
	turns_opened++;
	return NULL;
}

static enum plane_status
turns_take(void *context, void *session, struct bytes in, size_t *used,
    struct writer *out)
{
	(void)context;
	(void)session;
	(void)out;
	if (turns++ == 0)
		say(newcomer, "one\n");
	else
		ck_assert_int_eq(received_count, 1);
	*used = 1;
	return in.len > 1 ? PLANE_FULL : PLANE_MORE;
}

static void
turns_end(void *context, void *session)
{
	(void)context;
	(void)session;
}

START_TEST(takes_turns)
{
	static const struct plane plane = {
	    .name = "turns",
	    .unfinished_max = 1000,
	    .takes_turns = true,
	    .opened = turns_begin,
	    .received = turns_take,
	    .closed = turns_end,
	};
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int many, other;

	ck_assert_int_eq(
	    server_listen(server, listener(&at, "t"), &plane, NULL), 0);
	newcomer = client();
	many = client_of(&at);
	other = client_of(&at);
	while (turns_opened < 2 || opened_count < 1)
		step();
	say(many, "123456");
	say(other, "123456");
	while (turns < 12)
		step();
	expect(newcomer, "one\n");
	close(newcomer);
	close(many);
	close(other);
	unlink(at.sun_path);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("server");

	log_set_level(LOG_LEVEL_ERROR);
	server_add(suite, "answers", answers);
	server_add(suite, "half-closed peer", half_closed);
	server_add(suite, "half-closed, unfinished", half_closed_unfinished);
	server_add(suite, "closes", closes);
	server_add(suite, "waits", waits);
	server_add(
	    suite, "waits without deadline", waiting_outlives_the_deadline);
	server_add(suite, "peer gone while waiting", peer_gone_while_waiting);
	server_add(suite, "peer gone unnoticed", peer_gone_unnoticed);
	server_add(suite, "finish from outside", finish_from_outside);
	server_add(suite, "full buffers", full_buffers);
	server_add(suite, "long leftover", long_leftover);
	server_add(suite, "dripping peer", dripping);
	server_add(suite, "idle stays", idle_stays);
	server_add(suite, "never reading peer", never_reading);
	server_add(suite, "long stream", long_stream);
	server_add(suite, "takes turns", takes_turns);
	server_add_turns(suite, "half-closed, by turns", half_closed);
	server_add_turns(suite, "closes, by turns", closes);
	server_add_turns(suite, "waits, by turns", waits);
	server_add_turns(suite, "full buffers, by turns", full_buffers);
	server_add_turns(suite, "long leftover, by turns", long_leftover);
	server_add_turns(suite, "never reading, by turns", never_reading);
	server_add_turns(suite, "drains, by turns", drains);
	server_add_turns(
	    suite, "drains who waits for a turn", drains_who_waits_for_a_turn);
	server_add_turns(suite, "all states, by turns", free_with_all_states);
	server_add_turns(suite, "comes and goes, by turns", comes_and_goes);
	server_add(suite, "drains", drains);
	server_add(suite, "drains without grace", drains_without_grace);
	server_add(suite, "drains nobody", drains_nobody);
	server_add(suite, "freed in all states", free_with_all_states);
	server_add(suite, "comes and goes", comes_and_goes);
	return suite_run(suite);
}
