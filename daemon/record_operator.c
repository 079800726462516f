/* SPDX-License-Identifier: BSD-2-Clause */
/* Operators, the accounts they are limited to, and their PINs, as records. */
#include <string.h>

#include "record_impl.h"

enum { UID_BYTES = 4 };

static struct record_name
name_of_uid(enum record_kind kind, uint32_t uid, const char *slug)
{
	uint8_t rest[UID_BYTES + SLUG_MAX_LEN];
	struct writer w = writer_over(rest, sizeof rest);

	write_u32(&w, uid);
	write_bytes(&w, slug, strlen(slug));
	return record_name(kind, rest, w.len);
}

/* The uid a record is named by, and the account's slug behind it. */
static uint32_t
read_name(const struct record_view *view, struct bytes *slug)
{
	struct reader r = reader_over(view->name.data, view->name.len);
	uint32_t uid = read_u32(&r);

	*slug = read_bytes(&r, r.left);
	return uid;
}

void
record_from_operator(struct record *record, const struct operator_user *user)
{
	struct writer w =
	    record_begin(record, name_of_uid(RECORD_OPERATOR, user->uid, ""),
		user->deleted ? RECORD_DELETED : RECORD_LIVE);

	/* A tombstone keeps the uid, which is its name. */
	if (user->deleted)
		return;
	write_u8(&w, (uint8_t)user->role);
	write_u8(&w, user->limited);
	write_time(&w, user->created_at);
	write_string8(&w, bytes_of(user->login));
}

bool
record_to_operator(struct record_view *view, struct operator_user *user)
{
	struct reader *r = &view->body;
	struct bytes rest;
	uint8_t role;

	user->uid = read_name(view, &rest);
	user->deleted = view->state == RECORD_DELETED;
	user->sequence = view->sequence;
	if (view->name.len != UID_BYTES)
		return false;
	if (user->deleted)
		return record_done(r);
	role = read_u8(r);
	user->limited = read_u8(r) != 0;
	user->created_at = read_time(r);
	user->role = (enum role)role;
	return record_text(read_string8(r, LOGIN_MAX_LEN), user->login,
		   sizeof user->login) &&
	    record_done(r) && user->login[0] != '\0' && role >= ROLE_AUDITOR &&
	    role <= ROLE_SUPERADMIN;
}

void
record_from_limit(struct record *record, uint32_t uid,
    const struct account *account, bool limited)
{
	record_begin(record, name_of_uid(RECORD_LIMIT, uid, account->slug),
	    limited ? RECORD_LIVE : RECORD_DELETED);
}

bool
record_to_limit(struct record_view *view, struct limit_record *limit)
{
	struct bytes slug;

	limit->uid = read_name(view, &slug);
	limit->live = view->state == RECORD_LIVE;
	return view->name.len > UID_BYTES && record_done(&view->body) &&
	    record_slug(slug, limit->account);
}

void
record_from_pin(struct record *record, const struct pin *pin)
{
	struct writer w =
	    record_begin(record, name_of_uid(RECORD_PIN, pin->uid, ""),
		pin->deleted ? RECORD_DELETED : RECORD_LIVE);

	if (pin->deleted)
		return;
	write_bytes(&w, pin->salt, PIN_SALT_BYTES);
	write_bytes(&w, pin->hash, PIN_HASH_BYTES);
	write_u8(&w, pin->attempts);
	write_time(&w, pin->attempted_at);
}

bool
record_to_pin(struct record_view *view, struct pin *pin)
{
	struct reader *r = &view->body;
	struct bytes rest, salt, hash;

	pin->uid = read_name(view, &rest);
	pin->deleted = view->state == RECORD_DELETED;
	if (view->name.len != UID_BYTES)
		return false;
	if (pin->deleted)
		return record_done(r);
	salt = read_bytes(r, PIN_SALT_BYTES);
	hash = read_bytes(r, PIN_HASH_BYTES);
	pin->attempts = read_u8(r);
	pin->attempted_at = read_time(r);
	if (!record_done(r) || pin->attempts > PIN_TRIES)
		return false;
	memcpy(pin->salt, salt.data, PIN_SALT_BYTES);
	memcpy(pin->hash, hash.data, PIN_HASH_BYTES);
	return true;
}
