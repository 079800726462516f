/* SPDX-License-Identifier: BSD-2-Clause */
#include "index_impl.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

struct index *
index_new(void)
{
	struct index *index = calloc(1, sizeof *index);

	if (index == NULL)
		return NULL;
	index->slots = calloc(OPERATIONS_KEPT, sizeof *index->slots);
	if (index->slots == NULL ||
	    !table_reserve(&index->operations, OPERATIONS_KEPT)) {
		free(index->slots);
		free(index);
		return NULL;
	}
	randombytes_buf(index->foreign_secret, sizeof index->foreign_secret);
	return index;
}

static void
account_free(struct account *account)
{
	free(account->enabled);
	free(account);
}

void
index_free(struct index *index)
{
	if (index == NULL)
		return;
	for (size_t i = 0; i < index->key_order.len; i++)
		key_free(index->key_order.items[i]);
	for (size_t i = 0; i < index->staged.len; i++)
		key_free(index->staged.items[i]);
	for (size_t i = 0; i < index->account_order.len; i++)
		if (index->account_order.items[i] != NULL)
			account_free(index->account_order.items[i]);
	for (size_t i = 0; i < index->product_order.len; i++)
		free(index->product_order.items[i]);
	index_free_operators(index);
	free(index->key_order.items);
	free(index->account_order.items);
	free(index->product_order.items);
	key_table_free(&index->keys);
	table_free(&index->accounts);
	table_free(&index->products);
	table_free(&index->operations);
	table_free(&index->foreign);
	free(index->staged.items);
	free(index->imports);
	free(index->slots);
	free(index);
}

/* Lookups */

static uint32_t
text_hash(const char *text)
{
	return table_hash(text, strlen(text));
}

struct account *
index_account(const struct index *index, const char *slug)
{
	uint32_t hash = text_hash(slug);
	struct account *account;
	size_t at = 0;

	while ((account = table_next(&index->accounts, hash, &at)) != NULL)
		if (strcmp(account->slug, slug) == 0)
			break;
	return account;
}

struct product *
index_product(const struct index *index, const char *slug)
{
	uint32_t hash = text_hash(slug);
	struct product *product;
	size_t at = 0;

	while ((product = table_next(&index->products, hash, &at)) != NULL)
		if (strcmp(product->slug, slug) == 0)
			break;
	return product;
}

struct key *
index_find_key(const struct index *index, const char id[TOKEN_ID_LEN])
{
	return key_table_find(&index->keys, id);
}

void
index_expect(const struct index *index, const char id[TOKEN_ID_LEN])
{
	const struct key_table *table = &index->keys;
	size_t home = key_table_home(key_hash(table, id));

	if (table->capacity > 0)
		__builtin_prefetch(&table->slots[home & (table->capacity - 1)]);
}

/* Without a branch between its parts. */
static inline uint64_t
difference(const char a[TOKEN_ID_LEN], const char b[TOKEN_ID_LEN])
{
	uint64_t head[2];
	uint32_t tail[2];

	memcpy(&head[0], a, 8);
	memcpy(&head[1], b, 8);
	memcpy(&tail[0], a + 8, 4);
	memcpy(&tail[1], b + 8, 4);
	return (head[0] ^ head[1]) | (tail[0] ^ tail[1]);
}

/* The slot that stands in, of 8 of which these are taken: the one before which
 * so many are, else the last. In bytes, a slot each, side by side: a loop's
 * turns would tell how many are taken, and there are more of them around a key.
 */
static inline unsigned
stand_in(unsigned taken, unsigned before)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	/* Of byte i, bit i; then 1 where that is set; then all up to it. */
	uint64_t each = taken * ones & UINT64_C(0x8040201008040201);
	uint64_t so_far = ((each + 0x7F * ones) >> 7 & ones) * ones;
	uint64_t other = so_far ^ (before + 1) * ones;
	uint64_t equal = (other - ones) & ~other & 0x80 * ones;

	return (unsigned)__builtin_ctzll(equal | UINT64_C(1) << 63) / 8;
}

/*
 * Whether there is such a key must not show in the time this takes. So a
 * number of slots that nearly every search stays within is always looked at,
 * and what is found is chosen without a branch that depends on it. Where there
 * is no such key, one of those slots stands in for it: memory that is as far
 * away as the key's would be.
 */
