/* SPDX-License-Identifier: BSD-2-Clause */
/* Usage comes up and goes down. */
#include "usage.h"

#include <stdlib.h>
#include <string.h>

#include "instant.h"
#include "thread.h"
#include "usage_impl.h"

enum {
	STOP_MS = 1000,     /* what taking may hold up the end */
	START_SEGMENTS = 2, /* of the ring, free at the start */
};

static void
highest_taken(void *context, uint32_t day)
{
	struct usage *usage = context;
	bool failed;
	struct usage_file *file =
	    usage_files_day(&usage->files, day, false, &failed);

	if (file != NULL)
		journal_skip_to(&usage->journal, file->taken);
}

/* Where taking goes on, and appending begins. */
static bool
find_place(struct usage *usage)
{
	struct journal *journal = &usage->journal;
	uint64_t taken = usage->files.totals->taken;

	/* A journal that is not the one the files know of goes on behind what
	 * they have taken: no row would take its events otherwise. */
	if (taken > atomic_load(&journal->head) || journal->made) {
		journal_skip_to(journal, taken);
		if (!usage_files_each_day(&usage->files, highest_taken, usage))
			return false;
	}
	if (journal->made)
		taken = atomic_load(&journal->head);
	if (taken > atomic_load(&journal->tail))
		journal_release(journal, taken);
	return true;
}

static bool
go_on(struct usage *usage)
{
	(void)usage;
	return true;
}

/* Only what is verified before the first batch is taken needs: the start is not
 * to wait for the rest. */
static void
make_room(struct usage *usage)
{
	uint64_t segment = usage->journal.segment_bytes;

	while (usage_backlog(usage) >
	    (JOURNAL_SEGMENTS - START_SEGMENTS) * segment)
		if (!usage_take(usage, segment, go_on))
			break;
}

static bool
open_all(struct usage *usage, struct index *index)
{
	const struct usage_options *options = &usage->options;

	if (!usage_files_open(&usage->files, options->directory, options->ring,
		options->expected_keys) ||
	    !journal_open(
		&usage->journal, options->directory, options->journal_bytes) ||
	    !find_place(usage) || !usage_load(usage, index))
		return false;
	make_room(usage);
	return true;
}

struct usage *
usage_open(const struct usage_options *options, struct index *index)
{
	struct usage *usage = calloc(1, sizeof *usage);
	pthread_condattr_t monotonic;

	if (usage == NULL) {
		log_error("out of memory");
		return NULL;
	}
	usage->options = *options;
	usage->journal.fd = -1;
	usage->batch_max = BATCH_BYTES;
	pthread_mutex_init(&usage->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&usage->wanted, &monotonic);
	pthread_condattr_destroy(&monotonic);
	questions_init(&usage->waiting);
	questions_init(&usage->finished);
	if (open_all(usage, index))
		return usage;
	usage_free(usage);
	return NULL;
}

bool
usage_start(struct usage *usage, void (*ready)(void *context), void *context)
{
	usage->taken_at = monotonic_ms();
	usage->ready = ready;
	usage->ready_context = context;
	/* Not lowered: on a full processor it has to keep up with the loop. */
	usage->started =
	    thread_start(&usage->thread, "usage", usage_thread, usage);
	return usage->started;
}

void
usage_stop(struct usage *usage)
{
	if (!usage->started)
		return;
	pthread_mutex_lock(&usage->lock);
	usage->stopping = true;
	usage->stop_by = monotonic_ms() + STOP_MS;
	pthread_cond_signal(&usage->wanted);
	pthread_mutex_unlock(&usage->lock);
	pthread_join(usage->thread, NULL);
	usage->started = false;
}

void
usage_free(struct usage *usage)
{
	if (usage == NULL)
		return;
	usage_stop(usage);
	usage_collect(usage);
	usage_forget_questions(usage);
	usage_files_close(&usage->files);
	journal_close(&usage->journal);
	pthread_cond_destroy(&usage->wanted);
	pthread_mutex_destroy(&usage->lock);
	free(usage);
}

void
usage_facts(struct usage *usage, struct usage_facts *facts)
{
	uint64_t head = atomic_load(&usage->journal.head);
	uint64_t tail = atomic_load(&usage->journal.tail);

	memset(facts, 0, sizeof *facts);
	facts->journal_bytes = usage->journal.ring_bytes;
	facts->journal_used_bytes = head > tail ? head - tail : 0;
	facts->noted = atomic_load(&usage->noted);
	facts->dropped = atomic_load(&usage->dropped);
	pthread_mutex_lock(&usage->lock);
	facts->files_bytes = usage->files_bytes;
	facts->failing = usage->failing;
	memcpy(facts->reason, usage->reason, sizeof facts->reason);
	pthread_mutex_unlock(&usage->lock);
}
