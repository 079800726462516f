/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Absolute points in time for many objects on one timer.
 *
 * Nearly all deadlines of a server are the same number of milliseconds away,
 * so a list kept in order is appended to in constant time, and setting or
 * clearing one costs no system call. The timer is
 * left running when the first deadline is cleared: it then fires once for
 * nothing, which is cheaper than to move it with every request.
 */
#ifndef DAEMON_DEADLINE_H
#define DAEMON_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "timer.h"

/* Part of its owner, zeroed at first. */
struct deadline {
	TAILQ_ENTRY(deadline) link;
	int64_t at; /* monotonic_ms(), which is past 0 by now; 0: not set */
};

TAILQ_HEAD(deadline_list, deadline);

struct deadlines {
	struct deadline_list list; /* the next one first */
	struct timer timer;
	int64_t timer_at; /* 0: not running */
	void (*expired)(struct deadline *deadline);
};

/* expired() is called with a deadline that is no longer set. False with errno.
 */
bool deadlines_init(struct deadlines *deadlines, struct event_base *base,
    void (*expired)(struct deadline *deadline));
void deadlines_free(struct deadlines *deadlines);

/* Set anew where it was set before. */
void deadline_set(
    struct deadlines *deadlines, struct deadline *deadline, unsigned ms);
void deadline_clear(struct deadlines *deadlines, struct deadline *deadline);

static inline bool
deadline_is_set(const struct deadline *deadline)
{
	return deadline->at != 0;
}

#endif
