/* SPDX-License-Identifier: BSD-2-Clause */
#include "store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instant.h"
#include "log.h"
#include "store_file.h"
#include "store_grow.h"
#include "thread.h"

enum {
	/* Records in one transaction, beside operations and root. */
	BATCH_WRITES_MAX = 1000,
	/* Of the outbox, for the lines of one transaction; one line may take
	 * more. */
	BATCH_SLOTS_MAX = OUTBOX_SLOTS / 2,
	/* audit.log cannot be written: until the next try, if nothing happens
	 * before. */
	RETRY_S = 2,
};

enum { COMMIT_FIRST_NS = 100000 };

struct queue {
	struct store_change *first;
	struct store_change **last; /* where the next one is hung */
};

struct store {
	struct store_file file; /* the thread's, once it runs */
	pthread_t thread;
	bool running;
	void (*ready)(void *context);
	void *ready_context;
	struct histogram commits; /* the thread's */

	pthread_mutex_t lock; /* of everything below; held for moments */
	pthread_cond_t submitted;
	struct queue waiting;         /* for the thread */
	struct queue committed;       /* for the loop */
	struct store_task *task;      /* likewise, the first of a list */
	struct store_task *task_done; /* likewise */
	bool stopping;
	struct store_facts facts;
};

static void
queue_init(struct queue *queue)
{
	queue->first = NULL;
	queue->last = &queue->first;
}

static void
queue_add(struct queue *queue, struct store_change *change)
{
	change->next = NULL;
	*queue->last = change;
	queue->last = &change->next;
}

static struct store_change *
queue_take(struct queue *queue)
{
	struct store_change *change = queue->first;

	if (change == NULL)
		return NULL;
	queue->first = change->next;
	if (queue->first == NULL)
		queue_init(queue);
	return change;
}

const char *
store_result_text(enum store_result result)
{
	switch (result) {
	case STORE_OK:
		return "done";
	case STORE_EXISTS:
		return "it exists already";
	case STORE_FULL:
		return "no room left for it on the disk";
	case STORE_UNHEARD:
		return "audit.log cannot be written and the reserve for its "
		       "lines is kept for revoking, disabling, suspending and "
		       "deleting: make room on the disk";
	case STORE_FAILED:
		return "the store could not be written";
	case STORE_UNKNOWN:
		return "the store broke as this change was written: whether it "
		       "was made is not known and will show when apikeyd is "
		       "restarted; verification goes on without it";
	case STORE_SUSPECT:
		return "the store is suspect after a write error and takes no "
		       "changes until apikeyd is restarted; verification "
		       "goes on";
	}
	return "unknown";
}

struct store *
store_open(const char *directory, unsigned expected_keys,
    const uint8_t master[SECRET_KEY_BYTES], struct keyring **ring,
    store_load_fn *load, void *context)
{
	struct store *store = calloc(1, sizeof *store);
	pthread_condattr_t clock;

	*ring = NULL;
	if (store == NULL) {
		log_error("out of memory");
		return NULL;
	}
	if (!store_file_open(&store->file, directory, expected_keys, master,
		ring, load, context)) {
		free(store);
		return NULL;
	}
	pthread_mutex_init(&store->lock, NULL);
	store->commits.first_ns = COMMIT_FIRST_NS;
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&store->submitted, &clock);
	pthread_condattr_destroy(&clock);
	queue_init(&store->waiting);
	queue_init(&store->committed);
	return store;
}

static struct audit_facts
audit_facts(const struct store_file *file)
{
	struct audit_facts facts = {
	    .head = file->root.audit,
	    .bytes = file->audit.size,
	    .pending = file->outbox.count - file->outbox.in_file,
	    .omitted = file->root.audit_omitted,
	    .gap = file->root.audit_gap,
	};

	if (file->audit.stuck)
		memcpy(facts.reason, file->audit.reason, sizeof facts.reason);
	return facts;
}

static void
note_facts(struct store *store, enum store_result result)
{
	struct store_facts facts = {
	    .sequence = store->file.root.sequence,
	    .generation = store->file.root.generation,
	    .records = store->file.root.records - OUTBOX_SLOTS,
	    .file_bytes = store_file_size(&store->file),
	    .commits = store->commits,
	    .suspect = result == STORE_UNKNOWN,
	    .audit = audit_facts(&store->file),
	};

	if (facts.suspect)
		snprintf(facts.reason, sizeof facts.reason, "%s",
		    store->file.complaints.count > 0
			? store->file.complaints.text
			: "a commit failed");
	pthread_mutex_lock(&store->lock);
	store->facts = facts;
	pthread_mutex_unlock(&store->lock);
	if (facts.suspect)
		log_error("%s: suspect after a write error (%s): changes are "
			  "refused until a restart has verified it, "
			  "verification goes on from memory",
		    store->file.path, facts.reason);
}

