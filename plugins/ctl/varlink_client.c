/* SPDX-License-Identifier: BSD-2-Clause */
#include "varlink_client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"

enum { REPLY_START = 16 * 1024, REPLY_MAX = 16 * 1024 * 1024 };

struct varlink_buffer {
	char *data;
	size_t len, room;
};

static void
buffer_free(struct varlink_buffer *buffer)
{
	if (buffer->data != NULL)
		explicit_bzero(buffer->data, buffer->room);
	free(buffer->data);
}

void
varlink_init(struct varlink_client *client, const char *path)
{
	*client = (struct varlink_client){.path = path, .fd = -1, .outlet = -1};
}

void
varlink_close(struct varlink_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	if (client->more != NULL)
		buffer_free(client->more);
	free(client->more);
	client->more = NULL;
}

static int
left_ms(int64_t deadline)
{
	int64_t left = deadline - monotonic_ms();

	return left > 0 ? (int)left : 0;
}

static enum varlink_status
unavailable(struct varlink_client *client, int error)
{
	client->error = error;
	return VARLINK_UNAVAILABLE;
}

/* Waits until the descriptor is ready for these events. */
static enum varlink_status
await(struct varlink_client *client, short events, int64_t deadline)
{
	struct pollfd pollfd = {.fd = client->fd, .events = events};

	for (;;) {
		int n = poll(&pollfd, 1, left_ms(deadline));

		if (n > 0)
			return VARLINK_OK;
		if (n == 0)
			return VARLINK_TIMEOUT;
		if (errno != EINTR)
			return unavailable(client, errno);
	}
}

static enum varlink_status
connect_until(struct varlink_client *client, int64_t deadline)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int left = left_ms(deadline);
	struct timeval patience = {left / 1000, left % 1000 * 1000};

	strncpy(address.sun_path, client->path, sizeof address.sun_path - 1);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0)
		return unavailable(client, errno);
	/*
	 * A full backlog cannot be waited for with poll(); connect() itself
	 * waits, and as long as it may take to send.
	 */
	if (left == 0)
		patience.tv_usec = 1;
	setsockopt(
	    client->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	while (connect(client->fd, (struct sockaddr *)&address,
		   sizeof address) != 0) {
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN)
			return VARLINK_TIMEOUT;
		return unavailable(client, errno);
	}
	return VARLINK_OK;
}

