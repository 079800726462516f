/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_daemon.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "suite.h"

void
fake_prepare(struct fake_daemon *daemon)
{
	const char *base = getenv("TMPDIR");

	/* A socket's path is short: a long TMPDIR is passed over. */
	if (base == NULL || strlen(base) > 40)
		base = "/tmp";
	snprintf(daemon->directory, sizeof daemon->directory,
	    "%s/apikey.XXXXXX", base);
	ck_assert_ptr_nonnull(mkdtemp(daemon->directory));
	snprintf(daemon->path, sizeof daemon->path, "%s/s", daemon->directory);
}

void
fake_remove(struct fake_daemon *daemon)
{
	unlink(daemon->path);
	rmdir(daemon->directory);
}

/* True where fd has one of events, false where the test is over. */
static bool
await(struct fake_daemon *daemon, int fd, short events)
{
	struct pollfd wanted[2] = {
	    {fd, events, 0}, {daemon->wake[0], POLLIN, 0}};

	while (poll(wanted, 2, -1) < 0)
		if (errno != EINTR)
			return false;
	return wanted[1].revents == 0;
}

static void
set_buffers(const struct fake_daemon *daemon, int fd)
{
	int size = daemon->socket_buffer;

	if (size == 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

static void *
work(void *argument)
{
	struct fake_worker *worker = argument;

	worker->daemon->serve(worker->daemon, worker->fd, worker->nth);
	close(worker->fd);
	return NULL;
}

static bool
begin_work(struct fake_daemon *daemon, int fd)
{
	int nth = atomic_load(&daemon->connections);
	struct fake_worker *worker = &daemon->workers[nth];

	if (nth == FAKE_CONNECTIONS_MAX) {
		close(fd);
		return false;
	}
	*worker = (struct fake_worker){.daemon = daemon, .fd = fd, .nth = nth};
	/* Before the thread runs: a test may count as soon as it answers. */
	atomic_store(&daemon->connections, nth + 1);
	if (pthread_create(&worker->thread, NULL, work, worker) != 0) {
		atomic_store(&daemon->connections, nth);
		close(fd);
		return false;
	}
	return true;
}

static void *
run(void *argument)
{
	struct fake_daemon *daemon = argument;

	while (await(daemon, daemon->listener, POLLIN)) {
		int fd = accept(daemon->listener, NULL, NULL);

		if (fd < 0)
			break;
		set_buffers(daemon, fd);
		if (!begin_work(daemon, fd))
			break;
	}
	return NULL;
}

void
fake_start(struct fake_daemon *daemon)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	sigset_t all, before;

	fake_prepare(daemon);
	memcpy(address.sun_path, daemon->path, sizeof address.sun_path);
	atomic_init(&daemon->connections, 0);
	atomic_init(&daemon->requests, 0);
	ck_assert_int_eq(pipe(daemon->wake), 0);
	daemon->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(daemon->listener, 0);
	set_buffers(daemon, daemon->listener);
	ck_assert_int_eq(
	    bind(daemon->listener, (struct sockaddr *)&address, sizeof address),
	    0);
	ck_assert_int_eq(listen(daemon->listener, 16), 0);
	/* Signals are for the thread that is tested. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ck_assert_int_eq(pthread_create(&daemon->thread, NULL, run, daemon), 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void
fake_stop(struct fake_daemon *daemon)
{
	close(daemon->wake[1]);
	pthread_join(daemon->thread, NULL);
	for (int i = 0; i < atomic_load(&daemon->connections); i++)
		pthread_join(daemon->workers[i].thread, NULL);
	close(daemon->wake[0]);
	close(daemon->listener);
	fake_remove(daemon);
}

/* Exactly len bytes. */
static bool
read_all(struct fake_daemon *daemon, int fd, uint8_t *out, size_t len)
{
	size_t have = 0;

	while (have < len) {
		ssize_t got;

		if (!await(daemon, fd, POLLIN))
			return false;
		got = recv(fd, out + have, len - have, 0);
		if (got <= 0)
			return false;
		have += (size_t)got;
	}
	return true;
}

bool
fake_read(struct fake_daemon *daemon, int fd, struct fake_request *out)
{
	struct reader length;
	enum frame_error error;
	size_t body;

	if (!read_all(daemon, fd, out->data, FRAME_HEADER_LEN))
		return false;
	length = reader_over(out->data + 8, 4);
	body = read_u32(&length);
	if (body > sizeof out->data - FRAME_HEADER_LEN ||
	    !read_all(daemon, fd, out->data + FRAME_HEADER_LEN, body) ||
	    frame_peek(out->data, FRAME_HEADER_LEN + body, frame_request_limit,
		&out->frame, &error) != FRAME_WHOLE)
		return false;
	if (out->frame.type == FRAME_VERIFY &&
	    !verify_request_read(out->frame.body, &out->verify))
		return false;
	if (out->frame.type == FRAME_LOOKUP &&
	    !lookup_request_read(out->frame.body, &out->key_id))
		return false;
	if (out->frame.type == FRAME_VERIFY_SIGNATURE &&
	    !signature_request_read(out->frame.body, &out->signature))
		return false;
	if (out->frame.type == FRAME_USAGE &&
	    !usage_request_read(out->frame.body, &out->usage))
		return false;
	atomic_fetch_add(&daemon->requests, 1);
	return true;
}

bool
fake_write(struct fake_daemon *daemon, int fd, const void *data, size_t len)
{
	const uint8_t *at = data;

	while (len > 0) {
		ssize_t sent;

		if (!await(daemon, fd, POLLOUT))
			return false;
		sent = send(fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (sent > 0) {
			at += sent;
			len -= (size_t)sent;
		}
	}
	return true;
}

void
fake_verdict(struct writer *w, uint32_t id, enum verdict verdict)
{
	struct verify_reply reply = {.verdict = (uint8_t)verdict};
	struct writer scopes;
	uint8_t items[64];
	size_t begin;

	scopes = writer_over(items, sizeof items);
	if (verdict == VERDICT_MALFORMED)
		reply.reason = REASON_CHECKSUM;
	else if (verdict != VERDICT_UNKNOWN) {
		write_string8(&scopes, bytes_of("appointments:export"));
		write_string8(&scopes, bytes_of("b"));
		reply.permission = PERMISSION_WRITE;
		reply.type = KEY_BEARER;
		reply.expires_at = 4102444800000; /* the year 2100 */
		reply.retry_after_ms = verdict == VERDICT_RATE_LIMITED ? 7 : 0;
		reply.rate_limit = 100;
		reply.rate_per_ms = 60000;
		reply.rate_remaining = 99;
		reply.quota_limit = 10000;
		reply.quota_remaining = 9988;
		reply.quota_resets_at = 4102444800001;
		reply.id = bytes_of(FAKE_KEY_ID);
		reply.name = bytes_of("CRM Sync");
		reply.account = bytes_of("acme");
		reply.product = bytes_of("appointments");
		reply.user = bytes_of("alice");
		reply.environment = bytes_of("production");
		reply.scopes = (struct list){2, {items, scopes.len}};
	}
	begin = frame_begin(w, FRAME_VERIFY | FRAME_REPLY, id);
	verify_reply_write(w, &reply);
	frame_end(w, begin);
}

void
fake_lookup(struct writer *w, uint32_t id, bool found, bool active)
{
	struct lookup_reply reply = {.found = found, .active = active};
	size_t begin = frame_begin(w, FRAME_LOOKUP | FRAME_REPLY, id);

	if (found) {
		reply.type = KEY_BEARER;
		reply.account = bytes_of("acme");
		reply.product = bytes_of("appointments");
	}
	lookup_reply_write(w, &reply);
	frame_end(w, begin);
}

void
fake_serve_valid(struct fake_daemon *daemon, int fd, int nth)
{
	struct fake_request request;

	(void)nth;
	while (fake_read(daemon, fd, &request)) {
		uint8_t data[FRAME_MAX];
		struct writer w = writer_over(data, sizeof data);

		if (request.frame.type == FRAME_PING)
			frame_end(&w,
			    frame_begin(&w, FRAME_PING | FRAME_REPLY,
				request.frame.id));
		else if (request.frame.type == FRAME_LOOKUP)
			fake_lookup(&w, request.frame.id, true, true);
		else
			fake_verdict(&w, request.frame.id, VERDICT_VALID);
		if (!fake_write(daemon, fd, data, w.len))
			return;
	}
}

void
fake_linger(struct fake_daemon *daemon, int fd)
{
	uint8_t ignored[256];

	while (await(daemon, fd, POLLIN) &&
	    recv(fd, ignored, sizeof ignored, 0) > 0)
		;
}
