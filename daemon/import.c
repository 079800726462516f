/* SPDX-License-Identifier: BSD-2-Clause */
#include "import.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

enum {
	CLEAR_KEYS_MAX = 200, /* a change */
	CLEAR_WRITES_MAX = 1000,
	SETTLE_KEYS = 1000, /* a turn of the loop */
};

struct import_slice {
	struct store_change store; /* first: what the store hands back */
	struct import *import;
	uint64_t first_line, last_line;
	size_t capacity; /* of store.writes */
	size_t key_count;
	struct key *keys[SLICE_KEYS_MAX];
};

struct import *
import_new(struct index *index, struct store *store)
{
	struct import *import = calloc(1, sizeof *import);

	if (import == NULL)
		return NULL;
	import->index = index;
	import->store = store;
	return import;
}

void
import_free(struct import *import)
{
	if (import != NULL) {
		free(import->pairs);
		table_free(&import->pair_table);
	}
	free(import);
}

/* Staging */

struct import_slice *
import_slice_new(struct import *import, uint64_t line)
{
	struct import_slice *slice = calloc(1, sizeof *slice);

	if (slice == NULL)
		return NULL;
	slice->import = import;
	slice->first_line = line;
	return slice;
}

static bool
make_room_for_pair(struct import *import)
{
	size_t capacity = 2 * import->pair_capacity + 16;
	struct import_pair *pairs;

	if (import->pair_count < import->pair_capacity)
		return true;
	pairs = reallocarray(import->pairs, capacity, sizeof *pairs);
	if (pairs == NULL)
		return false;
	import->pairs = pairs;
	import->pair_capacity = capacity;
	return true;
}

static bool
note_pair(struct import *import, const struct key *key)
{
	struct import_pair pair = {key->account, key->product};
	uint32_t hash = table_hash(&pair, sizeof pair);
	size_t at = 0;
	uintptr_t found; /* place in pairs, from 1 */

	while ((found = (uintptr_t)table_next(
		    &import->pair_table, hash, &at)) != 0)
		if (memcmp(&import->pairs[found - 1], &pair, sizeof pair) == 0)
			return true;
	if (!make_room_for_pair(import) ||
	    !table_add(&import->pair_table, hash,
		(void *)(uintptr_t)(import->pair_count + 1)))
		return false;
	import->pairs[import->pair_count++] = pair;
	return true;
}

static struct store_write *
more_writes(struct import_slice *slice, size_t count)
{
	struct store_change *store = &slice->store;
	struct store_write *writes = store->writes;

	if (store->count + count > slice->capacity) {
		size_t capacity = 2 * slice->capacity + count + 64;

		writes = reallocarray(writes, capacity, sizeof *writes);
		if (writes == NULL)
			return NULL;
		store->writes = writes;
		slice->capacity = capacity;
	}
	store->count += count;
	return writes + store->count - count;
}

static bool
write_key(struct import_slice *slice, const struct key *key)
{
	struct record records[KEY_RECORDS_MAX];
	size_t count = records_from_key(records, key);
	struct store_write *writes = more_writes(slice, count);

	for (size_t i = 0; writes != NULL && i < count; i++)
		writes[i] = (struct store_write){records[i], false, true};
	return writes != NULL;
}

bool
import_slice_add(struct import_slice *slice, struct key *key)
{
	struct import *import = slice->import;

	if (slice->key_count == SLICE_KEYS_MAX || !note_pair(import, key) ||
	    !index_stage_key(import->index, key)) {
		key_free(key);
		return false;
	}
	slice->keys[slice->key_count++] = key;
	import->keys++;
	return write_key(slice, key);
}

static void
note_result(struct import *import, const struct import_slice *slice)
{
	uint64_t sequence = slice->store.sequence;

	if (slice->store.result == STORE_OK) {
		for (size_t i = 0; i < slice->key_count; i++)
			slice->keys[i]->sequence = sequence;
		if (import->first == 0)
			import->first = sequence;
		import->last = sequence;
	} else if (import->failure.error == NULL) {
		refuse(&import->failure,
		    slice->store.result == STORE_EXISTS ? "Conflict"
							: "StoreFailed",
		    "lines %llu to %llu: %s",
		    (unsigned long long)slice->first_line,
		    (unsigned long long)slice->last_line,
		    slice->store.result == STORE_EXISTS
			? "one of these key IDs was deleted from this store, "
			  "and no deleted ID is used again"
			: store_result_text(slice->store.result));
	}
}

