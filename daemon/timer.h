/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Points in time on the loop, by timerfd(2).
 *
 * libevent has timers, but while one of its own is running every wait of the
 * loop has a time limit: with each the kernel starts and cancels a timer, and
 * the clock is read besides. A bare echo's round trip took 10.3 to 11.0 µs
 * instead of 8.9 for a single timer that was due now and then.
 */
#ifndef DAEMON_TIMER_H
#define DAEMON_TIMER_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>

/* Part of its owner, zeroed at first. */
struct timer {
	struct event event;
	struct event late; /* active from then until due() is called */
	int fd;
	void (*due)(void *context); /* NULL: not open */
	void *context;
};

/* Of monotonic time. False with errno: no descriptor, or no memory. */
bool timer_open(struct timer *timer, struct event_base *base,
    void (*due)(void *context), void *context);
/* Before the base is freed; also one that is not open. */
void timer_close(struct timer *timer);

/* Calls due() from the loop, once and in so many milliseconds or every so many
 * of them (not 0), in place of what it was to do before. */
void timer_start(struct timer *timer, unsigned ms);
void timer_repeat(struct timer *timer, unsigned ms);
/* Afterwards due() is not called any more; also one that is not open. */
void timer_stop(struct timer *timer);

#endif
