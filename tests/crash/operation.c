/* SPDX-License-Identifier: BSD-2-Clause */
#include "operation.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "tests/random.h"

enum { OVERLAP_MS = 7 * 86400000 };

/* Choosing */

static bool
has_keys(const struct world *world, int account, int product)
{
	for (int i = 0; i < WORLD_KEYS; i++)
		if (world->keys[i].state != NONE &&
		    (account < 0 || world->keys[i].account == account) &&
		    (product < 0 || world->keys[i].product == product))
			return true;
	return false;
}

bool
operation_makes_tokens(const struct operation *op)
{
	return op->kind == KEY_CREATE || op->kind == KEY_ROTATE ||
	    op->kind == KEY_IMPORT;
}

bool
operation_takes_away(const struct operation *op)
{
	return op->kind == ACCOUNT_SUSPEND || op->kind == ACCOUNT_DELETE ||
	    op->kind == PRODUCT_DISABLE || op->kind == PRODUCT_DELETE ||
	    op->kind == OPERATOR_REMOVE || op->kind == KEY_DISABLE ||
	    op->kind == KEY_REVOKE || op->kind == KEY_DISALLOW ||
	    op->kind == KEY_DELETE;
}

bool
operation_is_shared(const struct operation *op)
{
	if (op->kind <= ACCOUNT_DELETE)
		return op->account == WORLD_SHARED;
	if (op->kind <= PRODUCT_DISABLE)
		return op->product == WORLD_SHARED;
	if (op->kind == KEY_CREATE)
		return op->account == WORLD_SHARED;
	return false;
}

/* By the role, and by who keeps what is shared. */
static bool
is_allowed(const struct world *world, const struct operation *op)
{
	bool is_pair = op->kind == PRODUCT_ENABLE ||
	    op->kind == PRODUCT_DISABLE || op->kind == KEY_CREATE ||
	    op->kind == KEY_IMPORT;

	if (is_pair &&
	    (op->account == WORLD_SHARED) != (op->product == WORLD_SHARED))
		return false;
	if (op->kind == KEY_IMPORT)
		return op->account != WORLD_SHARED;
	if (op->kind >= KEY_CREATE)
		return true;
	if (!world->superadmin)
		return false;
	if (op->kind >= OPERATOR_ADD || !operation_is_shared(op))
		return true;
	/* Others have keys there. */
	return world->keeper &&
	    (op->kind == ACCOUNT_APPROVE || op->kind == ACCOUNT_SUSPEND ||
		op->kind == PRODUCT_ENABLE || op->kind == PRODUCT_DISABLE);
}

static bool
key_makes_sense(const struct world *world, const struct operation *op)
{
	const struct world_key *key = &world->keys[op->key];
	bool is_known = key->state != NONE && key->id[0] != '\0';
	bool is_changeable =
	    is_known && (key->state == ACTIVE || key->state == DISABLED);
	bool is_open = world->accounts[op->account] == APPROVED &&
	    world->enabled[op->account][op->product];

	switch (op->kind) {
	case KEY_CREATE:
		return key->state == NONE && is_open;
	case KEY_IMPORT:
		return op->keys != 0 && is_open;
	case KEY_DISABLE:
		return is_changeable && key->state == ACTIVE;
	case KEY_ENABLE:
		return is_changeable && key->state == DISABLED;
	case KEY_ALLOW:
		return is_changeable && (key->extras >> op->extra & 1) == 0;
	case KEY_DISALLOW:
		return is_changeable && (key->extras >> op->extra & 1) != 0;
	case KEY_DELETE:
		return is_known;
	default:
		return is_changeable;
	}
}

static bool
makes_sense(const struct world *world, const struct operation *op)
{
	const struct world_operator *user = &world->operators[op->user];
	enum world_status account = world->accounts[op->account];
	bool product = world->products[op->product];
	bool enabled = world->enabled[op->account][op->product];

	switch (op->kind) {
	case ACCOUNT_CREATE:
		return account == ABSENT;
	case ACCOUNT_APPROVE:
		return account == PENDING || account == SUSPENDED;
	case ACCOUNT_SUSPEND:
		return account == APPROVED;
	case ACCOUNT_DELETE:
		return account != ABSENT && !has_keys(world, op->account, -1);
	case PRODUCT_CREATE:
		return !product;
	case PRODUCT_DELETE:
		return product && !has_keys(world, -1, op->product);
	case PRODUCT_ENABLE:
		return product && account != ABSENT && !enabled;
	case PRODUCT_DISABLE:
		return enabled;
	case OPERATOR_ADD:
		return user->role != op->as.role;
	case OPERATOR_REMOVE:
		return user->role != 0;
	default:
		return key_makes_sense(world, op);
	}
}

