/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A peer on a UNIX socket that does what a test tells it, right or wrong. It
 * runs in threads of the test, which all end when it is stopped.
 */
#ifndef TESTS_UNIT_FAKE_DAEMON_H
#define TESTS_UNIT_FAKE_DAEMON_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

#include "proto/frame.h"
#include "proto/message.h"
#include "proto/usage_message.h"

enum { FAKE_CONNECTIONS_MAX = 64 }; /* over the life of one */

struct fake_daemon;

/*
 * Serves one connection: the nth since the start, from 0 on. Called on a thread
 * of its own, which closes fd after it.
 */
typedef void fake_serve(struct fake_daemon *daemon, int fd, int nth);

/* Part of its fake_daemon: a test may fork while one begins, and would leak it.
 */
struct fake_worker {
	struct fake_daemon *daemon;
	int fd, nth;
	pthread_t thread;
};

struct fake_daemon {
	char directory[64]; /* made for it, removed at the end */
	char path[sizeof((struct sockaddr_un *)0)->sun_path];
	fake_serve *serve;
	void *context; /* the script's */
	pthread_t thread;
	struct fake_worker workers[FAKE_CONNECTIONS_MAX];
	int listener;
	int wake[2]; /* closed at one end: the thread is to stop */
	atomic_int connections;
	atomic_int requests; /* that fake_read() has seen */
	int socket_buffer;   /* SO_SNDBUF and SO_RCVBUF, or 0 */
};

/* Fields besides serve, context and socket_buffer need no setting. */
void fake_start(struct fake_daemon *daemon);
/* Waits for the thread. A client that still is connected sees it close. */
void fake_stop(struct fake_daemon *daemon);
/* Only makes directory and path: nobody listens there. */
void fake_prepare(struct fake_daemon *daemon);
void fake_remove(struct fake_daemon *daemon);

struct fake_request {
	struct frame frame;
	struct verify_request verify;       /* of a FRAME_VERIFY */
	struct bytes key_id;                /* of a FRAME_LOOKUP */
	struct signature_request signature; /* of a FRAME_VERIFY_SIGNATURE */
	struct usage_request usage;         /* of a FRAME_USAGE */
	/* What the above point into. */
	uint8_t data[FRAME_HEADER_LEN + SIGNATURE_REQUEST_MAX];
};

/*
 * Reads one request. False at the end of the stream, on stop and on anything
 * that is no request.
 */
bool fake_read(struct fake_daemon *daemon, int fd, struct fake_request *out);

/* Sends it all, or gives up on stop; false then. */
bool
fake_write(struct fake_daemon *daemon, int fd, const void *data, size_t len);

/* A whole reply frame to id into w, with example facts for most verdicts. */
void fake_verdict(struct writer *w, uint32_t id, enum verdict verdict);
void fake_lookup(struct writer *w, uint32_t id, bool found, bool active);

/* A script: answers pings, and everything else as valid and active. */
void fake_serve_valid(struct fake_daemon *daemon, int fd, int nth);

/* Blocks until the peer has gone or the test is over. */
void fake_linger(struct fake_daemon *daemon, int fd);

#define FAKE_KEY_ID "dk_7Hq2mZx0pLs9"

#endif
