/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A key's allow-list, an entry at a time. Each change starts from the key as
 * it is when its turn has come, so that none undoes another.
 */
#include <string.h>

#include "admin_impl.h"
#include "key_change.h"

/* The network as it is asked for, and as it is called in answers. */
static void
param_cidr(struct params *params, struct cidr *cidr)
{
	const char *text = param_required_text(params, "cidr");

	memset(cidr, 0, sizeof *cidr);
	if (!cidr_parse(text, cidr))
		param_wrong(params, "cidr",
		    "expected an address or a network such as 203.0.113.0/24 "
		    "or 2001:db8::/32, no bits set beyond the prefix length");
}

void
admin_add_allowed(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	const char *key_id = param_required_text(&params, "id");
	const char *label = param_text(&params, "label");
	struct operation_id id = param_operation_id(&params);
	struct allow_entry entry = {.label = bytes_of(label)};
	struct key_draft draft;
	struct change *change;
	struct key *key;

	param_cidr(&params, &entry.cidr);
	if (label != NULL && !label_valid(label, 0, LABEL_MAX_LEN))
		param_wrong(&params, "label",
		    "expected at most 64 bytes of UTF-8 text without control "
		    "characters");
	if (!admin_params_ok(call, &params))
		return;
	change =
	    key_change_begin(admin, call, admin_add_allowed, key_id, &id, &key);
	if (change == NULL)
		return;
	key_draft_from(&draft, key);
	if (!key_draft_allow(&draft, &entry)) {
		change_drop(change);
		admin_invalid(call, "cidr",
		    "an allow-list has at most %d entries, and that of %s has "
		    "as many",
		    ALLOW_MAX, key_id);
		return;
	}
	key_change_submit(admin, change, call, key, &draft, NULL, &id);
}

void
admin_remove_allowed(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	const char *key_id = param_required_text(&params, "id");
	struct operation_id id = param_operation_id(&params);
	char text[CIDR_TEXT_MAX];
	struct key_draft draft;
	struct change *change;
	struct cidr cidr;
	struct key *key;

	param_cidr(&params, &cidr);
	if (!admin_params_ok(call, &params))
		return;
	change = key_change_begin(
	    admin, call, admin_remove_allowed, key_id, &id, &key);
	if (change == NULL)
		return;
	key_draft_from(&draft, key);
	if (!key_draft_disallow(&draft, &cidr)) {
		change_drop(change);
		cidr_text(&cidr, text);
		admin_not_found(call, "allowlist entry", text);
		return;
	}
	key_change_submit(admin, change, call, key, &draft, NULL, &id);
}

void
admin_set_allowlist(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	const char *key_id = param_required_text(&params, "id");
	bool enabled = param_bool(&params, "enabled");
	struct operation_id id = param_operation_id(&params);
	char object[TOKEN_ID_LEN + 1] = "";
	struct key_draft draft;
	struct change *change;
	struct key *key;

	/* Absent is not off: that would open a key. */
	if (!json_is_boolean(json_object_get(params.object, "enabled")))
		param_wrong(&params, "enabled", "is required");
	if (!admin_params_ok(call, &params))
		return;
	change = key_change_begin(
	    admin, call, admin_set_allowlist, key_id, &id, &key);
	if (change == NULL)
		return;
	if (((key->flags & KEY_ALLOWLIST_ON) != 0) == enabled) {
		memcpy(object, key->id, TOKEN_ID_LEN);
		admin_submit_nothing(
		    admin, change, call, &id, RECORD_KEY, object);
		return;
	}
	key_draft_from(&draft, key);
	key_draft_set_allowlist(&draft, enabled);
	key_change_submit(admin, change, call, key, &draft, NULL, &id);
}
