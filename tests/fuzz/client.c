/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libapikey and a daemon that lies. Input: a byte that says what is asked, one
 * that says after how much of the answer the first connection ends, then what
 * the daemon sends, whatever it is asked.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "plugins/client/apikey.h"
#include "proto/frame.h"
#include "proto/message.h"

enum { BATCH = 3, TIMEOUT_MS = 10000 };

/* The daemon's place: what is left to be said, and its end of the socket. */
static struct bytes first_answer, second_answer;
static int peers[2];
static size_t peer_count;

int
socket(int domain, int type, int protocol)
{
	struct bytes answer = peer_count == 0 ? first_answer : second_answer;
	int pair[2];

	if (peer_count == 2) {
		errno = ECONNREFUSED;
		return -1;
	}
	fuzz_require(
	    socketpair(domain, type, protocol, pair) == 0, "there are sockets");
	if (answer.len > 0)
		fuzz_require(send(pair[1], answer.data, answer.len,
				 MSG_NOSIGNAL) == (ssize_t)answer.len,
		    "an answer fits a socket");
	shutdown(pair[1], SHUT_WR);
	peers[peer_count++] = pair[1];
	return pair[0];
}

int
connect(int fd, const struct sockaddr *address, socklen_t len)
{
	(void)fd;
	fuzz_use(address, len);
	return 0;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

static void
check_text(const char *text, size_t size)
{
	fuzz_require(memchr(text, '\0', size) != NULL, "a text has an end");
	fuzz_use(text, strlen(text));
}

/* Whether a program may believe this. */
static void
check_result(const struct apikey_result *result)
{
	bool nameless = result->verdict == APIKEY_NO_ANSWER ||
	    result->verdict == APIKEY_MALFORMED ||
	    result->verdict == APIKEY_UNKNOWN;

	check_text(result->id, sizeof result->id);
	check_text(result->name, sizeof result->name);
	check_text(result->account, sizeof result->account);
	check_text(result->product, sizeof result->product);
	check_text(result->user, sizeof result->user);
	check_text(result->environment, sizeof result->environment);
	check_text(result->scopes, sizeof result->scopes);
	fuzz_require((unsigned)result->verdict < VERDICT_COUNT &&
		(unsigned)result->permission <= PERMISSION_WRITE &&
		(unsigned)result->type <= KEY_HMAC &&
		(unsigned)result->reason <= REASON_SHAPE,
	    "numbers are of their lists");
	fuzz_require(result->verdict != APIKEY_VALID || result->id[0] != '\0',
	    "a valid key has a name");
	fuzz_require(!nameless || result->id[0] == '\0',
	    "of a key that was not shown nothing is told");
	fuzz_use(result, sizeof *result);
}

static bool
ask_batch(struct apikey_client *client, size_t count)
{
	struct apikey_request requests[BATCH];
	struct apikey_result results[BATCH];
	enum apikey_status status;

	for (size_t i = 0; i < BATCH; i++) {
		requests[i] = (struct apikey_request)APIKEY_REQUEST_INIT;
		requests[i].token = "ak_0";
		requests[i].token_len = 4;
		results[i] = (struct apikey_result)APIKEY_RESULT_INIT;
	}
	status =
	    apikey_verify_batch(client, requests, results, count, TIMEOUT_MS);
	for (size_t i = 0; i < count; i++) {
		check_result(&results[i]);
		if (status == APIKEY_OK)
			fuzz_require(results[i].verdict != APIKEY_NO_ANSWER,
			    "all were answered");
		else if (count == 1)
			fuzz_require(results[i].verdict == APIKEY_NO_ANSWER,
			    "of a failed question there is no answer");
	}
	return status == APIKEY_OK;
}

static bool
ask_signature(struct apikey_client *client)
{
	struct apikey_signature proof = APIKEY_SIGNATURE_INIT;
	struct apikey_result result = APIKEY_RESULT_INIT;
	static const char payload[20000];
	enum apikey_status status;

	proof.key_id = "ak_0123456789ab";
	proof.signature = "00";
	proof.payload = payload;
	proof.payload_len = sizeof payload;
	status =
	    apikey_verify_signature(client, &proof, NULL, &result, TIMEOUT_MS);
	check_result(&result);
	fuzz_require(
	    (status == APIKEY_OK) == (result.verdict != APIKEY_NO_ANSWER),
	    "there is a verdict where there is an answer");
	return status == APIKEY_OK;
}

static bool
ask_lookup(struct apikey_client *client)
{
	struct apikey_result result = APIKEY_RESULT_INIT;
	int found = -1, active = -1;
	enum apikey_status status = apikey_lookup(
	    client, "ak_0123456789ab", &found, &active, &result, TIMEOUT_MS);

	check_result(&result);
	fuzz_require((found == 0 || found == 1) &&
		(active == 0 || active == 1) && (found || !active),
	    "what is not there is not active");
	fuzz_require(status == APIKEY_OK || !found, "no answer is no yes");
	return status == APIKEY_OK;
}

static bool
ask_usage(struct apikey_client *client)
{
	struct apikey_request request = APIKEY_REQUEST_INIT;
	struct apikey_usage usage = APIKEY_USAGE_INIT;
	enum apikey_status status;

	request.token = "ak_0";
	request.token_len = 4;
	status = apikey_usage(
	    client, &request, APIKEY_WINDOW_24H, &usage, TIMEOUT_MS);
	check_text(usage.id, sizeof usage.id);
	for (size_t i = 0; i < usage.endpoint_count; i++)
		check_text(usage.endpoints[i].endpoint,
		    sizeof usage.endpoints[i].endpoint);
	fuzz_require(usage.told == 0 ||
		(usage.told == 1 && usage.verdict == APIKEY_VALID &&
		    usage.id[0] != '\0'),
	    "usage is told of a valid key alone");
	fuzz_require(usage.told != 0 ||
		(usage.total == 0 && usage.endpoint_count == 0 &&
		    usage.address_count == 0 && usage.step_count == 0),
	    "what is not told is empty");
	fuzz_require(
	    (status == APIKEY_OK) == (usage.verdict != APIKEY_NO_ANSWER),
	    "there is a verdict where there is an answer");
	fuzz_use(&usage, sizeof usage);
	return status == APIKEY_OK;
}

static bool
ask(struct apikey_client *client, uint8_t what)
{
	switch (what % 6) {
	case 0:
		return ask_batch(client, 1);
	case 1:
		return ask_batch(client, BATCH);
	case 2:
		return ask_lookup(client);
	case 3:
		return ask_signature(client);
	case 5:
		return ask_usage(client);
	default:
		return apikey_ping(client, TIMEOUT_MS) == APIKEY_OK;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct apikey_client *client;
	size_t cut;

	if (size < 2 || size > 32768)
		return 0;
	cut = data[1] < size - 2 ? data[1] : size - 2;
	first_answer = (struct bytes){data + 2, cut};
	second_answer = (struct bytes){data + 2 + cut, size - 2 - cut};
	/* Most of the time one connection says it all. */
	if (data[1] == UINT8_MAX) {
		first_answer.len = size - 2;
		second_answer.len = 0;
	}
	peer_count = 0;
	fuzz_require(apikey_client_open(&client, "/nowhere") == APIKEY_OK,
	    "there is memory");
	/* A second question is not answered with what is left of the first. */
	if (ask(client, data[0]))
		ask(client, data[0] >> 4);
	apikey_client_close(client);
	for (size_t i = 0; i < peer_count; i++)
		close(peers[i]);
	return 0;
}
