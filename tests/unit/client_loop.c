/* SPDX-License-Identifier: BSD-2-Clause */
/* libapikey: the calls for event loops. */
#include "client_peer.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* One event of a loop: waits as the client says, and tells it. */
static enum apikey_status
turn(struct apikey_client *client)
{
	struct pollfd wanted = {apikey_fd(client), apikey_events(client), 0};
	int timeout = apikey_timeout_ms(client);

	ck_assert_int_ge(timeout, 0);
	ck_assert_int_ge(poll(&wanted, 1, timeout), 0);
	return apikey_advance(client, wanted.revents);
}

static enum apikey_status
finish(struct apikey_client *client, enum apikey_status status)
{
	while (status == APIKEY_IN_PROGRESS)
		status = turn(client);
	ck_assert_int_eq(apikey_timeout_ms(client), -1);
	ck_assert_int_eq(apikey_events(client), 0);
	/* It has ended, once. */
	ck_assert_int_eq(apikey_advance(client, POLLIN), APIKEY_ARGUMENT);
	return status;
}

START_TEST(loop_each_verdict)
{
	struct fake_daemon daemon = {.serve = serve_each_verdict};
	struct apikey_request request = a_request();
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;

	client = start_client(&daemon);
	ck_assert_int_eq(apikey_fd(client), -1);
	ck_assert_int_eq(apikey_timeout_ms(client), -1);
	ck_assert_int_eq(apikey_advance(client, 0), APIKEY_ARGUMENT);
	ck_assert_int_eq(
	    apikey_start(client, &request, &result, 0, 0), APIKEY_OK);
	for (int v = VERDICT_VALID; v < VERDICT_COUNT; v++) {
		enum apikey_status status =
		    apikey_start(client, &request, &result, 1, LONG_MS);

		ck_assert_int_eq(status, APIKEY_IN_PROGRESS);
		ck_assert_int_ge(apikey_fd(client), 0);
		ck_assert_int_eq(finish(client, status), APIKEY_OK);
		ck_assert_int_eq((int)result.verdict, v);
	}
	ck_assert_int_eq(atomic_load(&daemon.connections), 1);
	stop_client(client, &daemon);
}
END_TEST

/* A byte every 20 ms; an answer takes seconds. */
static void
serve_trickle(struct fake_daemon *daemon, int fd, int nth)
{
	struct fake_request request;
	uint8_t data[FRAME_MAX];
	struct writer w = writer_over(data, sizeof data);

	(void)nth;
	if (!fake_read(daemon, fd, &request))
		return;
	fake_verdict(&w, request.frame.id, VERDICT_VALID);
	for (size_t i = 0; i < w.len; i++) {
		if (!fake_write(daemon, fd, data + i, 1))
			return;
		poll(NULL, 0, 20);
	}
}

START_TEST(loop_keeps_the_deadline)
{
	static fake_serve *const scripts[] = {serve_nothing, serve_trickle};

	for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
		struct fake_daemon daemon = {.serve = scripts[i]};
		struct apikey_request request = a_request();
		struct apikey_result result = APIKEY_RESULT_INIT;
		struct apikey_client *client;
		int64_t start;

		result.verdict = APIKEY_VALID;
		client = start_client(&daemon);
		start = now_ms();
		ck_assert_int_eq(
		    finish(client,
			apikey_start(client, &request, &result, 1, SHORT_MS)),
		    APIKEY_TIMEOUT);
		ck_assert_int_ge(now_ms() - start, SHORT_MS);
		ck_assert_int_eq(result.verdict, APIKEY_NO_ANSWER);
		/* The blocking call has the same patience. */
		ck_assert_int_eq(
		    verify(client, &result, SHORT_MS), APIKEY_TIMEOUT);
		stop_client(client, &daemon);
	}
}
END_TEST

/* Whoever comes after the deadline still gets the answer that is there. */
START_TEST(loop_is_late)
{
	struct fake_daemon daemon = {.serve = fake_serve_valid};
	struct apikey_request request = a_request();
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;
	struct pollfd there;

	client = start_client(&daemon);
	ck_assert_int_eq(
	    apikey_start(client, &request, &result, 1, 1), APIKEY_IN_PROGRESS);
	there = (struct pollfd){apikey_fd(client), POLLIN, 0};
	ck_assert_int_eq(poll(&there, 1, LONG_MS), 1);
	poll(NULL, 0, 5);
	ck_assert_int_eq(apikey_timeout_ms(client), 0);
	/* Told of the time alone. */
	ck_assert_int_eq(apikey_advance(client, 0), APIKEY_OK);
	ck_assert_int_eq(result.verdict, APIKEY_VALID);
	stop_client(client, &daemon);
}
END_TEST

