/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hash table of pointers, open addressing with linear probing. The caller
 * gives the hash and says what equal means; the table owns nothing it points
 * to. At most three quarters full.
 */
#ifndef DAEMON_TABLE_H
#define DAEMON_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_slot {
	void *item; /* NULL: free */
	uint32_t hash;
};

struct table {
	struct table_slot *slots;
	size_t capacity; /* a power of two, or 0 */
	size_t count;
};

void table_init(struct table *table);
void table_free(struct table *table);

/* Makes room for count items at once. False where there is no memory. */
bool table_reserve(struct table *table, size_t count);

/* The item is not in the table yet. False where there is no memory. */
bool table_add(struct table *table, uint32_t hash, void *item);
void table_remove(struct table *table, uint32_t hash, const void *item);

/*
 * Walks the items of this hash: start with *at = 0, then pass what came back;
 * NULL at the end. Inline, as verification does little else.
 */
static inline void *
table_next(const struct table *table, uint32_t hash, size_t *at)
{
	size_t mask = table->capacity - 1;

	if (table->capacity == 0)
		return NULL;
	for (;;) {
		const struct table_slot *slot =
		    &table->slots[(hash + (*at)++) & mask];

		if (slot->item == NULL)
			return NULL;
		if (slot->hash == hash)
			return slot->item;
	}
}

/* Words at a time; for names that our own operators choose, and in memory
 * alone: not the same on all machines. */
uint32_t table_hash(const void *data, size_t len);

#endif