struct key_guess
index_guess_key(
    const struct index *index, const char id[TOKEN_ID_LEN], struct key *nobody)
{
	enum { SLOTS = 8, CACHE_LINE = 64 };
	const struct key_table *table = &index->keys;
	uint64_t hash = key_hash(table, id), tag = key_table_tag(hash), slot;
	size_t home = key_table_home(hash), mask = table->capacity - 1;
	unsigned equal = 0, taken = 0, others, pick; /* a bit a slot */
	unsigned count = 0;
	struct key *key;

	if (table->capacity == 0)
		return (struct key_guess){nobody, 1};
	for (size_t i = SLOTS; i-- > 0;) {
		slot = table->slots[(home + i) & mask];
		equal = equal << 1 | ((slot & KEY_TABLE_TAG) == tag);
		taken = taken << 1 | (slot != 0);
		count += slot != 0;
	}
	equal &= taken;
	/* The first that is equal, else one of those that are taken: which, the
	 * hash says, so that all keys stand in about as often. Else one that
	 * is free. */
	others = 1U << stand_in(taken, (unsigned)(hash % 256) * count / 256);
	pick = equal | (others & -(unsigned)(equal == 0));
	slot = table->slots[(home + (unsigned)__builtin_ctz(pick)) & mask];
	slot |= (uintptr_t)nobody & -(uint64_t)(slot == 0);
	key = key_table_key(slot);
	for (size_t at = 0; at < sizeof *key; at += CACHE_LINE)
		__builtin_prefetch((const char *)key + at);
	return (struct key_guess){
	    key, (taken != (1U << SLOTS) - 1) & (equal == 0)};
}

struct key *
index_key_guessed(const struct index *index, const char id[TOKEN_ID_LEN],
    struct key_guess guess, bool *found)
{
	uint64_t same = difference(guess.key->id, id) == 0;
	uint64_t sure = same | guess.none;
	struct key *key = guess.key, *further;

	__asm__("" : "+r"(sure)); /* or it would be several branches */
	*found = (same & (uint64_t)!index_hides(index, key)) != 0;
	if (sure == 0) { /* it may be further on, or the hash another's */
		further = index_key(index, id);
		*found = further != NULL;
		key = further != NULL ? further : key;
	}
	return key;
}

struct key *
index_key(const struct index *index, const char id[TOKEN_ID_LEN])
{
	struct key *key = index_find_key(index, id);

	return key != NULL && !index_hides(index, key) ? key : NULL;
}

struct key *
index_key_by_text(const struct index *index, const char *text, size_t len)
{
	struct key *key;
	const char *id;
	size_t prefix_len;

	if (!key_id_parse(text, len, &id, &prefix_len))
		return NULL;
	key = index_key(index, id);
	if (key == NULL || strlen(key->product->prefix) != prefix_len ||
	    memcmp(key->product->prefix, text, prefix_len) != 0)
		return NULL;
	return key;
}

const struct operation *
index_operation(const struct index *index, uint32_t uid, const char *id)
{
	uint32_t hash = text_hash(id);
	struct operation *operation;
	size_t at = 0;

	while ((operation = table_next(&index->operations, hash, &at)) != NULL)
		if (operation->uid == uid && strcmp(operation->id, id) == 0)
			break;
	return operation;
}

/* Lists */

struct account *
index_next_account(const struct index *index, size_t *position)
{
	return order_next(&index->account_order, position);
}

struct product *
index_next_product(const struct index *index, size_t *position)
{
	return order_next(&index->product_order, position);
}

struct key *
index_next_key(const struct index *index, size_t *position)
{
	return order_next(&index->key_order, position);
}

struct index_counts
index_counts(const struct index *index)
{
	return (struct index_counts){index->accounts.count,
	    index->products.count,
	    index->keys.count - (index->staged_live ? 0 : index->staged_count)};
}

/* Changes */

bool
index_add(struct table *table, struct order *order, uint32_t hash, void *item)
{
	if (!table_reserve(table, table->count + 1) || !order_add(order, item))
		return false;
	return table_add(table, hash, item);
}

bool
index_add_account(struct index *index, struct account *account)
{
	account->usage_id = slug_id(account->slug);
	account->slug_len = (uint8_t)strlen(account->slug);
	return index_add(&index->accounts, &index->account_order,
	    text_hash(account->slug), account);
}

bool
index_add_product(struct index *index, struct product *product)
{
	product->usage_id = slug_id(product->slug);
	product->slug_len = (uint8_t)strlen(product->slug);
	return index_add(&index->products, &index->product_order,
	    text_hash(product->slug), product);
}

