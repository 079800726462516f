/* SPDX-License-Identifier: BSD-2-Clause */
/* How far the thread is behind, on the loop. */
#include "instant.h"
#include "usage_impl.h"

enum {
	/* Of the ring, kept free for who waits for each answer. */
	RESERVE_SEGMENTS = 4,
	/* Without a sign of life: the thread is kept by the disk, not by how
	 * much there is. Of its steps the longest is to sync the journal. */
	SILENCE_MS = 3000,
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
	usage_moves(usage, now); /* from now on it is expected to */
	pthread_mutex_lock(&usage->lock);
	pthread_cond_signal(&usage->wanted);
	pthread_mutex_unlock(&usage->lock);
}

bool
usage_is_behind(struct usage *usage)
{
	int64_t now;

	if (usage == NULL || !usage->started ||
	    usage_backlog(usage) < usage_due_bytes(usage))
		return false;
	now = monotonic_ms();
	hurry(usage, now);
	return nearly_full(usage) && !atomic_load(&usage->failing) &&
	    now < atomic_load(&usage->moved_at) + SILENCE_MS;
}
