/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keys.tdb: the only place that knows tdb.
 *
 * Opening and loading happen on the calling thread, before store_start().
 * From then on a thread of its own has the file, since a commit takes four
 * syncs and verification must not wait for one. The two threads exchange
 * changes and nothing else: the loop submits, the store thread commits all
 * that has gathered in one transaction, and hands them back.
 *
 * A change counts only if tdb_transaction_commit() returned 0 *and* tdb's log
 * callback stayed silent: a failed sync may show in the latter alone. After
 * any other sign of damage the store is suspect: no change is taken any more
 * until the next start has verified every record.
 *
 * Between commits the thread also does what takes longer, a portion at a time:
 * tasks that are submitted, and a copy of a file that has outgrown its table.
 */
#ifndef DAEMON_STORE_H
#define DAEMON_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "histogram.h"
#include "record.h"
#include "secret.h"

struct store;

/*
 * Leaves an empty keys.tdb.new in directory: the mark of a first start, which
 * has to be there before anything else is, so that one that is cut off is
 * known for what it was. False after logging.
 */
bool store_mark_creation(const char *directory);

/*
 * Makes an empty store: keys.tdb.new in directory, synced, renamed to
 * keys.tdb. expected_keys sizes its hash table. False after logging.
 */
bool store_create(const char *directory, unsigned expected_keys,
    const uint8_t master[SECRET_KEY_BYTES]);

/*
 * Opens keys.tdb, verifies every record against its MAC and all of them
 * against the root, and passes each (but the root) to load, in no particular
 * order; load returns false, with *problem set, to refuse one. Where all of
 * that holds but tdb's own structure does not (a kill while the file grew
 * leaves it so), the records are copied into a new file, which takes the old
 * one's place. NULL after logging one line that names the file and the cause;
 * nothing was written then.
 *
 * *ring is the store's keyring; the caller frees it after store_free().
 */
typedef bool
store_load_fn(void *context, struct record_view *view, const char **problem);
/* What *problem is for want of memory, which is nothing that is wrong with the
 * record. */
extern const char store_no_memory[];
struct store *store_open(const char *directory, unsigned expected_keys,
    const uint8_t master[SECRET_KEY_BYTES], struct keyring **ring,
    store_load_fn *load, void *context);

/*
 * Whether the store's own keys are wrapped under this master key, as far as its
 * root record says. False also where that cannot be read.
 */
bool
store_is_under(const char *directory, const uint8_t master[SECRET_KEY_BYTES]);
/*
 * Puts a store that is not open, and is under one master key, under another:
 * verifies all of it, copies it into a new file, and verifies that. From a key
 * to itself: makes certain that that is what is on the disk. line is the inside
 * of its line in audit.log; NULL: it has none. False after logging: with a
 * line, it may be under the new key all the same.
 */
bool store_rekey(const char *directory, unsigned expected_keys,
    const uint8_t from[SECRET_KEY_BYTES], const uint8_t to[SECRET_KEY_BYTES],
    const char *line);

enum store_result {
	STORE_OK,
	STORE_EXISTS,  /* a record marked is_new is there already */
	STORE_FULL,    /* no room: on the disk, or below tdb's 4 GiB */
	STORE_UNHEARD, /* audit.log and the reserve for its lines are full */
	STORE_FAILED,  /* an error that left the store as it was */
	STORE_UNKNOWN, /* it broke as this was written: there, or not */
	STORE_SUSPECT, /* not tried: the store can no longer be trusted to be
			  written */
};
const char *store_result_text(enum store_result result);

/* One record to be written, or erased. */
struct store_write {
	struct record record;
	bool erase;
	bool is_new; /* STORE_EXISTS where the name is taken */
};

/*
 * A change: all of its writes, or none. The submitter allocates it and has it
 * back when done() is called, on the loop's thread.
 */
struct store_change {
	struct store_change *next;
	struct operation operation; /* its id is remembered with the change;
				       without one, nothing is */
	/* Not without its operation id: who misses the answer and repeats it
	 * would have it done twice, or be told that it cannot be done. */
	bool once;
	bool no_trace; /* without its operation id: there is no room for it */
	/* The inside of its line in audit.log (audit_line.h), at most
	 * AUDIT_MEMBERS_MAX; NULL: it has none. The submitter's. */
	const char *audit;
	/* It may take of audit.log's reserve, since it takes something away,
	 * and in the end go without a line. */
	bool urgent;
	enum store_result result;
	uint64_t sequence; /* given at the commit; 0 where there was none, or
			      nothing to write but a line */
	void (*done)(struct store_change *change);
	size_t count;
	struct store_write *writes;
};

/*
 * Starts the thread. ready is called on it whenever store_collect() has
 * something to collect: it may only wake the loop.
 */
bool
store_start(struct store *store, void (*ready)(void *context), void *context);
void store_submit(struct store *store, struct store_change *change);

struct store_file;

/*
 * What the thread does between two commits, which wait meanwhile. The submitter
 * allocates it and has it back when done() is called, on the loop's thread.
 */
struct store_task {
	struct store_task *next;
	/* file is NULL where the store is suspect. */
	void (*run)(struct store_task *task, struct store_file *file);
	void (*done)(struct store_task *task);
};
void store_submit_task(struct store *store, struct store_task *task);
/* On the loop: calls done() of all that has come back. */
void store_collect(struct store *store);
/* The same, of one change at most; true where there are more: verifications
 * are to have their turn between two of them. */
bool store_collect_one(struct store *store);
/* Commits what was submitted, joins the thread, closes the file. Collect
 * afterwards: store_collect() works until store_free(). */
void store_stop(struct store *store);
void store_free(struct store *store);

/* audit.log, as far as it has been written. */
struct audit_facts {
	struct audit_head head; /* the last line, in the file or pending */
	uint64_t bytes;         /* of whole lines in the file */
	unsigned pending;       /* lines that it does not have yet */
	uint64_t omitted;       /* changes without a line, so far */
	uint64_t gap;           /* before this line some are missing; 0 */
	char reason[96];        /* why it cannot be written; empty: it can */
};

struct store_facts {
	uint64_t sequence, generation, file_bytes;
	uint64_t records; /* beside the root and the outbox */
	bool suspect;
	char reason[128];         /* why suspect */
	struct histogram commits; /* of a transaction, or a try at one */
	struct audit_facts audit;
};
/* As of the last commit; from any thread. */
void store_facts(struct store *store, struct store_facts *facts);
/* audit.log, open for reading too, until store_stop(). */
int store_audit_fd(const struct store *store);

#endif
