/* SPDX-License-Identifier: BSD-2-Clause */
#include "client_peer.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

const char client_token[] =
    "dk_7Hq2mZx0pLs9_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf1RCbBj";

int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct apikey_client *
open_client(const struct fake_daemon *daemon)
{
	struct apikey_client *client;

	ck_assert_int_eq(apikey_client_open(&client, daemon->path), APIKEY_OK);
	return client;
}

struct apikey_client *
start_client(struct fake_daemon *daemon)
{
	fake_start(daemon);
	return open_client(daemon);
}

void
stop_client(struct apikey_client *client, struct fake_daemon *daemon)
{
	apikey_client_close(client);
	fake_stop(daemon);
}

struct apikey_request
a_request(void)
{
	struct apikey_request request = APIKEY_REQUEST_INIT;

	request.token = client_token;
	request.token_len = strlen(client_token);
	return request;
}

enum apikey_status
verify(
    struct apikey_client *client, struct apikey_result *result, int timeout_ms)
{
	struct apikey_request request = a_request();

	return apikey_verify(client, &request, result, timeout_ms);
}

/* One verification by a new client; the result starts as "valid". */
enum apikey_status
ask_once(fake_serve *serve, void *context, struct apikey_result *result,
    int timeout_ms, int connections)
{
	struct fake_daemon daemon = {.serve = serve, .context = context};
	struct apikey_client *client;
	enum apikey_status status;
	int error;

	client = start_client(&daemon);
	result->size = sizeof *result;
	result->verdict = APIKEY_VALID;
	status = verify(client, result, timeout_ms);
	error = errno;
	stop_client(client, &daemon);
	if (connections >= 0)
		ck_assert_int_eq(atomic_load(&daemon.connections), connections);
	if (status != APIKEY_OK)
		ck_assert_int_eq(result->verdict, APIKEY_NO_ANSWER);
	errno = error;
	return status;
}

void
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

void
serve_nothing(struct fake_daemon *daemon, int fd, int nth)
{
	(void)nth;
	fake_linger(daemon, fd);
}

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

void
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

void
serve_goodbye(struct fake_daemon *daemon, int fd, int nth)
{
	struct fake_request request;

	(void)nth;
	fake_read(daemon, fd, &request);
}

/* As many connections as there are too many of: said unasked, then closed. */
void
serve_busy(struct fake_daemon *daemon, int fd, int nth)
{
	uint8_t data[FRAME_MAX];
	struct writer w = writer_over(data, sizeof data);

	(void)nth;
	frame_write_error(&w, 0, FRAME_ERROR_BUSY);
	fake_write(daemon, fd, data, w.len);
}

void
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
