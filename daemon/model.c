/* SPDX-License-Identifier: BSD-2-Clause */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "slab.h"

void
key_details_write(struct writer *w, const struct key_details *details)
{
	write_string8(w, details->name);
	write_string8(w, details->environment);
	write_string8(w, details->user);
	write_list(w, &details->scopes);
	write_list(w, &details->services);
	write_list(w, &details->callers);
	write_list(w, &details->allowlist);
	write_string8(w, details->created_by);
	write_time(w, details->rotated_at);
	write_time(w, details->state_at);
	write_string8(w, details->revoked_reason);
	write_string8(w, details->sealed);
	write_string8(w, details->previous_sealed);
}

static struct key_details
read_details(struct reader *r)
{
	struct key_details d;

	d.name = read_string8(r, NAME_MAX_LEN);
	d.environment = read_string8(r, ENVIRONMENT_MAX_LEN);
	d.user = read_string8(r, USER_MAX_LEN);
	d.scopes = read_list(r, SCOPES_MAX, SCOPE_MAX_LEN);
	d.services = read_list(r, SERVICES_MAX, SERVICE_MAX_LEN);
	d.callers = read_list(r, CALLERS_MAX, CALLER_ITEM_MAX);
	d.allowlist = read_list(r, ALLOW_MAX, ALLOW_ITEM_MAX);
	d.created_by = read_string8(r, LOGIN_MAX_LEN);
	d.rotated_at = read_time(r);
	d.state_at = read_time(r);
	d.revoked_reason = read_string8(r, REASON_MAX_LEN);
	d.sealed = read_string8(r, SEALED_MAX);
	d.previous_sealed = read_string8(r, SEALED_MAX);
	return d;
}

bool
key_details_read(struct bytes encoded, struct key_details *details)
{
	struct reader r = reader_over(encoded.data, encoded.len);
	struct list list;
	struct bytes item;
	struct allow_entry entry;
	struct caller caller;

	*details = read_details(&r);
	if (!reader_done(&r))
		return false;
	for (list = details->allowlist; list_next(&list, &item);)
		if (!allow_entry_read(item, &entry))
			return false;
	for (list = details->callers; list_next(&list, &item);)
		if (!caller_read(item, &caller))
			return false;
	return true;
}

struct key_details
key_details(const struct key *key)
{
	struct reader r = reader_over(key->details, key->details_len);

	return read_details(&r);
}

/* Without bounds: key_details_read() has been over all of it. */

static inline struct bytes
take_string(const uint8_t **at)
{
	struct bytes text = {*at + 1, **at};

	*at += 1 + text.len;
	return text;
}

static inline struct list
take_list(const uint8_t **at)
{
	struct list list = {**at, {*at + 1, 0}};

	*at += 1;
	for (size_t i = 0; i < list.count; i++)
		take_string(at);
	list.items.len = (size_t)(*at - list.items.data);
	return list;
}

void
key_details_head(const struct key *key, struct key_details *details)
{
	enum {
		RESTRICTED =
		    KEY_HAS_SERVICES | KEY_HAS_CALLERS | KEY_ALLOWLIST_ON,
	};
	static const struct list none;
	const uint8_t *at = key->details;

	details->name = take_string(&at);
	details->environment = take_string(&at);
	details->user = take_string(&at);
	details->scopes = take_list(&at);
	if ((key->flags & RESTRICTED) != 0) {
		details->services = take_list(&at);
		details->callers = take_list(&at);
		details->allowlist = take_list(&at);
	} else {
		details->services = none;
		details->callers = none;
		details->allowlist = none;
	}
}

bool
allow_entry_read(struct bytes item, struct allow_entry *entry)
{
	struct reader r = reader_over(item.data, item.len);
	struct bytes network = read_bytes(&r, 16);

	if (network.len > 0)
		memcpy(entry->cidr.address.bytes, network.data, 16);
	entry->cidr.prefix_len = read_u8(&r);
	entry->label = read_bytes(&r, r.left);
	return !r.failed && entry->cidr.prefix_len <= 128;
}

