/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A backup of a store that goes on taking changes, a portion at a time, on the
 * store's thread between two commits.
 *
 * What is written is the store as it is when the last portion is: first every
 * record, tdb's chains in turn, while it is noted which ones have been changed
 * meanwhile; then those again, until there are so few left that they and the
 * root go into the last portion together. So memory is needed for the names of
 * what has changed, not for a million keys, nor for what they were before; and
 * nobody waits for longer than a portion takes.
 */
#ifndef DAEMON_STORE_BACKUP_H
#define DAEMON_STORE_BACKUP_H

#include "backup_format.h"
#include "store_file.h"

struct store_backup {
	struct backup_writer writer; /* writer.out: the portion, ours */
	struct tdb_context *changed; /* names, to be written again; NULL */
	uint64_t changed_count;
	bool failed_to_note;
	int chain; /* the next one to be read */
	/* Behind the last portion: */
	bool finished;
	struct root root; /* as it is in the backup */
};

/*
 * Makes the next portion, the first one where *backup is zeroed. NULL, or why
 * that is not possible. file->backup is set until the backup is finished or
 * store_backup_end() was called.
 */
const char *
store_backup_portion(struct store_backup *backup, struct store_file *file);

/* On the store's thread, too; file may be NULL where it is closed. */
void store_backup_end(struct store_backup *backup, struct store_file *file);

/* A record is being changed: of the one that changes it. */
void
store_backup_note(struct store_backup *backup, const struct record_name *name);

#endif
