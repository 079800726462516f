/* SPDX-License-Identifier: BSD-2-Clause */
#include "key_draft.h"

#include <stdlib.h>
#include <string.h>

#include "instant.h"
#include "limits.h"

void
key_draft_new(struct key_draft *draft, int64_t now)
{
	memset(draft, 0, offsetof(struct key_draft, room));
	draft->key.type = KEY_BEARER;
	draft->key.state = KEY_ACTIVE;
	draft->key.permission = PERMISSION_READ;
	draft->key.created_at = now;
}

void
key_draft_from(struct key_draft *draft, const struct key *key)
{
	memset(draft, 0, offsetof(struct key_draft, room));
	draft->key = *key;
	draft->details = key_details(key);
	if (key->limits != NULL)
		draft->limits = *key->limits;
	if (key->previous != NULL)
		draft->previous = *key->previous;
}

struct writer
key_draft_list_begin(struct key_draft *draft)
{
	return writer_over(
	    draft->room + draft->used, sizeof draft->room - draft->used);
}

struct list
key_draft_list_end(
    struct key_draft *draft, const struct writer *w, size_t count)
{
	draft->used += w->len;
	return (struct list){(uint8_t)count, {w->start, w->len}};
}

/* Writes the list's items but the network's own; returns how many. */
static size_t
write_others(struct writer *w, struct list list, const struct cidr *cidr)
{
	struct allow_entry entry;
	struct bytes item;
	size_t count = 0;

	while (list_next(&list, &item)) {
		if (allow_entry_read(item, &entry) &&
		    memcmp(&entry.cidr, cidr, sizeof *cidr) == 0)
			continue;
		write_string8(w, item);
		count++;
	}
	return count;
}

bool
key_draft_disallow(struct key_draft *draft, const struct cidr *cidr)
{
	size_t before = draft->details.allowlist.count;
	struct writer w = key_draft_list_begin(draft);
	size_t count = write_others(&w, draft->details.allowlist, cidr);

	draft->details.allowlist = key_draft_list_end(draft, &w, count);
	return count < before;
}

bool
key_draft_allow(struct key_draft *draft, const struct allow_entry *entry)
{
	struct writer w = key_draft_list_begin(draft);
	size_t count = write_others(&w, draft->details.allowlist, &entry->cidr);

	if (count >= ALLOW_MAX)
		return false;
	allow_entry_write(&w, entry);
	draft->details.allowlist = key_draft_list_end(draft, &w, count + 1);
	return true;
}

void
key_draft_set_allowlist(struct key_draft *draft, bool enabled)
{
	draft->key.flags &= (uint8_t)~KEY_ALLOWLIST_ON;
	if (enabled)
		draft->key.flags |= KEY_ALLOWLIST_ON;
}

void
key_draft_keep_secret(struct key_draft *draft, int64_t until)
{
	static const struct bytes none;

	draft->previous = (struct previous_secret){.until = until};
	memcpy(draft->previous.hash, draft->key.hash, TOKEN_HASH_BYTES);
	draft->key.flags &= (uint8_t)~KEY_WAS_FOREIGN;
	if (until != 0 && (draft->key.flags & KEY_FOREIGN) != 0)
		draft->key.flags |= KEY_WAS_FOREIGN;
	/* A recoverable one is of no use any more: the new one is revealed. */
	draft->details.previous_sealed =
	    until != 0 && draft->key.type == KEY_HMAC ? draft->details.sealed
						      : none;
}

void
key_draft_new_secret(struct key_draft *draft, const struct keyring *ring,
    char token[TOKEN_MAX + 1])
{
	struct key *key = &draft->key;
	size_t len = secret_new_token(key->product->prefix, key->id, token);
	uint8_t *sealed = draft->room + draft->used;

	secret_hash_token(ring, token, len, key->hash);
	key->flags &= (uint8_t)~KEY_FOREIGN;
	draft->details.sealed = (struct bytes){NULL, 0};
	if (key->type != KEY_HMAC && !key->product->recoverable)
		return;
	draft->details.sealed =
	    (struct bytes){sealed, secret_seal_token(ring, token, len, sealed)};
	draft->used += draft->details.sealed.len;
}

static uint8_t
flags_of(const struct key_draft *draft)
{
	const struct key_details *details = &draft->details;
	uint8_t flags = draft->key.flags &
	    (KEY_ALLOWLIST_ON | KEY_FOREIGN | KEY_WAS_FOREIGN);

	if (details->user.len > 0)
		flags |= KEY_HAS_USER;
	if (details->services.count > 0)
		flags |= KEY_HAS_SERVICES;
	if (details->callers.count > 0)
		flags |= KEY_HAS_CALLERS;
	return flags;
}

static bool
copy_parts(struct key *key, struct key_draft *draft, const struct writer *w)
{
	if (draft->limits.rate_limit != 0 ||
	    draft->limits.quota_period != QUOTA_NONE) {
		key->limits = malloc(sizeof *key->limits);
		if (key->limits == NULL)
			return false;
		rate_reset(&draft->limits, monotonic_ms());
		*key->limits = draft->limits;
	}
	if (draft->previous.until != 0) {
		key->previous = malloc(sizeof *key->previous);
		if (key->previous == NULL)
			return false;
		*key->previous = draft->previous;
	}
	if (key_new_details(key, w->len) == NULL)
		return false;
	memcpy(key->details, w->start, w->len);
	return true;
}

struct key *
key_draft_finish(struct key_draft *draft)
{
	uint8_t encoded[KEY_DETAILS_MAX];
	struct writer w = writer_over(encoded, sizeof encoded);
	struct key *key = key_new();

	if (key == NULL)
		return NULL;
	*key = draft->key;
	key->flags = flags_of(draft);
	key->limits = NULL;
	key->previous = NULL;
	key->details = NULL;
	key_details_write(&w, &draft->details);
	if (!w.failed && copy_parts(key, draft, &w))
		return key;
	key_free(key);
	return NULL;
}
