/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server with real sockets and a plane of one-line requests. Server and
 * clients share one thread: step() turns the event loop, and what a test
 * waits for ends the turning. Check runs each test in a process of its own,
 * with a time limit.
 */
#ifndef TESTS_UNIT_SERVER_WORLD_H
#define TESTS_UNIT_SERVER_WORLD_H

#include <sys/un.h>

#include "daemon/server.h"
#include "suite.h"

enum { SESSIONS_MAX = 4096 };

/*
 * Requests end with a newline.
 *   "wait"    is answered by the test, with conn_send() and conn_resume()
 *   "early"   is answered before received() returns PLANE_WAIT
 *   "big"     is answered by 20000 bytes, so that the buffer gets full
 *   "quit"    is answered and closes
 *   "finish"  calls conn_finish() from within
 *   others    come back as they are
 */
struct line_session {
	struct conn *conn;
	struct peer peer;
	int number;
};

/* By their numbers, for as long as they are there. */
extern struct line_session *sessions[SESSIONS_MAX];
extern int opened_count, closed_count;
/* How often the plane was called with input. */
extern int received_count;

/* The connection whose "wait" has not been answered, or NULL. */
extern struct conn *waiting;

/* What answers "big", and the context that the plane is given. */
extern char big[20000];

extern struct event_base *base;
extern struct server *server;
extern struct sockaddr_un address; /* where the plane listens */
extern char directory[];

/* Turns the loop until something happened; poll_loop() waits for nothing. */
void step(void);
void poll_loop(void);

/* A socket that listens at a path in the directory, *at. */
int listener(struct sockaddr_un *at, const char *name);

/* A socket that is connected to it. */
int client_of(const struct sockaddr_un *at);
int client(void);

void say(int fd, const char *text);

/* Turns the loop until a read is answered; 0 at the end of the stream, also
 * where the server closed with our bytes unread. */
size_t hear_some(int fd, char *out, size_t size);

/* What comes next is this; is the end of the stream, and closes fd. */
void expect(int fd, const char *text);
void expect_end(int fd);

/* How many bytes come until the end; closes fd. */
size_t hear_all(int fd);

struct server_counters counters(void);
double milliseconds_of(clockid_t clock);

/* A test with a server of its own. */
TCase *server_add(Suite *suite, const char *name, const TTest *test);
/* The same, whose plane takes turns. */
TCase *server_add_turns(Suite *suite, const char *name, const TTest *test);

#endif
