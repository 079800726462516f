/* SPDX-License-Identifier: BSD-2-Clause */
/* Once all records have come: whether they fit together, and in what order. */
#include <stdlib.h>
#include <string.h>

#include "load_impl.h"
#include "log.h"

static int
by_key_and_number(const void *a, const void *b)
{
	const struct piece *left = a, *right = b;
	int order = memcmp(left->id, right->id, TOKEN_ID_LEN);

	return order != 0 ? order : (int)left->n - (int)right->n;
}

/*
 * Puts the pieces of one key one behind the other. All of them are written
 * with every change, so none may be missing or of another one.
 */
static bool
join_pieces(struct index *index, const struct piece *pieces, size_t count)
{
	struct key *key = index_find_key(index, pieces[0].id);
	size_t at = 0;

	if (key == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (pieces[i].n != i || pieces[i].sequence != key->sequence ||
		    pieces[i].len > key->details_len - at)
			return false;
		memcpy(key->details + at, pieces[i].data, pieces[i].len);
		at += pieces[i].len;
	}
	return at == key->details_len;
}

static bool
pieces_joined(struct loader *loader)
{
	const struct piece *pieces = loader->pieces;

	if (loader->piece_count > 0)
		qsort(loader->pieces, loader->piece_count,
		    sizeof *loader->pieces, by_key_and_number);
	for (size_t i = 0, count; i < loader->piece_count; i += count) {
		for (count = 1; i + count < loader->piece_count &&
		     memcmp(pieces[i].id, pieces[i + count].id, TOKEN_ID_LEN) ==
			 0;)
			count++;
		if (!join_pieces(loader->index, &pieces[i], count)) {
			log_error("keys.tdb: the pieces of a key do not fit "
				  "together");
			return false;
		}
	}
	return true;
}

static int
accounts_by_age(const void *a, const void *b)
{
	const struct account *left = *(struct account *const *)a;
	const struct account *right = *(struct account *const *)b;

	if (left->created_at != right->created_at)
		return left->created_at < right->created_at ? -1 : 1;
	return strcmp(left->slug, right->slug);
}

static int
products_by_age(const void *a, const void *b)
{
	const struct product *left = *(struct product *const *)a;
	const struct product *right = *(struct product *const *)b;

	if (left->created_at != right->created_at)
		return left->created_at < right->created_at ? -1 : 1;
	return strcmp(left->slug, right->slug);
}

static int
keys_by_age(const void *a, const void *b)
{
	const struct key *left = *(struct key *const *)a;
	const struct key *right = *(struct key *const *)b;

	if (left->created_at != right->created_at)
		return left->created_at < right->created_at ? -1 : 1;
	return memcmp(left->id, right->id, TOKEN_ID_LEN);
}

static int
operators_by_age(const void *a, const void *b)
{
	const struct operator_user *left = *(struct operator_user *const *)a;
	const struct operator_user *right = *(struct operator_user *const *)b;

	if (left->created_at != right->created_at)
		return left->created_at < right->created_at ? -1 : 1;
	return left->uid < right->uid ? -1 : left->uid > right->uid;
}

/* Whether each account and product that was named has come. */
static bool
accounts_complete(const struct index *index)
{
	const struct account *account;
	const struct product *product;
	const char *missing = NULL;
	size_t position = 0;

	while ((account = index_next_account(index, &position)) != NULL)
		if (account->sequence == 0)
			missing = account->slug;
	position = 0;
	while ((product = index_next_product(index, &position)) != NULL)
		if (product->sequence == 0)
			missing = product->slug;
	if (missing != NULL)
		log_error("keys.tdb: %s is named by other records but has "
			  "none of its own",
		    missing);
	return missing == NULL;
}

/* Whether each operator that was named has come, and no other limits than
 * those of operators that have any. */
static bool
operators_complete(const struct index *index)
{
	const struct operator_user *user;
	size_t position = 0;

	while ((user = index_next_operator(index, &position)) != NULL)
		if (user->sequence == 0 ||
		    (user->account_count > 0 && !user->limited)) {
			log_error("keys.tdb: the records of operator %u do "
				  "not fit together",
			    (unsigned)user->uid);
			return false;
		}
	return true;
}

static void
sort_order(struct order *order, int (*compare)(const void *, const void *))
{
	if (order->len > 0)
		qsort(order->items, order->len, sizeof *order->items, compare);
}

/* Keys of imports that came into force are like others; those of one that did
 * not are left to whoever clears them away. */
static bool
imports_settled(struct index *index)
{
	struct order *staged = &index->staged;

	index_sort_imports(index);
	for (size_t i = staged->len; i-- > 0;) {
		struct key *key = staged->items[i];

		if (index_import_of(index, key->sequence) == NULL)
			continue;
		staged->items[i] = NULL;
		if (!index_settle_key(index, key)) {
			log_error("out of memory");
			return false;
		}
	}
	if (index->staged_count == 0)
		index_settle(index, 0); /* for the memory of the list */
	return true;
}

static bool
details_sound(const struct key *key)
{
	struct bytes encoded = {key->details, key->details_len};
	struct key_details details;

	if (key_details_read(encoded, &details))
		return true;
	log_error("keys.tdb: key %.*s has details that make no sense",
	    TOKEN_ID_LEN, key->id);
	return false;
}

bool
load_finish(struct loader *loader)
{
	struct index *index = loader->index;

	if (!accounts_complete(index) || !operators_complete(index) ||
	    !pieces_joined(loader) || !imports_settled(index))
		return false;
	sort_order(&index->account_order, accounts_by_age);
	sort_order(&index->product_order, products_by_age);
	sort_order(&index->key_order, keys_by_age);
	sort_order(&index->operator_order, operators_by_age);
	for (size_t i = 0; i < index->key_order.len; i++) {
		struct key *key = index->key_order.items[i];

		key->position = (uint32_t)i;
		if (!details_sound(key))
			return false;
	}
	return true;
}
