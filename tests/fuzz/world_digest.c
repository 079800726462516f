/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

/* What all objects would be written as, in any order. */

static void
add(struct world_digest *digest, struct record *record, uint64_t sequence,
    const struct keyring *ring)
{
	record_seal(record, sequence, ring);
	for (size_t i = 0; i < MAC_BYTES; i++)
		digest->sum[i] ^=
		    record->data[record->len - (size_t)MAC_BYTES + i];
	digest->records++;
}

static void
add_accounts(const struct world *world, struct world_digest *digest)
{
	struct record record;
	struct account *account;
	size_t position = 0;

	while ((account = index_next_account(world->index, &position))) {
		record_from_account(&record, account);
		add(digest, &record, account->sequence, world->ring);
		for (uint32_t i = 0; i < account->enabled_count; i++) {
			record_from_enabled(
			    &record, account, account->enabled[i], true);
			add(digest, &record, 0, world->ring);
		}
	}
}

static void
add_products(const struct world *world, struct world_digest *digest)
{
	struct record record;
	struct product *product;
	size_t position = 0;

	while ((product = index_next_product(world->index, &position))) {
		record_from_product(&record, product);
		add(digest, &record, product->sequence, world->ring);
	}
}

static void
add_keys(const struct world *world, struct world_digest *digest)
{
	static struct record records[KEY_RECORDS_MAX];
	struct key *key;
	size_t position = 0;

	while ((key = index_next_key(world->index, &position))) {
		size_t count = records_from_key(records, key);

		for (size_t i = 0; i < count; i++)
			add(digest, &records[i], key->sequence, world->ring);
	}
}

static void
add_operators(const struct world *world, struct world_digest *digest)
{
	struct record record;
	struct operator_user *user;
	size_t position = 0;

	while ((user = index_next_operator(world->index, &position))) {
		const struct pin *pin = index_pin(world->index, user->uid);

		record_from_operator(&record, user);
		add(digest, &record, user->sequence, world->ring);
		for (uint32_t i = 0; i < user->account_count; i++) {
			record_from_limit(
			    &record, user->uid, user->accounts[i], true);
			add(digest, &record, 0, world->ring);
		}
		if (pin != NULL) {
			record_from_pin(&record, pin);
			add(digest, &record, 0, world->ring);
		}
	}
}

struct world_digest
world_digest(const struct world *world)
{
	struct world_digest digest;

	memset(&digest, 0, sizeof digest);
	add_accounts(world, &digest);
	add_products(world, &digest);
	add_keys(world, &digest);
	add_operators(world, &digest);
	return digest;
}

bool
world_digest_equal(struct world_digest a, struct world_digest b)
{
	return a.records == b.records && memcmp(a.sum, b.sum, MAC_BYTES) == 0;
}

static void
check_index(const struct world *world)
{
	const struct index *index = world->index;
	struct index_counts counts = index_counts(index);
	struct key_details details;
	struct account *account;
	size_t position = 0, keys = 0;
	struct key *key;

	while ((key = index_next_key(index, &position)) != NULL) {
		fuzz_require(index_key(index, key->id) == key &&
			key_details_read(
			    (struct bytes){key->details, key->details_len},
			    &details),
		    "a key is found, and whole");
		keys++;
	}
	fuzz_require(keys == counts.keys, "no key is forgotten");
	fuzz_require(index_staged(index) == 0, "no import is left half done");
	position = 0;
	while ((account = index_next_account(index, &position)) != NULL)
		keys -= account->keys;
	fuzz_require(keys == 0, "each key is an account's");
}

void
world_check_restart(struct world *world)
{
	struct world_digest before = world_digest(world);

	check_index(world);
	world->results_left = 0;
	world_restart(world);
	fuzz_require(world_digest_equal(before, world_digest(world)),
	    "a restart changes nothing");
	check_index(world);
}
