/* SPDX-License-Identifier: BSD-2-Clause */
/* A world against what the daemon shows. */
#include <stdio.h>
#include <string.h>

#include "model.h"

static bool
say(char *text, size_t size, const char *object, const char *what)
{
	snprintf(text, size, "%s: %s", object, what);
	return true;
}

/* What is there where something else should be. */
static bool
say_other(char *text, size_t size, const char *object, const char *what,
    const char *has, const char *should)
{
	snprintf(
	    text, size, "%s: %s %s instead of %s", object, what, has, should);
	return true;
}

static const char *
member(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

/* Both are arrays without repetitions. */
static bool
same_elements(const json_t *some, const json_t *others)
{
	size_t i, k;
	json_t *one, *other;

	if (json_array_size(some) != json_array_size(others))
		return false;
	json_array_foreach (some, i, one) {
		bool found = false;

		json_array_foreach (others, k, other)
			found = found || json_equal(one, other);
		if (!found)
			return false;
	}
	return true;
}

/* Accounts, products, operators */

static bool
products_differ(const struct world *world, int account, const json_t *view)
{
	json_t *products = json_array();
	char slug[WORLD_SLUG_MAX];
	bool same;

	for (int i = 0; i < WORLD_PLACES; i++) {
		world_product(world, i, slug);
		if (world->enabled[account][i])
			json_array_append_new(products, json_string(slug));
	}
	same = same_elements(products, json_object_get(view, "products"));
	json_decref(products);
	return !same;
}

static bool
account_differs(const struct world *world, int account,
    const struct shown *shown, char *text, size_t size)
{
	static const char *const statuses[] = {
	    [ABSENT] = "none",
	    [PENDING] = "pending",
	    [APPROVED] = "approved",
	    [SUSPENDED] = "suspended",
	};
	const char *wanted = statuses[world->accounts[account]], *has;
	char slug[WORLD_SLUG_MAX];
	const json_t *view;

	world_account(world, account, slug);
	view = json_object_get(shown->accounts, slug);
	has = view != NULL ? member(view, "status") : "none";
	if (strcmp(has, wanted) != 0)
		return say_other(text, size, slug, "status", has, wanted);
	return view != NULL && products_differ(world, account, view) &&
	    say(text, size, slug, "other products are enabled");
}

static bool
product_differs(const struct world *world, int product,
    const struct shown *shown, char *text, size_t size)
{
	char slug[WORLD_SLUG_MAX];
	bool is_there;

	world_product(world, product, slug);
	is_there = json_object_get(shown->products, slug) != NULL;
	return is_there != world->products[product] &&
	    say(text, size, slug, is_there ? "is there" : "is missing");
}

static bool
operator_differs(const struct world *world, int which,
    const struct shown *shown, char *text, size_t size)
{
	const struct world_operator *wanted = &world->operators[which];
	char login[WORLD_SLUG_MAX];
	const char *has;
	const json_t *view;

	world_operator_login(world, which, login);
	view = json_object_get(shown->operators, login);
	has = view != NULL ? member(view, "role") : world_role(0);
	if (strcmp(has, world_role(wanted->role)) != 0)
		return say_other(
		    text, size, login, "role", has, world_role(wanted->role));
	return view != NULL &&
	    json_is_array(json_object_get(view, "accounts")) !=
	    wanted->limited &&
	    say(text, size, login, "the accounts it is limited to");
}

/* Keys */

/* A creation that did not tell it: the key is known by its name. */
static void
learn_id(struct world_key *key, const struct shown *shown)
{
	const char *id;
	json_t *view;

	json_object_foreach (shown->keys, id, view)
		if (strcmp(member(view, "name"), key->name) == 0)
			snprintf(key->id, sizeof key->id, "%s", id);
}

static void
adjust_allowlist(const struct world_key *key, json_t *allowlist)
{
	json_t *entries = json_object_get(allowlist, "entries");
	char cidr[40];

	json_object_set_new(allowlist, "enabled", json_boolean(key->allowlist));
	for (int i = 0; i < WORLD_EXTRAS; i++) {
		world_extra(i, cidr);
		if ((key->extras >> i & 1) != 0)
			json_array_append_new(entries,
			    json_pack("{s:s, s:n}", "cidr", cidr, "label"));
	}
}

static bool
allowlists_equal(const json_t *some, const json_t *other)
{
	return json_equal(json_object_get(some, "enabled"),
		   json_object_get(other, "enabled")) &&
	    same_elements(json_object_get(some, "entries"),
		json_object_get(other, "entries"));
}

/* A rate or a quota, which shows what is used, too. */
static bool
limits_equal(const json_t *wanted, const json_t *has)
{
	const char *name;
	json_t *value;

	if (json_is_null(wanted) || json_is_null(has))
		return json_is_null(wanted) && json_is_null(has);
	json_object_foreach ((json_t *)wanted, name, value) {
		const json_t *other = json_object_get(has, name);

		if (json_is_number(value)
			? json_number_value(value) != json_number_value(other)
			: !json_equal(value, other))
			return false;
	}
	return true;
}

static bool
setting_differs(const char *name, const json_t *wanted, const json_t *has)
{
	if (strcmp(name, "allowlist") == 0)
		return !allowlists_equal(wanted, has);
	if (strcmp(name, "rate") == 0 || strcmp(name, "quota") == 0)
		return !limits_equal(wanted, has);
	return !json_equal(wanted, has);
}

static bool
settings_differ(
    const struct world_key *key, const json_t *view, char *text, size_t size)
{
	json_t *settings = world_settings(key->variant, key->name), *value;
	const char *name;
	bool differs = false;

	adjust_allowlist(key, json_object_get(settings, "allowlist"));
	json_object_foreach (settings, name, value)
		if (!differs &&
		    setting_differs(name, value, json_object_get(view, name)))
			differs = say(text, size, key->id, name);
	json_decref(settings);
	return differs;
}

static bool
place_differs(const struct world *world, const struct world_key *key,
    const json_t *view, char *text, size_t size)
{
	char slug[WORLD_SLUG_MAX];
	const char *has = member(view, "account");

	world_account(world, key->account, slug);
	if (strcmp(slug, has) != 0)
		return say_other(text, size, key->id, "account", has, slug);
	has = member(view, "product");
	world_product(world, key->product, slug);
	return strcmp(slug, has) != 0 &&
	    say_other(text, size, key->id, "product", has, slug);
}

static bool
key_differs(const struct world *world, struct world_key *key,
    const struct shown *shown, char *text, size_t size)
{
	static const char *const states[] = {
	    [ACTIVE] = "active",
	    [DISABLED] = "disabled",
	    [REVOKED] = "revoked",
	};
	const json_t *view;
	int64_t sequence;
	const char *has;

	if (key->id[0] == '\0')
		learn_id(key, shown);
	view = json_object_get(shown->keys, key->id);
	if (view == NULL)
		return say(text, size, key->id[0] != '\0' ? key->id : key->name,
		    "the key is missing");
	has = member(view, "status");
	if (strcmp(has, states[key->state]) != 0)
		return say_other(
		    text, size, key->id, "status", has, states[key->state]);
	if (place_differs(world, key, view, text, size) ||
	    settings_differ(key, view, text, size))
		return true;
	sequence = json_integer_value(json_object_get(view, "sequence"));
	if (key->sequence != 0 ? key->sequence != sequence
			       : sequence <= key->newer_than)
		return say(text, size, key->id, "sequence");
	key->sequence = sequence;
	return false;
}

bool
world_differs(
    struct world *world, const struct shown *shown, char *text, size_t size)
{
	int places = world->keeper ? WORLD_PLACES : WORLD_SHARED;

	for (int i = 0; i < places; i++)
		if (account_differs(world, i, shown, text, size) ||
		    product_differs(world, i, shown, text, size))
			return true;
	for (int i = 0; i < WORLD_OPERATORS; i++)
		if (operator_differs(world, i, shown, text, size))
			return true;
	for (int i = 0; i < WORLD_KEYS; i++)
		if (world->keys[i].state != NONE &&
		    key_differs(world, &world->keys[i], shown, text, size))
			return true;
	for (size_t i = 0; i < world->gone_ids.count; i++)
		if (json_object_get(shown->keys, world->gone_ids.texts[i]) !=
		    NULL)
			return say(text, size, world->gone_ids.texts[i],
			    "deleted, and there again");
	return false;
}

bool
world_has(const struct world *world, const char *name)
{
	char slug[WORLD_SLUG_MAX];

	for (int i = 0; i < WORLD_PLACES; i++) {
		world_account(world, i, slug);
		if (world->accounts[i] != ABSENT && strcmp(slug, name) == 0)
			return true;
		world_product(world, i, slug);
		if (world->products[i] && strcmp(slug, name) == 0)
			return true;
	}
	for (int i = 0; i < WORLD_OPERATORS; i++) {
		world_operator_login(world, i, slug);
		if (world->operators[i].role != 0 && strcmp(slug, name) == 0)
			return true;
	}
	for (int i = 0; i < WORLD_KEYS; i++)
		if (world->keys[i].state != NONE &&
		    strcmp(world->keys[i].id, name) == 0)
			return true;
	return false;
}
