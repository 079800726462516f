/* SPDX-License-Identifier: BSD-2-Clause */
/* The index's insides, for index*.c and load*.c alone. */
#ifndef DAEMON_INDEX_IMPL_H
#define DAEMON_INDEX_IMPL_H

#include "index.h"
#include "key_table.h"
#include "order.h"
#include "table.h"

enum { FOREIGN_WORDS = TOKEN_HASH_BYTES / sizeof(uint64_t) };

struct index {
	struct key_table keys;
	struct table accounts, products, operations;
	struct table operators, pins;
	struct table foreign; /* keys, by the hash of a token made elsewhere */
	uint64_t foreign_secret[FOREIGN_WORDS];
	struct order account_order, product_order, key_order, operator_order;
	struct order staged; /* keys of an import, as long as they are */
	size_t staged_count;
	bool staged_live; /* they are in force: only their flags are left */
	struct import_record *imports;
	size_t import_count, import_capacity;
	struct operation *slots; /* OPERATIONS_KEPT of them, by sequence */
	size_t promised;         /* see index_reserve() */
};

void index_free_operators(struct index *index);

/* The position of a key that is on no list. */
#define UNLISTED UINT32_MAX

/* The two halves of index_add_key(): into the tables, and at the end of the
 * list; without memory, the key stays unlisted. */
bool index_file_key(struct index *index, struct key *key);
bool index_list_key(struct index *index, struct key *key);

/* For a key that is to be staged, and comes on the list of keys later: room in
 * all that index_reserve() has made promises of. */
bool index_reserve_staged(struct index *index);

/* Also one that is staged. */
struct key *
index_find_key(const struct index *index, const char id[TOKEN_ID_LEN]);

/* A key in the table of foreign ones, and out of it; nothing where it is none.
 * Room has to be there before. */
bool index_reserve_foreign(struct index *index, const struct key *key);
void index_link_foreign(struct index *index, struct key *key);
void index_unlink_foreign(struct index *index, struct key *key);

/* Whether an import that is not in force yet hides it. */
static inline bool
index_hides(const struct index *index, const struct key *key)
{
	return (key->flags & KEY_STAGED) != 0 && !index->staged_live;
}

/* For a key that is removed: takes it off the list of the staged. */
void index_unstage(struct index *index, struct key *key);
/* Makes it a key like others, at the end of their list; it stays on that of
 * the staged. False where there is no memory: it is on no list. */
bool index_settle_key(struct index *index, struct key *key);
/* In which import a record of this sequence came to be in force; NULL: none. */
const struct import_record *
index_import_of(const struct index *index, uint64_t sequence);
void index_sort_imports(struct index *index);

/* Into a table and at the end of its list; false where there is no memory,
 * and then nothing has changed. */
bool
index_add(struct table *table, struct order *order, uint32_t hash, void *item);

/* Uids follow one another; their products with this do not. */
static inline uint32_t
uid_hash(uint32_t uid)
{
	return uid * 0x9E3779B1U;
}

#endif
