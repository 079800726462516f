/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

#include <stdio.h>
#include <string.h>

enum { SLUG_SIZE = 24, OVERLAP_MS = 3600000 };

static void
account_slug(const struct world *world, int account, char out[SLUG_SIZE])
{
	snprintf(out, SLUG_SIZE, "w%d-account-%d", world->worker, account);
}

static void
product_slug(const struct world *world, int product, char out[SLUG_SIZE])
{
	snprintf(out, SLUG_SIZE, "w%d-product-%d", world->worker, product);
}

/* Settings */

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

/*
 * From a key in one record to one that takes as many as there can be. Who
 * verifies comes from 203.0.113.1.
 */
static json_t *
settings_of(uint32_t variant, const char *name)
{
	static const struct {
		size_t scopes, services, entries;
	} sizes[] = {{0, 0, 0}, {1, 1, 0}, {8, 2, 3}, {32, 16, 64}};
	size_t size = variant % 4;
	json_t *services = texts(sizes[size].services, "service", 40);

	if (sizes[size].services > 0)
		json_array_append_new(services, json_string("crash"));
	if (json_array_size(services) > 16)
		json_array_remove(services, 0);
	return json_pack("{s:s, s:s, s:s?, s:o, s:o, s:{s:b, s:o}}", "name",
	    name, "permission", variant >> 2 & 1 ? "write" : "read",
	    "environment", variant >> 3 & 1 ? "production" : NULL, "scopes",
	    texts(sizes[size].scopes, "scope", 50), "services", services,
	    "allowlist", "enabled", sizes[size].entries > 0, "entries",
	    allow_entries(sizes[size].entries));
}

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

static bool
makes_sense(const struct world *world, const struct operation *op)
{
	enum world_status account = world->accounts[op->account];
	bool product = world->products[op->product];
	bool enabled = world->enabled[op->account][op->product];
	const struct world_key *key = &world->keys[op->key];
	bool changeable = key->state == ACTIVE || key->state == DISABLED;

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
	case KEY_CREATE:
		return key->state == NONE && account == APPROVED && enabled;
	case KEY_UPDATE:
	case KEY_REVOKE:
	case KEY_ROTATE:
		return changeable;
	case KEY_DISABLE:
		return key->state == ACTIVE;
	case KEY_ENABLE:
		return key->state == DISABLED;
	case KEY_DELETE:
		return key->state != NONE;
	case OPERATION_KINDS:
		break;
	}
	return false;
}

void
world_choose(const struct world *world, uint64_t (*random)(void *),
    void *context, const char *id, struct operation *op)
{
	/* Keys are what there is most of; a revoked one makes room soon. */
	static const enum operation_kind often[] = {KEY_CREATE, KEY_CREATE,
	    KEY_CREATE, KEY_UPDATE, KEY_UPDATE, KEY_REVOKE, KEY_ROTATE,
	    KEY_ROTATE, KEY_DISABLE, KEY_ENABLE, KEY_ENABLE, KEY_DELETE,
	    ACCOUNT_APPROVE, ACCOUNT_CREATE, PRODUCT_ENABLE, PRODUCT_CREATE};
	enum { OFTEN = sizeof often / sizeof often[0] };

	*op = (struct operation){.kind = ACCOUNT_CREATE};
	snprintf(op->id, sizeof op->id, "%s", id);
	do {
		uint64_t r = random(context);

		op->kind = r % 4 != 0
		    ? often[(r >> 2) % OFTEN]
		    : (enum operation_kind)((r >> 2) % OPERATION_KINDS);
		op->account = (int)(r >> 16 & 0xff) % WORLD_ACCOUNTS;
		op->product = (int)(r >> 24 & 0xff) % WORLD_PRODUCTS;
		op->key = (int)(r >> 32 & 0xff) % WORLD_KEYS;
		op->variant = (uint32_t)(r >> 40) & 0xff;
		op->overlap = (r >> 48 & 1) != 0;
	} while (!makes_sense(world, op));
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
	    [KEY_CREATE] = "CreateKey",
	    [KEY_UPDATE] = "UpdateKey",
	    [KEY_DISABLE] = "DisableKey",
	    [KEY_ENABLE] = "EnableKey",
	    [KEY_REVOKE] = "RevokeKey",
	    [KEY_ROTATE] = "RotateKey",
	    [KEY_DELETE] = "DeleteKey",
	};

	return methods[op->kind];
}

