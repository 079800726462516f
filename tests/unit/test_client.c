/* SPDX-License-Identifier: BSD-2-Clause */
/* libapikey against peers that answer, stall, lie, die and come back. */
#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <linux/sockios.h>
#include <time.h>
#include <unistd.h>

#include "fake_daemon.h"
#include "plugins/client/apikey.h"
#include "suite.h"

/* Patience where the answer comes anyway, and where it does not. */
enum { LONG_MS = 30000, SHORT_MS = 60 };

static const char token[] =
    "dk_7Hq2mZx0pLs9_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf1RCbBj";

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct apikey_client *
open_client(const struct fake_daemon *daemon)
{
	struct apikey_client *client;

	ck_assert_int_eq(apikey_client_open(&client, daemon->path), APIKEY_OK);
	return client;
}

static enum apikey_status
verify(
    struct apikey_client *client, struct apikey_result *result, int timeout_ms)
{
	struct apikey_request request = APIKEY_REQUEST_INIT;

	request.token = token;
	request.token_len = strlen(token);
	return apikey_verify(client, &request, result, timeout_ms);
}

/* One verification by a new client; the result starts as "valid". */
static enum apikey_status
ask_once(fake_serve *serve, void *context, struct apikey_result *result,
    int timeout_ms, int connections)
{
	struct fake_daemon daemon = {.serve = serve, .context = context};
	struct apikey_client *client;
	enum apikey_status status;
	int error;

	fake_start(&daemon);
	client = open_client(&daemon);
	result->size = sizeof *result;
	result->verdict = APIKEY_VALID;
	status = verify(client, result, timeout_ms);
	error = errno;
	apikey_client_close(client);
	fake_stop(&daemon);
	if (connections >= 0)
		ck_assert_int_eq(atomic_load(&daemon.connections), connections);
	if (status != APIKEY_OK)
		ck_assert_int_eq(result->verdict, APIKEY_NO_ANSWER);
	errno = error;
	return status;
}

START_TEST(valid_answer)
{
	struct apikey_result r = APIKEY_RESULT_INIT;

	ck_assert_int_eq(
	    ask_once(fake_serve_valid, NULL, &r, LONG_MS, 1), APIKEY_OK);
	ck_assert_int_eq(r.verdict, APIKEY_VALID);
	ck_assert_int_eq(r.reason, APIKEY_REASON_NONE);
	ck_assert_int_eq(r.permission, APIKEY_PERMISSION_WRITE);
	ck_assert_int_eq(r.type, APIKEY_TYPE_BEARER);
	ck_assert_int_eq(r.expires_at, 4102444800000);
	ck_assert_uint_eq(r.rate_limit, 100);
	ck_assert_uint_eq(r.rate_per_ms, 60000);
	ck_assert_uint_eq(r.rate_remaining, 99);
	ck_assert_uint_eq(r.quota_limit, 10000);
	ck_assert_uint_eq(r.quota_remaining, 9988);
	ck_assert_int_eq(r.quota_resets_at, 4102444800001);
	ck_assert_str_eq(r.id, FAKE_KEY_ID);
	ck_assert_str_eq(r.name, "CRM Sync");
	ck_assert_str_eq(r.account, "acme");
	ck_assert_str_eq(r.product, "appointments");
	ck_assert_str_eq(r.user, "alice");
	ck_assert_str_eq(r.environment, "production");
	ck_assert_str_eq(r.scopes, "appointments:export b");
}
END_TEST

static void
serve_each_verdict(struct fake_daemon *daemon, int fd, int nth)
{
	struct fake_request request;
	int verdict = VERDICT_VALID;

	(void)nth;
	while (fake_read(daemon, fd, &request)) {
		uint8_t data[FRAME_MAX];
		struct writer w = writer_over(data, sizeof data);

		fake_verdict(&w, request.frame.id, (enum verdict)verdict++);
		if (!fake_write(daemon, fd, data, w.len))
			return;
	}
}

START_TEST(each_verdict)
{
	struct fake_daemon daemon = {.serve = serve_each_verdict};
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;

	fake_start(&daemon);
	client = open_client(&daemon);
	for (int verdict = VERDICT_VALID; verdict < VERDICT_COUNT; verdict++) {
		bool known =
		    verdict != VERDICT_MALFORMED && verdict != VERDICT_UNKNOWN;

		ck_assert_int_eq(verify(client, &result, LONG_MS), APIKEY_OK);
		ck_assert_int_eq((int)result.verdict, verdict);
		ck_assert_int_eq(result.id[0] != '\0', known);
		ck_assert_int_eq(result.reason == APIKEY_REASON_CHECKSUM,
		    verdict == VERDICT_MALFORMED);
		ck_assert_uint_eq(result.retry_after_ms,
		    verdict == VERDICT_RATE_LIMITED ? 7 : 0);
	}
	ck_assert_int_eq(verify(client, &result, LONG_MS), APIKEY_PROTOCOL);
	ck_assert_int_eq(result.verdict, APIKEY_NO_ANSWER);
	apikey_client_close(client);
	fake_stop(&daemon);
}
END_TEST

static void
serve_nothing(struct fake_daemon *daemon, int fd, int nth)
{
	(void)nth;
	fake_linger(daemon, fd);
}

START_TEST(silent_peer_times_out)
{
	static const int timeouts[] = {-5, 0, 1, SHORT_MS, 3 * SHORT_MS};

	for (size_t i = 0; i < sizeof timeouts / sizeof timeouts[0]; i++) {
		struct apikey_result result;
		int64_t start = now_ms();

		ck_assert_int_eq(
		    ask_once(serve_nothing, NULL, &result, timeouts[i], -1),
		    APIKEY_TIMEOUT);
		ck_assert_int_ge(now_ms() - start, timeouts[i]);
		/* An upper bound that a busy machine keeps, too. */
		ck_assert_int_lt(now_ms() - start, timeouts[i] + 5000);
	}
}
END_TEST

