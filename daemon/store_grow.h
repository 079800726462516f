/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tdb never gives a file a larger hash table, and each change searches chains
 * that get longer with every key. So a store that has outgrown its table is
 * copied into a new file, a portion at a time on the store's thread, between
 * commits, which all go into the old file until the copy takes its place.
 */
#ifndef DAEMON_STORE_GROW_H
#define DAEMON_STORE_GROW_H

#include "store_file.h"

/* Whether there is something to do at once. */
bool store_grow_due(const struct store_file *file);
/* A portion of it, not in a transaction. STORE_UNKNOWN: as of a commit. */
enum store_result store_grow(struct store_file *file);
/* The copy goes, as its room is needed or the store ends; it is tried again
 * when there are some more records. False where there was none. */
bool store_grow_drop(struct store_file *file);

#endif
