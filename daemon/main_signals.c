/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes from outside without a socket: signals, and time. */
#include <signal.h>
#include <stdio.h>

#include "instant.h"
#include "log.h"
#include "main_impl.h"
#include "notify.h"

enum {
	/* What is left to answer at the end is answered within this. */
	DRAIN_MS = 5000,
	/* What waits for another's change by then is told so instead. */
	CLAIMS_MS = 4000,
	TICK_MS = 5000,
	PACE_MS = 5, /* see verify_go_on() */
};

/* Signals */

static void
on_drained(void *context)
{
	struct daemon *daemon = context;

	event_base_loopbreak(daemon->base);
}

static void
on_terminate(evutil_socket_t signal_number, short what, void *context)
{
	struct daemon *daemon = context;

	(void)signal_number;
	(void)what;
	if (daemon->draining)
		return;
	daemon->draining = true;
	log_notice("stopping: what was asked is answered first");
	notify("STOPPING=1");
	admin_stop(&daemon->admin);
	timer_start(&daemon->giving_up, CLAIMS_MS);
	server_drain(daemon->server, DRAIN_MS, on_drained, daemon);
}

static void
on_reload(evutil_socket_t signal_number, short what, void *context)
{
	struct daemon *daemon = context;
	struct settings settings;
	char state[64];

	(void)signal_number;
	(void)what;
	snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)monotonic_ms() * 1000);
	notify(state);
	settings_default(&settings);
	if (options_read_settings(&daemon->options, &settings)) {
		daemon->settings.limits = settings.limits;
		daemon->settings.log_level = settings.log_level;
		daemon->settings.log_verifications = settings.log_verifications;
		daemon->verifier.log.mode = settings.log_verifications;
		daemon->settings.signature_window = settings.signature_window;
		daemon->verifier.signature_window = settings.signature_window;
		log_set_level(settings.log_level);
		server_set_limits(daemon->server, &settings.limits);
		log_notice("configuration read again");
	} else {
		log_error("the configuration stays as it was");
	}
	notify("READY=1");
}

static void
on_tick(void *context)
{
	struct daemon *daemon = context;

	admin_tick(&daemon->admin);
}

static void
on_giving_up(void *context)
{
	struct daemon *daemon = context;

	changes_stop(daemon->changes);
}

static void
on_pace(void *context)
{
	struct daemon *daemon = context;

	if (verify_go_on(&daemon->verifier))
		timer_stop(&daemon->pace);
}

void
main_behind(void *context)
{
	struct daemon *daemon = context;

	timer_repeat(&daemon->pace, PACE_MS);
}

static bool
set_timers(struct daemon *daemon)
{
	if (!timer_open(&daemon->tick, daemon->base, on_tick, daemon) ||
	    !timer_open(
		&daemon->giving_up, daemon->base, on_giving_up, daemon) ||
	    !timer_open(&daemon->pace, daemon->base, on_pace, daemon))
		return false;
	timer_repeat(&daemon->tick, TICK_MS);
	return true;
}

static void
on_watchdog(void *context)
{
	(void)context;
	notify("WATCHDOG=1");
}

static struct event *
add_signal(struct daemon *daemon, int number, event_callback_fn callback)
{
	struct event *event =
	    evsignal_new(daemon->base, number, callback, daemon);

	/* What libevent puts back at the end: a second one that comes while all
	 * is put away must not cut that off. */
	signal(number, SIG_IGN);
	if (event != NULL && evsignal_add(event, NULL) == 0)
		return event;
	/* A signal that is not heard of would end us with nothing done. */
	if (event != NULL)
		event_free(event);
	return NULL;
}

bool
main_watch_signals(struct daemon *daemon)
{
	unsigned watchdog_ms = notify_watchdog_ms();

	daemon->terminate[0] = add_signal(daemon, SIGTERM, on_terminate);
	daemon->terminate[1] = add_signal(daemon, SIGINT, on_terminate);
	daemon->reload = add_signal(daemon, SIGHUP, on_reload);
	if (daemon->terminate[0] == NULL || daemon->terminate[1] == NULL ||
	    daemon->reload == NULL || !set_timers(daemon))
		return false;
	if (watchdog_ms == 0)
		return true;
	if (!timer_open(&daemon->watchdog, daemon->base, on_watchdog, daemon))
		return false;
	timer_repeat(&daemon->watchdog, watchdog_ms);
	return true;
}
