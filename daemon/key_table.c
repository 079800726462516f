/* SPDX-License-Identifier: BSD-2-Clause */
#include "key_table.h"

#include <stdlib.h>

#include <sodium.h>

#include "slab.h"

/* While all keys are taken over: so far ahead each one's ID, which its hash is
 * made of again, is fetched. */
enum { AHEAD = 16 };

void
key_table_free(struct key_table *table)
{
	slab_unmap(table->slots, table->capacity * sizeof *table->slots);
	*table = (struct key_table){.slots = NULL};
}

static void
place(struct key_table *table, uint64_t slot)
{
	uint64_t hash = key_hash(table, key_table_key(slot)->id);
	size_t mask = table->capacity - 1, i = key_table_home(hash) & mask;

	while (table->slots[i] != 0)
		i = (i + 1) & mask;
	table->slots[i] = slot;
}

bool
key_table_reserve(struct key_table *table, size_t count)
{
	const struct key_table old = *table;
	size_t capacity = old.capacity > 0 ? old.capacity : 16;

	while (capacity / 2 < count)
		capacity *= 2;
	if (capacity == old.capacity)
		return true;
	table->slots = slab_map(capacity * sizeof *table->slots);
	if (table->slots == NULL) {
		table->slots = old.slots;
		return false;
	}
	table->capacity = capacity;
	if (old.capacity == 0)
		randombytes_buf(table->secret, sizeof table->secret);
	for (size_t i = 0; i < old.capacity; i++) {
		__builtin_prefetch(
		    key_table_key(old.slots[(i + AHEAD) & (old.capacity - 1)]));
		if (old.slots[i] != 0)
			place(table, old.slots[i]);
	}
	slab_unmap(old.slots, old.capacity * sizeof *old.slots);
	return true;
}

bool
key_table_add(struct key_table *table, struct key *key)
{
	uint64_t address = (uintptr_t)key;

	/* An address of more than 48 bits: no system gives any unasked. */
	if ((address & KEY_TABLE_TAG) != 0 ||
	    !key_table_reserve(table, table->count + 1))
		return false;
	place(table, key_table_tag(key_hash(table, key->id)) | address);
	table->count++;
	return true;
}

void
key_table_remove(struct key_table *table, const struct key *key)
{
	size_t mask = table->capacity - 1, i;
	size_t hole = key_table_home(key_hash(table, key->id)) & mask;

	while (key_table_key(table->slots[hole]) != key)
		hole = (hole + 1) & mask;
	/* Close the gap: move up what would no longer be found behind it. */
	for (i = (hole + 1) & mask; table->slots[i] != 0; i = (i + 1) & mask) {
		uint64_t hash =
		    key_hash(table, key_table_key(table->slots[i])->id);

		if (((i - key_table_home(hash)) & mask) >=
		    ((i - hole) & mask)) {
			table->slots[hole] = table->slots[i];
			hole = i;
		}
	}
	table->slots[hole] = 0;
	table->count--;
}

struct key *
key_table_find(const struct key_table *table, const char id[TOKEN_ID_LEN])
{
	uint64_t hash = key_hash(table, id), slot;
	size_t mask = table->capacity - 1, i = key_table_home(hash);

	if (table->capacity == 0)
		return NULL;
	for (; (slot = table->slots[i & mask]) != 0; i++)
		if ((slot & KEY_TABLE_TAG) == key_table_tag(hash) &&
		    memcmp(key_table_key(slot)->id, id, TOKEN_ID_LEN) == 0)
			return key_table_key(slot);
	return NULL;
}
