/* SPDX-License-Identifier: BSD-2-Clause */
/* A backup in a file, to be read. */
#ifndef DAEMON_BACKUP_FILE_H
#define DAEMON_BACKUP_FILE_H

#include <stdio.h>

#include "backup_format.h"

struct backup_file {
	const char *path;
	FILE *stream;
	struct backup_head head;
	struct keyring *ring; /* ours */
	struct root root;     /* once all was read */
	uint8_t bytes[BACKUP_BLOCK_MAX];
};

/* False after logging one line: it is not there, no backup, made under another
 * master key. */
bool backup_file_open(struct backup_file *file, const char *path,
    const uint8_t master[SECRET_KEY_BYTES]);
void backup_file_close(struct backup_file *file);

/* Reads all of it, from the beginning, and passes each entry to take, which may
 * be NULL and returns false to end it. False after logging (but for what take
 * has to say): it is cut off, or not as it was written. */
typedef bool take_entry_fn(void *context, const struct backup_entry *entry);
bool
backup_file_read(struct backup_file *file, take_entry_fn *take, void *context);

#endif
