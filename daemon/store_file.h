/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keys.tdb as a file: made, opened and verified, rebuilt, committed to. One
 * thread at a time. store.c adds the thread and the queue.
 */
#ifndef DAEMON_STORE_FILE_H
#define DAEMON_STORE_FILE_H

#include <limits.h>

#include "audit_file.h"
#include "outbox.h"
#include "store.h"

struct store_backup;
struct store_copy;
struct store_pass;
struct tdb_context;

/* What tdb said through its log callback, the only place where it tells of
 * some failures. */
struct complaints {
	unsigned count;
	bool full;      /* one of them was for want of room */
	bool io_error;  /* one of them was for an I/O error */
	bool no_memory; /* one of them was, or opening failed, for want of it */
	char text[128]; /* the last one */
};

/* tdb's header, which it reads once, when it opens a file. */
enum { STORE_HEADER_BYTES = 168 };

struct store_file {
	struct tdb_context *tdb;
	uint8_t header[STORE_HEADER_BYTES]; /* as it was opened with */
	char path[PATH_MAX];
	char directory[PATH_MAX];
	const struct keyring *ring;
	struct root root; /* as committed */
	struct outbox outbox;
	struct audit_file audit;
	struct complaints complaints;
	struct store_backup *backup; /* under way; NULL */
	struct store_pass *passes;   /* under way; a list */
	struct store_copy *growth;   /* under way; NULL */
	uint64_t grow_from;          /* records, before which it is not tried */
};

/* As store_open(). On failure the file is closed and *ring NULL. */
bool store_file_open(struct store_file *file, const char *directory,
    unsigned expected_keys, const uint8_t master[SECRET_KEY_BYTES],
    struct keyring **ring, store_load_fn *load, void *context);
/*
 * Verifies all records, against their MACs and against the root that is in
 * memory, which then knows their digest, and loads them; outbox is NULL where
 * it is known. False after logging.
 */
bool store_file_scan(struct store_file *file, store_load_fn *load,
    void *context, struct outbox_image *outbox);
/* For who wants nothing but that all records are sound. */
store_load_fn store_load_nothing;
/*
 * Copies an open file into a new one, with the root that is in memory, which
 * takes the old one's place once it is whole and on disk. False after logging;
 * why is the line's beginning.
 */
bool store_file_rebuild(
    struct store_file *file, unsigned expected_keys, const char *why);
void store_file_close(struct store_file *file);

/*
 * Commits the changes of a list in one transaction and sets each one's result
 * and sequence. STORE_EXISTS, STORE_FAILED and STORE_FULL as a return value
 * mean that none of them was committed, STORE_UNKNOWN that nobody knows.
 */
enum store_result
store_file_commit(struct store_file *file, struct store_change *changes);

/*
 * Brings what is in the outbox into audit.log: as far as it can, and where
 * room for so many slots is needed, for certain. Says in a line of its own
 * what no line could be kept of.
 */
void store_file_file_lines(struct store_file *file, unsigned slots);

/* One record into the open transaction, and into the root that will go with
 * it. */
bool store_apply_write(struct store_file *file, struct root *root,
    struct store_write *write, uint64_t sequence);

/* Makes the outbox's records, all at once, where there are none. False after
 * logging. */
bool store_make_outbox(struct store_file *file);

uint64_t store_file_size(const struct store_file *file);

#endif