/* Sends data and waits until the client has taken it from the socket. */
static bool
write_taken(struct fake_daemon *daemon, int fd, const void *data, size_t len)
{
	int left = 1;

	if (!fake_write(daemon, fd, data, len))
		return false;
	while (ioctl(fd, SIOCOUTQ, &left) == 0 && left > 0)
		sched_yield();
	return true;
}

static void
serve_drops(struct fake_daemon *daemon, int fd, int nth)
{
	struct fake_request request;
	uint8_t data[FRAME_MAX];
	struct writer w = writer_over(data, sizeof data);

	(void)nth;
	if (!fake_read(daemon, fd, &request))
		return;
	fake_verdict(&w, request.frame.id, VERDICT_REVOKED);
	for (size_t i = 0; i < w.len; i++)
		if (!write_taken(daemon, fd, data + i, 1))
			return;
	fake_linger(daemon, fd);
}

START_TEST(one_byte_at_a_time)
{
	struct apikey_result result;

	ck_assert_int_eq(
	    ask_once(serve_drops, NULL, &result, LONG_MS, 1), APIKEY_OK);
	ck_assert_int_eq(result.verdict, APIKEY_REVOKED);
	ck_assert_str_eq(result.id, FAKE_KEY_ID);
}
END_TEST

/* An answer that is wrong in one way; *len may be changed as well. */
struct lie {
	const char *name;
	void (*tell)(uint8_t *data, size_t *len);
};

static void
lie_garbage(uint8_t *data, size_t *len)
{
	uint64_t seed = 7;

	suite_fill(&seed, data, FRAME_MAX);
	*len = FRAME_MAX;
}

static void
lie_error_frame(uint8_t *data, size_t *len)
{
	struct writer w = writer_over(data, FRAME_MAX);

	frame_write_error(&w, 0, FRAME_ERROR_BUSY);
	*len = w.len;
}

static void
lie_version(uint8_t *data, size_t *len)
{
	(void)len;
	data[2]++;
}

static void
lie_type(uint8_t *data, size_t *len)
{
	(void)len;
	data[3] = FRAME_LOOKUP | FRAME_REPLY;
}

static void
lie_request_type(uint8_t *data, size_t *len)
{
	(void)len;
	data[3] = FRAME_VERIFY;
}

static void
lie_id(uint8_t *data, size_t *len)
{
	(void)len;
	data[7] ^= 0x80;
}

static void
lie_length_4g(uint8_t *data, size_t *len)
{
	(void)len;
	memset(data + 8, 0xff, 4);
}

static void
lie_length_limit_and_one(uint8_t *data, size_t *len)
{
	(void)len;
	data[10] = (uint8_t)((VERIFY_REPLY_MAX + 1) >> 8);
	data[11] = (uint8_t)((VERIFY_REPLY_MAX + 1) & 0xff);
}

static void
lie_length_less(uint8_t *data, size_t *len)
{
	(void)len;
	data[11]--;
}

static void
lie_length_none(uint8_t *data, size_t *len)
{
	memset(data + 8, 0, 4);
	*len = FRAME_HEADER_LEN;
}

static void
lie_verdict_none(uint8_t *data, size_t *len)
{
	(void)len;
	data[FRAME_HEADER_LEN] = 0;
}

static void
lie_verdict_beyond(uint8_t *data, size_t *len)
{
	(void)len;
	data[FRAME_HEADER_LEN] = VERDICT_COUNT;
}

/* The name "CRM Sync" gets a NUL in its middle. */
static void
lie_nul(uint8_t *data, size_t *len)
{
	uint8_t *name = memmem(data, *len, "CRM", 3);

	name[1] = '\0';
}

static void
lie_valid_nobody(uint8_t *data, size_t *len)
{
	struct verify_reply reply = {.verdict = VERDICT_VALID};
	struct writer w = writer_over(data, FRAME_MAX);

	w.len = FRAME_HEADER_LEN;
	verify_reply_write(&w, &reply);
	frame_end(&w, 0);
	*len = w.len;
}

static void
lie_surplus(uint8_t *data, size_t *len)
{
	data[(*len)++] = 'a';
}

static void
lie_twice(uint8_t *data, size_t *len)
{
	memcpy(data + *len, data, *len);
	*len *= 2;
}

static const struct lie lies[] = {
    {"garbage", lie_garbage},
    {"error frame", lie_error_frame},
    {"version", lie_version},
    {"type", lie_type},
    {"request type", lie_request_type},
    {"id", lie_id},
    {"length of 4 GiB", lie_length_4g},
    {"length over limit", lie_length_limit_and_one},
    {"length too small", lie_length_less},
    {"no body", lie_length_none},
    {"verdict 0", lie_verdict_none},
    {"verdict beyond", lie_verdict_beyond},
    {"NUL in a text", lie_nul},
    {"valid without a key", lie_valid_nobody},
    {"a byte more", lie_surplus},
    {"twice", lie_twice},
};

static void
serve_lie(struct fake_daemon *daemon, int fd, int nth)
{
	const struct lie *lie = daemon->context;
	struct fake_request request;
	uint8_t data[FRAME_MAX];
	struct writer w = writer_over(data, sizeof data);
	size_t len;

	(void)nth;
	if (!fake_read(daemon, fd, &request))
		return;
	fake_verdict(&w, request.frame.id, VERDICT_VALID);
	len = w.len;
	lie->tell(data, &len);
	fake_write(daemon, fd, data, len);
	/* Stays: the client must not need the close to find out. */
	fake_linger(daemon, fd);
}

START_TEST(wrong_answers)
{
	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		struct lie lie = lies[i];
		struct apikey_result result;

		ck_assert_msg(ask_once(serve_lie, &lie, &result, LONG_MS, 1) ==
			APIKEY_PROTOCOL,
		    "%s: not a protocol error", lie.name);
	}
}
END_TEST

