/* SPDX-License-Identifier: BSD-2-Clause */
/* Making and changing keys. */
#include <string.h>

#include "admin_audit.h"
#include "admin_pin.h"
#include "instant.h"
#include "key_change.h"
#include "key_rules.h"
#include "view.h"

/* The rules, with the call answered where not. */
static bool
may_create(struct call *call, const struct account *account,
    const struct product *product)
{
	struct refusal refusal;

	if (key_may_be_made(account, product, &refusal))
		return true;
	answer_failure(call, refusal.error, "%s", refusal.message);
	return false;
}

static bool
fit_lifetime(
    struct call *call, struct key_draft *draft, const struct product *product)
{
	struct refusal refusal;

	if (key_fit_lifetime(draft, product, &refusal))
		return true;
	answer_failure(call, refusal.error, "%s", refusal.message);
	return false;
}

/* Create */

/*
 * Whether the caller has shown the PIN that keys of this product take. If not,
 * the change is dropped and the call taken care of: it comes back, or was
 * answered.
 */
static bool
has_pin(struct admin *admin, struct call *call, struct change *change,
    method_fn *method, const struct product *product, const char *pin)
{
	if (!product->require_pin || call_is_confirmed(call))
		return true;
	change_drop(change);
	return admin_step_up_for(admin, call, method, pin, product);
}

static void
create_key(struct admin *admin, struct call *call, struct change *change,
    struct key_draft *draft, const struct operation_id *id, const char *pin)
{
	struct account *account =
	    admin_find_account(admin, call, draft->account);
	struct product *product = account == NULL
	    ? NULL
	    : admin_find_product(admin, call, draft->product);
	char login[LOGIN_MAX_LEN + 1], token[TOKEN_MAX + 1];

	if (product == NULL || !may_create(call, account, product) ||
	    !fit_lifetime(call, draft, product)) {
		change_drop(change);
		return;
	}
	if (!has_pin(admin, call, change, admin_create_key, product, pin))
		return;
	admin_login(admin, call_peer(call)->uid, login);
	draft->details.created_by = bytes_of(login);
	draft->key.account = account;
	draft->key.product = product;
	secret_random_id(draft->key.id);
	key_draft_new_secret(draft, admin->ring, token);
	key_change_submit(admin, change, call, NULL, draft, token, id);
	secret_wipe(token, sizeof token);
}

void
admin_create_key(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	json_t *object = param_object(&params, "settings");
	const char *pin = admin_param_pin(&params, "pin");
	struct operation_id id = param_operation_id(&params);
	struct params settings = params_over(object);
	struct key_draft draft;
	struct change *change;
	int64_t now = now_ms();

	if (object == NULL)
		param_wrong(&params, "settings", "is required");
	if (!admin_params_ok(call, &params))
		return;
	key_draft_new(&draft, now);
	key_draft_apply(&draft, &settings, now);
	if (draft.account == NULL)
		param_wrong(&settings, "account", "is required");
	if (draft.product == NULL)
		param_wrong(&settings, "product", "is required");
	if (!admin_params_ok(call, &settings))
		return;
	change = admin_begin(admin, call, admin_create_key, &id, RECORD_KEY,
	    (struct claim[]){
		{RECORD_ACCOUNT, CLAIM_SHARED, draft.account},
		{RECORD_PRODUCT, CLAIM_SHARED, draft.product},
	    },
	    2);
	if (change != NULL)
		create_key(admin, call, change, &draft, &id, pin);
}

/* Changing a key that is there */

/* Account, product and type make a key what it is. */
static bool
keeps_identity(struct call *call, const struct key *key,
    const struct key_draft *draft, const struct params *settings)
{
	const char *field = NULL;

	if (draft->account != NULL &&
	    strcmp(draft->account, key->account->slug) != 0)
		field = "account";
	else if (draft->product != NULL &&
	    strcmp(draft->product, key->product->slug) != 0)
		field = "product";
	else if (settings->field == NULL && draft->key.type != key->type)
		field = "type";
	if (field == NULL)
		return true;
	answer_failure(call, "Conflict",
	    "the %s of a key cannot be changed: create a new key and revoke "
	    "this one",
	    field);
	return false;
}

static void
update_key(struct admin *admin, struct call *call, struct change *change,
    struct key *key, json_t *object, const struct operation_id *id)
{
	struct params settings = params_over(object);
	struct key_draft draft;
	int64_t now = now_ms();

