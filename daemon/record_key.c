/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys as records: one K, and as many X as their details take. */
#include <string.h>

#include "record_impl.h"

enum {
	/* Everything of an X record but the details. */
	KEY_MORE_ROOM = 512 - RECORD_HEADER_LEN - MAC_BYTES - 2,
};

_Static_assert(1 + (KEY_DETAILS_MAX + KEY_MORE_ROOM - 1) / KEY_MORE_ROOM <=
	KEY_RECORDS_MAX,
    "the longest details fit the records a key may have");

void
record_name_key(struct record *record, const char *id)
{
	record->name = record_name(RECORD_KEY, id, TOKEN_ID_LEN);
	record->len = 0;
}

void
record_name_key_more(struct record *record, const char *id, size_t n)
{
	uint8_t rest[TOKEN_ID_LEN + 1];

	memcpy(rest, id, TOKEN_ID_LEN);
	rest[TOKEN_ID_LEN] = (uint8_t)n;
	record->name = record_name(RECORD_KEY_MORE, rest, sizeof rest);
	record->len = 0;
}

/* Everything of a K record up to the details. */
static void
write_key_core(struct writer *w, const struct key *key)
{
	static const struct previous_secret no_previous;
	static const struct key_limits no_limits;
	const struct previous_secret *previous =
	    key->previous != NULL ? key->previous : &no_previous;
	const struct key_limits *limits =
	    key->limits != NULL ? key->limits : &no_limits;

	write_u8(w, key->type);
	write_u8(w, key->state);
	write_u8(w, key->permission);
	write_u8(w, key->flags & (uint8_t)~KEY_STAGED);
	write_bytes(w, key->hash, TOKEN_HASH_BYTES);
	write_time(w, previous->until);
	write_bytes(w, previous->hash, TOKEN_HASH_BYTES);
	write_time(w, key->created_at);
	write_time(w, key->expires_at);
	write_u32(w, limits->rate_limit);
	write_time(w, limits->rate_per_ms);
	write_u64(w, limits->quota_limit);
	write_u8(w, limits->quota_period);
	write_u16(w, (uint16_t)key->details_len);
	write_string8(w, bytes_of(key->account->slug));
	write_string8(w, bytes_of(key->product->slug));
}

/* What is left of a K record for details: none, where both slugs are long. */
static size_t
room_in_core(const struct writer *w)
{
	return w->failed ? 0 : w->capacity - w->len;
}

size_t
key_more_count(size_t details_len)
{
	return (details_len + KEY_MORE_ROOM - 1) / KEY_MORE_ROOM;
}

static enum record_state
live_state(const struct key *key)
{
	return (key->flags & KEY_STAGED) != 0 ? RECORD_STAGED : RECORD_LIVE;
}

size_t
records_from_key(struct record records[KEY_RECORDS_MAX], const struct key *key)
{
	bool deleted = key->state == KEY_DELETED;
	size_t done, count = 1;
	struct writer w = record_begin(&records[0],
	    record_name(RECORD_KEY, key->id, TOKEN_ID_LEN),
	    deleted ? RECORD_DELETED : live_state(key));

	if (deleted)
		return count;
	write_key_core(&w, key);
	done = room_in_core(&w);
	if (done > key->details_len)
		done = key->details_len;
	write_bytes(&w, key->details, done);
	while (done < key->details_len) {
		struct record *more = &records[count];
		size_t part = key->details_len - done;

		if (part > KEY_MORE_ROOM)
			part = KEY_MORE_ROOM;
		record_name_key_more(more, key->id, count);
		w = record_begin(more, more->name, RECORD_LIVE);
		write_u16(&w, (uint16_t)part);
		write_bytes(&w, key->details + done, part);
		done += part;
		count++;
	}
	return count;
}

static bool
read_key_core(struct reader *r, struct key_record *key)
{
	struct bytes hash, previous;

	key->type = read_u8(r);
	key->state = read_u8(r);
	key->permission = read_u8(r);
	key->flags = read_u8(r);
	hash = read_bytes(r, TOKEN_HASH_BYTES);
	key->previous.until = read_time(r);
	previous = read_bytes(r, TOKEN_HASH_BYTES);
	key->created_at = read_time(r);
	key->expires_at = read_time(r);
	key->limits.rate_limit = read_u32(r);
	key->limits.rate_per_ms = read_time(r);
	key->limits.quota_limit = read_u64(r);
	key->limits.quota_period = read_u8(r);
	key->details_len = read_u16(r);
	if (!record_slug(read_string8(r, SLUG_MAX_LEN), key->account) ||
	    !record_slug(read_string8(r, SLUG_MAX_LEN), key->product) ||
	    r->failed)
		return false;
	memcpy(key->hash, hash.data, TOKEN_HASH_BYTES);
	memcpy(key->previous.hash, previous.data, TOKEN_HASH_BYTES);
	return true;
}

bool
record_to_key(struct record_view *view, struct key_record *key)
{
	struct reader *r = &view->body;
	size_t part;

	memset(key, 0, sizeof *key);
	if (view->name.len != TOKEN_ID_LEN ||
	    !base62_valid((const char *)view->name.data, TOKEN_ID_LEN))
		return false;
	memcpy(key->id, view->name.data, TOKEN_ID_LEN);
	key->staged = view->state == RECORD_STAGED;
	if (view->state == RECORD_DELETED) {
		key->state = KEY_DELETED;
		return record_done(r);
	}
	if (!read_key_core(r, key) || (key->flags & KEY_STAGED) != 0 ||
	    key->state < KEY_ACTIVE || key->state > KEY_REVOKED ||
	    key->details_len > KEY_DETAILS_MAX ||
	    (key->type != KEY_BEARER && key->type != KEY_HMAC) ||
	    (key->permission != PERMISSION_READ &&
		key->permission != PERMISSION_WRITE) ||
	    key->limits.quota_period > QUOTA_TOTAL ||
	    (key->limits.rate_limit != 0 && key->limits.rate_per_ms <= 0))
		return false;
	part = r->left < key->details_len ? r->left : key->details_len;
	key->details = read_bytes(r, part);
	return record_done(r);
}

bool
record_to_key_more(struct record_view *view, struct key_more_record *more)
{
	struct reader *r = &view->body;

	if (view->name.len != TOKEN_ID_LEN + 1)
		return false;
	memcpy(more->id, view->name.data, TOKEN_ID_LEN);
	more->n = view->name.data[TOKEN_ID_LEN];
	more->details = read_bytes(r, read_u16(r));
	return record_done(r) && more->n >= 1 && more->n < KEY_RECORDS_MAX;
}