/* Any byte of an answer changed: never a hang, a crash or a wrong "valid". */
static void
serve_flipped(struct fake_daemon *daemon, int fd, int nth)
{
	struct fake_request request;
	uint8_t data[FRAME_MAX];
	size_t *at = daemon->context;

	(void)nth;
	while (fake_read(daemon, fd, &request)) {
		struct writer w = writer_over(data, sizeof data);

		fake_verdict(&w, request.frame.id, VERDICT_REVOKED);
		data[*at % w.len] ^= (uint8_t)(1 << *at / w.len);
		if (!fake_write(daemon, fd, data, w.len))
			return;
	}
}

START_TEST(flipped_bits)
{
	size_t at = 0, answered = 0;
	/* Not one connection a flip: that many threads are a test of threads.
	 */
	for (int round = 0; round < 40; round++) {
		struct fake_daemon daemon = {
		    .serve = serve_flipped, .context = &at};
		struct apikey_result result = APIKEY_RESULT_INIT;
		struct apikey_client *client;

		fake_start(&daemon);
		client = open_client(&daemon);
		for (int i = 0; i < 30; i++, at++) {
			enum apikey_status status = verify(client, &result, 5);

			ck_assert(status == APIKEY_OK ||
			    status == APIKEY_PROTOCOL ||
			    status == APIKEY_TIMEOUT);
			answered += status == APIKEY_OK;
		}
		apikey_client_close(client);
		fake_stop(&daemon);
	}
	ck_assert_uint_gt(answered, 100);
}
END_TEST

static void
serve_goodbye(struct fake_daemon *daemon, int fd, int nth)
{
	struct fake_request request;

	(void)nth;
	fake_read(daemon, fd, &request);
}

START_TEST(closed_before_the_answer)
{
	struct apikey_result result;

	/* Once more on a new connection, and no third time. */
	ck_assert_int_eq(ask_once(serve_goodbye, NULL, &result, LONG_MS, 2),
	    APIKEY_UNAVAILABLE);
	ck_assert_int_eq(errno, ECONNRESET);
}
END_TEST

static void
serve_part(struct fake_daemon *daemon, int fd, int nth)
{
	const size_t *len = daemon->context;
	struct fake_request request;
	uint8_t data[FRAME_MAX];
	struct writer w = writer_over(data, sizeof data);

	(void)nth;
	if (!fake_read(daemon, fd, &request))
		return;
	fake_verdict(&w, request.frame.id, VERDICT_VALID);
	fake_write(daemon, fd, data, *len < w.len ? *len : w.len - 1);
}

START_TEST(closed_within_the_answer)
{
	static const size_t cuts[] = {1, 2, 11, 12, 13, 40, 10000};

	for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
		size_t len = cuts[i];
		struct apikey_result result;

		ck_assert_int_eq(
		    ask_once(serve_part, &len, &result, LONG_MS, 1),
		    APIKEY_UNAVAILABLE);
	}
}
END_TEST

static void
serve_part_and_stay(struct fake_daemon *daemon, int fd, int nth)
{
	serve_part(daemon, fd, nth);
	fake_linger(daemon, fd);
}

START_TEST(half_answer_times_out)
{
	size_t len = 30;
	struct apikey_result result;

	ck_assert_int_eq(
	    ask_once(serve_part_and_stay, &len, &result, SHORT_MS, 1),
	    APIKEY_TIMEOUT);
}
END_TEST

/* As many connections as there are too many of: said unasked, then closed. */
static void
serve_busy(struct fake_daemon *daemon, int fd, int nth)
{
	uint8_t data[FRAME_MAX];
	size_t len;

	(void)nth;
	lie_error_frame(data, &len);
	fake_write(daemon, fd, data, len);
}

START_TEST(busy_daemon)
{
	for (int i = 0; i < 50; i++) {
		struct apikey_result result;

		ck_assert_int_eq(
		    ask_once(serve_busy, NULL, &result, LONG_MS, 1),
		    APIKEY_PROTOCOL);
	}
}
END_TEST

static void
serve_one_request(struct fake_daemon *daemon, int fd, int nth)
{
	struct fake_request request;
	uint8_t data[FRAME_MAX];
	struct writer w = writer_over(data, sizeof data);

	(void)nth;
	if (!fake_read(daemon, fd, &request))
		return;
	fake_verdict(&w, request.frame.id, VERDICT_VALID);
	fake_write(daemon, fd, data, w.len);
}

START_TEST(restarted_daemon)
{
	struct fake_daemon daemon = {.serve = serve_one_request};
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;

	fake_start(&daemon);
	client = open_client(&daemon);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(verify(client, &result, LONG_MS), APIKEY_OK);
		ck_assert_int_eq(result.verdict, APIKEY_VALID);
	}
	ck_assert_int_eq(atomic_load(&daemon.connections), 20);
	fake_stop(&daemon);
	ck_assert_int_eq(verify(client, &result, LONG_MS), APIKEY_UNAVAILABLE);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(result.verdict, APIKEY_NO_ANSWER);
	apikey_client_close(client);
}
END_TEST

/* The first connection answers too late, and "valid". */
static void
serve_late(struct fake_daemon *daemon, int fd, int nth)
{
	struct fake_request request;

	while (fake_read(daemon, fd, &request)) {
		uint8_t data[FRAME_MAX];
		struct writer w = writer_over(data, sizeof data);

		if (nth == 0) {
			fake_linger(daemon, fd); /* the client has gone */
			fake_verdict(&w, request.frame.id, VERDICT_VALID);
		} else
			fake_verdict(&w, request.frame.id, VERDICT_UNKNOWN);
		fake_write(daemon, fd, data, w.len);
	}
}