/* Up to so many places that are free. */
static unsigned
free_keys(const struct world *world, int count)
{
	unsigned keys = 0;

	for (int i = 0; i < WORLD_KEYS && count > 0; i++) {
		if (world->keys[i].state != NONE)
			continue;
		keys |= 1U << i;
		count--;
	}
	return keys;
}

static enum operation_kind
choose_kind(uint64_t r)
{
	/* Keys are what there is most of; a revoked one makes room soon. */
	static const enum operation_kind often[] = {KEY_CREATE, KEY_CREATE,
	    KEY_CREATE, KEY_UPDATE, KEY_UPDATE, KEY_REVOKE, KEY_ROTATE,
	    KEY_ROTATE, KEY_DISABLE, KEY_ENABLE, KEY_ENABLE, KEY_DELETE,
	    ACCOUNT_APPROVE, ACCOUNT_CREATE, PRODUCT_ENABLE, PRODUCT_CREATE};
	enum { OFTEN = sizeof often / sizeof often[0] };

	return r % 4 != 0 ? often[(r >> 2) % OFTEN]
			  : (enum operation_kind)((r >> 2) % OPERATION_KINDS);
}

void
operation_choose(const struct world *world, uint64_t *random, const char *id,
    struct operation *op)
{
	*op = (struct operation){.kind = ACCOUNT_CREATE};
	snprintf(op->id, sizeof op->id, "%s", id);
	do {
		uint64_t r = next_random(random), s = next_random(random);

		op->kind = choose_kind(r);
		op->account = (int)(r >> 16 & 0xff) % WORLD_PLACES;
		op->product = (int)(r >> 24 & 0xff) % WORLD_PLACES;
		op->key = (int)(r >> 32 & 0xff) % WORLD_KEYS;
		op->variant = (uint32_t)(s & VARIANT_ALL);
		if ((s >> 48 & 3) == 0) /* as apikeyctl can say it */
			op->variant &= VARIANT_PLAIN;
		op->overlap = (s >> 8 & 1) != 0;
		op->extra = (int)(s >> 12 & 0xff) % WORLD_EXTRAS;
		op->keys = free_keys(world, 1 + (int)(s >> 20 & 3));
		op->on = !world->keys[op->key].allowlist;
		op->user = (int)(s >> 24 & 0xff) % WORLD_OPERATORS;
		op->as = (struct world_operator){0};
		if (op->kind == OPERATOR_ADD)
			op->as.role = 1 + (int)(s >> 32 & 0xff) % 3;
		/* A superadmin is not limited. */
		op->as.limited =
		    (op->as.role == 1 || op->as.role == 2) && (s >> 40 & 1);
	} while (!is_allowed(world, op) || !makes_sense(world, op));
	snprintf(op->key_id, sizeof op->key_id, "%s", world->keys[op->key].id);
}

/* Calling */

const char *
operation_method(const struct operation *op)
{
	static const char *const methods[OPERATION_KINDS] = {
	    [ACCOUNT_CREATE] = "CreateAccount",
	    [ACCOUNT_APPROVE] = "ApproveAccount",
	    [ACCOUNT_SUSPEND] = "SuspendAccount",
	    [ACCOUNT_DELETE] = "DeleteAccount",
	    [PRODUCT_CREATE] = "CreateProduct",
	    [PRODUCT_DELETE] = "DeleteProduct",
	    [PRODUCT_ENABLE] = "EnableProduct",
	    [PRODUCT_DISABLE] = "DisableProduct",
	    [OPERATOR_ADD] = "AddOperator",
	    [OPERATOR_REMOVE] = "RemoveOperator",
	    [KEY_CREATE] = "CreateKey",
	    [KEY_IMPORT] = "CommitImport",
	    [KEY_UPDATE] = "UpdateKey",
	    [KEY_DISABLE] = "DisableKey",
	    [KEY_ENABLE] = "EnableKey",
	    [KEY_REVOKE] = "RevokeKey",
	    [KEY_ROTATE] = "RotateKey",
	    [KEY_ALLOW] = "AddAllowed",
	    [KEY_DISALLOW] = "RemoveAllowed",
	    [KEY_ALLOWLIST] = "SetAllowlist",
	    [KEY_DELETE] = "DeleteKey",
	};

	return methods[op->kind];
}