static json_t *
creation_settings(const struct world *world, const struct operation *op)
{
	json_t *settings = settings_of(op->variant, op->id);
	char slug[SLUG_SIZE];

	account_slug(world, op->account, slug);
	json_object_set_new(settings, "account", json_string(slug));
	product_slug(world, op->product, slug);
	json_object_set_new(settings, "product", json_string(slug));
	/* As apikeyctl says it, so that either may repeat the other's. */
	if (op->variant % 4 == 0) {
		json_object_del(settings, "scopes");
		json_object_del(settings, "services");
		json_object_del(settings, "allowlist");
		if (json_is_null(json_object_get(settings, "environment")))
			json_object_del(settings, "environment");
	}
	return settings;
}

json_t *
operation_parameters(const struct world *world, const struct operation *op)
{
	json_t *parameters = json_pack("{s:s}", "operation_id", op->id);
	char account[SLUG_SIZE], product[SLUG_SIZE];

	account_slug(world, op->account, account);
	product_slug(world, op->product, product);
	switch (op->kind) {
	case ACCOUNT_CREATE:
	case ACCOUNT_APPROVE:
	case ACCOUNT_SUSPEND:
	case ACCOUNT_DELETE:
		json_object_set_new(parameters, "slug", json_string(account));
		break;
	case PRODUCT_ENABLE:
	case PRODUCT_DISABLE:
		json_object_set_new(
		    parameters, "account", json_string(account));
		/* fall through */
	case PRODUCT_CREATE:
	case PRODUCT_DELETE:
		json_object_set_new(parameters, "slug", json_string(product));
		break;
	case KEY_CREATE:
		json_object_set_new(
		    parameters, "settings", creation_settings(world, op));
		break;
	case KEY_UPDATE:
		json_object_set_new(
		    parameters, "settings", settings_of(op->variant, op->id));
		break;
	case KEY_ROTATE:
		json_object_set_new(parameters, "overlap_ms",
		    json_integer(op->overlap ? OVERLAP_MS : 0));
		break;
	default:
		break;
	}
	if (op->kind >= KEY_UPDATE)
		json_object_set_new(parameters, "id", json_string(op->key_id));
	return parameters;
}

bool
operation_has_words(const struct operation *op)
{
	/* Long lists are long command lines; the sockets carry those. */
	return op->kind != KEY_UPDATE &&
	    (op->kind != KEY_CREATE || op->variant % 4 == 0);
}

void
operation_words(const struct world *world, const struct operation *op,
    char *words[OPERATION_WORDS], char text[OPERATION_TEXT])
{
/* Numbered arguments may not be left out: this takes none of each. */
#define NONE_OF_ALL "%1$.0s%2$.0s%3$.0s%4$.0s%5$.0s%6$.0s%7$.0s"
	static const char *const formats[OPERATION_KINDS] = {
	    [ACCOUNT_CREATE] = NONE_OF_ALL "apikeyctl account create %1$s",
	    [ACCOUNT_APPROVE] = NONE_OF_ALL "apikeyctl account approve %1$s",
	    [ACCOUNT_SUSPEND] = NONE_OF_ALL "apikeyctl account suspend %1$s",
	    [ACCOUNT_DELETE] = NONE_OF_ALL "apikeyctl account delete %1$s",
	    [PRODUCT_CREATE] = NONE_OF_ALL "apikeyctl product create %2$s",
	    [PRODUCT_DELETE] = NONE_OF_ALL "apikeyctl product delete %2$s",
	    [PRODUCT_ENABLE] =
		NONE_OF_ALL "apikeyctl product enable %2$s --account %1$s",
	    [PRODUCT_DISABLE] =
		NONE_OF_ALL "apikeyctl product disable %2$s --account %1$s",
	    [KEY_CREATE] = (NONE_OF_ALL
		"apikeyctl key create --account %1$s --product %2$s "
		"--name %4$s --permission %5$s%6$s"),
	    [KEY_DISABLE] = NONE_OF_ALL "apikeyctl key disable %3$s",
	    [KEY_ENABLE] = NONE_OF_ALL "apikeyctl key enable %3$s",
	    [KEY_REVOKE] = NONE_OF_ALL "apikeyctl key revoke %3$s --yes",
	    [KEY_ROTATE] =
		NONE_OF_ALL "apikeyctl key rotate %3$s --overlap %7$s",
	    [KEY_DELETE] = NONE_OF_ALL "apikeyctl key delete %3$s --yes",
	};
	char account[SLUG_SIZE], product[SLUG_SIZE];
	size_t count = 0;
	char *word, *rest;
	int len;

	account_slug(world, op->account, account);
	product_slug(world, op->product, product);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	len =
	    snprintf(text, OPERATION_TEXT, formats[op->kind], account, product,
		op->key_id, op->id, op->variant >> 2 & 1 ? "write" : "read",
		op->variant >> 3 & 1 ? " --environment production" : "",
		op->overlap ? "1h" : "0");
#pragma GCC diagnostic pop
	snprintf(text + len, (size_t)(OPERATION_TEXT - len),
	    " --json --operation-id %s", op->id);
	for (word = strtok_r(text, " ", &rest);
	     word != NULL && count < OPERATION_WORDS - 1;
	     word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	words[count] = NULL;
}

/* Applying */

static void
copy_member(const json_t *object, const char *name, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(object, name));

	snprintf(out, size, "%s", text != NULL ? text : "");
}