START_TEST(late_answer_is_nobodys)
{
	struct fake_daemon daemon = {.serve = serve_late};
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;

	fake_start(&daemon);
	client = open_client(&daemon);
	ck_assert_int_eq(verify(client, &result, SHORT_MS), APIKEY_TIMEOUT);
	ck_assert_int_eq(verify(client, &result, LONG_MS), APIKEY_OK);
	ck_assert_int_eq(result.verdict, APIKEY_UNKNOWN);
	ck_assert_int_eq(atomic_load(&daemon.connections), 2);
	apikey_client_close(client);
	fake_stop(&daemon);
}
END_TEST

START_TEST(no_daemon)
{
	struct fake_daemon daemon = {.serve = fake_serve_valid};
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct apikey_client *client;
	int fd;

	fake_prepare(&daemon);
	client = open_client(&daemon);
	ck_assert_int_eq(verify(client, &result, LONG_MS), APIKEY_UNAVAILABLE);
	ck_assert_int_eq(errno, ENOENT);
	/* The socket of a daemon that was killed. */
	memcpy(address.sun_path, daemon.path, sizeof address.sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(
	    bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	close(fd);
	ck_assert_int_eq(verify(client, &result, LONG_MS), APIKEY_UNAVAILABLE);
	ck_assert_int_eq(errno, ECONNREFUSED);
	apikey_client_close(client);
	fake_remove(&daemon);
}
END_TEST

/* A queue that is full is waited for, but not beyond the deadline. */
START_TEST(full_queue)
{
	struct fake_daemon daemon = {.serve = fake_serve_valid};
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct apikey_client *client;
	int listener, filler[8], filled = 0;
	int64_t start;

	fake_prepare(&daemon);
	memcpy(address.sun_path, daemon.path, sizeof address.sun_path);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(
	    bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(listener, 0), 0);
	while (filled < 8) {
		filler[filled] =
		    socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(filler[filled++], (struct sockaddr *)&address,
			sizeof address) != 0)
			break;
	}
	client = open_client(&daemon);
	start = now_ms();
	ck_assert_int_eq(verify(client, &result, SHORT_MS), APIKEY_TIMEOUT);
	ck_assert_int_ge(now_ms() - start, SHORT_MS);
	apikey_client_close(client);
	while (filled > 0)
		close(filler[--filled]);
	close(listener);
	fake_remove(&daemon);
}
END_TEST

/* In a child: a verification must work, by a connection of its own. */
static int
child_status(struct apikey_client *client)
{
	struct apikey_result result = APIKEY_RESULT_INIT;

	return verify(client, &result, LONG_MS) == APIKEY_OK &&
		result.verdict == APIKEY_VALID
	    ? 0
	    : 1;
}

static void
wait_ok(pid_t pid)
{
	int status;

	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}

START_TEST(forked_child)
{
	struct fake_daemon daemon = {.serve = fake_serve_valid};
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;

	fake_start(&daemon);
	client = open_client(&daemon);
	ck_assert_int_eq(verify(client, &result, LONG_MS), APIKEY_OK);
	for (int i = 0; i < 3; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(child_status(client));
		wait_ok(pid);
		ck_assert_int_eq(verify(client, &result, LONG_MS), APIKEY_OK);
	}
	/* One of the parent, which was never disturbed, and one a child. */
	ck_assert_int_eq(atomic_load(&daemon.connections), 4);
	apikey_client_close(client);
	fake_stop(&daemon);
}
END_TEST

/* A child that has put something else where the socket was keeps it. */
START_TEST(forked_child_with_other_descriptors)
{
	struct fake_daemon daemon = {.serve = fake_serve_valid};
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;
	pid_t pid;

	fake_start(&daemon);
	client = open_client(&daemon);
	ck_assert_int_eq(verify(client, &result, LONG_MS), APIKEY_OK);
	pid = fork();
	if (pid == 0) {
		int failed = 0;

		for (int fd = 3; fd < 64; fd++)
			close(fd);
		for (int fd = 3; fd < 64; fd++)
			if (open("/dev/null", O_RDONLY) != fd)
				failed = 1;
		failed |= child_status(client);
		for (int fd = 3; fd < 64; fd++)
			if (fcntl(fd, F_GETFD) < 0)
				failed = 1;
		_exit(failed);
	}
	wait_ok(pid);
	ck_assert_int_eq(verify(client, &result, LONG_MS), APIKEY_OK);
	apikey_client_close(client);
	fake_stop(&daemon);
}
END_TEST

enum { BATCH = 1000 };

START_TEST(batch_through_tiny_buffers)
{
	struct fake_daemon daemon = {
	    .serve = serve_each_verdict, .socket_buffer = 1};
	struct apikey_request *requests = calloc(BATCH, sizeof *requests);
	struct apikey_result *results = calloc(BATCH, sizeof *results);
	struct apikey_client *client;
	char endpoint[] = "GET /a/path/that/takes/some/room/in/the/request";

	fake_start(&daemon);
	client = open_client(&daemon);
	for (int i = 0; i < BATCH; i++) {
		requests[i] = (struct apikey_request)APIKEY_REQUEST_INIT;
		results[i] = (struct apikey_result)APIKEY_RESULT_INIT;
		requests[i].token = token;
		requests[i].token_len = strlen(token);
		requests[i].endpoint = endpoint;
	}
	/* As many as there are verdicts, then one by one what is no verdict. */
	ck_assert_int_eq(
	    apikey_verify_batch(client, requests, results, 16, LONG_MS),
	    APIKEY_OK);
	for (int i = 0; i < 16; i++)
		ck_assert_int_eq((int)results[i].verdict, i + 1);
	ck_assert_int_eq(
	    apikey_verify_batch(client, requests, results, BATCH, LONG_MS),
	    APIKEY_PROTOCOL);
	ck_assert_int_eq(results[0].verdict, APIKEY_NO_ANSWER);
	apikey_client_close(client);
	fake_stop(&daemon);

	daemon.serve = fake_serve_valid;
	fake_start(&daemon);
	client = open_client(&daemon);
	ck_assert_int_eq(
	    apikey_verify_batch(client, requests, results, BATCH, LONG_MS),
	    APIKEY_OK);
	for (int i = 0; i < BATCH; i++)
		ck_assert_int_eq(results[i].verdict, APIKEY_VALID);
	ck_assert_int_eq(atomic_load(&daemon.connections), 1);
	ck_assert_int_eq(atomic_load(&daemon.requests), BATCH);
	ck_assert_int_eq(
	    apikey_verify_batch(client, requests, results, 0, 0), APIKEY_OK);
	apikey_client_close(client);
	fake_stop(&daemon);
	free(requests);
	free(results);
}
END_TEST

static void
serve_three(struct fake_daemon *daemon, int fd, int nth)
{
	for (int i = 0; i < 3; i++)
		serve_one_request(daemon, fd, nth);
}

START_TEST(batch_cut_short)
{
	struct fake_daemon daemon = {.serve = serve_three};
	struct apikey_request requests[5];
	struct apikey_result results[5];
	struct apikey_client *client;

	fake_start(&daemon);
	client = open_client(&daemon);
	for (int i = 0; i < 5; i++) {
		requests[i] = (struct apikey_request)APIKEY_REQUEST_INIT;
		results[i] = (struct apikey_result)APIKEY_RESULT_INIT;
		results[i].verdict = APIKEY_VALID;
	}
	ck_assert_int_eq(
	    apikey_verify_batch(client, requests, results, 5, LONG_MS),
	    APIKEY_UNAVAILABLE);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(results[i].verdict,
		    i < 3 ? APIKEY_VALID : APIKEY_NO_ANSWER);
	/* Some of the answer had come: nothing was sent a second time. */
	ck_assert_int_eq(atomic_load(&daemon.connections), 1);
	apikey_client_close(client);
	fake_stop(&daemon);
}
END_TEST

/* Two answers, in the other order. */
static void
serve_swapped(struct fake_daemon *daemon, int fd, int nth)
{
	struct fake_request first, second;
	uint8_t data[FRAME_MAX];
	struct writer w = writer_over(data, sizeof data);

	(void)nth;
	if (!fake_read(daemon, fd, &first) || !fake_read(daemon, fd, &second))
		return;
	fake_verdict(&w, second.frame.id, VERDICT_VALID);
	fake_verdict(&w, first.frame.id, VERDICT_VALID);
	fake_write(daemon, fd, data, w.len);
	fake_linger(daemon, fd);
}

START_TEST(batch_out_of_order)
{
	struct fake_daemon daemon = {.serve = serve_swapped};
	struct apikey_request requests[2] = {
	    APIKEY_REQUEST_INIT, APIKEY_REQUEST_INIT};
	struct apikey_result results[2] = {
	    APIKEY_RESULT_INIT, APIKEY_RESULT_INIT};
	struct apikey_client *client;

	fake_start(&daemon);
	client = open_client(&daemon);
	ck_assert_int_eq(
	    apikey_verify_batch(client, requests, results, 2, LONG_MS),
	    APIKEY_PROTOCOL);
	ck_assert_int_eq(results[0].verdict, APIKEY_NO_ANSWER);
	ck_assert_int_eq(results[1].verdict, APIKEY_NO_ANSWER);
	apikey_client_close(client);
	fake_stop(&daemon);
}
END_TEST

/* Programs of a later library have larger structures. */
struct later_request {
	struct apikey_request known;
	const char *unknown;
};

struct later_result {
	struct apikey_result known;
	uint64_t unknown;
};

START_TEST(larger_structures)
{
	struct fake_daemon daemon = {.serve = serve_each_verdict};
	struct later_request requests[3];
	struct later_result results[3];
	struct apikey_client *client;

	memset(requests, 0, sizeof requests);
	memset(results, 0, sizeof results);
	for (int i = 0; i < 3; i++) {
		requests[i].known.size = sizeof requests[i];
		results[i].known.size = sizeof results[i];
		results[i].unknown = 42;
	}
	fake_start(&daemon);
	client = open_client(&daemon);
	ck_assert_int_eq(apikey_verify_batch(client, &requests[0].known,
			     &results[0].known, 3, LONG_MS),
	    APIKEY_OK);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq((int)results[i].known.verdict, i + 1);
		ck_assert_uint_eq(results[i].unknown, 42);
	}
	/* A restriction that is not understood must not be passed over. */
	requests[2].unknown = "only on Mondays";
	ck_assert_int_eq(apikey_verify_batch(client, &requests[0].known,
			     &results[0].known, 3, LONG_MS),
	    APIKEY_ARGUMENT);
	ck_assert_int_eq(results[0].known.verdict, APIKEY_NO_ANSWER);
	apikey_client_close(client);
	fake_stop(&daemon);
}
END_TEST