static void
slice_free(struct import_slice *slice)
{
	free(slice->store.writes);
	free(slice);
}

static void clear_step(struct import *import);

static void
on_slice_done(struct store_change *store)
{
	struct import_slice *slice = (struct import_slice *)store;
	struct import *import = slice->import;

	note_result(import, slice);
	slice_free(slice);
	import->pending--;
	if (import->stage == IMPORT_CLEARING)
		clear_step(import);
	else
		import->eased(import);
}

void
import_slice_submit(struct import_slice *slice, uint64_t last_line)
{
	if (slice->key_count == 0) {
		slice_free(slice);
		return;
	}
	slice->last_line = last_line;
	slice->store.done = on_slice_done;
	slice->store.operation.uid = slice->import->uid;
	slice->import->pending++;
	store_submit(slice->import->store, &slice->store);
}

/* Clearing away */

struct clearing {
	struct store_change store; /* first */
	struct import *import;
	size_t count;
	struct key *keys[CLEAR_KEYS_MAX];
	struct store_write writes[CLEAR_WRITES_MAX];
};

/* Out of the index they go even where the store failed, or there is no memory
 * to tell it: they were never in force, and must not be with the next import.
 * What is left of them on disk is found at the next start. */
static void
forget_keys(struct import *import, struct key **keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		index_remove_key(import->index, keys[i]);
}

static void
on_cleared(struct store_change *store)
{
	struct clearing *clearing = (struct clearing *)store;
	struct import *import = clearing->import;

	if (store->result != STORE_OK)
		log_warning("%zu staged keys of an import that was given up "
			    "stay in the store until the next start: %s",
		    clearing->count, store_result_text(store->result));
	forget_keys(import, clearing->keys, clearing->count);
	free(clearing);
	import->pending--;
	clear_step(import);
}

static void
add_erasure(struct clearing *clearing, struct key *key, size_t records)
{
	clearing->keys[clearing->count++] = key;
	for (size_t i = 0; i < records; i++) {
		struct store_write *write =
		    &clearing->writes[clearing->store.count++];

		write->erase = true;
		if (i == 0)
			record_name_key(&write->record, key->id);
		else
			record_name_key_more(&write->record, key->id, i);
	}
}

static void
clear_step(struct import *import)
{
	struct key *keys[CLEAR_KEYS_MAX];
	struct clearing *clearing = NULL;
	size_t count;

	if (import->pending > 0 || import->stopping)
		return;
	while ((count = index_staged_last(
		    import->index, keys, CLEAR_KEYS_MAX)) > 0 &&
	    (clearing = calloc(1, sizeof *clearing)) == NULL) {
		log_error("out of memory: %zu staged keys of an import that "
			  "was given up stay in the store until the next start",
		    count);
		forget_keys(import, keys, count);
	}
	if (clearing == NULL) {
		import->ended(import);
		return;
	}
	clearing->import = import;
	clearing->store.writes = clearing->writes;
	clearing->store.done = on_cleared;
	for (size_t i = 0; i < count; i++) {
		size_t records = 1 + key_more_count(keys[i]->details_len);

		if (clearing->store.count + records > CLEAR_WRITES_MAX)
			break;
		add_erasure(clearing, keys[i], records);
	}
	import->pending++;
	store_submit(import->store, &clearing->store);
}

void
import_clear(struct import *import)
{
	import->stage = IMPORT_CLEARING;
	clear_step(import);
}

bool
import_portion(struct import *import)
{
	if (import->stage != IMPORT_SETTLING)
		return false;
	if (index_settle(import->index, SETTLE_KEYS))
		return true;
	import->ended(import);
	return false;
}
