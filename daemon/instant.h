/* SPDX-License-Identifier: BSD-2-Clause */
/* The two clocks: what the calendar says, and what only goes forward. */
#ifndef DAEMON_INSTANT_H
#define DAEMON_INSTANT_H

#include <stdint.h>
#include <time.h>

static inline int64_t
clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now); /* cannot fail for these clocks */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Unix milliseconds. */
static inline int64_t
now_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

/* Milliseconds since boot; jumps of the calendar do not move it. */
static inline int64_t
monotonic_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

/* The same clock in nanoseconds, for how long something took. */
static inline uint64_t
monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

#endif
