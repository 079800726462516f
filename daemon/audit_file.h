/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * audit.log as a file: opened and brought in line with the store, appended to,
 * synced. Everything that is in it has been committed to the store before;
 * what has not got here yet is in the outbox. One thread at a time; reading
 * what is there already may go on beside it.
 */
#ifndef DAEMON_AUDIT_FILE_H
#define DAEMON_AUDIT_FILE_H

#include <limits.h>

#include "audit_tail.h"
#include "outbox.h"

struct audit_file {
	int fd; /* -1: not open */
	char path[PATH_MAX];
	struct audit_tail tail; /* as it was found */
	uint64_t size;          /* of whole lines */
	uint64_t room;          /* the disk has room for it up to here */
	bool disturbed;         /* somebody else has written or cut it */
	bool stuck;             /* the last append has failed ... */
	char reason[96];        /* ... for this reason */
};

/*
 * Opens the file, without changing anything. False after logging one line: it
 * is ahead of the store, it is not ours, it cannot be read. A file that is not
 * there is one without lines.
 */
bool audit_file_open(struct audit_file *file, const char *directory,
    const struct keyring *ring, const struct outbox *outbox,
    const struct audit_head *head);
/*
 * Makes the file where there is none, cuts off what is no whole line, and
 * appends what the outbox has and it has not. False after logging, where the
 * file cannot be made at all; a full disk is no such case.
 */
bool audit_file_settle(struct audit_file *file, struct outbox *outbox);
void audit_file_close(struct audit_file *file);

/* Appends what is in the outbox alone; all or nothing. False where that is not
 * possible: file->stuck, and logged the first time. */
bool audit_file_append(struct audit_file *file, struct outbox *outbox);
/* Makes what was appended last, so that the outbox need not keep it. */
bool audit_file_sync(struct audit_file *file, struct outbox *outbox);

#endif
