/* SPDX-License-Identifier: BSD-2-Clause */
/* The index's keys whose tokens were made elsewhere, by the tokens' hashes. */
#include <string.h>

#include "index_impl.h"

/* It is a keyed hash, but an import may bring any that it likes. */
static uint32_t
foreign_slot(const struct index *index, const uint8_t hash[TOKEN_HASH_BYTES])
{
	uint64_t word[FOREIGN_WORDS];

	memcpy(word, hash, sizeof word);
	for (size_t i = 0; i < FOREIGN_WORDS; i++)
		word[i] ^= index->foreign_secret[i];
	return (uint32_t)(keyed_hash_fold(word[0], word[1]) ^
	    keyed_hash_fold(word[2], word[3]));
}

const uint8_t *
index_foreign_hash(const struct key *key)
{
	if ((key->flags & KEY_FOREIGN) != 0)
		return key->hash;
	if ((key->flags & KEY_WAS_FOREIGN) != 0 && key->previous != NULL)
		return key->previous->hash;
	return NULL;
}

/* Also one that is staged. */
static struct key *
find_foreign(const struct index *index, const uint8_t hash[TOKEN_HASH_BYTES])
{
	uint32_t slot = foreign_slot(index, hash);
	struct key *key;
	size_t at = 0;

	while ((key = table_next(&index->foreign, slot, &at)) != NULL)
		if (secret_hash_equal(index_foreign_hash(key), hash))
			break;
	return key;
}

struct key *
index_foreign_key(
    const struct index *index, const uint8_t hash[TOKEN_HASH_BYTES])
{
	struct key *key = find_foreign(index, hash);

	return key != NULL && !index_hides(index, key) ? key : NULL;
}

bool
index_reserve_foreign(struct index *index, const struct key *key)
{
	return index_foreign_hash(key) == NULL ||
	    table_reserve(&index->foreign, index->foreign.count + 1);
}

void
index_link_foreign(struct index *index, struct key *key)
{
	const uint8_t *hash = index_foreign_hash(key);

	if (hash != NULL)
		table_add(&index->foreign, foreign_slot(index, hash), key);
}

void
index_unlink_foreign(struct index *index, struct key *key)
{
	const uint8_t *hash = index_foreign_hash(key);

	if (hash != NULL)
		table_remove(&index->foreign, foreign_slot(index, hash), key);
}

bool
index_has_foreign(const struct index *index)
{
	return index->foreign.count > 0;
}

bool
index_has_foreign_hash(
    const struct index *index, const uint8_t hash[TOKEN_HASH_BYTES])
{
	return find_foreign(index, hash) != NULL;
}
