/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls of apikey.h: each describes a task, has it carried out and hands
 * the result over.
 */
#include "apikey.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "convert.h"
#include "guard.h"
#include "operation.h"
#include "proto/message.h"
#include "proto/token.h"
#include "usage.h"

/*
 * A batch is an array of what the program took the structures to be, so the
 * step from one to the next is their size member, not our sizeof.
 */
struct batch {
	const struct apikey_request *requests;
	struct apikey_result *results;
	size_t count;
};

struct apikey_client {
	struct operation operation;
	struct batch batch; /* of what apikey_start() began */
};

enum apikey_status
apikey_client_open(struct apikey_client **client, const char *socket_path)
{
	struct apikey_client *new;

	if (client == NULL)
		return APIKEY_ARGUMENT;
	*client = NULL;
	new = calloc(1, sizeof *new);
	if (new == NULL)
		return APIKEY_NOMEM;
	if (!operation_init(&new->operation,
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
	operation_close(&client->operation);
	free(client);
}

void
client_guard(struct apikey_client *client)
{
	connection_recheck(&client->operation.exchange.connection);
}

/*
 * A client does one thing at a time. Nothing is left of what has ended, so that
 * nobody takes the end of one thing for the end of another.
 */
static bool
is_free(struct apikey_client *client)
{
	if (client == NULL || operation_running(&client->operation))
		return false;
	client->batch.count = 0;
	return true;
}

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
clear_results(const struct batch *batch)
{
	if (batch->results == NULL || !result_size_fits(batch->results->size))
		return false;
	for (size_t i = 0; i < batch->count; i++) {
		struct apikey_result *result = result_at(batch, i);

		if (result->size != batch->results->size)
			return false;
		result_clear(result);
	}
	return true;
}

/* Judges every request before the first one is sent. */
static bool
requests_fit(const struct batch *batch)
{
	struct request_scratch scratch;
	struct verify_request message;

	if (batch->requests == NULL ||
	    !request_size_fits(batch->requests->size))
		return false;
	for (size_t i = 0; i < batch->count; i++) {
		const struct apikey_request *request = request_at(batch, i);

		if (request->size != batch->requests->size ||
		    !request_convert(request, &message, &scratch))
			return false;
	}
	return true;
}

static const struct exchange_task verify_task = {
    .type = FRAME_VERIFY,
    .encode = encode_verify,
    .decode = decode_verify,
};

/* True where the batch can be sent; its results are cleared anyway. */
static bool
prepare(struct apikey_client *client, struct batch *batch,
    struct exchange_task *task)
{
	*task = verify_task;
	task->count = batch->count;
	task->context = batch;
	return clear_results(batch) && is_free(client) && requests_fit(batch);
}

/* Of an answer to one request that has something behind it which should not be
 * there, nothing is to be believed. */
static enum apikey_status
conclude(const struct batch *batch, enum apikey_status status)
{
	if (status == APIKEY_PROTOCOL && batch->count == 1)
		result_clear(batch->results);
	return status;
}

enum apikey_status
apikey_verify_batch(struct apikey_client *client,
    const struct apikey_request *requests, struct apikey_result *results,
    size_t count, int timeout_ms)
{
	struct batch batch = {requests, results, count};
	struct exchange_task task;

	if (count == 0)
		return is_free(client) ? APIKEY_OK : APIKEY_ARGUMENT;
	if (!prepare(client, &batch, &task))
		return APIKEY_ARGUMENT;
	return conclude(
	    &batch, operation_run(&client->operation, &task, timeout_ms));
}

enum apikey_status
apikey_verify(struct apikey_client *client,
    const struct apikey_request *request, struct apikey_result *result,
    int timeout_ms)
{
	return apikey_verify_batch(client, request, result, 1, timeout_ms);
}

/* The end of what apikey_start() began, if it is the end. */
static enum apikey_status
settle(struct apikey_client *client, enum apikey_status status)
{
	if (status == APIKEY_IN_PROGRESS)
		return status;
	status = conclude(&client->batch, status);
	client->batch.count = 0;
	return status;
}

enum apikey_status
apikey_start(struct apikey_client *client,
    const struct apikey_request *requests, struct apikey_result *results,
    size_t count, int timeout_ms)
{
	struct batch batch = {requests, results, count};
	struct exchange_task task;

	if (count == 0)
		return is_free(client) ? APIKEY_OK : APIKEY_ARGUMENT;
	if (!prepare(client, &batch, &task))
		return APIKEY_ARGUMENT;
	/* It lives on after this call. */
	client->batch = batch;
	task.context = &client->batch;
	return settle(
	    client, operation_start(&client->operation, &task, timeout_ms));
}

enum apikey_status
apikey_advance(struct apikey_client *client, short revents)
{
	if (client == NULL || client->batch.count == 0)
		return APIKEY_ARGUMENT;
	return settle(client, operation_advance(&client->operation, revents));
}

int
apikey_fd(const struct apikey_client *client)
{
	return client != NULL ? client->operation.exchange.connection.fd : -1;
}

short
apikey_events(const struct apikey_client *client)
{
	return client != NULL ? exchange_events(&client->operation.exchange)
			      : 0;
}

int
apikey_timeout_ms(const struct apikey_client *client)
{
	return client != NULL ? operation_patience_ms(&client->operation) : -1;
}

void
apikey_cancel(struct apikey_client *client)
{
	if (client == NULL)
		return;
	operation_cancel(&client->operation);
	client->batch.count = 0;
}

struct signed_payload {
	struct signature_request message;
	struct request_scratch scratch; /* message points into it */
	struct apikey_result *result;
};

static void
encode_signature(void *context, size_t i, struct writer *w)
{
	const struct signed_payload *signed_payload = context;

	(void)i;
	signature_request_write(w, &signed_payload->message);
}

static bool
decode_signature(void *context, size_t i, struct bytes body)
{
	const struct signed_payload *signed_payload = context;

	(void)i;
	return result_from_verify(body, signed_payload->result);
}

enum apikey_status
apikey_verify_signature(struct apikey_client *client,
    const struct apikey_signature *signature,
    const struct apikey_request *request, struct apikey_result *result,
    int timeout_ms)
{
	static const struct apikey_request nothing = APIKEY_REQUEST_INIT;
	struct signed_payload context = {.result = result};
	struct exchange_task task = {
	    .type = FRAME_VERIFY_SIGNATURE,
	    .count = 1,
	    .encode = encode_signature,
	    .decode = decode_signature,
	    .context = &context,
	};
	enum apikey_status status;

	if (result == NULL || !result_size_fits(result->size))
		return APIKEY_ARGUMENT;
	result_clear(result);
	if (request == NULL)
		request = &nothing;
	if (!is_free(client) || signature == NULL ||
	    !request_size_fits(request->size) ||
	    !signature_convert(
		signature, request, &context.message, &context.scratch))
		return APIKEY_ARGUMENT;
	task.tail = context.message.payload;
	status = operation_run(&client->operation, &task, timeout_ms);
	if (status != APIKEY_OK)
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
	    .type = FRAME_LOOKUP,
	    .count = 1,
	    .encode = encode_lookup,
	    .decode = decode_lookup,
	    .context = &lookup,
	};
	enum apikey_status status;
	size_t prefix_len;
	const char *id;

	if (key_id == NULL || found == NULL || active == NULL ||
	    result == NULL || !result_size_fits(result->size))
		return APIKEY_ARGUMENT;
	*found = 0;
	*active = 0;
	result_clear(result);
	if (!is_free(client) ||
	    !key_id_parse(key_id, lookup.key_id.len, &id, &prefix_len))
		return APIKEY_ARGUMENT;
	status = operation_run(&client->operation, &task, timeout_ms);
	if (status != APIKEY_OK) {
		*found = 0;
		*active = 0;
		result_clear(result);
	}
	return status;
}

struct usage_exchange {
	struct usage_request message;
	struct request_scratch scratch; /* message points into it */
	struct apikey_usage *usage;
};

static void
encode_usage(void *context, size_t i, struct writer *w)
{
	const struct usage_exchange *exchange = context;

	(void)i;
	usage_request_write(w, &exchange->message);
}

static bool
decode_usage(void *context, size_t i, struct bytes body)
{
	const struct usage_exchange *exchange = context;

	(void)i;
	return usage_from_reply(body, exchange->usage);
}

enum apikey_status
apikey_usage(struct apikey_client *client, const struct apikey_request *request,
    enum apikey_window window, struct apikey_usage *usage, int timeout_ms)
{
	struct usage_exchange context = {.usage = usage};
	struct exchange_task task = {
	    .type = FRAME_USAGE,
	    .count = 1,
	    .encode = encode_usage,
	    .decode = decode_usage,
	    .context = &context,
	};
	enum apikey_status status;

	if (usage == NULL || !usage_size_fits(usage->size))
		return APIKEY_ARGUMENT;
	usage_clear(usage);
	if (!is_free(client) || request == NULL ||
	    !request_size_fits(request->size) ||
	    !usage_convert(request, window, &context.message, &context.scratch))
		return APIKEY_ARGUMENT;
	status = operation_run(&client->operation, &task, timeout_ms);
	if (status != APIKEY_OK)
		usage_clear(usage);
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
	    .type = FRAME_PING,
	    .count = 1,
	    .encode = encode_ping,
	    .decode = decode_ping,
	    .context = NULL,
	};

	if (!is_free(client))
		return APIKEY_ARGUMENT;
	return operation_run(&client->operation, &task, timeout_ms);
}
