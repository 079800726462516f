/* SPDX-License-Identifier: BSD-2-Clause */
#include "store.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instant.h"
#include "log.h"
#include "store_file.h"

/* Records in one transaction, beside operations and root. */
enum { BATCH_WRITES_MAX = 1000 };

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
	struct queue waiting;   /* for the thread */
	struct queue committed; /* for the loop */
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

/* Takes everything. */
static struct store_change *
queue_take(struct queue *queue)
{
	struct store_change *all = queue->first;

	queue_init(queue);
	return all;
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
	case STORE_FAILED:
		return "the store could not be written";
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
	pthread_cond_init(&store->submitted, NULL);
	store->commits.first_ns = COMMIT_FIRST_NS;
	queue_init(&store->waiting);
	queue_init(&store->committed);
	return store;
}

static void
note_facts(struct store *store, enum store_result result)
{
	struct store_facts facts = {
	    .sequence = store->file.root.sequence,
	    .generation = store->file.root.generation,
	    .records = store->file.root.records,
	    .file_bytes = store_file_size(&store->file),
	    .suspect = result == STORE_SUSPECT,
	    .commits = store->commits,
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

	if (result != STORE_FULL && result != STORE_FAILED)
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

	if (result == STORE_OK)
		return result;
	if (result == STORE_SUSPECT) {
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
		if (result == STORE_SUSPECT) {
			set_result(rest, result);
			return result;
		}
	}
	return STORE_OK;
}

/* The front of the queue, up to so many records. Called with the lock. */
static struct store_change *
take_batch(struct queue *queue)
{
	struct store_change *first = queue->first, *last = first;
	size_t writes = first->count;

	while (last->next != NULL &&
	    writes + last->next->count <= BATCH_WRITES_MAX) {
		last = last->next;
		writes += last->count;
	}
	queue->first = last->next;
	if (queue->first == NULL)
		queue_init(queue);
	last->next = NULL;
	return first;
}

/* Waits for work; NULL when there is none left and none will come. */
static struct store_change *
next_batch(struct store *store)
{
	struct store_change *batch = NULL;

	pthread_mutex_lock(&store->lock);
	while (store->waiting.first == NULL && !store->stopping)
		pthread_cond_wait(&store->submitted, &store->lock);
	if (store->waiting.first != NULL)
		batch = take_batch(&store->waiting);
	pthread_mutex_unlock(&store->lock);
	return batch;
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

static void *
store_thread(void *argument)
{
	struct store *store = argument;
	enum store_result result = STORE_OK;
	struct store_change *batch;
	uint64_t begun;

	while ((batch = next_batch(store)) != NULL) {
		if (result == STORE_SUSPECT) {
			set_result(batch, result);
		} else {
			begun = monotonic_ns();
			result = commit(store, batch);
			histogram_add(
			    &store->commits, monotonic_ns() - begun, 1);
			note_facts(store, result);
		}
		hand_back(store, batch);
	}
	return NULL;
}

bool
store_start(struct store *store, void (*ready)(void *context), void *context)
{
	sigset_t all, old;
	int error;

	store->ready = ready;
	store->ready_context = context;
	note_facts(store, STORE_OK);
	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&store->thread, NULL, store_thread, store);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error != 0) {
		log_error("cannot start the store thread: %s", strerror(error));
		return false;
	}
	store->running = true;
	return true;
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
store_collect(struct store *store)
{
	struct store_change *change;

	pthread_mutex_lock(&store->lock);
	change = queue_take(&store->committed);
	pthread_mutex_unlock(&store->lock);
	while (change != NULL) {
		struct store_change *next = change->next;

		change->done(change); /* may free it */
		change = next;
	}
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

void
store_facts(struct store *store, struct store_facts *facts)
{
	pthread_mutex_lock(&store->lock);
	*facts = store->facts;
	pthread_mutex_unlock(&store->lock);
}
