/* SPDX-License-Identifier: BSD-2-Clause */
/* The thread: what there is to do, and when it is due. */
#include <stdio.h>
#include <time.h>

#include "instant.h"
#include "usage_impl.h"

enum {
	/* How often the thread looks for what to take: in between, and while
	 * much is counted. The ring holds several seconds at full speed. */
	POLL_MS = 1000,
	POLL_BUSY_MS = 100,
	/* Events wait so long: the more of them a batch has, the less is
	 * written for each. */
	TAKE_MS = 30000,
	RETRY_MS = 5000,     /* after files could not be written */
	EXPIRE_MS = 3600000, /* between two files */
	ANSWER_MS = 100,     /* at a time: see answer_reports() */
};

void
usage_set_failing(struct usage *usage, const char *reason)
{
	unsigned long long count;
	bool was;

	pthread_mutex_lock(&usage->lock);
	was = usage->failing;
	usage->failing = reason != NULL;
	snprintf(usage->reason, sizeof usage->reason, "%s",
	    reason != NULL ? reason : "");
	pthread_mutex_unlock(&usage->lock);
	if (reason != NULL && log_throttle(&usage->failure_throttle, &count))
		log_error("usage is not taken out of usage.journal: %s; it is "
			  "tried again until the journal is full",
		    reason);
	if (reason == NULL && was)
		log_notice("usage is taken out of usage.journal again");
}

static void
make_report(struct usage *usage, struct question *question)
{
	if (usage_report_make(usage, question))
		return;
	log_error("usage: a question cannot be answered: %s",
	    "a usage file cannot be read, or memory is short");
	usage_report_free(question->report);
	question->report = NULL;
}

/*
 * Whoever holds a key may ask as often as he likes, so there may always be
 * another question, and what is counted is not to wait until there is none.
 * Answering ends after a while, and a batch goes on for as long.
 */
static void
answer_reports(struct usage *usage)
{
	int64_t begun = monotonic_ms(), now = begun;
	struct question *question;

	while (now < begun + ANSWER_MS &&
	    (question = usage_next_question(usage, true)) != NULL) {
		make_report(usage, question);
		usage_finish_question(usage, question);
		now = monotonic_ms();
		usage_moves(usage, now);
	}
	usage->answer_at = now + (now - begun);
}

static void
flush(struct usage *usage)
{
	if (!journal_sync(&usage->journal))
		usage_set_failing(usage, "usage.journal: sync failed");
}

static void
flush_when_due(struct usage *usage, int64_t now)
{
	if (now < usage->flushed_at + usage->options.flush_ms)
		return;
	usage->flushed_at = now;
	flush(usage);
}

/* Whether the thread has to end, and from when on it is too late for more. */
static bool
is_stopping(struct usage *usage, int64_t *stop_by)
{
	bool stopping;

	pthread_mutex_lock(&usage->lock);
	stopping = usage->stopping;
	*stop_by = usage->stop_by;
	pthread_mutex_unlock(&usage->lock);
	return stopping;
}

/*
 * Between two steps of a batch, which may take seconds: what else there is to
 * do. But a check waits for the batch to end: in its midst the rows do not add
 * up. False when it is too late to go on.
 */
static bool
attend(struct usage *usage)
{
	int64_t now = monotonic_ms(), stop_by;

	if (is_stopping(usage, &stop_by))
		return now < stop_by;
	usage_moves(usage, now);
	journal_touch_ahead(&usage->journal);
	flush_when_due(usage, now);
	if (now >= usage->answer_at)
		answer_reports(usage);
	return true;
}

/*
 * What there is by now: under load there is always more. In small batches: at
 * the end, what is not done in time is left.
 */
static void
take_all(struct usage *usage)
{
	const struct journal *journal = &usage->journal;
	uint64_t now =
	    atomic_load_explicit(&journal->head, memory_order_acquire);

	while (
	    atomic_load_explicit(&journal->tail, memory_order_relaxed) < now &&
	    usage_take(usage, journal->segment_bytes, attend))
		;
}

static void
count_files(struct usage *usage)
{
	uint64_t bytes = usage_files_bytes(&usage->files);

	pthread_mutex_lock(&usage->lock);
	usage->files_bytes = bytes;
	pthread_mutex_unlock(&usage->lock);
}