static void
set_result(struct store_change *changes, enum store_result result)
{
	for (; changes != NULL; changes = changes->next) {
		changes->result = result;
		changes->sequence = 0;
	}
}

/* On a full disk the place for an operation id may be what is missing: the
 * change itself matters more, a revocation above all. */
static enum store_result
commit_alone(struct store *store, struct store_change *change)
{
	enum store_result result = store_file_commit(&store->file, change);

	if (change->once || (result != STORE_FULL && result != STORE_FAILED))
		return result;
	change->no_trace = true;
	return store_file_commit(&store->file, change);
}

/*
 * All in one transaction; where that does not go through, one by one, so that
 * a change too large for a full disk does not take a small one with it.
 */
static enum store_result
commit(struct store *store, struct store_change *changes)
{
	enum store_result result = store_file_commit(&store->file, changes);

	/* A copy is not to cost a change. */
	if (result == STORE_FULL && store_grow_drop(&store->file))
		result = store_file_commit(&store->file, changes);
	if (result == STORE_OK)
		return result;
	if (result == STORE_UNKNOWN) {
		set_result(changes, result);
		return result;
	}
	for (struct store_change *c = changes; c != NULL; c = c->next) {
		struct store_change *rest = c->next;

		c->next = NULL;
		result = commit_alone(store, c);
		if (result != STORE_OK)
			set_result(c, result);
		c->next = rest;
		if (result == STORE_UNKNOWN) {
			set_result(rest, STORE_SUSPECT);
			return result;
		}
	}
	return STORE_OK;
}

/* Of the outbox, at most, for a change's line. */
static unsigned
slots_of(const struct store_change *change)
{
	return change->audit != NULL
	    ? outbox_pieces(strlen(change->audit) + AUDIT_ENVELOPE)
	    : 0;
}

/* The front of the queue, up to so many records and slots. Called with the
 * lock. */
static struct store_change *
take_batch(struct queue *queue, unsigned *slots)
{
	struct store_change *first = queue->first, *last = first;
	size_t writes = first->count;

	*slots = slots_of(first);
	while (last->next != NULL &&
	    writes + last->next->count <= BATCH_WRITES_MAX &&
	    *slots + slots_of(last->next) <= BATCH_SLOTS_MAX) {
		last = last->next;
		writes += last->count;
		*slots += slots_of(last);
	}
	queue->first = last->next;
	if (queue->first == NULL)
		queue_init(queue);
	last->next = NULL;
	return first;
}

/* Until something was submitted, or audit.log is to be tried again. Called
 * with the lock. */
static void
wait_for_work(struct store *store, bool retry)
{
	struct timespec until;
	int error = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += RETRY_S;
	while (store->waiting.first == NULL && store->task == NULL &&
	    !store->stopping && error == 0)
		error = retry
		    ? pthread_cond_timedwait(
			  &store->submitted, &store->lock, &until)
		    : pthread_cond_wait(&store->submitted, &store->lock);
}

/* The next changes, none where only audit.log is to be tried again or the file
 * grows; false when there are none left and none will come. */
static bool
next_batch(struct store *store, struct store_change **batch, unsigned *slots,
    bool growing)
{
	bool goes_on;

	*batch = NULL;
	*slots = 0;
	pthread_mutex_lock(&store->lock);
	if (!growing)
		wait_for_work(store, store->file.audit.stuck);
	goes_on = store->waiting.first != NULL || store->task != NULL ||
	    !store->stopping;
	if (store->waiting.first != NULL)
		*batch = take_batch(&store->waiting, slots);
	pthread_mutex_unlock(&store->lock);
	return goes_on;
}

static void
hand_back(struct store *store, struct store_change *batch)
{
	pthread_mutex_lock(&store->lock);
	while (batch != NULL) {
		struct store_change *next = batch->next;

		queue_add(&store->committed, batch);
		batch = next;
	}
	pthread_mutex_unlock(&store->lock);
	store->ready(store->ready_context);
}

