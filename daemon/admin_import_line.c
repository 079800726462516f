/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of an import: which key each of them is, and whether it may be. */
#include <string.h>

#include "admin_impl.h"
#include "admin_import_impl.h"
#include "import_line.h"
#include "instant.h"

static bool
refuse_params(const struct params *params, struct import_line_error *error)
{
	error->field = params->field;
	refuse(&error->why, "InvalidArgument", "%s",
	    params->unknown ? "is no field of a key" : params->expected);
	return false;
}

static bool
find_places(struct admin *admin, struct call *call, struct import_line *line,
    struct import_line_error *error)
{
	const char *account = line->draft.account;
	const char *product = line->draft.product;
	struct key *key = &line->draft.key;

	error->field = "account";
	key->account = index_account(admin->index, account);
	if (!admin_covers(admin, call, key->account)) {
		refuse(&error->why, "NotPermitted",
		    "%s is not among what you may administer", account);
		return false;
	}
	if (key->account == NULL) {
		refuse(&error->why, "NotFound",
		    "no such account: %s; make it with `apikeyctl account "
		    "create %s --status approved`",
		    account, account);
		return false;
	}
	error->field = "product";
	key->product = index_product(admin->index, product);
	if (key->product == NULL) {
		refuse(&error->why, "NotFound",
		    "no such product: %s; make it with `apikeyctl product "
		    "create %s`",
		    product, product);
		return false;
	}
	error->field = NULL;
	return key_may_be_made(key->account, key->product, &error->why) &&
	    key_fit_lifetime(&line->draft, key->product, &error->why);
}

/* The ID of an exported key, or a new one. */
static bool
give_id(const struct import *import, struct import_line *line,
    struct import_line_error *error)
{
	struct key *key = &line->draft.key;
	const char *id;
	size_t prefix_len;

	if (line->key_id == NULL) {
		do
			secret_random_id(key->id);
		while (index_has_id(import->index, key->id));
		return true;
	}
	error->field = "hash";
	if (!import->native) {
		refuse(&error->why, "Conflict",
		    "which store's hash this is, the first line of an export "
		    "says; it is missing here");
		return false;
	}
	error->field = "id";
	if (!key_id_parse(
		line->key_id, strlen(line->key_id), &id, &prefix_len) ||
	    strlen(key->product->prefix) != prefix_len ||
	    memcmp(key->product->prefix, line->key_id, prefix_len) != 0) {
		refuse(&error->why, "InvalidArgument",
		    "expected a key ID with the prefix of product %s, %s",
		    key->product->slug, key->product->prefix);
		return false;
	}
	memcpy(key->id, id, TOKEN_ID_LEN);
	if (!index_has_id(import->index, key->id))
		return true;
	refuse(&error->why, "Conflict",
	    "there is a key %s already, in the store or on a line before",
	    line->key_id);
	return false;
}

static bool
is_new_token(const struct import *import, const struct key *key,
    struct import_line_error *error)
{
	const uint8_t *hash = index_foreign_hash(key);

	if (hash == NULL || !index_has_foreign_hash(import->index, hash))
		return true;
	error->field = "sha256";
	refuse(&error->why, "Conflict",
	    "there is a key of this token already, in the store or on a line "
	    "before");
	return false;
}

struct key *
admin_import_read_line(struct admin *admin, struct call *call,
    const struct import *import, json_t *object,
    struct import_line_error *error)
{
	struct params params = params_over(object);
	char login[LOGIN_MAX_LEN + 1];
	struct import_line line;
	struct key *key;

	import_line_read(&line, &params, admin->ring, now_ms());
	if (!params_ok(&params)) {
		refuse_params(&params, error);
		return NULL;
	}
	if (!find_places(admin, call, &line, error) ||
	    !give_id(import, &line, error))
		return NULL;
	if (line.draft.details.created_by.len == 0) {
		admin_login(admin, call_peer(call)->uid, login);
		line.draft.details.created_by = bytes_of(login);
	}
	key = key_draft_finish(&line.draft);
	if (key == NULL) {
		refuse(&error->why, "StoreFailed", "out of memory");
		return NULL;
	}
	if (is_new_token(import, key, error))
		return key;
	key_free(key);
	return NULL;
}