	key_draft_from(&draft, key);
	key_draft_apply(&draft, &settings, now);
	if (!admin_params_ok(call, &settings) ||
	    !keeps_identity(call, key, &draft, &settings) ||
	    !fit_lifetime(call, &draft, key->product)) {
		change_drop(change);
		return;
	}
	key_change_submit(admin, change, call, key, &draft, NULL, id);
}

void
admin_update_key(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	const char *key_id = param_required_text(&params, "id");
	json_t *object = param_object(&params, "settings");
	struct operation_id id = param_operation_id(&params);
	struct change *change;
	struct key *key;

	if (object == NULL)
		param_wrong(&params, "settings", "is required");
	if (!admin_params_ok(call, &params))
		return;
	change =
	    key_change_begin(admin, call, admin_update_key, key_id, &id, &key);
	if (change != NULL)
		update_key(admin, call, change, key, object, &id);
}

static void
refuse_revoked(struct change *change, struct call *call, const char *key_id)
{
	change_drop(change);
	answer_failure(call, "Conflict",
	    "key %s is revoked, which is for good: create a new key", key_id);
}

void
admin_rotate_key(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	const char *key_id = param_required_text(&params, "id");
	int64_t overlap = param_integer(&params, "overlap_ms");
	const char *pin = admin_param_pin(&params, "pin");
	struct operation_id id = param_operation_id(&params);
	char token[TOKEN_MAX + 1];
	struct key_draft draft;
	struct change *change;
	struct key *key;
	int64_t now = now_ms();

	if (overlap < 0 || overlap > DURATION_MAX_MS)
		param_wrong(&params, "overlap_ms",
		    "expected milliseconds, at most 100 years");
	if (!admin_params_ok(call, &params))
		return;
	change =
	    key_change_begin(admin, call, admin_rotate_key, key_id, &id, &key);
	if (change == NULL)
		return;
	if (key->state == KEY_REVOKED) {
		refuse_revoked(change, call, key_id);
		return;
	}
	if (!has_pin(admin, call, change, admin_rotate_key, key->product, pin))
		return;
	key_draft_from(&draft, key);
	draft.details.rotated_at = now;
	key_draft_keep_secret(&draft, overlap > 0 ? now + overlap : 0);
	key_draft_new_secret(&draft, admin->ring, token);
	key_change_submit(admin, change, call, key, &draft, token, &id);
	secret_wipe(token, sizeof token);
}

/* Disable, enable, revoke */

static void
set_state(struct admin *admin, struct call *call, method_fn *method,
    enum key_state state)
{
	struct params params = params_over(call_parameters(call));
	const char *key_id = param_required_text(&params, "id");
	const char *reason =
	    state == KEY_REVOKED ? param_text(&params, "reason") : NULL;
	struct operation_id id = param_operation_id(&params);
	char object[TOKEN_ID_LEN + 1] = "";
	struct key_draft draft;
	struct change *change;
	struct key *key;

	if (reason != NULL && !label_valid(reason, 0, REASON_MAX_LEN))
		param_wrong(&params, "reason",
		    "expected at most 128 bytes of UTF-8 text without control "
		    "characters");
	if (!admin_params_ok(call, &params))
		return;
	change = key_change_begin(admin, call, method, key_id, &id, &key);
	if (change == NULL)
		return;
	if (key->state == state) {
		memcpy(object, key->id, TOKEN_ID_LEN);
		admin_submit_nothing(
		    admin, change, call, &id, RECORD_KEY, object);
		return;
	}
	if (key->state == KEY_REVOKED) {
		refuse_revoked(change, call, key_id);
		return;
	}
	key_draft_from(&draft, key);
	draft.key.state = (uint8_t)state;
	draft.details.state_at = now_ms();
	draft.details.revoked_reason = bytes_of(reason);
	key_change_submit(admin, change, call, key, &draft, NULL, &id);
}

void
admin_disable_key(void *context, struct call *call)
{
	set_state(context, call, admin_disable_key, KEY_DISABLED);
}

void
admin_enable_key(void *context, struct call *call)
{
	set_state(context, call, admin_enable_key, KEY_ACTIVE);
}

void
admin_revoke_key(void *context, struct call *call)
{
	set_state(context, call, admin_revoke_key, KEY_REVOKED);
}

/* Delete */

