/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the torture test knows of the audit log: each acknowledged change has
 * one line. Where the log cannot be written for long, changes that take
 * something away may go without one; then the log says how many did.
 */
#ifndef CRASH_AUDIT_H
#define CRASH_AUDIT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Changes that were acknowledged. Zeroed at first. */
struct acknowledged {
	struct acknowledged_change {
		char id[40];
		bool may_lack; /* a line */
	} * changes;
	size_t count, room;
};

void acknowledged_add(
    struct acknowledged *acknowledged, const char *id, bool may_lack);
void acknowledged_clear(struct acknowledged *acknowledged);

/* The lines that say that an operation was done, as far as they were read.
 * Zeroed at first. */
struct audit_lines {
	json_t *done; /* operation ids, as members */
	off_t read;   /* up to here */
	/* How many changes are said to have none, and how many have none. */
	uint64_t omitted, lacking;
};

/* Goes on reading. False where an operation has two: text says which. */
bool audit_read(
    struct audit_lines *lines, const char *path, char *text, size_t size);
/* Whether each has its line, or is among what was omitted; pending: so many
 * that are yet to be told of. Else text says which has not. */
bool
audit_has(struct audit_lines *lines, const struct acknowledged *acknowledged,
    uint64_t pending, char *text, size_t size);

#endif