static void
forget_key(struct world *world, struct world_key *key)
{
	struct world_gone *gone = &world->gone[world->gone_next];

	memcpy(gone->id, key->id, sizeof gone->id);
	memcpy(gone->token, key->token, sizeof gone->token);
	world->gone_next = (world->gone_next + 1) % WORLD_GONE;
	*key = (struct world_key){.state = NONE};
}

static void
rotate_key(struct world_key *key, bool overlap)
{
	const char *dead = overlap ? key->previous : key->token;

	memcpy(key->dead, dead, sizeof key->dead);
	if (overlap)
		memcpy(key->previous, key->token, sizeof key->previous);
	else
		key->previous[0] = '\0';
	key->token[0] = '\0';
}

static void
apply_to_key(
    struct world *world, const struct operation *op, const json_t *view)
{
	struct world_key *key = &world->keys[op->key];

	switch (op->kind) {
	case KEY_CREATE:
		*key = (struct world_key){.state = ACTIVE,
		    .account = op->account,
		    .product = op->product};
		/* fall through */
	case KEY_UPDATE:
		key->variant = op->variant;
		snprintf(key->name, sizeof key->name, "%s", op->id);
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
		rotate_key(key, op->overlap);
		break;
	default:
		forget_key(world, key);
		return;
	}
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
		for (int i = 0; i < WORLD_PRODUCTS; i++)
			world->enabled[op->account][i] = false;
		break;
	case PRODUCT_CREATE:
		world->products[op->product] = true;
		break;
	case PRODUCT_DELETE:
		world->products[op->product] = false;
		for (int i = 0; i < WORLD_ACCOUNTS; i++)
			world->enabled[i][op->product] = false;
		break;
	case PRODUCT_ENABLE:
	case PRODUCT_DISABLE:
		world->enabled[op->account][op->product] =
		    op->kind == PRODUCT_ENABLE;
		break;
	default:
		/* apikeyctl prints the key alone. */
		apply_to_key(world, op, view != NULL ? view : answer);
		break;
	}
}

/* Comparing */

static bool
say(char *text, size_t size, const char *object, const char *what)
{
	snprintf(text, size, "%s: %s", object, what);
	return true;
}

static bool
account_differs(const struct world *world, int account,
    const struct shown *shown, char *text, size_t size)
{
	static const char *const statuses[] = {
	    [PENDING] = "pending",
	    [APPROVED] = "approved",
	    [SUSPENDED] = "suspended",
	};
	enum world_status wanted = world->accounts[account];
	char slug[SLUG_SIZE], status[16];
	const json_t *view;
	json_t *products = json_array();
	bool same;

	account_slug(world, account, slug);
	view = json_object_get(shown->accounts, slug);
	for (int i = 0; i < WORLD_PRODUCTS; i++) {
		char product[SLUG_SIZE];

		product_slug(world, i, product);
		if (world->enabled[account][i])
			json_array_append_new(products, json_string(product));
	}
	if (wanted == ABSENT || view == NULL) {
		json_decref(products);
		return (wanted == ABSENT) != (view == NULL) &&
		    say(text, size, slug, view ? "is there" : "is missing");
	}
	copy_member(view, "status", status, sizeof status);
	if (strcmp(status, statuses[wanted]) != 0) {
		json_decref(products);
		return say(text, size, slug, status);
	}
	same = true;
	for (size_t i = 0; i < json_array_size(products); i++) {
		size_t at;
		json_t *has;
		bool found = false;

		json_array_foreach (json_object_get(view, "products"), at, has)
			found = found ||
			    json_equal(has, json_array_get(products, i));
		same = same && found;
	}
	same = same &&
	    json_array_size(json_object_get(view, "products")) ==
		json_array_size(products);
	json_decref(products);
	return !same && say(text, size, slug, "enabled products");
}