/* Into all tables; lists are another matter. */
bool
index_file_key(struct index *index, struct key *key)
{
	if (!index_reserve_foreign(index, key) ||
	    !key_table_add(&index->keys, key))
		return false;
	index_link_foreign(index, key);
	key->account->keys++;
	key->product->keys++;
	return true;
}

bool
index_list_key(struct index *index, struct key *key)
{
	key->position = (uint32_t)index->key_order.len;
	if (order_add(&index->key_order, key))
		return true;
	key->position = UNLISTED;
	return false;
}

bool
index_add_key(struct index *index, struct key *key)
{
	if (!index_list_key(index, key))
		return false;
	if (index_file_key(index, key))
		return true;
	index->key_order.len--;
	return false;
}

void
index_remove_account(struct index *index, struct account *account)
{
	struct operator_user *user;
	size_t position = 0;

	while ((user = index_next_operator(index, &position)) != NULL)
		operator_forget(user, account);
	table_remove(&index->accounts, text_hash(account->slug), account);
	order_remove(&index->account_order, account);
	account_free(account);
}

void
index_remove_product(struct index *index, struct product *product)
{
	struct account *account;
	size_t position = 0;

	while ((account = index_next_account(index, &position)) != NULL)
		index_disable(account, product);
	table_remove(&index->products, text_hash(product->slug), product);
	order_remove(&index->product_order, product);
	free(product);
}

void
index_remove_key(struct index *index, struct key *key)
{
	index_unlink_foreign(index, key);
	index_unstage(index, key);
	key_table_remove(&index->keys, key);
	if (key->position != UNLISTED)
		index->key_order.items[key->position] = NULL;
	key->account->keys--;
	key->product->keys--;
	key_free(key);
}

/* What verifications have left behind, also while the change was under way. */
static void
carry_over(struct key *key, const struct key *old)
{
	key->last_used_at = old->last_used_at;
	key->last_used_address = old->last_used_address;
	if (key->limits != NULL && old->limits != NULL &&
	    key->limits->rate_limit == old->limits->rate_limit &&
	    key->limits->rate_per_ms == old->limits->rate_per_ms) {
		key->limits->level = old->limits->level;
		key->limits->refilled_at = old->limits->refilled_at;
	}
	if (key->limits != NULL && old->limits != NULL &&
	    key->limits->quota_period == old->limits->quota_period) {
		key->limits->quota_start = old->limits->quota_start;
		key->limits->quota_used = old->limits->quota_used;
	}
	if (key->previous != NULL && old->previous != NULL &&
	    memcmp(key->previous->hash, old->previous->hash,
		TOKEN_HASH_BYTES) == 0) {
		key->previous->last_used_at = old->previous->last_used_at;
		key->previous->last_used_address =
		    old->previous->last_used_address;
	}
}

void
index_replace_key(struct index *index, struct key *key, struct key *from)
{
	struct key old = *key;

	index_unlink_foreign(index, key);
	*key = *from;
	key->position = old.position;
	key->flags |= old.flags & KEY_STAGED;
	carry_over(key, &old);
	/* There is room: no key gets a foreign hash that had none. */
	index_link_foreign(index, key);
	*from = old; /* so that key_free() frees what the old one owned */
	key_free(from);
}

bool
index_enable_reserve(struct account *account)
{
	struct product **enabled;

	if (account->enabled_count < account->enabled_capacity)
		return true;
	enabled = reallocarray(
	    account->enabled, account->enabled_count + 1, sizeof *enabled);
	if (enabled == NULL)
		return false;
	account->enabled = enabled;
	account->enabled_capacity = account->enabled_count + 1;
	return true;
}

bool
index_enable(struct account *account, struct product *product)
{
	if (account_may_use(account, product))
		return true;
	if (!index_enable_reserve(account))
		return false;
	account->enabled[account->enabled_count++] = product;
	return true;
}

void
index_disable(struct account *account, const struct product *product)
{
	for (uint32_t i = 0; i < account->enabled_count; i++)
		if (account->enabled[i] == product) {
			account->enabled[i] =
			    account->enabled[--account->enabled_count];
			return;
		}
}

void
index_note_operation(struct index *index, const struct operation *operation)
{
	struct operation *slot =
	    &index->slots[operation->sequence % OPERATIONS_KEPT];

	if (slot->id[0] != '\0')
		table_remove(&index->operations, text_hash(slot->id), slot);
	*slot = *operation;
	table_add(&index->operations, text_hash(slot->id), slot);
}
