/* SPDX-License-Identifier: BSD-2-Clause */
#include "server.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "log.h"
#include "timer.h"
#include "uidcount.h"

enum {
	/* Accepted at one wake-up, so that a storm of connects does not keep
	 * those who are connected waiting. */
	ACCEPT_BATCH = 8,
	PAUSE_MS = 100,
};

/* A plane's connections; its listeners share it, and so do its connections
 * when the listeners are gone. */
struct budget {
	SLIST_ENTRY(budget) link;
	const struct plane *plane;
	struct server_counters counters;
	struct uidcount uids;
	struct log_throttle refusals;
};

struct listener {
	struct event event;
	SLIST_ENTRY(listener) link;
	struct server *server;
	struct budget *budget;
	void *context;
	int fd;
};

struct server {
	struct event_base *base;
	struct server_limits limits;
	struct conns conns;
	SLIST_HEAD(, listener) listeners;
	SLIST_HEAD(, budget) budgets;
	unsigned connections; /* of all planes */
	struct timer pause;   /* runs while the listeners are off */
	bool paused;
	bool short_logged; /* that descriptors or memory ran out */
	struct timer drain;
	void (*drained)(void *context);
	void *drained_context;
};

/*
 * accept(2) without a descriptor to give leaves the connection in the queue
 * and the listener readable: to go on watching it would be a busy loop. So
 * all listeners are off until a connection closes or a moment has passed.
 */
static void
pause_accepting(struct server *server)
{
	struct listener *listener;

	if (server->paused)
		return;
	timer_start(&server->pause, PAUSE_MS);
	server->paused = true;
	SLIST_FOREACH(listener, &server->listeners, link)
	{
		event_del(&listener->event);
	}
}

static void
resume_accepting(struct server *server)
{
	struct listener *listener;
	bool failed = false;

	if (!server->paused)
		return;
	server->paused = false;
	timer_stop(&server->pause);
	SLIST_FOREACH(listener, &server->listeners, link)
	{
		if (event_add(&listener->event, NULL) != 0)
			failed = true;
	}
	if (failed)
		pause_accepting(server);
}

static void
on_pause_over(void *context)
{
	resume_accepting(context);
}

/* Something cannot be had; said once until accepting works again. */
static void
run_short(struct server *server, int error)
{
	if (!server->short_logged)
		log_error("cannot accept connections: errno %d (%s); "
			  "%u are open; trying again",
		    error, strerror(error), server->connections);
	server->short_logged = true;
	pause_accepting(server);
}

static struct budget *
budget_of(struct server *server, const struct plane *plane)
{
	struct budget *budget;

	SLIST_FOREACH(budget, &server->budgets, link)
	{
		if (budget->plane == plane)
			return budget;
	}
	return NULL;
}

static struct budget *
budget_for(struct server *server, const struct plane *plane)
{
	struct budget *budget = budget_of(server, plane);

	if (budget != NULL)
		return budget;
	budget = calloc(1, sizeof *budget);
	if (budget == NULL)
		return NULL;
	budget->plane = plane;
	SLIST_INSERT_HEAD(&server->budgets, budget, link);
	return budget;
}

static void
budget_return(struct server *server, struct budget *budget, uid_t uid)
{
	server->connections--;
	budget->counters.connections--;
	uidcount_remove(&budget->uids, uid);
}

static void
on_conn_close(void *context, const struct plane *plane, uid_t uid, bool late)
{
	struct server *server = context;
	struct budget *budget = budget_of(server, plane);

	if (late)
		budget->counters.timed_out++;
	budget_return(server, budget, uid);
	if (server->drained == NULL)
		resume_accepting(server);
	else if (server->connections == 0)
		timer_start(&server->drain, 0);
}

/* Why a connection of this user is one too many; NULL where it is not. */
static const char *
over_limit(const struct server *server, const struct budget *budget, uid_t uid)
{
	const struct plane_limits *own = &budget->plane->limits;
	unsigned mine = uidcount_get(&budget->uids, uid);

	if (own->connections_privileged != 0 && (uid == 0 || uid == geteuid()))
		return mine >= own->connections_privileged
		    ? "this user's limit of connections"
		    : NULL;
	if (own->connections != 0) {
		if (budget->counters.connections >= own->connections)
			return "the socket's limit of connections";
	} else if (budget->counters.connections >= server->limits.connections) {
		return "max_connections";
	}
	if (own->connections_per_uid != 0) {
		if (mine >= own->connections_per_uid)
			return "a user's limit of connections";
	} else if (mine >= server->limits.connections_per_uid) {
		return "max_connections_per_uid";
	}
	return NULL;
}

