/* SPDX-License-Identifier: BSD-2-Clause */
#include "timer.h"

#include <errno.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	struct timer *timer = arg;

	(void)fd;
	(void)what;
	timer->due(timer->context);
}

/* All that the loop has heard by now comes first: who has done his part in time
 * is not late because the loop was. */
static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct timer *timer = arg;
	uint64_t times;

	(void)what;
	/* EAGAIN: stopped or started anew since the loop saw it. */
	if (read(fd, &times, sizeof times) == sizeof times)
		event_active(&timer->late, EV_TIMEOUT, 0);
}

bool
timer_open(struct timer *timer, struct event_base *base,
    void (*due)(void *context), void *context)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	int error;

	if (fd < 0)
		return false;
	event_assign(&timer->late, base, -1, 0, on_late, timer);
	if (event_assign(&timer->event, base, fd, EV_READ | EV_PERSIST,
		on_readable, timer) != 0 ||
	    event_add(&timer->event, NULL) != 0) {
		error = errno;
		close(fd);
		errno = error;
		return false;
	}
	timer->fd = fd;
	timer->due = due;
	timer->context = context;
	return true;
}

void
timer_close(struct timer *timer)
{
	if (timer->due == NULL)
		return;
	event_del(&timer->event);
	event_del(&timer->late);
	close(timer->fd);
	timer->due = NULL;
}

/* With values like these it cannot fail. */
static void
set(struct timer *timer, struct timespec first, struct timespec then)
{
	const struct itimerspec when = {then, first};

	event_del(&timer->late);
	timerfd_settime(timer->fd, 0, &when, NULL);
}

static struct timespec
timespec_of(unsigned ms)
{
	return (struct timespec){ms / 1000, ms % 1000 * 1000000L};
}

void
timer_start(struct timer *timer, unsigned ms)
{
	static const struct timespec at_once = {0, 1}, never;

	set(timer, ms > 0 ? timespec_of(ms) : at_once, never);
}

void
timer_repeat(struct timer *timer, unsigned ms)
{
	set(timer, timespec_of(ms), timespec_of(ms));
}

void
timer_stop(struct timer *timer)
{
	static const struct timespec never;

	if (timer->due != NULL)
		set(timer, never, never);
}
