/* SPDX-License-Identifier: BSD-2-Clause */
#include "view.h"

#include <string.h>

#include "limits.h"

static json_t *
text_or_null(struct bytes text)
{
	return text.len > 0 ? json_stringn((const char *)text.data, text.len)
			    : json_null();
}

static json_t *
time_or_null(int64_t at)
{
	char text[TIME_TEXT_MAX];

	if (at == 0)
		return json_null();
	time_text(at, text);
	return json_string(text);
}

/* Whole seconds where they are whole. */
static json_t *
seconds(int64_t milliseconds)
{
	if (milliseconds % 1000 == 0)
		return json_integer(milliseconds / 1000);
	return json_real((double)milliseconds / 1000);
}

json_t *
view_account(const struct account *account)
{
	json_t *products = json_array();

	for (uint32_t i = 0; i < account->enabled_count; i++)
		json_array_append_new(
		    products, json_string(account->enabled[i]->slug));
	return json_pack("{s:s, s:o, s:s, s:o, s:I, s:o}", "slug",
	    account->slug, "name", text_or_null(bytes_of(account->name)),
	    "status", account_status_text(account->status), "products",
	    products, "keys", (json_int_t)(account->keys - account->staged),
	    "created_at", time_or_null(account->created_at));
}

json_t *
view_product(const struct product *product)
{
	return json_pack("{s:s, s:o, s:s, s:b, s:b, s:o, s:I, s:o}", "slug",
	    product->slug, "name", text_or_null(bytes_of(product->name)),
	    "prefix", product->prefix, "recoverable", product->recoverable,
	    "require_pin", product->require_pin, "max_lifetime_ms",
	    product->max_lifetime_ms != 0
		? json_integer(product->max_lifetime_ms)
		: json_null(),
	    "keys", (json_int_t)(product->keys - product->staged), "created_at",
	    time_or_null(product->created_at));
}

/* null for all accounts: no accounts at all is another matter. */
static json_t *
view_limits(const struct operator_user *user)
{
	json_t *accounts;

	if (!user->limited)
		return json_null();
	accounts = json_array();
	for (uint32_t i = 0; i < user->account_count; i++)
		json_array_append_new(
		    accounts, json_string(user->accounts[i]->slug));
	return accounts;
}

json_t *
view_operator(
    const struct operator_user *user, const struct pin *pin, int64_t now)
{
	const char *state = "none";

	if (pin != NULL)
		state = pin_locked_until(pin, now) != 0 ? "locked" : "set";
	return json_pack("{s:s, s:I, s:s, s:o, s:s, s:o}", "login", user->login,
	    "uid", (json_int_t)user->uid, "role", role_text(user->role),
	    "accounts", view_limits(user), "pin", state, "created_at",
	    time_or_null(user->created_at));
}

static json_t *
view_texts(struct list list)
{
	json_t *array = json_array();
	struct bytes item;

	while (list_next(&list, &item))
		json_array_append_new(array, text_or_null(item));
	return array;
}

/* A caller without a login goes by the number. */
static json_t *
caller_name(const struct caller *caller)
{
	return caller->login.len > 0
	    ? text_or_null(caller->login)
	    : json_sprintf("%u", (unsigned)caller->uid);
}

static json_t *
view_callers(struct list list)
{
	json_t *array = json_array();
	struct caller caller;
	struct bytes item;

	while (list_next(&list, &item))
		if (caller_read(item, &caller))
			json_array_append_new(array, caller_name(&caller));
	return array;
}

static json_t *
view_allowlist(const struct key *key, struct list list)
{
	json_t *entries = json_array();
	struct allow_entry entry;
	struct bytes item;
	char cidr[CIDR_TEXT_MAX];

	while (list_next(&list, &item)) {
		if (!allow_entry_read(item, &entry))
			continue;
		cidr_text(&entry.cidr, cidr);
		json_array_append_new(entries,
		    json_pack("{s:s, s:o}", "cidr", cidr, "label",
			text_or_null(entry.label)));
	}
	return json_pack("{s:b, s:o}", "enabled",
	    (key->flags & KEY_ALLOWLIST_ON) != 0, "entries", entries);
}

static json_t *
view_rate(const struct key_limits *limits)
{
	if (limits == NULL || limits->rate_limit == 0)
		return json_null();
	return json_pack("{s:I, s:o}", "limit", (json_int_t)limits->rate_limit,
	    "per_seconds", seconds(limits->rate_per_ms));
}

static json_t *
view_quota(const struct key_limits *limits, int64_t now)
{
	if (limits == NULL || limits->quota_period == QUOTA_NONE)
		return json_null();
	return json_pack("{s:I, s:s, s:I}", "limit",
	    (json_int_t)limits->quota_limit, "per",
	    quota_period_text((enum quota_period)limits->quota_period), "used",
	    (json_int_t)quota_used(limits, now));
}

static json_t *
address_or_null(const struct address *address)
{
	static const struct address none;
	char text[ADDRESS_TEXT_MAX];

	if (memcmp(address, &none, sizeof none) == 0)
		return json_null();
	address_text(address, text);
	return json_string(text);
}

json_t *
view_key(const struct key *key, int64_t now)
{
	struct key_details d = key_details(key);
	char id[KEY_ID_SIZE];
	static const struct previous_secret none;
	const struct previous_secret *previous = &none;
	json_t *view;

	key_id_text(key, id);
	if (key->previous != NULL && now < key->previous->until)
		previous = key->previous;
	view = json_pack("{s:s, s:s, s:o, s:s, s:s, s:o, s:s, s:o, s:o, s:o, "
			 "s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
			 "s:o, s:o, s:o, s:o, s:o, s:o, s:I}",
	    "id", id, "type", key_type_text((enum key_type)key->type), "name",
	    text_or_null(d.name), "account", key->account->slug, "product",
	    key->product->slug, "environment", text_or_null(d.environment),
	    "permission", permission_text((enum permission)key->permission),
	    "scopes", view_texts(d.scopes), "user", text_or_null(d.user),
	    "services", view_texts(d.services), "callers",
	    view_callers(d.callers), "status", key_status_text(key, now),
	    "created_at", time_or_null(key->created_at), "created_by",
	    text_or_null(d.created_by), "expires_at",
	    time_or_null(key->expires_at), "last_used_at",
	    time_or_null(key->last_used_at), "last_used_address",
	    address_or_null(&key->last_used_address), "rotated_at",
	    time_or_null(d.rotated_at), "previous_secret_until",
	    time_or_null(previous->until), "previous_last_used_at",
	    time_or_null(previous->last_used_at), "previous_last_used_address",
	    address_or_null(&previous->last_used_address), "revoked_at",
	    time_or_null(key->state == KEY_REVOKED ? d.state_at : 0),
	    "revoked_reason", text_or_null(d.revoked_reason), "allowlist",
	    view_allowlist(key, d.allowlist), "rate", view_rate(key->limits),
	    "quota", view_quota(key->limits, now), "sequence",
	    (json_int_t)key->sequence);
	if (view != NULL && (key->flags & KEY_FOREIGN) != 0)
		json_object_set_new(view, "foreign", json_true());
	return view;
}