static void
refuse(struct listener *listener, int fd, uid_t uid, const char *limit)
{
	struct budget *budget = listener->budget;
	const struct plane *plane = budget->plane;
	uint8_t said[PLANE_REFUSAL_MAX];
	struct writer w = writer_over(said, sizeof said);
	unsigned long long count;

	/* A fresh socket has room for it; a peer that is gone misses it. */
	if (plane->refuse != NULL) {
		plane->refuse(PLANE_BUSY, &w);
		(void)send(fd, said, w.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	close(fd);
	budget->counters.refused++;
	if (log_throttle(&budget->refusals, &count))
		log_warning("%s: connection of uid %lu refused: %s reached "
			    "(%llu refused since the last such line)",
		    plane->name, (unsigned long)uid, limit, count);
}

static bool
peer_of(int fd, struct peer *peer)
{
	struct ucred cred;
	socklen_t len = sizeof cred;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return false;
	*peer = (struct peer){cred.uid, cred.gid, cred.pid};
	return true;
}

static void
admit(struct listener *listener, int fd)
{
	struct server *server = listener->server;
	struct budget *budget = listener->budget;
	struct peer peer;
	const char *limit;

	if (!peer_of(fd, &peer)) {
		close(fd);
		return;
	}
	limit = over_limit(server, budget, peer.uid);
	if (limit != NULL) {
		refuse(listener, fd, peer.uid, limit);
		return;
	}
	if (!uidcount_add(&budget->uids, peer.uid)) {
		close(fd);
		run_short(server, ENOMEM);
		return;
	}
	/* Counted first: opened() may close it, which counts it out. */
	server->connections++;
	budget->counters.connections++;
	budget->counters.accepted++;
	if (conn_open(&server->conns, fd, budget->plane, listener->context,
		&peer, server->limits.request_timeout_ms) != 0) {
		close(fd);
		budget->counters.accepted--;
		budget_return(server, budget, peer.uid);
		run_short(server, ENOMEM);
	}
}

static void
on_accept(evutil_socket_t listening, short what, void *arg)
{
	struct listener *listener = arg;
	struct server *server = listener->server;

	(void)what;
	for (int i = 0; i < ACCEPT_BATCH && !server->paused; i++) {
		int fd = accept4(
		    listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			admit(listener, fd);
		} else if (errno == EAGAIN) {
			server->short_logged = false;
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			run_short(server, errno);
			return;
		}
	}
}

static void
close_listeners(struct server *server)
{
	struct listener *listener;

	while ((listener = SLIST_FIRST(&server->listeners)) != NULL) {
		SLIST_REMOVE_HEAD(&server->listeners, link);
		event_del(&listener->event);
		close(listener->fd);
		free(listener);
	}
	timer_stop(&server->pause);
	server->paused = false;
}

static void
on_drain(void *context)
{
	struct server *server = context;
	void (*drained)(void *context) = server->drained;

	conns_close_all(&server->conns);
	timer_stop(&server->drain);
	drained(server->drained_context); /* may free the server */
}

struct server *
server_new(struct event_base *base, const struct server_limits *limits)
{
	struct server *server = calloc(1, sizeof *server);

	if (server == NULL)
		return NULL;
	if (conns_init(&server->conns, base, on_conn_close, server) != 0) {
		free(server);
		return NULL;
	}
	server->base = base;
	server->limits = *limits;
	SLIST_INIT(&server->listeners);
	SLIST_INIT(&server->budgets);
	if (timer_open(&server->pause, base, on_pause_over, server) &&
	    timer_open(&server->drain, base, on_drain, server))
		return server;
	server_free(server);
	return NULL;
}

void
server_free(struct server *server)
{
	struct budget *budget;

	if (server == NULL)
		return;
	close_listeners(server);
	conns_free(&server->conns);
	/* After the last connection, for its end touches them. */
	timer_close(&server->pause);
	timer_close(&server->drain);
	while ((budget = SLIST_FIRST(&server->budgets)) != NULL) {
		SLIST_REMOVE_HEAD(&server->budgets, link);
		uidcount_free(&budget->uids);
		free(budget);
	}
	free(server);
}

void
server_set_limits(struct server *server, const struct server_limits *limits)
{
	server->limits = *limits;
}

int
server_listen(
    struct server *server, int fd, const struct plane *plane, void *context)
{
	struct budget *budget;
	struct listener *listener;

	if (conns_reserve(&server->conns, plane->unfinished_max) != 0)
		return -1;
	budget = budget_for(server, plane);
	if (budget == NULL)
		return -1;
	listener = calloc(1, sizeof *listener);
	if (listener == NULL)
		return -1;
	*listener = (struct listener){
	    .server = server,
	    .budget = budget,
	    .context = context,
	    .fd = fd,
	};
	if (event_assign(&listener->event, server->base, fd,
		EV_READ | EV_PERSIST, on_accept, listener) != 0 ||
	    event_add(&listener->event, NULL) != 0) {
		free(listener);
		return -1;
	}
	SLIST_INSERT_HEAD(&server->listeners, listener, link);
	return 0;
}

void
server_drain(struct server *server, unsigned grace_ms,
    void (*drained)(void *context), void *context)
{
	close_listeners(server);
	server->drained = drained;
	server->drained_context = context;
	conns_drain(&server->conns);
	/* Also where none was left: drained() is not called from in here. */
	timer_start(&server->drain, server->connections > 0 ? grace_ms : 0);
}

void
server_counters(const struct server *server, const struct plane *plane,
    struct server_counters *counters)
{
	const struct budget *budget;

	memset(counters, 0, sizeof *counters);
	SLIST_FOREACH(budget, &server->budgets, link)
	{
		if (plane != NULL && budget->plane != plane)
			continue;
		counters->connections += budget->counters.connections;
		counters->accepted += budget->counters.accepted;
		counters->refused += budget->counters.refused;
		counters->timed_out += budget->counters.timed_out;
	}
}