static void
set_text(json_t *object, const char *name, const char *text)
{
	json_object_set_new(object, name, json_string(text));
}

static void
set_place(json_t *object, const struct world *world, const struct operation *op)
{
	char slug[WORLD_SLUG_MAX];

	world_account(world, op->account, slug);
	set_text(object, "account", slug);
	world_product(world, op->product, slug);
	set_text(object, "product", slug);
}

static json_t *
creation_settings(const struct world *world, const struct operation *op)
{
	json_t *settings = world_settings(op->variant, op->id);

	set_place(settings, world, op);
	/* As apikeyctl says it, so that either may repeat the other's. */
	if (operation_has_words(op)) {
		const char *const without[] = {"scopes", "services",
		    "allowlist", "rate", "quota", "expires_at"};

		for (size_t i = 0; i < sizeof without / sizeof *without; i++)
			json_object_del(settings, without[i]);
		if (json_is_null(json_object_get(settings, "environment")))
			json_object_del(settings, "environment");
	}
	return settings;
}

static void
add_operator(
    json_t *parameters, const struct world *world, const struct operation *op)
{
	char slug[WORLD_SLUG_MAX];

	json_object_set_new(parameters, "uid",
	    json_integer(world_operator_uid(world, op->user)));
	set_text(parameters, "role", world_role(op->as.role));
	if (!op->as.limited)
		return;
	world_account(world, WORLD_SHARED, slug);
	json_object_set_new(parameters, "accounts", json_pack("[s]", slug));
}

static void
add_to_key(json_t *parameters, const struct operation *op)
{
	char cidr[40];

	set_text(parameters, "id", op->key_id);
	switch (op->kind) {
	case KEY_UPDATE:
		json_object_set_new(parameters, "settings",
		    world_settings(op->variant, op->id));
		break;
	case KEY_ROTATE:
		json_object_set_new(parameters, "overlap_ms",
		    json_integer(op->overlap ? OVERLAP_MS : 0));
		break;
	case KEY_ALLOW:
	case KEY_DISALLOW:
		world_extra(op->extra, cidr);
		set_text(parameters, "cidr", cidr);
		break;
	case KEY_ALLOWLIST:
		json_object_set_new(
		    parameters, "enabled", json_boolean(op->on));
		break;
	default:
		break;
	}
}

json_t *
operation_parameters(const struct world *world, const struct operation *op)
{
	json_t *parameters = json_pack("{s:s}", "operation_id", op->id);
	char slug[WORLD_SLUG_MAX];

	switch (op->kind) {
	case ACCOUNT_CREATE:
	case ACCOUNT_APPROVE:
	case ACCOUNT_SUSPEND:
	case ACCOUNT_DELETE:
		world_account(world, op->account, slug);
		set_text(parameters, "slug", slug);
		break;
	case PRODUCT_ENABLE:
	case PRODUCT_DISABLE:
		world_account(world, op->account, slug);
		set_text(parameters, "account", slug);
		/* fall through */
	case PRODUCT_CREATE:
	case PRODUCT_DELETE:
		world_product(world, op->product, slug);
		set_text(parameters, "slug", slug);
		break;
	case OPERATOR_ADD:
		add_operator(parameters, world, op);
		/* fall through */
	case OPERATOR_REMOVE:
		world_operator_login(world, op->user, slug);
		set_text(parameters, "login", slug);
		break;
	case KEY_CREATE:
		json_object_set_new(
		    parameters, "settings", creation_settings(world, op));
		break;
	case KEY_IMPORT:
		break;
	default:
		add_to_key(parameters, op);
		break;
	}
	return parameters;
}

void
operation_line_name(
    const struct operation *op, int key, char name[WORLD_NAME_MAX])
{
	snprintf(
	    name, WORLD_NAME_MAX, "%.*s-%d", OPERATION_ID_MAX, op->id, key);
}

void
operation_line_token(
    const struct operation *op, int key, char token[WORLD_TOKEN_MAX])
{
	snprintf(token, WORLD_TOKEN_MAX, "foreign-%s-%d", op->id, key);
}

json_t *
operation_line(const struct world *world, const struct operation *op, int key)
{
	char name[WORLD_NAME_MAX], token[WORLD_TOKEN_MAX];
	unsigned char digest[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof digest + 1];
	json_t *line;

	operation_line_name(op, key, name);
	line = world_settings(op->variant, name);
	set_place(line, world, op);
	operation_line_token(op, key, token);
	crypto_hash_sha256(digest, (const unsigned char *)token, strlen(token));
	sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
	set_text(line, "sha256", hex);
	return line;
}