static int
descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	ck_assert_ptr_nonnull(directory);
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count;
}

START_TEST(no_descriptor_leaks)
{
	static fake_serve *const scripts[] = {fake_serve_valid, serve_goodbye,
	    serve_nothing, serve_busy, serve_one_request};
	int before = descriptors();

	for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
		struct fake_daemon daemon = {.serve = scripts[i]};
		struct apikey_result result = APIKEY_RESULT_INIT;
		struct apikey_client *client;

		fake_start(&daemon);
		client = open_client(&daemon);
		for (int j = 0; j < 10; j++)
			verify(client, &result, 10);
		apikey_client_close(client);
		fake_stop(&daemon);
		verify(client = open_client(&daemon), &result, 10);
		apikey_client_close(client);
	}
	ck_assert_int_eq(descriptors(), before);
}
END_TEST

static volatile sig_atomic_t signals;

static void
count_signal(int number)
{
	(void)number;
	signals++;
}

START_TEST(no_sigpipe)
{
	struct fake_daemon daemon = {.serve = serve_one_request};
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;

	signals = 0;
	signal(SIGPIPE, count_signal);
	fake_start(&daemon);
	client = open_client(&daemon);
	for (int i = 0; i < 20; i++)
		verify(client, &result, LONG_MS);
	fake_stop(&daemon);
	verify(client, &result, LONG_MS);
	apikey_client_close(client);
	ck_assert_int_eq(signals, 0);
}
END_TEST

