/* SPDX-License-Identifier: BSD-2-Clause */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apikeyd.h"
#include "operation.h"

/* Names */

void
world_account(const struct world *world, int account, char slug[WORLD_SLUG_MAX])
{
	if (account == WORLD_SHARED)
		snprintf(slug, WORLD_SLUG_MAX, "shared-account");
	else
		snprintf(slug, WORLD_SLUG_MAX, "w%d-account-%d", world->worker,
		    account);
}

void
world_product(const struct world *world, int product, char slug[WORLD_SLUG_MAX])
{
	if (product == WORLD_SHARED)
		snprintf(slug, WORLD_SLUG_MAX, "shared-product");
	else
		snprintf(slug, WORLD_SLUG_MAX, "w%d-product-%d", world->worker,
		    product);
}

void
world_operator_login(
    const struct world *world, int which, char login[WORLD_SLUG_MAX])
{
	snprintf(
	    login, WORLD_SLUG_MAX, "w%d-operator-%d", world->worker, which);
}

uint32_t
world_operator_uid(const struct world *world, int which)
{
	return (uint32_t)(61200 + world->worker * WORLD_OPERATORS + which);
}

const char *
world_role(int role)
{
	static const char *const roles[] = {
	    "none", "auditor", "admin", "superadmin"};

	return roles[role];
}

/* Settings */

static const struct {
	size_t scopes, services, entries;
} sizes[] = {{0, 0, 0}, {1, 1, 0}, {8, 2, 3}, {32, 16, 61}};

size_t
world_entries(uint32_t variant)
{
	return sizes[variant & VARIANT_SIZE].entries;
}

static json_t *
texts(size_t count, const char *what, int width)
{
	json_t *list = json_array();
	char text[80];

	for (size_t i = 0; i < count; i++) {
		snprintf(text, sizeof text, "%s.%02zu-%0*d", what, i, width, 0);
		json_array_append_new(list, json_string(text));
	}
	return list;
}

static json_t *
allow_entries(size_t count)
{
	json_t *list = json_array();
	char cidr[40];

	for (size_t i = 0; i < count; i++) {
		snprintf(cidr, sizeof cidr, "198.51.100.%zu/32", i);
		json_array_append_new(list,
		    json_pack("{s:s, s:s}", "cidr",
			i == 0 ? "203.0.113.0/24" : cidr, "label",
			"a label that is long enough to fill a record quickly"
			" 0123456789"));
	}
	return list;
}

void
world_extra(int which, char cidr[40])
{
	snprintf(cidr, 40, "203.0.113.%d/32", which + 1);
}

/* So high that nobody gets there, but for null. */
static json_t *
limit_of(bool is_limited, const char *per, json_t *value)
{
	json_t *limit = is_limited
	    ? json_pack("{s:i, s:O}", "limit", 1000000000, per, value)
	    : json_null();

	json_decref(value);
	return limit;
}

json_t *
world_settings(uint32_t variant, const char *name)
{
	size_t size = variant & VARIANT_SIZE;
	json_t *services = texts(sizes[size].services, "service", 40);

	if (sizes[size].services > 0)
		json_array_append_new(services, json_string("crash"));
	if (json_array_size(services) > 16)
		json_array_remove(services, 0);
	return json_pack(
	    "{s:s, s:s, s:s?, s:o, s:o, s:{s:b, s:o}, s:o, s:o, s:s?}", "name",
	    name, "permission", variant & VARIANT_WRITE ? "write" : "read",
	    "environment", variant & VARIANT_PRODUCTION ? "production" : NULL,
	    "scopes", texts(sizes[size].scopes, "scope", 50), "services",
	    services, "allowlist", "enabled", sizes[size].entries > 0,
	    "entries", allow_entries(sizes[size].entries), "rate",
	    limit_of(
		(variant & VARIANT_RATE) != 0, "per_seconds", json_integer(60)),
	    "quota",
	    limit_of(
		(variant & VARIANT_QUOTA) != 0, "per", json_string("total")),
	    "expires_at",
	    variant & VARIANT_EXPIRES ? "2099-12-31T23:59:59Z" : NULL);
}

