/* SPDX-License-Identifier: BSD-2-Clause */
/* libapikey: signatures, whose payload is sent from where the program has it.
 */
#include "client_peer.h"

#include <string.h>

#include "faults.h"

static uint8_t payload[PAYLOAD_MAX_LEN + 1];
static const char hex[] =
    "e7988f9c4e72a92e21e649083264d907bb542402986b8cc31263f1170edc013e";

static struct apikey_signature
example(size_t payload_len)
{
	struct apikey_signature signature = APIKEY_SIGNATURE_INIT;

	for (size_t i = 0; i < sizeof payload; i++)
		payload[i] = (uint8_t)(i * 7 + i / 256);
	signature.key_id = FAKE_KEY_ID;
	signature.signature = hex;
	signature.payload = payload;
	signature.payload_len = payload_len;
	return signature;
}

static void
answer(struct fake_daemon *daemon, int fd, uint32_t id)
{
	uint8_t data[FRAME_MAX];
	struct writer w = writer_over(data, sizeof data);

	fake_verdict(&w, id, VERDICT_VALID);
	data[3] = FRAME_VERIFY_SIGNATURE | FRAME_REPLY;
	fake_write(daemon, fd, data, w.len);
}

/* Keeps what was asked. */
static void
serve_record(struct fake_daemon *daemon, int fd, int nth)
{
	struct fake_request *request = daemon->context;

	(void)nth;
	while (fake_read(daemon, fd, request))
		answer(daemon, fd, request->frame.id);
}

/* Goes away after the first connection's first request. */
static void
serve_restarted(struct fake_daemon *daemon, int fd, int nth)
{
	if (nth > 0)
		serve_record(daemon, fd, nth);
	else
		fake_read(daemon, fd, daemon->context);
}

static void
check_payload(fake_serve *serve, size_t len, int socket_buffer)
{
	static struct fake_request seen;
	struct fake_daemon daemon = {
	    .serve = serve, .context = &seen, .socket_buffer = socket_buffer};
	struct apikey_signature signature = example(len);
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;

	client = start_client(&daemon);
	/* Twice: nothing of the first is left on the connection. */
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(apikey_verify_signature(client, &signature,
				     NULL, &result, LONG_MS),
		    APIKEY_OK);
		ck_assert_int_eq(result.verdict, APIKEY_VALID);
		ck_assert_str_eq(result.id, FAKE_KEY_ID);
		ck_assert_uint_eq(seen.signature.payload.len, len);
		ck_assert(len == 0 ||
		    memcmp(seen.signature.payload.data, payload, len) == 0);
	}
	stop_client(client, &daemon);
}

START_TEST(payloads)
{
	static const size_t lens[] = {
	    0, 1, 4096, 16384, 65535, PAYLOAD_MAX_LEN};

	for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		check_payload(serve_record, lens[i], 0);
		check_payload(serve_record, lens[i], 1);
		check_payload(serve_restarted, lens[i], 1);
	}
}
END_TEST

START_TEST(on_the_wire)
{
	static struct fake_request seen;
	struct fake_daemon daemon = {.serve = serve_record, .context = &seen};
	const struct signature_request *got = &seen.signature;
	struct apikey_signature signature = example(3);
	struct apikey_request request = APIKEY_REQUEST_INIT;
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;
	char longer[4 * CLAIMED_MAX_LEN];

	client = start_client(&daemon);
	request.account = "acme";
	request.permission = APIKEY_PERMISSION_WRITE;
	signature.has_timestamp = 7; /* anything but 0 */
	signature.timestamp = -5;
	ck_assert_int_eq(apikey_verify_signature(
			     client, &signature, &request, &result, LONG_MS),
	    APIKEY_OK);
	ck_assert(bytes_equal(got->key_id, bytes_of(FAKE_KEY_ID)));
	ck_assert(bytes_equal(got->signature, bytes_of(hex)));
	ck_assert(got->has_timestamp && got->timestamp == -5);
	ck_assert(bytes_equal(got->request.account, bytes_of("acme")));
	ck_assert_int_eq(got->request.permission, PERMISSION_WRITE);
	/* A time without the word that there is one is none. What a client
	 * made up is sent as far as it matters. */
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	signature.has_timestamp = 0;
	signature.key_id = longer;
	signature.signature = longer;
	ck_assert_int_eq(apikey_verify_signature(
			     client, &signature, &request, &result, LONG_MS),
	    APIKEY_OK);
	ck_assert(!got->has_timestamp && got->timestamp == 0);
	ck_assert_uint_eq(got->key_id.len, CLAIMED_MAX_LEN);
	ck_assert_uint_eq(got->signature.len, CLAIMED_MAX_LEN);
	signature.key_id = NULL;
	signature.signature = NULL;
	ck_assert_int_eq(apikey_verify_signature(
			     client, &signature, &request, &result, LONG_MS),
	    APIKEY_OK);
	ck_assert_uint_eq(got->key_id.len + got->signature.len, 0);
	stop_client(client, &daemon);
}
END_TEST

