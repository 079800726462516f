/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A batch of events, each once for every row that counts it, in the order in
 * which the rows lie in the files. Pure.
 */
#ifndef DAEMON_USAGE_SORT_H
#define DAEMON_USAGE_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which of an event's rows. */
enum usage_part {
	PART_KEY,
	PART_ACCOUNT,
	PART_PRODUCT,
	PART_SERVICE,
	PART_OTHER_SERVICE, /* that of all services without a row */
};

enum {
	SORT_DAYS_MAX = 8,
	SORT_BYTES_MAX = 1 << 29, /* of the journal */
};

/*
 * Day 3 bits, a number of the batch's own | order 32 (usage_order()) | place
 * 26, in the journal, words of eight bytes from where the batch begins |
 * part 3. So the numbers' order is that of the rows, and of the events of each
 * row.
 */
typedef uint64_t usage_entry;

static inline unsigned
entry_day(usage_entry entry)
{
	return (unsigned)(entry >> 61);
}

static inline uint32_t
entry_order(usage_entry entry)
{
	return (uint32_t)(entry >> 29);
}

static inline uint64_t
entry_offset(usage_entry entry)
{
	return entry & (SORT_BYTES_MAX - 8);
}

static inline enum usage_part
entry_part(usage_entry entry)
{
	return (enum usage_part)(entry & 7);
}

struct usage_entries {
	usage_entry *items;
	size_t count, room;
};

void entries_free(struct usage_entries *entries);
/* In the order of their places. False where there is no memory. */
bool entries_add(struct usage_entries *entries, unsigned day, uint32_t order,
    uint64_t offset, enum usage_part part);
/* The same. */
bool entries_sort(struct usage_entries *entries);
#endif
