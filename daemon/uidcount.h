/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many connections each user has. A sorted array with an entry only for
 * users who have one, so it is never longer than there are connections, and
 * usually a handful.
 */
#ifndef DAEMON_UIDCOUNT_H
#define DAEMON_UIDCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct uidcount_entry {
	uid_t uid;
	unsigned count;
};

/* Zeroed at first. */
struct uidcount {
	struct uidcount_entry *entries;
	size_t len, size;
};

unsigned uidcount_get(const struct uidcount *counts, uid_t uid);
/* False where memory is short; nothing is counted then. */
bool uidcount_add(struct uidcount *counts, uid_t uid);
void uidcount_remove(struct uidcount *counts, uid_t uid);
void uidcount_free(struct uidcount *counts);

#endif