START_TEST(signals_do_not_disturb)
{
	struct sigaction action = {.sa_handler = count_signal};
	struct itimerval often = {{0, 2000}, {0, 2000}}, off = {{0}, {0}};
	struct apikey_result result;
	int64_t start;

	signals = 0;
	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	setitimer(ITIMER_REAL, &often, NULL);
	start = now_ms();
	ck_assert_int_eq(
	    ask_once(serve_nothing, NULL, &result, 3 * SHORT_MS, 1),
	    APIKEY_TIMEOUT);
	ck_assert_int_ge(now_ms() - start, 3 * SHORT_MS);
	ck_assert_int_eq(
	    ask_once(serve_drops, NULL, &result, LONG_MS, 1), APIKEY_OK);
	setitimer(ITIMER_REAL, &off, NULL);
	ck_assert_int_gt(signals, 0);
}
END_TEST

/* Keeps what was asked. */
static void
serve_record(struct fake_daemon *daemon, int fd, int nth)
{
	struct fake_request *request = daemon->context;
	uint8_t data[FRAME_MAX];
	struct writer w = writer_over(data, sizeof data);

	(void)nth;
	while (fake_read(daemon, fd, request)) {
		w.len = 0;
		fake_verdict(&w, request->frame.id, VERDICT_VALID);
		fake_write(daemon, fd, data, w.len);
	}
}

static void
assert_text(struct bytes got, const char *want)
{
	ck_assert_uint_eq(got.len, strlen(want));
	ck_assert_int_eq(memcmp(got.data, want, got.len), 0);
}

/* Sends one request and gives back what the daemon saw of it. */
static void
send_recorded(
    const struct apikey_request *request, struct fake_request *recorded)
{
	struct fake_daemon daemon = {
	    .serve = serve_record, .context = recorded};
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;

	fake_start(&daemon);
	client = open_client(&daemon);
	ck_assert_int_eq(
	    apikey_verify(client, request, &result, LONG_MS), APIKEY_OK);
	apikey_client_close(client);
	fake_stop(&daemon);
}

START_TEST(request_on_the_wire)
{
	static const char *const scopes[] = {"a:b", "c"};
	struct apikey_request request = APIKEY_REQUEST_INIT;
	struct fake_request seen;
	struct bytes scope;

	request.token = token;
	request.token_len = strlen(token);
	request.address = "203.0.113.7";
	request.service = "httpd";
	request.endpoint = "GET /v1/things";
	request.account = "acme";
	request.product = "appointments";
	request.user = "alice";
	request.permission = APIKEY_PERMISSION_WRITE;
	request.scopes = scopes;
	request.scope_count = 2;
	send_recorded(&request, &seen);
	assert_text(seen.verify.credential, token);
	assert_text(seen.verify.service, "httpd");
	assert_text(seen.verify.endpoint, "GET /v1/things");
	assert_text(seen.verify.account, "acme");
	assert_text(seen.verify.product, "appointments");
	assert_text(seen.verify.user, "alice");
	ck_assert_uint_eq(seen.verify.permission, PERMISSION_WRITE);
	ck_assert_uint_eq(seen.verify.address.len, 16);
	ck_assert_int_eq(memcmp(seen.verify.address.data,
			     "\0\0\0\0\0\0\0\0\0\0\xff\xff\xcb\0\x71\x07", 16),
	    0);
	ck_assert_uint_eq(seen.verify.scopes.count, 2);
	ck_assert(list_next(&seen.verify.scopes, &scope));
	assert_text(scope, "a:b");
	ck_assert(list_next(&seen.verify.scopes, &scope));
	assert_text(scope, "c");

	request = (struct apikey_request)APIKEY_REQUEST_INIT;
	request.address = "fe80::1%eth0";
	request.account = "";
	send_recorded(&request, &seen);
	ck_assert_uint_eq(seen.verify.credential.len, 0);
	ck_assert_uint_eq(seen.verify.account.len, 0);
	ck_assert_uint_eq(seen.verify.scopes.count, 0);
	ck_assert_uint_eq(seen.verify.address.len, 16);
	ck_assert_uint_eq(seen.verify.address.data[0], 0xfe);
}
END_TEST

/* An endpoint of a character repeated, after offset bytes. */
static void
check_cut(const char *character, size_t offset, size_t kept)
{
	struct apikey_request request = APIKEY_REQUEST_INIT;
	struct fake_request seen;
	char endpoint[512] = "";

	memset(endpoint, 'x', offset);
	endpoint[offset] = '\0';
	while (strlen(endpoint) <= ENDPOINT_MAX_LEN)
		strcat(endpoint, character);
	request.endpoint = endpoint;
	send_recorded(&request, &seen);
	ck_assert_uint_eq(seen.verify.endpoint.len, kept + 3);
	ck_assert_int_eq(memcmp(seen.verify.endpoint.data, endpoint, kept), 0);
	ck_assert_int_eq(
	    memcmp(seen.verify.endpoint.data + kept, "\xe2\x80\xa6", 3), 0);
}