/* Answers before it has the whole of the question. */
static void
serve_hasty(struct fake_daemon *daemon, int fd, int nth)
{
	(void)nth;
	answer(daemon, fd, 0);
	fake_linger(daemon, fd);
}

/* Or with the answer to another operation. */
static void
serve_other(struct fake_daemon *daemon, int fd, int nth)
{
	struct fake_request *request = daemon->context;
	uint8_t data[FRAME_MAX];
	struct writer w = writer_over(data, sizeof data);

	(void)nth;
	if (!fake_read(daemon, fd, request))
		return;
	fake_verdict(&w, request->frame.id, VERDICT_VALID);
	fake_write(daemon, fd, data, w.len);
	fake_linger(daemon, fd);
}

static void
check_protocol(fake_serve *serve, int failing_send)
{
	static struct fake_request seen;
	struct fake_daemon daemon = {.serve = serve, .context = &seen};
	struct apikey_signature signature = example(PAYLOAD_MAX_LEN);
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;

	client = start_client(&daemon);
	result.verdict = APIKEY_VALID;
	if (failing_send > 0)
		faults_arm(FAULT_SEND, failing_send);
	ck_assert_int_eq(
	    apikey_verify_signature(client, &signature, NULL, &result, LONG_MS),
	    APIKEY_PROTOCOL);
	faults_disarm(); /* not come to, where the answer was there before */
	ck_assert_int_eq(result.verdict, APIKEY_NO_ANSWER);
	stop_client(client, &daemon);
}

START_TEST(wrong_answers)
{
	check_protocol(serve_other, 0);
	/* The payload does not go out: an answer is to another question. */
	if (faults_possible())
		check_protocol(serve_hasty, 2);
}
END_TEST

START_TEST(wrong_arguments)
{
	struct fake_daemon daemon = {.serve = fake_serve_valid};
	struct apikey_signature good = example(3), wrong;
	struct apikey_request request = APIKEY_REQUEST_INIT;
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;

	client = start_client(&daemon);
	for (int i = 0; i < 9; i++) {
		const struct apikey_signature *signature = &wrong;
		const struct apikey_request *asked = NULL;
		struct apikey_client *by = client;

		wrong = good;
		request = (struct apikey_request)APIKEY_REQUEST_INIT;
		result.verdict = APIKEY_VALID;
		if (i == 0)
			wrong.size = 8;
		else if (i == 1)
			wrong.size = sizeof wrong + 1;
		else if (i == 2)
			wrong.payload_len = PAYLOAD_MAX_LEN + 1;
		else if (i == 3)
			wrong.payload = NULL;
		else if (i == 4)
			signature = NULL;
		else if (i == 5)
			by = NULL;
		else
			asked = &request;
		if (i == 6) {
			/* The secret of an hmac key is not sent. */
			request.token = client_token;
			request.token_len = strlen(client_token);
		} else if (i == 7) {
			request.size = 8;
		} else if (i == 8) {
			request.address = "localhost";
		}
		ck_assert_msg(apikey_verify_signature(by, signature, asked,
				  &result, LONG_MS) == APIKEY_ARGUMENT,
		    "argument %d", i);
		ck_assert_int_eq(result.verdict, APIKEY_NO_ANSWER);
	}
	ck_assert_int_eq(
	    apikey_verify_signature(client, &good, NULL, NULL, LONG_MS),
	    APIKEY_ARGUMENT);
	ck_assert_int_eq(atomic_load(&daemon.requests), 0);
	stop_client(client, &daemon);
}
END_TEST

void
add_signature_cases(Suite *suite)
{
	suite_add(suite, "signature: payloads", payloads);
	suite_add(suite, "signature: on the wire", on_the_wire);
	suite_add(suite, "signature: wrong answers", wrong_answers);
	suite_add(suite, "signature: wrong arguments", wrong_arguments);
}
