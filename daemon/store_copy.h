/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keys.tdb copied into a new file, with a hash table of another size, that
 * takes its place. Until then the file's name stands for the old one, and what
 * a death leaves of the copy, keys.tdb.rebuild, for nothing.
 *
 * It is written in transactions, since those gather what would be a dozen
 * writes a record; but nothing is synced before all of it is there.
 */
#ifndef DAEMON_STORE_COPY_H
#define DAEMON_STORE_COPY_H

#include "store_pass.h"

struct store_copy {
	struct store_pass pass; /* its copy is NULL where there is none */
	struct complaints complaints;
	char path[PATH_MAX];
};

/* Makes the new file, with a hash table for so many keys, and room for so many
 * records from the beginning. *copy may be anything. False where it cannot be
 * made: see store_copy_cause(). */
bool store_copy_begin(struct store_copy *copy, struct store_file *file,
    uint64_t keys, uint64_t room);
/* A portion, as of store_pass_portion(). */
bool store_copy_portion(struct store_copy *copy, struct store_file *file);
/* Whether the copy's transaction, which is in memory, has taken in so many
 * changes that it should go to the file; and that. */
bool store_copy_flush_due(const struct store_copy *copy);
void store_copy_flush(struct store_copy *copy);
/*
 * The copy, once there is no more, in the place of the file's: STORE_OK. Or
 * STORE_FAILED, with all as it was but for the copy, which is gone; or
 * STORE_UNKNOWN: the copy is in use, but a power cut may bring back the other.
 * read_again: only where reading all of it again finds it right.
 */
enum store_result store_copy_publish(
    struct store_copy *copy, struct store_file *file, bool read_again);
void store_copy_drop(struct store_copy *copy, struct store_file *file);
/* What is wrong, for people. */
const char *store_copy_cause(const struct store_copy *copy);

/* Removes what a death has left. */
void store_copy_tidy(const char *directory);

#endif
