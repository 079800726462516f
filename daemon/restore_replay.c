/* SPDX-License-Identifier: BSD-2-Clause */
#include "restore_replay.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instant.h"
#include "key_draft.h"
#include "log.h"

/* What has become of an object after the backup. */
enum fact {
	REVOKED = 1,
	DISABLED = 2, /* or suspended */
	DELETED = 4,
	ROTATED = 8,
	NARROWED = 16, /* access to it was changed */
};

/*
 * The methods that matter. What a later one gives back is no longer taken away
 * (clears), but only of what was taken after the backup.
 */
static const struct {
	const char *method;
	unsigned sets, clears;
	bool narrows; /* sets only where its line tells of access */
} effects[] = {
    {"RevokeKey", REVOKED, 0, false},
    {"DisableKey", DISABLED, 0, false},
    {"EnableKey", 0, DISABLED, false},
    {"DeleteKey", DELETED, 0, false},
    {"RotateKey", ROTATED, 0, false},
    {"UpdateKey", NARROWED, 0, true},
    {"RemoveAllowed", NARROWED, 0, true},
    {"SetAllowlist", NARROWED, 0, true},
    {"SuspendAccount", DISABLED, 0, false},
    {"ApproveAccount", 0, DISABLED, false},
    {"DeleteAccount", DELETED, 0, false},
    {"DisableProduct", DISABLED, 0, false},
    {"EnableProduct", 0, DISABLED, false},
    {"DeleteProduct", DELETED, 0, false},
    {"AddOperator", NARROWED, 0, false},
    {"RemoveOperator", DELETED, 0, false},
    {"SetPin", ROTATED, 0, false},
};

/* Of a key's settings, those that decide who gets in. */
static const char *const access_members[] = {"permission", "scopes", "user",
    "services", "callers", "allowlist", "expires_at"};

struct replay {
	json_t *facts; /* "key dk_...", "product p/acme": enum fact */
	uint64_t omitted;
};

struct replay *
replay_new(void)
{
	struct replay *replay = calloc(1, sizeof *replay);

	if (replay != NULL && (replay->facts = json_object()) == NULL) {
		free(replay);
		return NULL;
	}
	return replay;
}

void
replay_free(struct replay *replay)
{
	if (replay != NULL)
		json_decref(replay->facts);
	free(replay);
}

static const char *
text_of(const json_t *entry, const char *name)
{
	const char *text = json_string_value(json_object_get(entry, name));

	return text != NULL ? text : "";
}

/* Values that were too long for the line say nothing: they may be of access. */
static bool
tells_of_access(const json_t *entry)
{
	const json_t *before = json_object_get(entry, "before");
	const json_t *after = json_object_get(entry, "after");
	size_t n = sizeof access_members / sizeof access_members[0];

	if (!json_is_object(before) && !json_is_object(after))
		return true;
	for (size_t i = 0; i < n; i++)
		if (json_object_get(before, access_members[i]) != NULL ||
		    json_object_get(after, access_members[i]) != NULL)
			return true;
	return false;
}

static bool
note(struct replay *replay, const json_t *entry, unsigned sets, unsigned clears)
{
	char name[4 * SLUG_MAX_LEN];
	const char *object = text_of(entry, "name");
	const char *account = text_of(entry, "account");
	json_int_t facts;

	/* Who set a PIN is who called. */
	if (object[0] == '\0')
		object = text_of(entry, "login");
	if (strcmp(text_of(entry, "kind"), "product") != 0)
		account = "";
	snprintf(name, sizeof name, "%s %s%s%s", text_of(entry, "kind"), object,
	    account[0] != '\0' ? "/" : "", account);
	facts = json_integer_value(json_object_get(replay->facts, name));
	facts = (facts & ~(json_int_t)clears) | (json_int_t)sets;
	return json_object_set_new(replay->facts, name, json_integer(facts)) ==
	    0;
}

static bool
note_entry(struct replay *replay, const json_t *entry)
{
	const char *outcome = text_of(entry, "outcome");

	if (strcmp(outcome, "omitted") == 0)
		replay->omitted += (uint64_t)json_integer_value(
		    json_object_get(entry, "count"));
	if (strcmp(outcome, "done") != 0)
		return true;
	for (size_t i = 0; i < sizeof effects / sizeof effects[0]; i++)
		if (strcmp(effects[i].method, text_of(entry, "method")) == 0 &&
		    (!effects[i].narrows || tells_of_access(entry)))
			return note(
			    replay, entry, effects[i].sets, effects[i].clears);
	return true;
}

