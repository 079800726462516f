/* SPDX-License-Identifier: BSD-2-Clause */
/* The insides of usage, for the files named so alone. */
#ifndef DAEMON_USAGE_IMPL_H
#define DAEMON_USAGE_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "instant.h"
#include "journal.h"
#include "log.h"
#include "table.h"
#include "usage.h"
#include "usage_event.h"
#include "usage_file.h"
#include "usage_row.h"

/* What was asked, on its way to the thread and back. */
struct question {
	struct question *next;
	struct usage_query query;
	struct usage_name name; /* the row's; not of a check */
	struct usage_report *report;
	usage_answer_fn *answer;
	void *context;
	/* Of a check: what was found, in place of a report. */
	bool is_check;
	usage_checked_fn *checked;
	struct usage_findings findings;
};

struct questions {
	struct question *first, **last;
};

struct usage {
	/* The loop's. */
	const struct index *index;
	unsigned asked; /* questions under way */
	struct log_throttle drop_throttle;
	_Atomic uint64_t noted, dropped;
	uint64_t given_up; /* of noted, when the journal was last lost */

	/* Both threads', as journal.h says. */
	struct journal journal;

	pthread_t thread;
	bool started;
	void (*ready)(void *context);
	void *ready_context;
	pthread_mutex_t lock; /* of everything up to the thread's; held for
				 moments */
	pthread_cond_t wanted;
	struct questions waiting, finished;
	bool stopping;
	_Atomic bool failing; /* as reason says */
	int64_t stop_by;      /* monotonic ms; once stopping */
	char reason[128];
	uint64_t files_bytes;

	/* For usage_is_behind(): the loop has asked the thread to look, and
	 * when that last went on. */
	_Atomic bool hurried;
	_Atomic int64_t moved_at; /* monotonic ms */

	/* The thread writes it. */
	_Atomic uint64_t filed; /* of noted, those that are in the files */

	/* The thread's. */
	struct usage_options options;
	struct usage_files files;
	char reason_of_file[128];
	struct log_throttle failure_throttle;
	uint64_t looked_at; /* where the head was then */
	bool renewing;      /* the journal, which was lost */
	uint64_t batch_max; /* BATCH_BYTES, or fewer: see usage_take() */
	int64_t flushed_at, taken_at, expired_at, retry_at; /* monotonic ms */
	int64_t answer_at; /* likewise: before it, a batch goes on */
};

/* What is in the journal and in no file. */
static inline uint64_t
usage_backlog(const struct usage *usage)
{
	return atomic_load_explicit(
		   &usage->journal.head, memory_order_acquire) -
	    atomic_load_explicit(&usage->journal.tail, memory_order_relaxed);
}

/* Of the journal, in a batch of full size. */
enum { BATCH_BYTES = 64 << 20 };

/* So much waits at most before it is taken: the rest of the ring is for what
 * comes meanwhile. */
static inline uint64_t
usage_due_bytes(const struct usage *usage)
{
	return usage->journal.ring_bytes / 2;
}

/* The thread is at work: said at least every few hundred milliseconds. */
static inline void
usage_moves(struct usage *usage, int64_t now)
{
	atomic_store_explicit(&usage->moved_at, now, memory_order_relaxed);
}

void questions_init(struct questions *questions);
/* The thread's: the first one that waits, or that is no check; NULL: none. And
 * back to the loop with it. */
struct question *usage_next_question(struct usage *usage, bool no_check);
void usage_finish_question(struct usage *usage, struct question *question);
/* At the end: those that still wait are answered without an answer. */
void usage_forget_questions(struct usage *usage);

void *usage_thread(void *usage);

/*
 * Takes events out of the journal into the files: as many as one batch holds,
 * and no more than about this many bytes of the journal. between() is called
 * every now and then, where questions can be answered; once it returns false,
 * the batch is left as it is. False where that happened, or where a file cannot
 * be read or written: nothing is released then, and what was written is known
 * for it when it is tried again. Where memory is short the next batch is half
 * as large, and after one that was taken twice as large, up to the full size.
 */
bool usage_take(
    struct usage *usage, uint64_t bytes, bool (*between)(struct usage *usage));

/* False where the files cannot be read. */
bool usage_report_make(struct usage *usage, struct question *question);
void usage_report_free(struct usage_report *report);
/*
 * between(), which may be NULL, is called now and then: once it returns false,
 * the rest is not looked at, and there is no text. After a file events may be
 * taken and questions answered in it; within one, neither.
 */
void usage_check_files(struct usage *usage, struct usage_findings *findings,
    bool (*between)(struct usage *usage, bool after_file));

/* What the files and the journal say of keys, into the index: at the start. */
bool usage_load(struct usage *usage, struct index *index);

#define USAGE_JOURNAL_LOST "it was cut off, or its disk fails"

/* The state in facts. reason NULL: all is well again. */
void usage_set_failing(struct usage *usage, const char *reason);

#endif