/* Applying */

/* An operation ends the life of so many tokens and keys at most. */
enum { APPENDS_MAX = 4 };

static void
reserve(struct world_list *list, size_t more)
{
	if (list->count + more <= list->room)
		return;
	list->room = 2 * list->room + more;
	list->texts =
	    reallocarray(list->texts, list->room, sizeof *list->texts);
	if (list->texts == NULL)
		bail_out("out of memory");
}

static void
append(struct world_list *list, const char *text)
{
	if (text[0] == '\0')
		return;
	reserve(list, 1);
	snprintf(list->texts[list->count++], sizeof *list->texts, "%s", text);
}

struct world
world_copy(struct world *world)
{
	/* The copy appends to the same texts, which must stay where they are;
	 * what is beyond count is nobody's. */
	reserve(&world->dead_tokens, APPENDS_MAX);
	reserve(&world->gone_ids, APPENDS_MAX);
	return *world;
}

static void
copy_member(const json_t *object, const char *name, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(object, name));

	snprintf(out, size, "%s", text != NULL ? text : "");
}

static void
delete_key(struct world *world, struct world_key *key)
{
	append(&world->dead_tokens, key->token);
	append(&world->dead_tokens, key->previous);
	append(&world->gone_ids, key->id);
	*key = (struct world_key){.state = NONE};
}

static void
rotate_key(struct world *world, struct world_key *key, bool overlap)
{
	append(&world->dead_tokens, key->previous);
	key->previous[0] = '\0';
	if (overlap)
		memcpy(key->previous, key->token, sizeof key->previous);
	else
		append(&world->dead_tokens, key->token);
	key->token[0] = '\0';
}

static void
set_key(struct world_key *key, uint32_t variant, const char *name)
{
	key->variant = variant;
	key->allowlist = world_entries(variant) > 0;
	key->extras = 0;
	snprintf(key->name, sizeof key->name, "%s", name);
}

static void
import_keys(struct world *world, const struct operation *op)
{
	char name[WORLD_NAME_MAX];

	for (int i = 0; i < WORLD_KEYS; i++) {
		struct world_key *key = &world->keys[i];

		if ((op->keys >> i & 1) == 0)
			continue;
		*key = (struct world_key){.state = ACTIVE,
		    .account = op->account,
		    .product = op->product};
		operation_line_name(op, i, name);
		set_key(key, op->variant, name);
		operation_line_token(op, i, key->token);
	}
}

static void
change_key(
    struct world *world, struct world_key *key, const struct operation *op)
{
	switch (op->kind) {
	case KEY_CREATE:
		*key = (struct world_key){.state = ACTIVE,
		    .account = op->account,
		    .product = op->product};
		/* fall through */
	case KEY_UPDATE:
		set_key(key, op->variant, op->id);
		break;
	case KEY_DISABLE:
		key->state = DISABLED;
		break;
	case KEY_ENABLE:
		key->state = ACTIVE;
		break;
	case KEY_REVOKE:
		key->state = REVOKED;
		break;
	case KEY_ROTATE:
		rotate_key(world, key, op->overlap);
		break;
	case KEY_ALLOW:
		key->extras |= 1U << op->extra;
		break;
	case KEY_DISALLOW:
		key->extras &= ~(1U << op->extra);
		break;
	case KEY_ALLOWLIST:
		key->allowlist = op->on;
		break;
	default:
		delete_key(world, key);
		break;
	}
}

static void
apply_to_key(
    struct world *world, const struct operation *op, const json_t *view)
{
	struct world_key *key = &world->keys[op->key];

	change_key(world, key, op);
	if (key->state == NONE)
		return;
	key->newer_than = key->sequence;
	key->sequence = json_integer_value(json_object_get(view, "sequence"));
	if (key->sequence > world->sequence)
		world->sequence = key->sequence;
	if (op->kind == KEY_CREATE)
		copy_member(view, "id", key->id, sizeof key->id);
	if (op->kind == KEY_CREATE || op->kind == KEY_ROTATE)
		copy_member(view, "token", key->token, sizeof key->token);
}

