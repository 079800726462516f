/* SPDX-License-Identifier: BSD-2-Clause */
/* libapikey: answers of every kind, right, wrong, halved, late and none. */
#include "client_peer.h"

#include <errno.h>
#include <string.h>

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

START_TEST(each_verdict)
{
	struct fake_daemon daemon = {.serve = serve_each_verdict};
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;

	client = start_client(&daemon);
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
	stop_client(client, &daemon);
}
END_TEST

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

		client = start_client(&daemon);
		for (int i = 0; i < 30; i++, at++) {
			enum apikey_status status = verify(client, &result, 5);

			ck_assert(status == APIKEY_OK ||
			    status == APIKEY_PROTOCOL ||
			    status == APIKEY_TIMEOUT);
			answered += status == APIKEY_OK;
		}
		stop_client(client, &daemon);
	}
	ck_assert_uint_gt(answered, 100);
}
END_TEST

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

void
add_answer_cases(Suite *suite)
{
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
}
