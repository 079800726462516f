/* SPDX-License-Identifier: BSD-2-Clause */
#include "uidcount.h"

#include <stdlib.h>
#include <string.h>

/* Where uid is, or would have to be put. */
static size_t
position(const struct uidcount *counts, uid_t uid)
{
	size_t low = 0, high = counts->len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (counts->entries[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_at(const struct uidcount *counts, size_t at, uid_t uid)
{
	return at < counts->len && counts->entries[at].uid == uid;
}

unsigned
uidcount_get(const struct uidcount *counts, uid_t uid)
{
	size_t at = position(counts, uid);

	return is_at(counts, at, uid) ? counts->entries[at].count : 0;
}

static bool
make_room(struct uidcount *counts)
{
	size_t size = counts->size > 0 ? counts->size * 2 : 8;
	struct uidcount_entry *entries;

	if (counts->len < counts->size)
		return true;
	entries = reallocarray(counts->entries, size, sizeof *entries);
	if (entries == NULL)
		return false;
	counts->entries = entries;
	counts->size = size;
	return true;
}

bool
uidcount_add(struct uidcount *counts, uid_t uid)
{
	size_t at = position(counts, uid);

	if (!is_at(counts, at, uid)) {
		if (!make_room(counts))
			return false;
		memmove(&counts->entries[at + 1], &counts->entries[at],
		    (counts->len - at) * sizeof counts->entries[0]);
		counts->entries[at] = (struct uidcount_entry){uid, 0};
		counts->len++;
	}
	counts->entries[at].count++;
	return true;
}

void
uidcount_remove(struct uidcount *counts, uid_t uid)
{
	size_t at = position(counts, uid);

	if (!is_at(counts, at, uid) || --counts->entries[at].count > 0)
		return;
	counts->len--;
	memmove(&counts->entries[at], &counts->entries[at + 1],
	    (counts->len - at) * sizeof counts->entries[0]);
}

void
uidcount_free(struct uidcount *counts)
{
	free(counts->entries);
	*counts = (struct uidcount){0};
}