START_TEST(loop_lies)
{
	struct fake_daemon daemon = {.serve = serve_busy};
	struct apikey_request request = a_request();
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;
	enum apikey_status status;

	client = start_client(&daemon);
	status =
	    finish(client, apikey_start(client, &request, &result, 1, LONG_MS));
	ck_assert_int_eq(status, APIKEY_PROTOCOL);
	ck_assert_int_eq(result.verdict, APIKEY_NO_ANSWER);
	ck_assert_int_eq(apikey_fd(client), -1);
	fake_stop(&daemon);
	/* No daemon is known at once. */
	ck_assert_int_eq(apikey_start(client, &request, &result, 1, LONG_MS),
	    APIKEY_UNAVAILABLE);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(apikey_advance(client, 0), APIKEY_ARGUMENT);
	apikey_client_close(client);
}
END_TEST

/* A socket that was replaced has another number. */
START_TEST(loop_reconnects)
{
	struct fake_daemon daemon = {.serve = serve_one_request};
	struct apikey_request request = a_request();
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;

	client = start_client(&daemon);
	ck_assert_int_eq(verify(client, &result, LONG_MS), APIKEY_OK);
	for (int i = 1; i < 20; i++) {
		struct pollfd gone = {apikey_fd(client), POLLIN, 0};
		enum apikey_status status;

		/* The daemon has closed it by now. */
		ck_assert_int_eq(poll(&gone, 1, LONG_MS), 1);
		status = apikey_start(client, &request, &result, 1, LONG_MS);
		ck_assert_int_eq(status, APIKEY_IN_PROGRESS);
		ck_assert_int_ne(apikey_fd(client), gone.fd);
		ck_assert_int_eq(finish(client, status), APIKEY_OK);
		ck_assert_int_eq(result.verdict, APIKEY_VALID);
		ck_assert_int_eq(atomic_load(&daemon.connections), i + 1);
	}
	stop_client(client, &daemon);
}
END_TEST

/* While something is going on, nothing else may begin or end it. */
START_TEST(loop_one_at_a_time)
{
	struct fake_daemon daemon = {.serve = fake_serve_valid};
	struct apikey_request request = a_request();
	struct apikey_result result = APIKEY_RESULT_INIT,
			     other = APIKEY_RESULT_INIT;
	struct apikey_client *client;
	enum apikey_status status;
	int found, active;

	client = start_client(&daemon);
	status = apikey_start(client, &request, &result, 1, LONG_MS);
	ck_assert_int_eq(status, APIKEY_IN_PROGRESS);
	other.verdict = APIKEY_VALID;
	ck_assert_int_eq(verify(client, &other, LONG_MS), APIKEY_ARGUMENT);
	ck_assert_int_eq(other.verdict, APIKEY_NO_ANSWER);
	ck_assert_int_eq(apikey_start(client, &request, &other, 1, LONG_MS),
	    APIKEY_ARGUMENT);
	ck_assert_int_eq(apikey_ping(client, LONG_MS), APIKEY_ARGUMENT);
	ck_assert_int_eq(apikey_lookup(client, FAKE_KEY_ID, &found, &active,
			     &other, LONG_MS),
	    APIKEY_ARGUMENT);
	ck_assert_int_eq(finish(client, status), APIKEY_OK);
	ck_assert_int_eq(result.verdict, APIKEY_VALID);
	ck_assert_int_eq(verify(client, &other, LONG_MS), APIKEY_OK);
	ck_assert_int_eq(apikey_advance(client, 0), APIKEY_ARGUMENT);
	ck_assert_int_eq(atomic_load(&daemon.connections), 1);
	stop_client(client, &daemon);

	ck_assert_int_eq(apikey_fd(NULL), -1);
	ck_assert_int_eq(apikey_events(NULL), 0);
	ck_assert_int_eq(apikey_timeout_ms(NULL), -1);
	ck_assert_int_eq(apikey_advance(NULL, 0), APIKEY_ARGUMENT);
	ck_assert_int_eq(
	    apikey_start(NULL, &request, &result, 1, 1), APIKEY_ARGUMENT);
	apikey_cancel(NULL);
}
END_TEST

/* What was given up leaves neither an answer nor a secret behind. */
START_TEST(loop_cancelled)
{
	struct fake_daemon daemon = {.serve = serve_each_verdict};
	struct apikey_request request = a_request();
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;

	client = start_client(&daemon);
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(
		    apikey_start(client, &request, &result, 1, LONG_MS),
		    APIKEY_IN_PROGRESS);
		ck_assert_ptr_nonnull(memmem(
		    client, malloc_usable_size(client), client_token + 16, 8));
		apikey_cancel(client);
		ck_assert_ptr_null(memmem(
		    client, malloc_usable_size(client), client_token + 16, 8));
		ck_assert_int_eq(apikey_fd(client), -1);
		ck_assert_int_eq(
		    apikey_advance(client, POLLIN), APIKEY_ARGUMENT);
		ck_assert_int_eq(result.verdict, APIKEY_NO_ANSWER);
	}
	/* The first answer on a connection of its own. */
	ck_assert_int_eq(verify(client, &result, LONG_MS), APIKEY_OK);
	ck_assert_int_eq(result.verdict, APIKEY_VALID);
	stop_client(client, &daemon);
}
END_TEST