START_TEST(long_texts_are_cut)
{
	struct apikey_request request = APIKEY_REQUEST_INIT;
	struct fake_request seen;
	char credential[CREDENTIAL_MAX_LEN + 100];
	char endpoint[ENDPOINT_MAX_LEN + 1];

	memset(credential, 'k', sizeof credential);
	request.token = credential;
	request.token_len = sizeof credential;
	memset(endpoint, 'e', ENDPOINT_MAX_LEN);
	endpoint[ENDPOINT_MAX_LEN] = '\0';
	request.endpoint = endpoint;
	send_recorded(&request, &seen);
	ck_assert_uint_eq(seen.verify.credential.len, CREDENTIAL_MAX_LEN);
	assert_text(seen.verify.endpoint, endpoint);

	check_cut("e", 0, 125);
	check_cut("\xc3\xa9", 0, 124);             /* é: 62 whole ones */
	check_cut("\xc3\xa9", 1, 125);             /* x and 62 */
	check_cut("\xe2\x82\xac", 0, 123);         /* €: 41 */
	check_cut("\xf0\x9f\x94\x91", 0, 124);     /* four bytes: 31 */
	check_cut("\xf0\x9f\x94\x91", 2, 122);     /* xx and 30 */
	check_cut("\x80\x80\x80\x80\x80", 0, 122); /* no UTF-8 at all */
}
END_TEST

/* Fills the request with one thing that is wrong. */
struct mistake {
	const char *name;
	void (*make)(struct apikey_request *request);
};

static char too_long[4097];
static const char *many[33];

static void
mistake_size_small(struct apikey_request *r)
{
	r->size -= sizeof(size_t);
}
static void
mistake_size_zero(struct apikey_request *r)
{
	r->size = 0;
}
static void
mistake_size_absurd(struct apikey_request *r)
{
	r->size = SIZE_MAX - 7;
}
static void
mistake_size_odd(struct apikey_request *r)
{
	r->size++;
}
static void
mistake_token(struct apikey_request *r)
{
	r->token = NULL;
}
static void
mistake_account(struct apikey_request *r)
{
	r->account = too_long + sizeof too_long - 1 - 64;
}
static void
mistake_product(struct apikey_request *r)
{
	r->product = too_long;
}
static void
mistake_user(struct apikey_request *r)
{
	r->user = too_long + sizeof too_long - 1 - 65;
}
static void
mistake_service(struct apikey_request *r)
{
	r->service = too_long + sizeof too_long - 1 - 65;
}
static void
mistake_address(struct apikey_request *r)
{
	r->address = "localhost";
}
static void
mistake_permission(struct apikey_request *r)
{
	int number = 3;

	memcpy(&r->permission, &number, sizeof number);
}
static void
mistake_scopes_null(struct apikey_request *r)
{
	r->scope_count = 1;
}
static void
mistake_scope_null(struct apikey_request *r)
{
	many[0] = NULL;
	r->scopes = many;
	r->scope_count = 1;
}
static void
mistake_scope_empty(struct apikey_request *r)
{
	many[0] = "";
	r->scopes = many;
	r->scope_count = 1;
}
static void
mistake_scope_long(struct apikey_request *r)
{
	many[0] = too_long + sizeof too_long - 1 - 65;
	r->scopes = many;
	r->scope_count = 1;
}
static void
mistake_scopes_many(struct apikey_request *r)
{
	for (size_t i = 0; i < 33; i++)
		many[i] = "s";
	r->scopes = many;
	r->scope_count = 33;
}

static const struct mistake mistakes[] = {
    {"size too small", mistake_size_small},
    {"size zero", mistake_size_zero},
    {"size absurd", mistake_size_absurd},
    {"size odd", mistake_size_odd},
    {"token", mistake_token},
    {"account", mistake_account},
    {"product", mistake_product},
    {"user", mistake_user},
    {"service", mistake_service},
    {"address", mistake_address},
    {"permission", mistake_permission},
    {"scopes NULL", mistake_scopes_null},
    {"scope NULL", mistake_scope_null},
    {"scope empty", mistake_scope_empty},
    {"scope long", mistake_scope_long},
    {"scopes many", mistake_scopes_many},
};

START_TEST(bad_arguments)
{
	struct fake_daemon daemon = {.serve = fake_serve_valid};
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_request good = APIKEY_REQUEST_INIT;
	struct apikey_client *client;
	int found, active;

	memset(too_long, 'a', sizeof too_long - 1);
	fake_start(&daemon);
	client = open_client(&daemon);
	for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
		struct apikey_request request = APIKEY_REQUEST_INIT;

		request.token = token;
		request.token_len = strlen(token);
		mistakes[i].make(&request);
		result.verdict = APIKEY_VALID;
		ck_assert_msg(apikey_verify(client, &request, &result,
				  LONG_MS) == APIKEY_ARGUMENT,
		    "%s is accepted", mistakes[i].name);
		ck_assert_int_eq(result.verdict, APIKEY_NO_ANSWER);
	}
	ck_assert_int_eq(
	    apikey_verify(NULL, &good, &result, 1), APIKEY_ARGUMENT);
	ck_assert_int_eq(
	    apikey_verify(client, NULL, &result, 1), APIKEY_ARGUMENT);
	ck_assert_int_eq(
	    apikey_verify(client, &good, NULL, 1), APIKEY_ARGUMENT);
	ck_assert_int_eq(
	    apikey_lookup(client, "dk_short", &found, &active, &result, 1),
	    APIKEY_ARGUMENT);
	ck_assert_int_eq(
	    apikey_lookup(client, NULL, &found, &active, &result, 1),
	    APIKEY_ARGUMENT);
	ck_assert_int_eq(apikey_ping(NULL, 1), APIKEY_ARGUMENT);
	result.size = 8;
	ck_assert_int_eq(
	    apikey_verify(client, &good, &result, 1), APIKEY_ARGUMENT);
	ck_assert_int_eq(atomic_load(&daemon.connections), 0);
	apikey_client_close(client);
	fake_stop(&daemon);
}
END_TEST