void
allow_entry_write(struct writer *w, const struct allow_entry *entry)
{
	write_u8(w, (uint8_t)(ALLOW_ITEM_MIN + entry->label.len));
	write_bytes(w, entry->cidr.address.bytes, 16);
	write_u8(w, entry->cidr.prefix_len);
	write_bytes(w, entry->label.data, entry->label.len);
}

bool
allowlist_has(struct list allowlist, const struct address *address)
{
	struct allow_entry entry;
	struct bytes item;

	while (list_next(&allowlist, &item))
		if (allow_entry_read(item, &entry) &&
		    cidr_contains(&entry.cidr, address))
			return true;
	return false;
}

bool
caller_read(struct bytes item, struct caller *caller)
{
	struct reader r = reader_over(item.data, item.len);

	caller->uid = read_u32(&r);
	caller->login = read_bytes(&r, r.left);
	return !r.failed;
}

void
caller_write(struct writer *w, const struct caller *caller)
{
	write_u8(w, (uint8_t)(4 + caller->login.len));
	write_u32(w, caller->uid);
	write_bytes(w, caller->login.data, caller->login.len);
}

bool
callers_have(struct list callers, uint32_t uid)
{
	struct caller caller;
	struct bytes item;

	while (list_next(&callers, &item))
		if (caller_read(item, &caller) && caller.uid == uid)
			return true;
	return false;
}

size_t
key_id_text(const struct key *key, char out[KEY_ID_SIZE])
{
	const char *prefix = key->product->prefix;
	size_t len = 0;

	/* Of two characters, as a rule. */
	for (; prefix[len] != '\0'; len++)
		out[len] = prefix[len];
	out[len++] = '_';
	memcpy(out + len, key->id, TOKEN_ID_LEN);
	len += TOKEN_ID_LEN;
	out[len] = '\0';
	return len;
}

const char *
key_status_text(const struct key *key, int64_t now)
{
	switch ((enum key_state)key->state) {
	case KEY_DISABLED:
		return "disabled";
	case KEY_REVOKED:
		return "revoked";
	case KEY_DELETED:
		return "deleted";
	case KEY_ACTIVE:
		break;
	}
	return key->expires_at != 0 && now >= key->expires_at ? "expired"
							      : "active";
}

const char *
account_status_text(enum account_status status)
{
	switch (status) {
	case ACCOUNT_PENDING:
		return "pending";
	case ACCOUNT_APPROVED:
		return "approved";
	case ACCOUNT_SUSPENDED:
		return "suspended";
	case ACCOUNT_DELETED:
		break;
	}
	return "deleted";
}

/* FNV-1a: slugs are chosen by our own operators. */
uint64_t
slug_id(const char *slug)
{
	uint64_t id = UINT64_C(0xcbf29ce484222325);

	for (; *slug != '\0'; slug++)
		id = (id ^ (uint8_t)*slug) * UINT64_C(0x100000001b3);
	return id;
}

bool
account_may_use(const struct account *account, const struct product *product)
{
	for (uint32_t i = 0; i < account->enabled_count; i++)
		if (account->enabled[i] == product)
			return true;
	return false;
}

/* Of all keys of the process, as malloc()'s memory is. A key's details are made
 * right after it: they lie beside it, as long as nothing was given back. */
static struct slab cells;

struct key *
key_new(void)
{
	return slab_alloc(&cells, sizeof(struct key));
}

uint8_t *
key_new_details(struct key *key, size_t len)
{
	uint8_t *details = slab_alloc(&cells, len);

	if (details == NULL)
		return NULL;
	if (key->details != NULL)
		slab_free(&cells, key->details, key->details_len);
	key->details = details;
	key->details_len = (uint32_t)len;
	return details;
}

void
key_free(struct key *key)
{
	if (key == NULL)
		return;
	free(key->limits);
	free(key->previous);
	if (key->details != NULL)
		slab_free(&cells, key->details, key->details_len);
	slab_free(&cells, key, sizeof *key);
}
