/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls of apikey.h: each describes a task, drives the exchange of it to
 * its end or its deadline, and hands the result over.
 */
#include "apikey.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "convert.h"
#include "exchange.h"
#include "proto/message.h"
#include "proto/token.h"
#include "proto/verdict.h"

struct apikey_client {
	struct exchange exchange;
};

enum { NS_PER_MS = 1000000, MS_PER_S = 1000 };

/* Nanoseconds on a clock that nobody sets. */
static int64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * MS_PER_S * NS_PER_MS + now.tv_nsec;
}

/*
 * Waits for what the exchange waits for, at most for left_ns. Returns poll()'s
 * revents, 0 where only time has passed.
 */
static short
wait_events(const struct exchange *x, int64_t left_ns)
{
	struct pollfd wanted = {x->connection.fd, exchange_events(x), 0};
	int64_t pause_ns = (int64_t)x->pause_ms * NS_PER_MS;
	struct timespec limit;

	if (x->pause_ms > 0 && pause_ns < left_ns)
		left_ns = pause_ns;
	if (left_ns < 0)
		left_ns = 0;
	limit.tv_sec = (time_t)(left_ns / NS_PER_MS / MS_PER_S);
	limit.tv_nsec = (long)(left_ns % ((int64_t)NS_PER_MS * MS_PER_S));
	/* A signal ends the wait early; the caller looks at the clock. */
	if (ppoll(&wanted, 1, &limit, NULL) <= 0)
		return 0;
	return wanted.revents;
}

static enum apikey_status
converse(struct apikey_client *client, const struct exchange_task *task,
    int timeout_ms)
{
	struct exchange *x = &client->exchange;
	int64_t deadline = now_ns() + (int64_t)timeout_ms * NS_PER_MS;
	bool patient = true;
	short revents = 0;

	exchange_start(x, task);
	exchange_advance(x, revents);
	while (x->step != EXCHANGE_DONE) {
		int64_t left = deadline - now_ns();

		/* One look is free, so that an answer that is there already
		 * is not thrown away. */
		if (left <= 0 && !patient) {
			exchange_abort(x, APIKEY_TIMEOUT, ETIMEDOUT);
			break;
		}
		patient = left > 0;
		revents = wait_events(x, left);
		if (revents != 0 || x->pause_ms > 0)
			exchange_advance(x, revents);
	}
	if (x->status != APIKEY_OK)
		errno = x->error;
	return x->status;
}

enum apikey_status
apikey_client_open(struct apikey_client **client, const char *socket_path)
{
	struct apikey_client *new;

	if (client == NULL)
		return APIKEY_ARGUMENT;
	*client = NULL;
	new = malloc(sizeof *new);
	if (new == NULL)
		return APIKEY_NOMEM;
	if (!exchange_init(&new->exchange,
		socket_path != NULL ? socket_path : APIKEY_DEFAULT_SOCKET)) {
		free(new);
		return APIKEY_ARGUMENT;
	}
	*client = new;
	return APIKEY_OK;
}

void
apikey_client_close(struct apikey_client *client)
{
	if (client == NULL)
		return;
	exchange_close(&client->exchange);
	free(client);
}

/*
 * A batch is an array of what the program took the structures to be, so the
 * step from one to the next is their size member, not our sizeof.
 */
struct batch {
	const struct apikey_request *requests;
	struct apikey_result *results;
};

static const struct apikey_request *
request_at(const struct batch *batch, size_t i)
{
	const void *at =
	    (const char *)batch->requests + i * batch->requests->size;

	return at;
}

static struct apikey_result *
result_at(const struct batch *batch, size_t i)
{
	void *at = (char *)batch->results + i * batch->results->size;

	return at;
}

static void
encode_verify(void *context, size_t i, struct writer *w)
{
	const struct batch *batch = context;
	struct request_scratch scratch;
	struct verify_request message;

	if (request_convert(request_at(batch, i), &message, &scratch))
		verify_request_write(w, &message);
	else
		w->failed = true;
}

static bool
decode_verify(void *context, size_t i, struct bytes body)
{
	const struct batch *batch = context;

	return result_from_verify(body, result_at(batch, i));
}

/* A result that is reused must not keep the verdict of the time before, however
 * the call ends. False where the sizes are not those of results. */
static bool
clear_results(const struct batch *batch, size_t count)
{
	if (batch->results == NULL || !result_size_fits(batch->results->size))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct apikey_result *result = result_at(batch, i);

		if (result->size != batch->results->size)
			return false;
		result_clear(result);
	}
	return true;
}