void
world_apply(
    struct world *world, const struct operation *op, const json_t *answer)
{
	const json_t *view = json_object_get(answer, "key");

	switch (op->kind) {
	case ACCOUNT_CREATE:
		world->accounts[op->account] = PENDING;
		break;
	case ACCOUNT_APPROVE:
		world->accounts[op->account] = APPROVED;
		break;
	case ACCOUNT_SUSPEND:
		world->accounts[op->account] = SUSPENDED;
		break;
	case ACCOUNT_DELETE:
		world->accounts[op->account] = ABSENT;
		for (int i = 0; i < WORLD_PLACES; i++)
			world->enabled[op->account][i] = false;
		break;
	case PRODUCT_CREATE:
		world->products[op->product] = true;
		break;
	case PRODUCT_DELETE:
		world->products[op->product] = false;
		for (int i = 0; i < WORLD_PLACES; i++)
			world->enabled[i][op->product] = false;
		break;
	case PRODUCT_ENABLE:
	case PRODUCT_DISABLE:
		world->enabled[op->account][op->product] =
		    op->kind == PRODUCT_ENABLE;
		break;
	case OPERATOR_ADD:
	case OPERATOR_REMOVE:
		world->operators[op->user] = op->as;
		break;
	case KEY_IMPORT:
		import_keys(world, op);
		break;
	default:
		/* apikeyctl prints the key alone. */
		apply_to_key(world, op, view != NULL ? view : answer);
		break;
	}
}

void
world_give_up(struct world *world, const struct operation *import)
{
	char token[WORLD_TOKEN_MAX];

	for (int i = 0; i < WORLD_KEYS; i++) {
		if ((import->keys >> i & 1) == 0)
			continue;
		operation_line_token(import, i, token);
		append(&world->dead_tokens, token);
	}
}

/* Expecting */

static bool
lets_in(const struct world_key *key)
{
	/* The first entry of the settings covers it, the first extra is it. */
	return !key->allowlist || world_entries(key->variant) > 0 ||
	    (key->extras & 1) != 0;
}

static uint32_t
expected_verdicts(const struct world *world, const struct world_key *key)
{
	uint32_t best =
	    1U << (lets_in(key) ? APIKEY_VALID : APIKEY_ADDRESS_DENIED);

	if (key->state == REVOKED)
		return 1U << APIKEY_REVOKED;
	if (key->state == DISABLED)
		return 1U << APIKEY_DISABLED;
	if (key->account == WORLD_SHARED && world->unsure)
		return best | 1U << APIKEY_ACCOUNT_INACTIVE |
		    1U << APIKEY_PRODUCT_DISABLED;
	if (world->accounts[key->account] != APPROVED)
		return 1U << APIKEY_ACCOUNT_INACTIVE;
	if (!world->enabled[key->account][key->product])
		return 1U << APIKEY_PRODUCT_DISABLED;
	return best;
}

size_t
world_expect(const struct world *world,
    struct expectation expectations[WORLD_EXPECTATIONS])
{
	size_t count = 0;

	for (int i = 0; i < WORLD_KEYS; i++) {
		const struct world_key *key = &world->keys[i];
		uint32_t verdicts = expected_verdicts(world, key);

		if (key->token[0] != '\0')
			expectations[count++] =
			    (struct expectation){key->token, "token", verdicts};
		if (key->previous[0] != '\0')
			expectations[count++] = (struct expectation){
			    key->previous, "token in its overlap", verdicts};
	}
	return count;
}

struct expectation
world_expect_dead(const struct world *world, size_t which)
{
	const char *token = world->dead_tokens.texts[which];
	bool is_foreign = strncmp(token, "foreign-", 8) == 0;

	return (struct expectation){token, "token that is no more",
	    1U << (is_foreign ? APIKEY_MALFORMED : APIKEY_UNKNOWN)};
}
