/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys of an import, from when they are staged to when they are like others. */
#include <stdlib.h>
#include <string.h>

#include "index_impl.h"
#include "log.h"

bool
index_stage_key(struct index *index, struct key *key)
{
	key->flags |= KEY_STAGED;
	key->position = UNLISTED;
	if (!index_reserve_staged(index) || !order_add(&index->staged, key))
		return false;
	if (!index_file_key(index, key)) {
		index->staged.len--;
		return false;
	}
	index->staged_count++;
	key->account->staged++;
	key->product->staged++;
	return true;
}

static void
drop_tail(struct order *staged)
{
	while (staged->len > 0 && staged->items[staged->len - 1] == NULL)
		staged->len--;
}

static void
uncount(struct index *index, struct key *key)
{
	key->flags &= (uint8_t)~KEY_STAGED;
	key->account->staged--;
	key->product->staged--;
	index->staged_count--;
}

bool
index_settle_key(struct index *index, struct key *key)
{
	uncount(index, key);
	return index_list_key(index, key);
}

void
index_unstage(struct index *index, struct key *key)
{
	struct order *staged = &index->staged;

	if ((key->flags & KEY_STAGED) == 0)
		return;
	/* An import that is given up takes them from the end. */
	for (size_t i = staged->len; i-- > 0;)
		if (staged->items[i] == key) {
			staged->items[i] = NULL;
			break;
		}
	drop_tail(staged);
	uncount(index, key);
}

bool
index_has_id(const struct index *index, const char id[TOKEN_ID_LEN])
{
	return index_find_key(index, id) != NULL;
}

size_t
index_staged(const struct index *index)
{
	return index->staged_count;
}

size_t
index_staged_last(const struct index *index, struct key **keys, size_t max)
{
	const struct order *staged = &index->staged;
	size_t count = 0;

	for (size_t i = staged->len; i-- > 0 && count < max;)
		if (staged->items[i] != NULL)
			keys[count++] = staged->items[i];
	return count;
}

void
index_stage_live(struct index *index)
{
	index->staged_live = true;
}

bool
index_settle(struct index *index, size_t count)
{
	struct order *staged = &index->staged;

	for (drop_tail(staged); count > 0 && staged->len > 0; count--) {
		if (!index_settle_key(index, staged->items[--staged->len]))
			log_error("out of memory: an imported key is on no "
				  "list until the next start");
		drop_tail(staged);
	}
	if (staged->len > 0)
		return true;
	free(staged->items);
	*staged = (struct order){NULL, 0, 0};
	index->staged_live = false;
	return false;
}

/* The imports that came into force, in order. */

static int
by_first(const void *a, const void *b)
{
	const struct import_record *left = a, *right = b;

	return left->first < right->first ? -1 : left->first > right->first;
}

void
index_sort_imports(struct index *index)
{
	if (index->import_count > 0)
		qsort(index->imports, index->import_count,
		    sizeof *index->imports, by_first);
}

/* The last one that did not begin after this sequence; NULL: none. */
static const struct import_record *
begun_before(const struct index *index, uint64_t sequence)
{
	size_t low = 0, high = index->import_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (index->imports[middle].first <= sequence)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? &index->imports[low - 1] : NULL;
}

const struct import_record *
index_import_of(const struct index *index, uint64_t sequence)
{
	const struct import_record *import = begun_before(index, sequence);

	return import != NULL && sequence <= import->last ? import : NULL;
}

const struct import_record *
index_import(const struct index *index, uint64_t first)
{
	const struct import_record *import = begun_before(index, first);

	return import != NULL && import->first == first ? import : NULL;
}
