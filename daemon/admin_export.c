/* SPDX-License-Identifier: BSD-2-Clause */
/* Export: keys as lines that an import takes; hashes, and no token. */
#include <string.h>

#include "admin_impl.h"
#include "instant.h"
#include "view.h"

enum { HEX_SIZE = 2 * TOKEN_HASH_BYTES + 1 };

static void
set_hash(json_t *line, const char *name, const uint8_t hash[TOKEN_HASH_BYTES])
{
	char hex[HEX_SIZE];

	secret_to_hex(hash, TOKEN_HASH_BYTES, hex);
	json_object_set_new(line, name, json_string(hex));
}

/* Callers by their uids, which an import takes. */
static json_t *
callers_with_uids(struct list list)
{
	json_t *array = json_array();
	struct caller caller;
	struct bytes item;

	while (list_next(&list, &item))
		if (caller_read(item, &caller))
			json_array_append_new(array,
			    json_pack("{s:I, s:o}", "uid",
				(json_int_t)caller.uid, "login",
				caller.login.len > 0
				    ? json_stringn(
					  (const char *)caller.login.data,
					  caller.login.len)
				    : json_null()));
	return array;
}

static json_t *
export_line(const struct key *key, int64_t now)
{
	json_t *line = view_key(key, now);

	if (line == NULL)
		return NULL;
	json_object_del(line, "sequence");
	json_object_set_new(
	    line, "callers", callers_with_uids(key_details(key).callers));
	set_hash(line, "hash", key->hash);
	/* What was used of it is kept by key ID, and not for a file to say. */
	if (json_is_object(json_object_get(line, "quota")))
		json_object_del(json_object_get(line, "quota"), "used");
	if (key->previous != NULL && now < key->previous->until) {
		set_hash(line, "previous_hash", key->previous->hash);
		json_object_set_new(line, "previous_foreign",
		    json_boolean((key->flags & KEY_WAS_FOREIGN) != 0));
	}
	return line;
}

void
admin_export_keys(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	const char *account = param_text(&params, "account");
	uint8_t check[TOKEN_HASH_BYTES];
	json_t *keys, *reply;
	const struct key *key;
	size_t position, looked_at;
	int64_t now = now_ms();
	char hex[HEX_SIZE];

	param_position(&params, &position);
	if (!admin_params_ok(call, &params) ||
	    (account != NULL &&
		admin_find_account(admin, call, account) == NULL))
		return;
	keys = json_array();
	for (looked_at = 0;
	     looked_at < PAGE_LOOKED_AT && json_array_size(keys) < PAGE_MAX;
	     looked_at++) {
		key = index_next_key(admin->index, &position);
		if (key == NULL) {
			position = 0;
			break;
		}
		if (admin_covers(admin, call, key->account) &&
		    (account == NULL ||
			strcmp(account, key->account->slug) == 0))
			json_array_append_new(keys, export_line(key, now));
	}
	secret_hash_check(admin->ring, check);
	secret_to_hex(check, sizeof check, hex);
	reply = admin_page("keys", keys, position);
	if (reply == NULL) {
		call_abort(call);
		return;
	}
	json_object_set_new(reply, "hash_check", json_string(hex));
	call_reply(call, reply);
}
