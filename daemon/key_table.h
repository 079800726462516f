/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys by their IDs: a hash table as table.h's, in slots of 8 bytes, so
 * that a search stays within one or two cache lines. A slot is a key's address
 * and, in the 16 bits that addresses leave, some of its hash: another key's
 * line is hardly ever touched. At most half full: a search for what is not
 * there, which goes on to a free slot, is then hardly longer than another.
 */
#ifndef DAEMON_KEY_TABLE_H
#define DAEMON_KEY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "keyed_hash.h"
#include "model.h"

struct key_table {
	uint64_t *slots; /* 0: free */
	size_t capacity; /* a power of two, or 0 */
	size_t count;
	uint64_t secret[2]; /* drawn with the first slots */
};

#define KEY_TABLE_TAG UINT64_C(0xFFFF000000000000)

/* IDs are random, but those of imported keys are chosen by whoever imports
 * them. */
static inline uint64_t
key_hash(const struct key_table *table, const char id[TOKEN_ID_LEN])
{
	uint64_t head;
	uint32_t tail;

	memcpy(&head, id, sizeof head);
	memcpy(&tail, id + sizeof head, sizeof tail);
	return keyed_hash_fold(
	    head ^ table->secret[0], tail ^ table->secret[1]);
}

/* Where the search for a hash begins, and what its slots are marked with: of
 * bits that say nothing about the place. */
static inline size_t
key_table_home(uint64_t hash)
{
	return (size_t)(hash >> 32);
}

static inline uint64_t
key_table_tag(uint64_t hash)
{
	return hash << 32 & KEY_TABLE_TAG;
}

static inline struct key *
key_table_key(uint64_t slot)
{
	return (struct key *)(uintptr_t)(slot & ~KEY_TABLE_TAG);
}

/* As those of table.h. */
bool key_table_reserve(struct key_table *table, size_t count);
bool key_table_add(struct key_table *table, struct key *key);
void key_table_remove(struct key_table *table, const struct key *key);
void key_table_free(struct key_table *table);
/* NULL: there is none. */
struct key *
key_table_find(const struct key_table *table, const char id[TOKEN_ID_LEN]);

#endif