START_TEST(open_and_close)
{
	struct apikey_client *client = (struct apikey_client *)&client;
	char path[200];

	memset(path, 'p', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	ck_assert_int_eq(apikey_client_open(&client, path), APIKEY_ARGUMENT);
	ck_assert_ptr_null(client);
	ck_assert_int_eq(apikey_client_open(&client, ""), APIKEY_ARGUMENT);
	ck_assert_int_eq(apikey_client_open(NULL, NULL), APIKEY_ARGUMENT);
	path[107] = '\0';
	ck_assert_int_eq(apikey_client_open(&client, path), APIKEY_OK);
	apikey_client_close(client);
	ck_assert_int_eq(apikey_client_open(&client, NULL), APIKEY_OK);
	apikey_client_close(client);
	apikey_client_close(NULL);
}
END_TEST

START_TEST(lookup_and_ping)
{
	struct fake_daemon daemon = {.serve = fake_serve_valid};
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;
	int found = 0, active = 0;

	fake_start(&daemon);
	client = open_client(&daemon);
	ck_assert_int_eq(apikey_ping(client, LONG_MS), APIKEY_OK);
	ck_assert_int_eq(apikey_lookup(client, FAKE_KEY_ID, &found, &active,
			     &result, LONG_MS),
	    APIKEY_OK);
	ck_assert_int_eq(found, 1);
	ck_assert_int_eq(active, 1);
	ck_assert_str_eq(result.account, "acme");
	ck_assert_str_eq(result.product, "appointments");
	ck_assert_int_eq(result.type, APIKEY_TYPE_BEARER);
	ck_assert_int_eq(result.verdict, APIKEY_NO_ANSWER);
	ck_assert_int_eq(atomic_load(&daemon.connections), 1);
	fake_stop(&daemon);
	ck_assert_int_eq(apikey_lookup(client, FAKE_KEY_ID, &found, &active,
			     &result, LONG_MS),
	    APIKEY_UNAVAILABLE);
	ck_assert_int_eq(found, 0);
	ck_assert_int_eq(active, 0);
	ck_assert_str_eq(result.account, "");
	apikey_client_close(client);
}
END_TEST

/* Whatever became of the call, the client's memory has no secret in it. */
START_TEST(credentials_are_wiped)
{
	static fake_serve *const scripts[] = {
	    fake_serve_valid, serve_goodbye, serve_nothing, serve_busy};

	for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
		struct fake_daemon daemon = {.serve = scripts[i]};
		struct apikey_result result = APIKEY_RESULT_INIT;
		struct apikey_client *client;

		fake_start(&daemon);
		client = open_client(&daemon);
		verify(client, &result, SHORT_MS);
		ck_assert_ptr_null(
		    memmem(client, malloc_usable_size(client), token + 16, 8));
		apikey_client_close(client);
		fake_stop(&daemon);
	}
}
END_TEST

START_TEST(texts)
{
	ck_assert_str_eq(apikey_verdict_text(APIKEY_VALID), "valid");
	ck_assert_str_eq(
	    apikey_verdict_text(APIKEY_QUOTA_EXCEEDED), "quota_exceeded");
	ck_assert_str_eq(apikey_verdict_text((enum apikey_verdict)99), "none");
	ck_assert_str_eq(
	    apikey_reason_text(APIKEY_REASON_TRUNCATED), "truncated");
	ck_assert_str_eq(
	    apikey_permission_text(APIKEY_PERMISSION_WRITE), "write");
	for (int i = APIKEY_OK; i <= APIKEY_PROTOCOL + 1; i++)
		ck_assert_str_ne(apikey_status_text((enum apikey_status)i), "");
	ck_assert_int_eq(
	    apikey_token_check(token, strlen(token)), APIKEY_REASON_NONE);
	ck_assert_int_eq(apikey_token_check(token, strlen(token) - 1),
	    APIKEY_REASON_TRUNCATED);
	ck_assert_int_eq(apikey_token_check("secret", 6), APIKEY_REASON_SHAPE);
	ck_assert_int_eq(apikey_token_check(NULL, 0), APIKEY_REASON_SHAPE);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client");

	suite_add(suite, "valid answer", valid_answer);
	suite_add(suite, "each verdict", each_verdict);
	suite_add(suite, "silent peer", silent_peer_times_out);
	suite_add(suite, "one byte at a time", one_byte_at_a_time);
	suite_add(suite, "wrong answers", wrong_answers);
	suite_add(suite, "flipped bits", flipped_bits);
	suite_add(suite, "closed before", closed_before_the_answer);
	suite_add(suite, "closed within", closed_within_the_answer);
	suite_add(suite, "half answer", half_answer_times_out);
	suite_add(suite, "busy daemon", busy_daemon);
	suite_add(suite, "restarted daemon", restarted_daemon);
	suite_add(suite, "late answer", late_answer_is_nobodys);
	suite_add(suite, "no daemon", no_daemon);
	suite_add(suite, "full queue", full_queue);
	suite_add(suite, "fork", forked_child);
	suite_add(suite, "fork and close", forked_child_with_other_descriptors);
	suite_add(suite, "batch of 1000", batch_through_tiny_buffers);
	suite_add(suite, "batch cut short", batch_cut_short);
	suite_add(suite, "batch out of order", batch_out_of_order);
	suite_add(suite, "larger structures", larger_structures);
	suite_add(suite, "descriptors", no_descriptor_leaks);
	suite_add(suite, "SIGPIPE", no_sigpipe);
	suite_add(suite, "signals", signals_do_not_disturb);
	suite_add(suite, "request on the wire", request_on_the_wire);
	suite_add(suite, "long texts", long_texts_are_cut);
	suite_add(suite, "bad arguments", bad_arguments);
	suite_add(suite, "open and close", open_and_close);
	suite_add(suite, "lookup and ping", lookup_and_ping);
	suite_add(suite, "wiping", credentials_are_wiped);
	suite_add(suite, "texts", texts);
	return suite_run(suite);
}