bool
replay_line(struct replay *replay, struct bytes line)
{
	json_t *entry = json_loadb((const char *)line.data, line.len, 0, NULL);
	bool noted = entry != NULL && note_entry(replay, entry);

	json_decref(entry);
	return noted;
}

/* Doing it */

struct doing {
	struct store_file *file;
	struct index *index;
	unsigned done;
};

enum { WRITES_MAX = 2 * KEY_RECORDS_MAX };

/* One object's records; more than one change where there are many. */
struct writes {
	struct store_write writes[WRITES_MAX];
	size_t count;
};

static bool
commit(struct doing *doing, struct writes *writes)
{
	struct store_change change = {
	    .count = writes->count, .writes = writes->writes, .urgent = true};

	writes->count = 0;
	if (change.count == 0)
		return true;
	if (store_file_commit(doing->file, &change) == STORE_OK &&
	    change.result == STORE_OK)
		return true;
	log_error("%s: cannot be written: %s", doing->file->path,
	    store_result_text(change.result));
	return false;
}

static bool
put(struct doing *doing, struct writes *writes, const struct record *record,
    bool erase)
{
	writes->writes[writes->count++] =
	    (struct store_write){*record, erase, false};
	return writes->count < WRITES_MAX || commit(doing, writes);
}

static void
say(struct doing *doing, const char *kind, const char *name, const char *what)
{
	printf("%s %s: %s\n", kind, name, what);
	doing->done++;
}

static bool
delete_key(struct doing *doing, struct writes *writes, struct key *key)
{
	struct record records[KEY_RECORDS_MAX];
	struct key deleted = *key;
	size_t more = key_more_count(key->details_len);
	bool put_all;

	deleted.state = KEY_DELETED;
	records_from_key(records, &deleted);
	put_all = put(doing, writes, &records[0], false);
	for (size_t i = 1; i <= more; i++) {
		record_name_key_more(&records[0], key->id, i);
		put_all = put_all && put(doing, writes, &records[0], true);
	}
	index_remove_key(doing->index, key);
	return put_all;
}

/* Only the record as it lies there with another state, so that there is nothing
 * of a key that this could get wrong. */
static bool
set_state(struct doing *doing, struct writes *writes, struct key *key,
    enum key_state state)
{
	struct record records[KEY_RECORDS_MAX];
	static struct key_draft draft;
	struct key *changed;
	bool put_all = true;
	size_t count;

	key_draft_from(&draft, key);
	draft.key.state = (uint8_t)state;
	draft.details.state_at = now_ms();
	changed = key_draft_finish(&draft);
	if (changed == NULL) {
		log_error("out of memory");
		return false;
	}
	count = records_from_key(records, changed);
	for (size_t i = 0; i < count; i++)
		put_all = put_all && put(doing, writes, &records[i], false);
	for (size_t i = count; i <= key_more_count(key->details_len); i++) {
		record_name_key_more(&records[0], key->id, i);
		put_all = put_all && put(doing, writes, &records[0], true);
	}
	index_replace_key(doing->index, key, changed);
	return put_all;
}

static bool
redo_key(struct doing *doing, struct writes *writes, const char *name,
    unsigned facts)
{
	struct key *key = index_key_by_text(doing->index, name, strlen(name));

	if (key == NULL)
		return true; /* made after the backup, or it knew */
	if ((facts & DELETED) != 0) {
		say(doing, "key", name, "deleted");
		return delete_key(doing, writes, key);
	}
	if (key->state == KEY_REVOKED)
		return true;
	if ((facts & REVOKED) != 0) {
		say(doing, "key", name, "revoked");
		return set_state(doing, writes, key, KEY_REVOKED);
	}
	if ((facts & ROTATED) != 0)
		say(doing, "key", name,
		    "disabled: it was rotated after the backup, whose secret "
		    "must not come back; rotate it, then enable it");
	else if ((facts & NARROWED) != 0)
		say(doing, "key", name,
		    "disabled: who may use it was changed after the backup; "
		    "look at it, then enable it");
	else if ((facts & DISABLED) != 0 && key->state != KEY_DISABLED)
		say(doing, "key", name, "disabled");
	else
		return true;
	return key->state == KEY_DISABLED ||
	    set_state(doing, writes, key, KEY_DISABLED);
}

static bool
remove_operator(
    struct doing *doing, struct writes *writes, struct operator_user *user)
{
	const struct pin *pin = index_pin(doing->index, user->uid);
	struct operator_user removed = *user;
	struct record record;
	struct pin no_pin;
	bool put_all;