/* A creation that was not answered: its key is known by its name. */
static void
learn_id(struct world_key *key, const struct shown *shown)
{
	const char *id;
	json_t *view;

	json_object_foreach (shown->keys, id, view) {
		char name[WORLD_NAME_MAX];

		copy_member(view, "name", name, sizeof name);
		if (strcmp(name, key->name) == 0)
			snprintf(key->id, sizeof key->id, "%s", id);
	}
}

static bool
settings_differ(
    const struct world_key *key, const json_t *view, char *text, size_t size)
{
	json_t *settings = settings_of(key->variant, key->name), *value;
	const char *name;
	bool differs = false;

	json_object_foreach (settings, name, value)
		if (!differs && !json_equal(json_object_get(view, name), value))
			differs = say(text, size, key->id, name);
	json_decref(settings);
	return differs;
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
	char slug[SLUG_SIZE], status[16], has[SLUG_SIZE];
	const json_t *view;
	int64_t sequence;

	if (key->id[0] == '\0')
		learn_id(key, shown);
	view = json_object_get(shown->keys, key->id);
	if (view == NULL)
		return say(text, size, key->name, "key is missing");
	copy_member(view, "status", status, sizeof status);
	if (strcmp(status, states[key->state]) != 0)
		return say(text, size, key->id, status);
	account_slug(world, key->account, slug);
	copy_member(view, "account", has, sizeof has);
	if (strcmp(slug, has) != 0)
		return say(text, size, key->id, "account");
	product_slug(world, key->product, slug);
	copy_member(view, "product", has, sizeof has);
	if (strcmp(slug, has) != 0)
		return say(text, size, key->id, "product");
	sequence = json_integer_value(json_object_get(view, "sequence"));
	if (key->sequence != 0 ? key->sequence != sequence
			       : sequence <= key->newer_than)
		return say(text, size, key->id, "sequence");
	if (settings_differ(key, view, text, size))
		return true;
	key->sequence = sequence;
	return false;
}

bool
world_differs(
    struct world *world, const struct shown *shown, char *text, size_t size)
{
	char slug[SLUG_SIZE];

	for (int i = 0; i < WORLD_ACCOUNTS; i++)
		if (account_differs(world, i, shown, text, size))
			return true;
	for (int i = 0; i < WORLD_PRODUCTS; i++) {
		product_slug(world, i, slug);
		if ((json_object_get(shown->products, slug) != NULL) !=
		    world->products[i])
			return say(text, size, slug, "there or not");
	}
	for (int i = 0; i < WORLD_KEYS; i++)
		if (world->keys[i].state != NONE &&
		    key_differs(world, &world->keys[i], shown, text, size))
			return true;
	for (int i = 0; i < WORLD_GONE; i++)
		if (json_object_get(shown->keys, world->gone[i].id) != NULL)
			return say(text, size, world->gone[i].id,
			    "deleted, and there again");
	return false;
}

size_t
world_count(const struct world *world)
{
	size_t count = 0;

	for (int i = 0; i < WORLD_ACCOUNTS; i++)
		count += world->accounts[i] != ABSENT;
	for (int i = 0; i < WORLD_PRODUCTS; i++)
		count += world->products[i];
	for (int i = 0; i < WORLD_KEYS; i++)
		count += world->keys[i].state != NONE;
	return count;
}

static enum apikey_verdict
expected_verdict(const struct world *world, const struct world_key *key)
{
	if (key->state == REVOKED)
		return APIKEY_REVOKED;
	if (key->state == DISABLED)
		return APIKEY_DISABLED;
	if (world->accounts[key->account] != APPROVED)
		return APIKEY_ACCOUNT_INACTIVE;
	if (!world->enabled[key->account][key->product])
		return APIKEY_PRODUCT_DISABLED;
	return APIKEY_VALID;
}

size_t
world_expect(const struct world *world,
    struct expectation expectations[WORLD_EXPECTATIONS])
{
	size_t count = 0;

	for (int i = 0; i < WORLD_KEYS; i++) {
		const struct world_key *key = &world->keys[i];
		enum apikey_verdict verdict = expected_verdict(world, key);

		if (key->token[0] != '\0')
			expectations[count++] =
			    (struct expectation){key->token, "token", verdict};
		if (key->previous[0] != '\0')
			expectations[count++] = (struct expectation){
			    key->previous, "token in its overlap", verdict};
		if (key->dead[0] != '\0')
			expectations[count++] = (struct expectation){
			    key->dead, "rotated token", APIKEY_UNKNOWN};
	}
	for (int i = 0; i < WORLD_GONE; i++)
		if (world->gone[i].token[0] != '\0')
			expectations[count++] =
			    (struct expectation){world->gone[i].token,
				"deleted key's token", APIKEY_UNKNOWN};
	return count;
}
