/* SPDX-License-Identifier: BSD-2-Clause */
#include "key_change.h"

#include <stdlib.h>
#include <string.h>

#include "admin_audit.h"
#include "instant.h"
#include "view.h"

struct key_change {
	struct key *existing;      /* NULL: a new key */
	struct key *key;           /* the key to be */
	char token[TOKEN_MAX + 1]; /* empty: no new secret */
};

static void
key_change_free(void *subject)
{
	struct key_change *kc = subject;

	key_free(kc->key);
	secret_wipe(kc, sizeof *kc);
	free(kc);
}

void
reply_key(struct call *call, const struct key *key, const char *token)
{
	json_t *view = view_key(key, now_ms());

	if (view != NULL && token != NULL && token[0] != '\0')
		json_object_set_new(view, "token", json_string(token));
	admin_reply(call, "key", view);
}

struct change *
key_change_begin(struct admin *admin, struct call *call, method_fn *method,
    const char *key_id, const struct operation_id *id, struct key **key)
{
	struct change *change;
	const char *part;
	size_t prefix_len;

	/* No ID at all: not even to be copied, it may be a token. */
	if (!key_id_parse(key_id, strlen(key_id), &part, &prefix_len)) {
		admin_find_key(admin, call, key_id);
		return NULL;
	}
	change = admin_begin(admin, call, method, id, RECORD_KEY,
	    &(struct claim){RECORD_KEY, CLAIM_EXCLUSIVE, key_id}, 1);
	if (change == NULL)
		return NULL;
	*key = admin_find_key(admin, call, key_id);
	if (*key != NULL)
		return change;
	change_drop(change);
	return NULL;
}

static void
apply_key_change(void *context, struct call *call, void *subject,
    const struct operation *operation)
{
	struct admin *admin = context;
	struct key_change *kc = subject;
	struct key *key = kc->existing;

	kc->key->sequence = operation->sequence;
	if (key != NULL) {
		index_replace_key(admin->index, key, kc->key);
	} else {
		key = kc->key;
		index_add_key(admin->index, key);
	}
	kc->key = NULL;
	reply_key(call, key, kc->token);
	key_change_free(kc);
}

/* All records of the key to be, and the end of those it has no more. False
 * where there is no memory. */
static bool
write_records(struct change *change, const struct key_change *kc)
{
	struct record *records =
	    reallocarray(NULL, KEY_RECORDS_MAX, sizeof *records);
	struct record stale;
	size_t count, old_count = 0;

	if (records == NULL)
		return false;
	count = records_from_key(records, kc->key);
	for (size_t i = 0; i < count; i++)
		change_write(change, &records[i], kc->existing == NULL);
	if (kc->existing != NULL)
		old_count = key_more_count(kc->existing->details_len);
	for (size_t i = count; i <= old_count; i++) {
		record_name_key_more(&stale, kc->key->id, i);
		change_erase(change, &stale);
	}
	free(records);
	return true;
}

void
key_change_submit(struct admin *admin, struct change *change, struct call *call,
    struct key *existing, struct key_draft *draft, const char *token,
    const struct operation_id *id)
{
	struct key_change *kc = calloc(1, sizeof *kc);
	int64_t now = now_ms();
	char object[TOKEN_ID_LEN + 1] = "";

	if (kc != NULL) {
		kc->existing = existing;
		kc->key = key_draft_finish(draft);
	}
	if (kc == NULL || kc->key == NULL || !write_records(change, kc)) {
		if (kc != NULL)
			key_change_free(kc);
		change_drop(change);
		call_abort(call);
		return;
	}
	if (token != NULL) {
		memcpy(kc->token, token, strlen(token));
		change_once(change);
	}
	memcpy(object, kc->key->id, TOKEN_ID_LEN);
	admin_audit(admin, change, call,
	    existing != NULL ? view_key(existing, now) : NULL,
	    view_key(kc->key, now));
	change_submit(change, id->text, RECORD_KEY, object, apply_key_change,
	    key_change_free, kc);
}
