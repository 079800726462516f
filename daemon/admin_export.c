/* SPDX-License-Identifier: BSD-2-Clause */
/* Export: keys as lines that an import takes; hashes, and no token. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "admin_audit.h"
#include "instant.h"
#include "json_memory.h"
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

/*
 * How far an export has come: what a page calls next. Its first page and its
 * last have a line in audit.log each, so who asks for one between them has to
 * show that it began: only the daemon makes the MAC.
 */
struct progress {
	size_t position;
	uint64_t exported;
	int64_t at; /* of the page before, Unix ms; 0: there is none */
};

enum {
	/* A page is to be asked for so soon after the one before. */
	EXPORT_PAUSE_MS = 3600 * 1000,
	PROGRESS_MAX = 64,
};

/* For this caller, and this account alone. */
static void
seal_progress(const struct admin *admin, const struct call *call,
    const char *account, const char *progress, char hex[2 * MAC_BYTES + 1])
{
	static const char name[] = "export";
	char text[PROGRESS_MAX + SLUG_MAX_LEN + UID_TEXT_MAX];
	uint8_t mac[MAC_BYTES];
	int len = snprintf(text, sizeof text, "%u %s %s",
	    (unsigned)call_peer(call)->uid, account != NULL ? account : "",
	    progress);

	secret_mac(admin->ring, name, sizeof name - 1, text, (size_t)len, mac);
	secret_to_hex(mac, sizeof mac, hex);
}

static json_t *
progress_text(const struct admin *admin, const struct call *call,
    const char *account, const struct progress *progress)
{
	char text[PROGRESS_MAX], hex[2 * MAC_BYTES + 1];

	snprintf(text, sizeof text, "%zu-%" PRIu64 "-%" PRId64 "-",
	    progress->position, progress->exported, progress->at);
	seal_progress(admin, call, account, text, hex);
	return json_sprintf("%s%s", text, hex);
}

/* Whether it is what a page for this caller, of this account, called next. */
static bool
parse_progress(const struct admin *admin, const struct call *call,
    const char *account, const char *after, struct progress *progress)
{
	char text[PROGRESS_MAX], hex[2 * MAC_BYTES + 1];
	size_t len = strlen(after);

	if (len <= 2 * MAC_BYTES || len - 2 * MAC_BYTES >= sizeof text ||
	    (account != NULL && !slug_valid(account)))
		return false;
	len -= 2 * MAC_BYTES;
	memcpy(text, after, len);
	text[len] = '\0';
	seal_progress(admin, call, account, text, hex);
	return sodium_memcmp(hex, after + len, 2 * MAC_BYTES) == 0 &&
	    sscanf(text, "%zu-%" SCNu64 "-%" SCNd64 "-", &progress->position,
		&progress->exported, &progress->at) == 3;
}

/* Zeroed without one. */
static struct progress
param_progress(struct params *params, const struct admin *admin,
    const struct call *call, const char *account, int64_t now)
{
	const char *after = param_text(params, "after");
	struct progress progress = {.at = 0};

	if (after != NULL && after[0] != '\0' &&
	    (!parse_progress(admin, call, account, after, &progress) ||
		now - progress.at > EXPORT_PAUSE_MS))
		param_wrong(params, "after",
		    "expected what the last page called next, within an hour");
	return progress;
}

/* Moves progress on behind the page. */
static json_t *
export_page(const struct admin *admin, const struct call *call,
    const char *account, struct progress *progress, int64_t now)
{
	json_t *keys = json_array();
	const struct key *key;

	for (size_t looked_at = 0;
	     looked_at < PAGE_LOOKED_AT && json_array_size(keys) < PAGE_MAX;
	     looked_at++) {
		key = index_next_key(admin->index, &progress->position);
		if (key == NULL) {
			progress->position = 0;
			break;
		}
		if (admin_covers(admin, call, key->account) &&
		    (account == NULL ||
			strcmp(account, key->account->slug) == 0))
			json_array_append_new(keys, export_line(key, now));
	}
	progress->exported += json_array_size(keys);
	progress->at = now;
	return keys;
}

static json_t *
reply_of(const struct admin *admin, const struct call *call,
    const char *account, struct progress *progress, int64_t now)
{
	uint8_t check[TOKEN_HASH_BYTES];
	json_t *keys = export_page(admin, call, account, progress, now);
	json_t *reply;
	char hex[HEX_SIZE];

	secret_hash_check(admin->ring, check);
	secret_to_hex(check, sizeof check, hex);
	reply = json_pack("{s:o, s:s, s:o}", "keys", keys, "hash_check", hex,
	    "next",
	    progress->position != 0
		? progress_text(admin, call, account, progress)
		: json_null());
	if (!json_memory_failed())
		return reply;
	json_decref(reply);
	return NULL;
}

static void
apply_export(void *context, struct call *call, void *subject,
    const struct operation *operation)
{
	(void)context;
	(void)operation;
	call_reply(call, subject);
}

static void
discard_reply(void *subject)
{
	json_decref(subject);
}

/* A page that goes out once its line is in the log. */
static void
submit_page(struct admin *admin, struct call *call, json_t *reply,
    const struct progress *progress)
{
	char uid[UID_TEXT_MAX];
	struct claim caller = {RECORD_OPERATOR, CLAIM_SHARED, uid};
	struct change *change;

	uid_text(call_peer(call)->uid, uid);
	change = change_begin(
	    admin->changes, call, admin_export_keys, admin, &caller, 1);
	if (change == NULL) {
		json_decref(reply); /* it is made anew */
		return;
	}
	admin_audit(admin, change, call, NULL,
	    json_pack("{s:I, s:b}", "exported", (json_int_t)progress->exported,
		"more", progress->position != 0));
	change_submit(
	    change, "", RECORD_ROOT, "", apply_export, discard_reply, reply);
}

void
admin_export_keys(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	const char *account = param_text(&params, "account");
	int64_t now = now_ms();
	struct progress progress =
	    param_progress(&params, admin, call, account, now);
	bool first = progress.at == 0;
	json_t *reply;

	if (!admin_params_ok(call, &params) ||
	    (account != NULL &&
		admin_find_account(admin, call, account) == NULL))
		return;
	reply = reply_of(admin, call, account, &progress, now);
	if (reply != NULL && (first || progress.position == 0))
		submit_page(admin, call, reply, &progress);
	else
		admin_answer(call, reply);
}
