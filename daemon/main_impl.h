/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of main() have in common: the daemon as a whole. */
#ifndef DAEMON_MAIN_IMPL_H
#define DAEMON_MAIN_IMPL_H

#include <event2/event.h>

#include "admin.h"
#include "options.h"
#include "settings.h"
#include "timer.h"
#include "worker.h"

enum { SOCKETS = 2 };

struct daemon {
	struct options options;
	struct settings settings;
	struct keyring *ring;
	struct index *index;
	struct store *store;
	struct changes *changes;
	struct worker *worker, *reader;
	struct usage *usage;
	struct verifier verifier;
	struct admin admin;
	struct varlink_service service;
	struct event_base *base;
	struct event *terminate[2], *reload, *committed;
	struct timer tick, giving_up, watchdog, pace;
	int committed_fd; /* written by the other threads */
	struct server *server;
	char sockets[SOCKETS][PATH_MAX]; /* ours to remove at the end */
	bool draining;
};

/* False after logging; what has been opened by then is main()'s to free. */
bool main_open_store(struct daemon *daemon); /* and fill the index */
bool main_open_usage(struct daemon *daemon);
bool main_open_planes(struct daemon *daemon);

/* Has the loop hear signals and turn to what is due; false: no memory. Its
 * events are freed with the rest. */
bool main_watch_signals(struct daemon *daemon);

/* What the verifier calls when its counting is behind; of the daemon. */
void main_behind(void *daemon);

#endif