	removed.deleted = true;
	record_from_operator(&record, &removed);
	put_all = put(doing, writes, &record, false);
	for (uint32_t i = 0; i < user->account_count; i++) {
		record_from_limit(&record, user->uid, user->accounts[i], false);
		put_all = put_all && put(doing, writes, &record, false);
	}
	if (pin != NULL) {
		no_pin = *pin;
		no_pin.deleted = true;
		record_from_pin(&record, &no_pin);
		put_all = put_all && put(doing, writes, &record, false);
		index_remove_pin(doing->index, user->uid);
	}
	index_remove_operator(doing->index, user);
	return put_all;
}

static bool
redo_operator(struct doing *doing, struct writes *writes, const char *name,
    unsigned facts)
{
	struct operator_user *user =
	    index_operator_by_login(doing->index, name);
	char *end;
	unsigned long uid = strtoul(name, &end, 10);

	if (user == NULL && *end == '\0')
		user = index_operator(doing->index, (uint32_t)uid);
	if ((facts & ROTATED) != 0)
		say(doing, "operator", name,
		    "has the PIN of the backup again; set it anew");
	if (user == NULL || (facts & (DELETED | NARROWED)) == 0)
		return true;
	say(doing, "operator", name,
	    (facts & DELETED) != 0 ? "removed"
				   : "removed: it was changed after the "
				     "backup; add it again as it should be");
	return remove_operator(doing, writes, user);
}

/* Suspended, where keys that the backup knows of are still its own. */
static bool
redo_account(struct doing *doing, struct writes *writes, const char *name,
    unsigned facts)
{
	struct account *account = index_account(doing->index, name);
	struct record record;

	if (account == NULL || (facts & (DELETED | DISABLED)) == 0 ||
	    account->status == ACCOUNT_SUSPENDED)
		return true;
	say(doing, "account", name,
	    (facts & DELETED) != 0
		? "suspended: it was deleted after the backup; delete it"
		: "suspended");
	account->status = ACCOUNT_SUSPENDED;
	record_from_account(&record, account);
	return put(doing, writes, &record, false);
}

static bool
disable_product(struct doing *doing, struct writes *writes,
    struct account *account, struct product *product)
{
	struct record record;

	if (!account_may_use(account, product))
		return true;
	record_from_enabled(&record, account, product, false);
	index_disable(account, product);
	return put(doing, writes, &record, false);
}

/* name is PRODUCT/ACCOUNT, or PRODUCT. */
static bool
redo_product(struct doing *doing, struct writes *writes, const char *name,
    unsigned facts)
{
	char slug[2 * SLUG_MAX_LEN + 2], *slash;
	struct product *product;
	struct account *account;
	size_t position = 0;

	if ((facts & (DELETED | DISABLED)) == 0)
		return true;
	snprintf(slug, sizeof slug, "%s", name);
	slash = strchr(slug, '/');
	if (slash != NULL)
		*slash = '\0';
	product = index_product(doing->index, slug);
	if (product == NULL)
		return true;
	if (slash != NULL) {
		account = index_account(doing->index, slash + 1);
		if (account == NULL || !account_may_use(account, product))
			return true;
		say(doing, "product", name, "disabled for the account");
		return disable_product(doing, writes, account, product);
	}
	say(doing, "product", name,
	    "disabled for all accounts: it was deleted after the backup; "
	    "delete it");
	while ((account = index_next_account(doing->index, &position)) != NULL)
		if (!disable_product(doing, writes, account, product))
			return false;
	return true;
}

static const struct {
	const char *kind;
	bool (*redo)(struct doing *doing, struct writes *writes,
	    const char *name, unsigned facts);
} kinds[] = {
    {"key ", redo_key},
    {"operator ", redo_operator},
    {"account ", redo_account},
    {"product ", redo_product},
};

bool
replay_apply(struct replay *replay, struct store_file *file,
    struct index *index, unsigned *done)
{
	struct doing doing = {.file = file, .index = index};
	struct writes *writes = calloc(1, sizeof *writes);
	bool redone = writes != NULL;
	const char *name;
	json_t *facts;

	json_object_foreach (replay->facts, name, facts) {
		for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
			size_t len = strlen(kinds[i].kind);

			if (redone && strncmp(name, kinds[i].kind, len) == 0)
				redone =
				    kinds[i].redo(&doing, writes, name + len,
					(unsigned)json_integer_value(facts));
		}
		redone = redone && commit(&doing, writes);
	}
	if (replay->omitted > 0)
		printf("%llu changes after the backup are without a line in "
		       "audit.log: look for yourself what they were\n",
		    (unsigned long long)replay->omitted);
	*done = doing.done;
	free(writes);
	return redone;
}