/* One turn of the thread; no batch where audit.log alone is to be tried. */
static enum store_result
carry_out(struct store *store, struct store_change *batch, unsigned slots)
{
	uint64_t begun = monotonic_ns();
	enum store_result result;

	store_file_file_lines(&store->file, slots);
	if (batch == NULL &&
	    (store->file.root.audit_omitted == 0 || store->file.audit.stuck))
		return STORE_OK;
	result = commit(store, batch);
	histogram_add(&store->commits, monotonic_ns() - begun, 1);
	return result;
}

/* One, so that those who change something need not wait for all. file is NULL
 * where the store is suspect. */
static void
run_task(struct store *store, struct store_file *file)
{
	struct store_task *task;

	pthread_mutex_lock(&store->lock);
	task = store->task;
	if (task != NULL)
		store->task = task->next;
	pthread_mutex_unlock(&store->lock);
	if (task == NULL)
		return;
	task->run(task, file);
	pthread_mutex_lock(&store->lock);
	task->next = store->task_done;
	store->task_done = task;
	pthread_mutex_unlock(&store->lock);
	store->ready(store->ready_context);
}

static void *
store_thread(void *argument)
{
	struct store *store = argument;
	enum store_result result = STORE_OK;
	struct store_change *batch;
	bool growing = store_grow_due(&store->file);
	unsigned slots;

	thread_lower();
	while (next_batch(store, &batch, &slots, growing)) {
		if (result == STORE_UNKNOWN) {
			set_result(batch, STORE_SUSPECT);
		} else {
			result = carry_out(store, batch, slots);
			note_facts(store, result);
		}
		if (batch != NULL)
			hand_back(store, batch);
		run_task(store, result == STORE_UNKNOWN ? NULL : &store->file);
		growing =
		    result != STORE_UNKNOWN && store_grow_due(&store->file);
		if (growing) {
			result = store_grow(&store->file);
			note_facts(store, result);
		}
	}
	return NULL;
}

bool
store_start(struct store *store, void (*ready)(void *context), void *context)
{
	store->ready = ready;
	store->ready_context = context;
	note_facts(store, STORE_OK);
	store->running =
	    thread_start(&store->thread, "store", store_thread, store);
	return store->running;
}

void
store_submit(struct store *store, struct store_change *change)
{
	pthread_mutex_lock(&store->lock);
	queue_add(&store->waiting, change);
	pthread_cond_signal(&store->submitted);
	pthread_mutex_unlock(&store->lock);
}

void
store_submit_task(struct store *store, struct store_task *task)
{
	struct store_task **last = &store->task;

	/* At the end: the thread takes nothing any more. */
	if (!store->running) {
		task->run(task, NULL);
		task->done(task);
		return;
	}
	task->next = NULL;
	pthread_mutex_lock(&store->lock);
	while (*last != NULL)
		last = &(*last)->next;
	*last = task;
	pthread_cond_signal(&store->submitted);
	pthread_mutex_unlock(&store->lock);
}

bool
store_collect_one(struct store *store)
{
	struct store_change *change;
	struct store_task *task;
	bool more;

	pthread_mutex_lock(&store->lock);
	change = queue_take(&store->committed);
	more = store->committed.first != NULL;
	task = store->task_done;
	store->task_done = NULL;
	pthread_mutex_unlock(&store->lock);
	while (task != NULL) {
		struct store_task *next = task->next;

		task->done(task); /* may free it */
		task = next;
	}
	if (change != NULL)
		change->done(change); /* may free it */
	return more;
}

void
store_collect(struct store *store)
{
	while (store_collect_one(store))
		;
}

void
store_stop(struct store *store)
{
	if (store->running) {
		pthread_mutex_lock(&store->lock);
		store->stopping = true;
		pthread_cond_signal(&store->submitted);
		pthread_mutex_unlock(&store->lock);
		pthread_join(store->thread, NULL);
		store->running = false;
	}
	store_file_close(&store->file);
}

void
store_free(struct store *store)
{
	pthread_cond_destroy(&store->submitted);
	pthread_mutex_destroy(&store->lock);
	free(store);
}

int
store_audit_fd(const struct store *store)
{
	return store->file.audit.fd;
}

void
store_facts(struct store *store, struct store_facts *facts)
{
	pthread_mutex_lock(&store->lock);
	*facts = store->facts;
	pthread_mutex_unlock(&store->lock);
}