static int
child_result(struct apikey_client *client, struct apikey_result *result)
{
	if (apikey_advance(client, POLLIN) != APIKEY_UNAVAILABLE ||
	    errno != ECANCELED || result->verdict != APIKEY_NO_ANSWER)
		return 1;
	if (verify(client, result, LONG_MS) != APIKEY_OK ||
	    result->verdict != APIKEY_VALID)
		return 2;
	if (apikey_advance(client, POLLIN) != APIKEY_ARGUMENT)
		return 3;
	apikey_client_close(client);
	return 0;
}

/* A child neither takes the parent's answer nor spoils it. */
START_TEST(loop_and_fork)
{
	struct fake_daemon daemon = {.serve = fake_serve_valid};
	struct apikey_request request = a_request();
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;
	enum apikey_status status;
	int code;
	pid_t pid;

	client = start_client(&daemon);
	status = apikey_start(client, &request, &result, 1, LONG_MS);
	ck_assert_int_eq(status, APIKEY_IN_PROGRESS);
	pid = fork();
	if (pid == 0)
		_exit(child_result(client, &result));
	ck_assert_int_eq(waitpid(pid, &code, 0), pid);
	ck_assert(WIFEXITED(code));
	ck_assert_int_eq(WEXITSTATUS(code), 0);
	ck_assert_int_eq(finish(client, status), APIKEY_OK);
	ck_assert_int_eq(result.verdict, APIKEY_VALID);
	ck_assert_int_eq(atomic_load(&daemon.connections), 2);
	stop_client(client, &daemon);
}
END_TEST

/* Answers the first request of a connection, and no other. */
static void
serve_first(struct fake_daemon *daemon, int fd, int nth)
{
	serve_one_request(daemon, fd, nth);
	fake_linger(daemon, fd);
}

/* A call that waits by itself leaves nothing behind: neither does a step of a
 * loop wait after it, nor has another call its limit. */
START_TEST(loop_after_a_call)
{
	struct fake_daemon daemon = {.serve = serve_first};
	struct apikey_request request = a_request();
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;
	int64_t start;

	client = start_client(&daemon);
	ck_assert_int_eq(verify(client, &result, LONG_MS), APIKEY_OK);
	start = now_ms();
	ck_assert_int_eq(apikey_start(client, &request, &result, 1, SHORT_MS),
	    APIKEY_IN_PROGRESS);
	ck_assert_int_eq(apikey_advance(client, POLLIN), APIKEY_IN_PROGRESS);
	ck_assert_int_eq(finish(client, APIKEY_IN_PROGRESS), APIKEY_TIMEOUT);
	ck_assert_int_eq(verify(client, &result, LONG_MS), APIKEY_OK);
	ck_assert_int_eq(verify(client, &result, SHORT_MS), APIKEY_TIMEOUT);
	ck_assert_int_lt(now_ms() - start, LONG_MS);
	ck_assert_int_eq(atomic_load(&daemon.connections), 2);
	stop_client(client, &daemon);
}
END_TEST

START_TEST(loop_of_a_long_batch)
{
	enum { BATCH = 500 };
	struct fake_daemon daemon = {
	    .serve = fake_serve_valid, .socket_buffer = 1};
	struct apikey_request *requests = calloc(BATCH, sizeof *requests);
	struct apikey_result *results = calloc(BATCH, sizeof *results);
	struct apikey_client *client;

	for (int i = 0; i < BATCH; i++) {
		requests[i] = a_request();
		results[i].size = sizeof results[i];
	}
	client = start_client(&daemon);
	ck_assert_int_eq(
	    finish(client,
		apikey_start(client, requests, results, BATCH, LONG_MS)),
	    APIKEY_OK);
	for (int i = 0; i < BATCH; i++)
		ck_assert_int_eq(results[i].verdict, APIKEY_VALID);
	ck_assert_int_eq(atomic_load(&daemon.connections), 1);
	/* All elements have the same size, or it is no array of them. */
	requests[BATCH - 1].size += sizeof(void *);
	ck_assert_int_eq(
	    apikey_start(client, requests, results, BATCH, LONG_MS),
	    APIKEY_ARGUMENT);
	ck_assert_int_eq(results[0].verdict, APIKEY_NO_ANSWER);
	stop_client(client, &daemon);
	free(requests);
	free(results);
}
END_TEST

void
add_loop_cases(Suite *suite)
{
	suite_add(suite, "loop: each verdict", loop_each_verdict);
	suite_add(suite, "loop: deadline", loop_keeps_the_deadline);
	suite_add(suite, "loop: late", loop_is_late);
	suite_add(suite, "loop: lies", loop_lies);
	suite_add(suite, "loop: reconnect", loop_reconnects);
	suite_add(suite, "loop: one at a time", loop_one_at_a_time);
	suite_add(suite, "loop: cancel", loop_cancelled);
	suite_add(suite, "loop: fork", loop_and_fork);
	suite_add(suite, "loop: after a call", loop_after_a_call);
	suite_add(suite, "loop: batch", loop_of_a_long_batch);
}
