/* SPDX-License-Identifier: BSD-2-Clause */
/* How the loop keeps pace with the thread, on the loop. */
#include <time.h>

#include "instant.h"
#include "usage_impl.h"

enum {
	/* Free in the ring when verifications begin to wait; what one call of a
	 * plane brings is less. */
	RESERVE_SEGMENTS = 2,
	/* Without a sign of life: the thread is kept by something else than by
	 * how much there is. */
	SILENCE_MS = 500,
	/* By the disk: it is quick, or not waited for. Meanwhile the reserve is
	 * filled. */
	DISK_MS = 100,
	WAIT_MS = 1000, /* at once; the loop has others to answer */
};

static bool
nearly_full(const struct usage *usage)
{
	return usage_backlog(usage) >
	    (JOURNAL_SEGMENTS - 1 - RESERVE_SEGMENTS) *
	    usage->journal.segment_bytes;
}

/* It looks for what to take by itself, but not as often as a ring may fill. */
static void
hurry(struct usage *usage, int64_t now)
{
	if (atomic_exchange(&usage->hurried, true))
		return;
	atomic_store(&usage->moved_at, now); /* from now on it is expected */
	pthread_mutex_lock(&usage->lock);
	pthread_cond_signal(&usage->wanted);
	pthread_mutex_unlock(&usage->lock);
}

static bool
is_held_up(const struct usage *usage, int64_t now)
{
	int64_t since = atomic_load(&usage->on_disk_since);

	return (since != 0 && now >= since + DISK_MS) ||
	    now >= atomic_load(&usage->moved_at) + SILENCE_MS;
}

void
usage_keep_pace(struct usage *usage)
{
	static const struct timespec moment = {0, 1000000};
	int64_t begun, now;

	if (usage == NULL || usage_backlog(usage) < usage_due_bytes(usage))
		return;
	begun = now = monotonic_ms();
	hurry(usage, now);
	while (nearly_full(usage) && !atomic_load(&usage->failing) &&
	    !is_held_up(usage, now) && now < begun + WAIT_MS) {
		nanosleep(&moment, NULL);
		now = monotonic_ms();
	}
}