static enum varlink_status
send_until(struct varlink_client *client, const char *data, size_t len,
    int64_t deadline)
{
	while (len > 0) {
		ssize_t n =
		    send(client->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		enum varlink_status status;

		if (n > 0) {
			client->sent = true;
			data += n;
			len -= (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return unavailable(client, errno);
		status = await(client, POLLOUT, deadline);
		if (status != VARLINK_OK)
			return status;
	}
	return VARLINK_OK;
}

/* realloc() would leave a copy behind. */
static enum varlink_status
buffer_grow(struct varlink_buffer *buffer)
{
	struct varlink_buffer larger = {.len = buffer->len,
	    .room = buffer->room == 0 ? REPLY_START : buffer->room * 2};

	if (larger.room > REPLY_MAX)
		return VARLINK_PROTOCOL;
	larger.data = malloc(larger.room);
	if (larger.data == NULL)
		return VARLINK_NOMEM;
	if (buffer->len > 0)
		memcpy(larger.data, buffer->data, buffer->len);
	buffer_free(buffer);
	*buffer = larger;
	return VARLINK_OK;
}

/* As long as it takes, and somebody wants it. */
static enum varlink_status
await_more(struct varlink_client *client)
{
	struct pollfd ends[] = {
	    {.fd = client->fd, .events = POLLIN}, {.fd = client->outlet}};

	if (poll(ends, 2, -1) < 0 && errno != EINTR)
		return unavailable(client, errno);
	return (ends[1].revents & (POLLERR | POLLHUP)) != 0 ? VARLINK_UNREAD
							    : VARLINK_OK;
}

/* Reads up to and with the NUL, and nothing may come after it. */
static enum varlink_status
receive_until(struct varlink_client *client, struct varlink_buffer *buffer,
    int64_t deadline)
{
	for (;;) {
		enum varlink_status status;
		const char *end;
		ssize_t n;

		if (buffer->len == buffer->room &&
		    (status = buffer_grow(buffer)) != VARLINK_OK)
			return status;
		n = recv(client->fd, buffer->data + buffer->len,
		    buffer->room - buffer->len, MSG_DONTWAIT);
		if (n == 0)
			return unavailable(client, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			status = await(client, POLLIN, deadline);
			if (status != VARLINK_OK)
				return status;
			continue;
		}
		if (n < 0)
			return unavailable(client, errno);
		end = memchr(buffer->data + buffer->len, '\0', (size_t)n);
		buffer->len += (size_t)n;
		if (end != NULL)
			return end + 1 == buffer->data + buffer->len
			    ? VARLINK_OK
			    : VARLINK_PROTOCOL;
	}
}

/* Takes text for an answer. */
static enum varlink_status
parse_reply(const char *text, size_t len, bool in_parts, json_t **reply)
{
	json_error_t ignored;
	json_t *answer, *parameters, *error;

	answer = json_loadb(text, len, JSON_REJECT_DUPLICATES, &ignored);
	parameters = json_object_get(answer, "parameters");
	error = json_object_get(answer, "error");
	/* None is in parts where the call has not asked for more. */
	if (!json_is_object(answer) ||
	    (parameters != NULL && !json_is_object(parameters)) ||
	    (error != NULL && !json_is_string(error)) ||
	    (!in_parts && json_is_true(json_object_get(answer, "continues")))) {
		json_decref(answer);
		return VARLINK_PROTOCOL;
	}
	*reply = answer;
	return VARLINK_OK;
}

static enum varlink_status
exchange(struct varlink_client *client, const char *request, int64_t deadline,
    json_t **reply)
{
	struct varlink_buffer buffer = {NULL, 0, 0};
	enum varlink_status status = VARLINK_OK;

	if (client->fd < 0)
		status = connect_until(client, deadline);
	if (status == VARLINK_OK)
		status =
		    send_until(client, request, strlen(request) + 1, deadline);
	if (status == VARLINK_OK)
		status = receive_until(client, &buffer, deadline);
	if (status == VARLINK_OK)
		status = parse_reply(buffer.data, buffer.len - 1, false, reply);
	buffer_free(&buffer);
	/* A late answer must not be taken for that of the next call. */
	if (status != VARLINK_OK)
		varlink_close(client);
	return status;
}

/* The call as it goes over the wire, NUL included. NULL: no memory. */
static char *
request_of(const char *method, json_t *parameters, bool more)
{
	json_t *call =
	    json_pack("{s:s, s:O}", "method", method, "parameters", parameters);
	/* Not json_dumps(): what that returns is the JSON allocator's. */
	char *request = NULL;
	size_t len;

	if (more)
		json_object_set_new(call, "more", json_true());
	len = json_dumpb(call, NULL, 0, JSON_COMPACT);
	if (len > 0)
		request = calloc(1, len + 1);
	if (request != NULL)
		json_dumpb(call, request, len, JSON_COMPACT);
	json_decref(call);
	return request;
}

enum varlink_status
varlink_call(struct varlink_client *client, const char *method,
    json_t *parameters, int timeout_ms, json_t **reply)
{
	int64_t deadline = monotonic_ms() + timeout_ms;
	char *request = request_of(method, parameters, false);
	enum varlink_status status = VARLINK_NOMEM;

	*reply = NULL;
	client->sent = false;
	if (request != NULL)
		status = exchange(client, request, deadline, reply);
	free(request);
	return status;
}

enum varlink_status
varlink_begin(struct varlink_client *client, const char *method,
    json_t *parameters, int timeout_ms)
{
	int64_t deadline = monotonic_ms() + timeout_ms;
	char *request = request_of(method, parameters, true);
	enum varlink_status status = VARLINK_NOMEM;

	client->sent = false;
	client->more = calloc(1, sizeof *client->more);
	if (request != NULL && client->more != NULL)
		status = connect_until(client, deadline);
	if (status == VARLINK_OK)
		status =
		    send_until(client, request, strlen(request) + 1, deadline);
	free(request);
	return status;
}

/* The first whole answer out of what has come, if there is one. */
static enum varlink_status
take_reply(struct varlink_buffer *buffer, json_t **reply)
{
	const char *end =
	    buffer->len > 0 ? memchr(buffer->data, '\0', buffer->len) : NULL;
	enum varlink_status status;
	size_t len;

	if (end == NULL)
		return VARLINK_OK;
	len = (size_t)(end - buffer->data);
	status = parse_reply(buffer->data, len, true, reply);
	buffer->len -= len + 1;
	memmove(buffer->data, end + 1, buffer->len);
	return status;
}

enum varlink_status
varlink_next(struct varlink_client *client, json_t **reply)
{
	struct varlink_buffer *buffer = client->more;
	enum varlink_status status;

	*reply = NULL;
	while ((status = take_reply(buffer, reply)) == VARLINK_OK &&
	    *reply == NULL) {
		ssize_t n;

		if (buffer->len == buffer->room &&
		    (status = buffer_grow(buffer)) != VARLINK_OK)
			return status;
		status = await_more(client);
		if (status != VARLINK_OK)
			return status;
		n = recv(client->fd, buffer->data + buffer->len,
		    buffer->room - buffer->len, MSG_DONTWAIT);
		if (n == 0)
			return unavailable(client, 0);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return unavailable(client, errno);
		if (n > 0)
			buffer->len += (size_t)n;
	}
	return status;
}
