/* SPDX-License-Identifier: BSD-2-Clause */
/* Operation ids: what makes a change that is asked for twice happen once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin_audit.h"
#include "instant.h"
#include "view.h"

/* How a reply calls its object. */
static const char *const names[] = {
    [RECORD_ACCOUNT] = "account",
    [RECORD_PRODUCT] = "product",
    [RECORD_KEY] = "key",
    [RECORD_OPERATOR] = "operator",
    [RECORD_IMPORT] = "import",
};

bool
operation_id_valid(const char *text)
{
	return strlen(text) >= 1 && strlen(text) <= OPERATION_ID_MAX &&
	    text[strspn(text,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789-")] == '\0';
}

struct operation_id
param_operation_id(struct params *params)
{
	const char *given = param_text(params, "operation_id");
	struct operation_id id;

	if (given == NULL) {
		secret_random_id(id.text);
		secret_random_id(id.text + TOKEN_ID_LEN);
		id.text[2 * TOKEN_ID_LEN] = '\0';
		return id;
	}
	if (!operation_id_valid(given)) {
		param_wrong(params, "operation_id",
		    "expected 1 to 64 of A-Z a-z 0-9 -");
		given = "";
	}
	snprintf(id.text, sizeof id.text, "%s", given);
	return id;
}

/* The object an operation was about, as it is now; null where it is gone. */
static json_t *
view_operation_object(
    const struct admin *admin, const struct operation *operation)
{
	const struct account *account;
	const struct product *product;
	const struct key *key;

	switch (operation->kind) {
	case RECORD_ACCOUNT:
		account = index_account(admin->index, operation->object);
		return account != NULL ? view_account(account) : NULL;
	case RECORD_PRODUCT:
		product = index_product(admin->index, operation->object);
		return product != NULL ? view_product(product) : NULL;
	case RECORD_KEY:
		key = index_key(admin->index, operation->object);
		return key != NULL ? view_key(key, now_ms()) : NULL;
	case RECORD_IMPORT:
		return admin_view_import(
		    admin, strtoull(operation->object, NULL, 10));
	case RECORD_OPERATOR:
		return admin_view_operator(
		    admin, strtoul(operation->object, NULL, 10));
	default:
		return NULL;
	}
}

/* Whether the caller may still see what it has changed. */
static bool
covers_operation(const struct admin *admin, const struct call *call,
    const struct operation *operation)
{
	const struct key *key;

	if (operation->kind != RECORD_KEY)
		return true;
	key = index_key(admin->index, operation->object);
	return key == NULL || admin_covers(admin, call, key->account);
}

/* Whether an operation was this call's, as far as is known: those that never
 * had a digest are like any. */
static bool
is_same(const struct operation *operation, const uint8_t digest[MAC_BYTES])
{
	static const uint8_t unknown[MAC_BYTES];

	return memcmp(operation->digest, digest, MAC_BYTES) == 0 ||
	    memcmp(operation->digest, unknown, MAC_BYTES) == 0;
}

static void
answer_no_memory(struct call *call)
{
	answer_failure(call, "StoreFailed", "out of memory");
}

static void
answer_repeated(const struct admin *admin, struct call *call,
    const struct operation *operation, enum record_kind kind)
{
	uint8_t digest[MAC_BYTES];
	json_t *reply, *view;

	if (!admin_digest(admin, call, digest)) {
		answer_no_memory(call);
		return;
	}
	if (operation->kind != (uint8_t)kind || !is_same(operation, digest)) {
		answer_failure(call, "Conflict",
		    "operation_id %s was used for another change",
		    operation->id);
		return;
	}
	if (!covers_operation(admin, call, operation)) {
		admin_not_yours(call, "the object of operation", operation->id);
		return;
	}
	reply = json_pack("{s:b}", "repeated", 1);
	view = view_operation_object(admin, operation);
	if (view != NULL)
		json_object_set_new(reply, names[kind], view);
	call_reply(call, reply);
}

bool
admin_was_done(const struct admin *admin, struct call *call,
    const struct operation_id *id, enum record_kind kind)
{
	const struct operation *seen =
	    index_operation(admin->index, call_peer(call)->uid, id->text);

	if (seen != NULL)
		answer_repeated(admin, call, seen, kind);
	return seen != NULL;
}

struct change *
admin_begin(struct admin *admin, struct call *call, method_fn *method,
    const struct operation_id *id, enum record_kind kind,
    const struct claim *claims, size_t claim_count)
{
	char uid[UID_TEXT_MAX];
	/* Who takes the caller's role away waits until this is done, and then
	 * nothing of the caller's is still under way. */
	struct claim all[5] = {{RECORD_OPERATION, CLAIM_EXCLUSIVE, id->text},
	    {RECORD_OPERATOR, CLAIM_SHARED, uid}};
	uint8_t digest[MAC_BYTES];
	struct change *change;

	if (admin_was_done(admin, call, id, kind))
		return NULL;
	if (!admin_digest(admin, call, digest)) {
		answer_no_memory(call);
		return NULL;
	}
	uid_text(call_peer(call)->uid, uid);
	for (size_t i = 0; i < claim_count; i++)
		all[2 + i] = claims[i];
	change = change_begin(
	    admin->changes, call, method, admin, all, 2 + claim_count);
	if (change != NULL)
		change_identify(change, digest);
	return change;
}

static void
apply_nothing(void *context, struct call *call, void *subject,
    const struct operation *operation)
{
	const struct admin *admin = context;

	(void)subject;
	admin_reply(call, names[operation->kind],
	    view_operation_object(admin, operation));
}

void
admin_submit_nothing(struct admin *admin, struct change *change,
    struct call *call, const struct operation_id *id, enum record_kind kind,
    const char *object)
{
	admin_audit_unchanged(admin, change, call);
	change_submit(change, id->text, kind, object, apply_nothing,
	    discard_nothing, NULL);
}