/* One file an hour: a clock that is wrong for a moment costs no history. */
static void
expire(struct usage *usage, int64_t now)
{
	int64_t today = now_ms() / USAGE_DAY_MS;

	if (now < usage->expired_at + EXPIRE_MS ||
	    today < usage->options.retention_days)
		return;
	usage->expired_at = now;
	usage_files_expire(
	    &usage->files, (uint32_t)(today - usage->options.retention_days));
}

/*
 * While the journal is lost there is nothing to take; the loop goes on in the
 * one that is made here. False where it is not lost.
 */
static bool
renew_journal(struct usage *usage, int64_t now)
{
	if (!journal_is_lost(&usage->journal)) {
		if (usage->renewing)
			usage_set_failing(usage, NULL);
		usage->renewing = false;
		return false;
	}
	if (usage->renewing && now < usage->retry_at)
		return true;
	usage->renewing = true;
	usage->retry_at = now + RETRY_MS;
	usage_set_failing(usage, USAGE_JOURNAL_LOST);
	if (journal_renew(&usage->journal, usage->options.directory))
		usage->ready(usage->ready_context);
	return true;
}

/* Also what batches that are smaller than usual have left. */
static bool
take_is_due(const struct usage *usage, int64_t now)
{
	uint64_t backlog = usage_backlog(usage);

	return backlog >= usage_due_bytes(usage) ||
	    (backlog > 0 &&
		(usage->batch_max < BATCH_BYTES ||
		    now >= usage->taken_at + TAKE_MS));
}

static void
take_what_is_due(struct usage *usage, int64_t now)
{
	if (now < usage->retry_at)
		return;
	atomic_store(&usage->hurried, false);
	while (take_is_due(usage, now)) {
		usage->taken_at = now;
		if (!usage_take(usage, usage->journal.ring_bytes, attend)) {
			usage->retry_at = now + RETRY_MS;
			break;
		}
		count_files(usage);
	}
}

/*
 * In the midst of a check, which may take minutes: within a file nothing of it
 * must be changed, between two all goes on. False at the end.
 */
static bool
attend_check(struct usage *usage, bool after_file)
{
	int64_t now = monotonic_ms(), stop_by;

	if (is_stopping(usage, &stop_by))
		return false;
	if (after_file) {
		attend(usage);
		take_what_is_due(usage, now);
	} else {
		usage_moves(usage, now);
		journal_touch_ahead(&usage->journal);
		flush_when_due(usage, now);
	}
	return true;
}

/* Some reports, and one of what waited behind them. */
static void
answer_some(struct usage *usage)
{
	struct question *question;

	answer_reports(usage);
	question = usage_next_question(usage, false);
	if (question == NULL)
		return;
	if (question->is_check) {
		take_all(usage);
		usage_check_files(usage, &question->findings, attend_check);
	} else {
		make_report(usage, question);
	}
	usage_finish_question(usage, question);
}

/* Until something is asked, or it is time to look again. True at the end. */
static bool
wait_for_work(struct usage *usage)
{
	uint64_t head =
	    atomic_load_explicit(&usage->journal.head, memory_order_relaxed);
	bool busy = head - usage->looked_at > usage->journal.ring_bytes / 128;
	unsigned ms = busy ? POLL_BUSY_MS : POLL_MS;
	struct timespec until;
	bool stopping, may_take;
	int error = 0;

	usage->looked_at = head;
	may_take = monotonic_ms() >= usage->retry_at;
	if (usage->options.flush_ms < ms)
		ms = usage->options.flush_ms;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&usage->lock);
	while (usage->waiting.first == NULL && !usage->stopping &&
	    !(may_take && atomic_load(&usage->hurried)) && error == 0)
		error = pthread_cond_timedwait(
		    &usage->wanted, &usage->lock, &until);
	stopping = usage->stopping;
	pthread_mutex_unlock(&usage->lock);
	return stopping;
}

void *
usage_thread(void *argument)
{
	struct usage *usage = argument;

	usage->expired_at = -EXPIRE_MS;
	count_files(usage);
	for (;;) {
		int64_t now;

		if (!usage->renewing)
			journal_touch_ahead(&usage->journal);
		if (wait_for_work(usage))
			break;
		answer_some(usage);
		now = monotonic_ms();
		if (renew_journal(usage, now))
			continue;
		flush_when_due(usage, now);
		take_what_is_due(usage, now);
		expire(usage, now);
	}
	flush(usage);
	take_all(usage);
	return NULL;
}
