/* SPDX-License-Identifier: BSD-2-Clause */
#include "table.h"

#include <stdlib.h>
#include <string.h>

void
table_init(struct table *table)
{
	*table = (struct table){NULL, 0, 0};
}

void
table_free(struct table *table)
{
	free(table->slots);
	table_init(table);
}

static void
place(struct table *table, uint32_t hash, void *item)
{
	size_t mask = table->capacity - 1, i = hash & mask;

	while (table->slots[i].item != NULL)
		i = (i + 1) & mask;
	table->slots[i] = (struct table_slot){item, hash};
}

bool
table_reserve(struct table *table, size_t count)
{
	struct table_slot *old = table->slots;
	size_t old_capacity = table->capacity;
	size_t capacity = old_capacity > 0 ? old_capacity : 16;

	while (capacity / 4 * 3 < count)
		capacity *= 2;
	if (capacity == old_capacity)
		return true;
	table->slots = calloc(capacity, sizeof *table->slots);
	if (table->slots == NULL) {
		table->slots = old;
		return false;
	}
	table->capacity = capacity;
	for (size_t i = 0; i < old_capacity; i++)
		if (old[i].item != NULL)
			place(table, old[i].hash, old[i].item);
	free(old);
	return true;
}

bool
table_add(struct table *table, uint32_t hash, void *item)
{
	if (!table_reserve(table, table->count + 1))
		return false;
	place(table, hash, item);
	table->count++;
	return true;
}

void
table_remove(struct table *table, uint32_t hash, const void *item)
{
	size_t mask = table->capacity - 1, hole = hash & mask, i;

	while (table->slots[hole].item != item)
		hole = (hole + 1) & mask;
	/* Close the gap: move up what would no longer be found behind it. */
	for (i = (hole + 1) & mask; table->slots[i].item != NULL;
	     i = (i + 1) & mask) {
		size_t home = table->slots[i].hash & mask;

		if (((i - home) & mask) >= ((i - hole) & mask)) {
			table->slots[hole] = table->slots[i];
			hole = i;
		}
	}
	table->slots[hole] = (struct table_slot){NULL, 0};
	table->count--;
}

static inline uint64_t
mix(uint64_t hash, const void *data, size_t len)
{
	uint64_t word = 0;

	memcpy(&word, data, len);
	hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
	return hash ^ hash >> 32;
}

uint32_t
table_hash(const void *data, size_t len)
{
	const uint8_t *at = data;
	uint64_t hash = len;

	for (; len >= sizeof hash; at += sizeof hash, len -= sizeof hash)
		hash = mix(hash, at, sizeof hash);
	if (len > 0)
		hash = mix(hash, at, len);
	return (uint32_t)(hash >> 16);
}
