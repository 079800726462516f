/* SPDX-License-Identifier: BSD-2-Clause */
/* libapikey: many requests in one call. */
#include "client_peer.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 1000 };

START_TEST(batch_through_tiny_buffers)
{
	struct fake_daemon daemon = {
	    .serve = serve_each_verdict, .socket_buffer = 1};
	struct apikey_request *requests = calloc(BATCH, sizeof *requests);
	struct apikey_result *results = calloc(BATCH, sizeof *results);
	struct apikey_client *client;
	char endpoint[] = "GET /a/path/that/takes/some/room/in/the/request";

	client = start_client(&daemon);
	for (int i = 0; i < BATCH; i++) {
		requests[i] = (struct apikey_request)APIKEY_REQUEST_INIT;
		results[i] = (struct apikey_result)APIKEY_RESULT_INIT;
		requests[i].token = client_token;
		requests[i].token_len = strlen(client_token);
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
	stop_client(client, &daemon);

	daemon.serve = fake_serve_valid;
	client = start_client(&daemon);
	ck_assert_int_eq(
	    apikey_verify_batch(client, requests, results, BATCH, LONG_MS),
	    APIKEY_OK);
	for (int i = 0; i < BATCH; i++)
		ck_assert_int_eq(results[i].verdict, APIKEY_VALID);
	ck_assert_int_eq(atomic_load(&daemon.connections), 1);
	ck_assert_int_eq(atomic_load(&daemon.requests), BATCH);
	ck_assert_int_eq(
	    apikey_verify_batch(client, requests, results, 0, 0), APIKEY_OK);
	stop_client(client, &daemon);
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

	client = start_client(&daemon);
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
	stop_client(client, &daemon);
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

	client = start_client(&daemon);
	ck_assert_int_eq(
	    apikey_verify_batch(client, requests, results, 2, LONG_MS),
	    APIKEY_PROTOCOL);
	ck_assert_int_eq(results[0].verdict, APIKEY_NO_ANSWER);
	ck_assert_int_eq(results[1].verdict, APIKEY_NO_ANSWER);
	stop_client(client, &daemon);
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
	client = start_client(&daemon);
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
	stop_client(client, &daemon);
}
END_TEST
void
add_batch_cases(Suite *suite)
{
	suite_add(suite, "batch of 1000", batch_through_tiny_buffers);
	suite_add(suite, "batch cut short", batch_cut_short);
	suite_add(suite, "batch out of order", batch_out_of_order);
	suite_add(suite, "larger structures", larger_structures);
}