/* Judges every request before the first one is sent. */
static bool
requests_fit(const struct batch *batch, size_t count)
{
	struct request_scratch scratch;
	struct verify_request message;

	if (batch->requests == NULL ||
	    !request_size_fits(batch->requests->size))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct apikey_request *request = request_at(batch, i);

		if (request->size != batch->requests->size ||
		    !request_convert(request, &message, &scratch))
			return false;
	}
	return true;
}

enum apikey_status
apikey_verify_batch(struct apikey_client *client,
    const struct apikey_request *requests, struct apikey_result *results,
    size_t count, int timeout_ms)
{
	struct batch batch = {requests, results};
	struct exchange_task task = {
	    FRAME_VERIFY, count, encode_verify, decode_verify, &batch};

	if (count == 0)
		return client != NULL ? APIKEY_OK : APIKEY_ARGUMENT;
	if (!clear_results(&batch, count) || client == NULL ||
	    !requests_fit(&batch, count))
		return APIKEY_ARGUMENT;
	return converse(client, &task, timeout_ms);
}

enum apikey_status
apikey_verify(struct apikey_client *client,
    const struct apikey_request *request, struct apikey_result *result,
    int timeout_ms)
{
	enum apikey_status status =
	    apikey_verify_batch(client, request, result, 1, timeout_ms);

	/* An answer with something behind it that should not be there. */
	if (status == APIKEY_PROTOCOL)
		result_clear(result);
	return status;
}

struct lookup {
	struct bytes key_id;
	struct apikey_result *result;
	int *found, *active;
};

static void
encode_lookup(void *context, size_t i, struct writer *w)
{
	const struct lookup *lookup = context;

	(void)i;
	lookup_request_write(w, lookup->key_id);
}

static bool
decode_lookup(void *context, size_t i, struct bytes body)
{
	const struct lookup *lookup = context;

	(void)i;
	return result_from_lookup(
	    body, lookup->result, lookup->found, lookup->active);
}

enum apikey_status
apikey_lookup(struct apikey_client *client, const char *key_id, int *found,
    int *active, struct apikey_result *result, int timeout_ms)
{
	struct lookup lookup = {bytes_of(key_id), result, found, active};
	struct exchange_task task = {
	    FRAME_LOOKUP, 1, encode_lookup, decode_lookup, &lookup};
	enum apikey_status status;
	size_t prefix_len;
	const char *id;

	if (client == NULL || key_id == NULL || found == NULL ||
	    active == NULL || result == NULL || !result_size_fits(result->size))
		return APIKEY_ARGUMENT;
	*found = 0;
	*active = 0;
	result_clear(result);
	if (!key_id_parse(key_id, lookup.key_id.len, &id, &prefix_len))
		return APIKEY_ARGUMENT;
	status = converse(client, &task, timeout_ms);
	if (status != APIKEY_OK) {
		*found = 0;
		*active = 0;
		result_clear(result);
	}
	return status;
}

static void
encode_ping(void *context, size_t i, struct writer *w)
{
	(void)context;
	(void)i;
	(void)w; /* what a ping carries comes back: nothing */
}

static bool
decode_ping(void *context, size_t i, struct bytes body)
{
	(void)context;
	(void)i;
	return body.len == 0;
}

enum apikey_status
apikey_ping(struct apikey_client *client, int timeout_ms)
{
	struct exchange_task task = {
	    FRAME_PING, 1, encode_ping, decode_ping, NULL};

	if (client == NULL)
		return APIKEY_ARGUMENT;
	return converse(client, &task, timeout_ms);
}

enum apikey_reason
apikey_token_check(const char *token, size_t len)
{
	struct token_view view;

	if (token == NULL)
		return APIKEY_REASON_SHAPE;
	return (enum apikey_reason)token_parse(token, len, &view);
}

const char *
apikey_status_text(enum apikey_status status)
{
	switch (status) {
	case APIKEY_OK:
		return "ok";
	case APIKEY_ARGUMENT:
		return "bad argument";
	case APIKEY_NOMEM:
		return "out of memory";
	case APIKEY_UNAVAILABLE:
		return "daemon unavailable";
	case APIKEY_TIMEOUT:
		return "timed out";
	case APIKEY_PROTOCOL:
		return "protocol error";
	}
	return "unknown status";
}

const char *
apikey_verdict_text(enum apikey_verdict verdict)
{
	return verdict_text((enum verdict)verdict);
}

const char *
apikey_reason_text(enum apikey_reason reason)
{
	return reason_text((enum reason)reason);
}

const char *
apikey_permission_text(enum apikey_permission permission)
{
	return permission_text((enum permission)permission);
}