static void
apply_delete(void *context, struct call *call, void *subject,
    const struct operation *operation)
{
	struct admin *admin = context;

	(void)operation;
	index_remove_key(admin->index, subject);
	call_reply(call, NULL);
}

void
admin_delete_key(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	const char *key_id = param_required_text(&params, "id");
	struct operation_id id = param_operation_id(&params);
	struct record tombstone[KEY_RECORDS_MAX], stale;
	char object[TOKEN_ID_LEN + 1] = "";
	struct change *change;
	struct key *key, deleted;

	if (!admin_params_ok(call, &params))
		return;
	change =
	    key_change_begin(admin, call, admin_delete_key, key_id, &id, &key);
	if (change == NULL)
		return;
	deleted = *key;
	deleted.state = KEY_DELETED;
	records_from_key(tombstone, &deleted);
	change_write(change, &tombstone[0], false);
	for (size_t i = 1; i <= key_more_count(key->details_len); i++) {
		record_name_key_more(&stale, key->id, i);
		change_erase(change, &stale);
	}
	memcpy(object, key->id, TOKEN_ID_LEN);
	admin_audit(admin, change, call, view_key(key, now_ms()), NULL);
	change_submit(change, id.text, RECORD_KEY, object, apply_delete,
	    discard_nothing, key);
}

/* Get, list */

void
admin_get_key(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	const char *key_id = param_required_text(&params, "id");
	struct key *key;

	if (!admin_params_ok(call, &params))
		return;
	key = admin_find_key(admin, call, key_id);
	if (key != NULL)
		reply_key(call, key, NULL);
}

struct key_filter {
	const char *account, *product, *environment, *status;
	int64_t unused_ms, expiring_ms; /* 0: not asked for */
	int64_t now;
};

static bool
is(const char *wanted, const char *has)
{
	return wanted == NULL || strcmp(wanted, has) == 0;
}

static bool
matches(const struct key_filter *filter, const struct key *key)
{
	int64_t now = filter->now;
	int64_t used =
	    key->last_used_at != 0 ? key->last_used_at : key->created_at;

	if (!is(filter->account, key->account->slug) ||
	    !is(filter->product, key->product->slug) ||
	    !is(filter->status, key_status_text(key, now)))
		return false;
	if (filter->environment != NULL &&
	    !bytes_equal(
		bytes_of(filter->environment), key_details(key).environment))
		return false;
	if (filter->unused_ms != 0 && now - used < filter->unused_ms)
		return false;
	return filter->expiring_ms == 0 ||
	    (key->expires_at > now &&
		key->expires_at - now <= filter->expiring_ms);
}

static struct key_filter
param_key_filter(struct params *params)
{
	static const char *const states[] = {
	    "active", "disabled", "revoked", "expired"};
	struct key_filter filter = {
	    .account = param_text(params, "account"),
	    .product = param_text(params, "product"),
	    .environment = param_text(params, "environment"),
	    .status = param_text(params, "status"),
	    .unused_ms = param_integer(params, "unused_ms"),
	    .expiring_ms = param_integer(params, "expiring_ms"),
	    .now = now_ms(),
	};
	bool known = filter.status == NULL;

	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
		known = known || strcmp(filter.status, states[i]) == 0;
	if (!known)
		param_wrong(params, "status",
		    "expected active, disabled, revoked or expired");
	if (filter.unused_ms < 0)
		param_wrong(params, "unused_ms", "expected milliseconds");
	if (filter.expiring_ms < 0)
		param_wrong(params, "expiring_ms", "expected milliseconds");
	return filter;
}

static bool
next_key(struct admin *admin, struct call *call, const void *context,
    size_t *position, json_t **view)
{
	const struct key *key = index_next_key(admin->index, position);
	const struct key_filter *filter = context;

	if (key != NULL && admin_covers(admin, call, key->account) &&
	    matches(filter, key))
		*view = view_key(key, filter->now);
	return key != NULL;
}

void
admin_list_keys(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	struct key_filter filter = param_key_filter(&params);
	size_t position = param_position(&params);

	if (!admin_params_ok(call, &params))
		return;
	if ((filter.account != NULL &&
		admin_find_account(admin, call, filter.account) == NULL) ||
	    (filter.product != NULL &&
		admin_find_product(admin, call, filter.product) == NULL))
		return;
	admin_list(admin, call, "keys", position, next_key, &filter);
}
