/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin_audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_entry.h"
#include "instant.h"
#include "json_memory.h"

/*
 * The methods that change, reveal or take out something, and which parameter
 * names the object. Urgent are those that take something away from whoever has
 * it: they go on from the reserve where the disk is full.
 */
static const struct audited {
	const char *method;
	enum record_kind kind;
	const char *parameter; /* NULL: the object has no name yet */
	bool urgent;
} audited[] = {
    {"CreateAccount", RECORD_ACCOUNT, "slug", false},
    {"ApproveAccount", RECORD_ACCOUNT, "slug", false},
    {"SuspendAccount", RECORD_ACCOUNT, "slug", true},
    {"DeleteAccount", RECORD_ACCOUNT, "slug", true},
    {"CreateProduct", RECORD_PRODUCT, "slug", false},
    {"DeleteProduct", RECORD_PRODUCT, "slug", true},
    {"EnableProduct", RECORD_PRODUCT, "slug", false},
    {"DisableProduct", RECORD_PRODUCT, "slug", true},
    {"CreateKey", RECORD_KEY, NULL, false},
    {"UpdateKey", RECORD_KEY, "id", false},
    {"DisableKey", RECORD_KEY, "id", true},
    {"EnableKey", RECORD_KEY, "id", false},
    {"RevokeKey", RECORD_KEY, "id", true},
    {"RotateKey", RECORD_KEY, "id", false},
    {"DeleteKey", RECORD_KEY, "id", true},
    {"AddAllowed", RECORD_KEY, "id", false},
    {"RemoveAllowed", RECORD_KEY, "id", true},
    {"SetAllowlist", RECORD_KEY, "id", false},
    {"RevealKey", RECORD_KEY, "id", false},
    {"AddOperator", RECORD_OPERATOR, "login", false},
    {"RemoveOperator", RECORD_OPERATOR, "login", true},
    {"SetPin", RECORD_OPERATOR, NULL, false},
    {"BeginImport", RECORD_IMPORT, NULL, false},
    {"CommitImport", RECORD_IMPORT, NULL, false},
    {"ExportKeys", RECORD_ACCOUNT, "account", false},
};

static const struct audited *
find_audited(const char *method)
{
	for (size_t i = 0; i < sizeof audited / sizeof audited[0]; i++)
		if (strcmp(audited[i].method, method) == 0)
			return &audited[i];
	return NULL;
}

/* The object of a call, as far as it is fit to be written down: it may be
 * anything, a token even. */
struct subject {
	const char *kind, *account;
	char name[SLUG_MAX_LEN + 1]; /* empty: none */
};

static const char *
text_of(const json_t *parameters, const char *name)
{
	return json_string_value(json_object_get(parameters, name));
}

static const char *
slug_of(const json_t *parameters, const char *name)
{
	const char *text = text_of(parameters, name);

	return text != NULL && slug_valid(text) ? text : NULL;
}

static void
set_name(struct subject *subject, const char *name, size_t len)
{
	snprintf(subject->name, sizeof subject->name, "%.*s", (int)len, name);
}

static void
set_key(const struct admin *admin, struct subject *subject, const char *id)
{
	const struct key *key = index_key_by_text(admin->index, id, strlen(id));
	struct token_view token;
	const char *part;
	size_t prefix_len;

	if (key != NULL)
		subject->account = key->account->slug;
	if (key_id_parse(id, strlen(id), &part, &prefix_len))
		set_name(subject, id, strlen(id));
	else if (token_parse(id, strlen(id), &token) == REASON_NONE)
		set_name(subject, id, token.key_id_len);
}

static void
set_subject(const struct admin *admin, struct subject *subject,
    const struct audited *row, const struct call *call)
{
	const json_t *parameters = call_parameters(call);
	const char *name =
	    row->parameter != NULL ? text_of(parameters, row->parameter) : NULL;

	switch (row->kind) {
	case RECORD_ACCOUNT:
		subject->kind = "account";
		subject->account = slug_of(parameters, row->parameter);
		break;
	case RECORD_PRODUCT:
		subject->kind = "product";
		subject->account = slug_of(parameters, "account");
		break;
	case RECORD_KEY:
		subject->kind = "key";
		subject->account =
		    slug_of(json_object_get(parameters, "settings"), "account");
		if (name != NULL)
			set_key(admin, subject, name);
		return;
	case RECORD_IMPORT:
		subject->kind = "import";
		return;
	default:
		subject->kind = "operator";
		/* Too short for a token. */
		if (name != NULL && label_valid(name, 1, SLUG_MAX_LEN))
			set_name(subject, name, strlen(name));
		return;
	}
	if (name != NULL && slug_valid(name))
		set_name(subject, name, strlen(name));
}

static char *
entry_text(struct admin *admin, const struct call *call,
    const struct audited *row, json_t *before, json_t *after,
    const char *outcome)
{
	const json_t *parameters = call_parameters(call);
	uid_t uid = call_peer(call)->uid;
	struct subject subject = {.kind = NULL};
	struct audit_entry entry = {
	    .at = now_ms(),
	    .uid = uid,
	    .method = call_method(call),
	    .outcome = outcome,
	    .operation_id = text_of(parameters, "operation_id"),
	    .reason = text_of(parameters, "reason"),
	};
	char login[LOGIN_MAX_LEN + 1];

	admin_login(admin, uid, login);
	entry.login = login;
	if (row != NULL)
		set_subject(admin, &subject, row, call);
	/* A key that is being made has its name in what it will be. */
	if (after != NULL && row != NULL && row->kind == RECORD_KEY &&
	    subject.name[0] == '\0')
		set_key(admin, &subject, text_of(after, "id"));
	entry.kind = subject.kind;
	entry.name = subject.name[0] != '\0' ? subject.name : NULL;
	entry.account = subject.account;
	if (entry.operation_id != NULL &&
	    !operation_id_valid(entry.operation_id))
		entry.operation_id = NULL;
	if (entry.reason != NULL &&
	    !label_valid(entry.reason, 1, REASON_MAX_LEN))
		entry.reason = NULL;
	audit_entry_diff(&before, &after);
	entry.before = before;
	entry.after = after;
	char *text = audit_entry_text(&entry);
	if (json_memory_failed()) {
		free(text);
		text = NULL;
	}
	json_decref(before);
	json_decref(after);
	return text;
}

/* Changes */

static void
give_line(struct admin *admin, struct change *change, struct call *call,
    json_t *before, json_t *after, const char *outcome)
{
	const struct audited *row = find_audited(call_method(call));

	change_audit(change,
	    entry_text(admin, call, row, before, after, outcome),
	    row != NULL && row->urgent);
}

void
admin_audit(struct admin *admin, struct change *change, struct call *call,
    json_t *before, json_t *after)
{
	give_line(admin, change, call, before, after, "done");
}

void
admin_audit_unchanged(
    struct admin *admin, struct change *change, struct call *call)
{
	give_line(admin, change, call, NULL, NULL, "unchanged");
}

/* Refusals */

/* A line without a change. */
struct lone_line {
	struct store_change store; /* first: what the store hands back */
	struct admin *admin;
	char *text;
	struct refusal_sum sum; /* of refusals it stands for */
};

static void
on_line_done(struct store_change *store)
{
	struct lone_line *line = (struct lone_line *)store;
	struct admin *admin = line->admin;

	admin->lines_done++;
	if (store->result != STORE_OK)
		refusals_put_back(&admin->refusals, &line->sum, monotonic_ms());
	free(line->text);
	free(line);
}

/* Takes over text; NULL is want of memory. */
static void
submit_line(struct admin *admin, char *text, const struct refusal_sum *sum)
{
	struct lone_line *line = calloc(1, sizeof *line);

	if (line == NULL || text == NULL) {
		free(text);
		free(line);
		refusals_put_back(&admin->refusals, sum, monotonic_ms());
		return;
	}
	line->store.audit = line->text = text;
	line->store.done = on_line_done;
	line->admin = admin;
	line->sum = *sum;
	admin->lines_submitted++;
	store_submit(admin->store, &line->store);
}

static void
submit_sum(struct admin *admin, const struct refusal_sum *sum)
{
	char login[LOGIN_MAX_LEN + 1];
	struct audit_entry entry = {
	    .at = now_ms(),
	    .uid = sum->known ? (int64_t)sum->uid : -1,
	    .count = sum->count,
	    .outcome = "refused",
	};

	if (sum->known) {
		admin_login(admin, sum->uid, login);
		entry.login = login;
	}
	submit_line(admin, audit_entry_text(&entry), sum);
}

void
admin_audit_sums(struct admin *admin, bool all)
{
	struct refusal_sum sums[REFUSALS_USERS + 1];
	int64_t now = monotonic_ms();
	size_t count = 0;

	while (count < REFUSALS_USERS + 1 &&
	    refusals_due(&admin->refusals, now, all, &sums[count]))
		count++;
	for (size_t i = 0; i < count; i++)
		submit_sum(admin, &sums[i]);
}

void
admin_audit_refusal(
    struct admin *admin, const struct call *call, const char *error)
{
	const struct audited *row = find_audited(call_method(call));
	struct refusal_sum one = {true, call_peer(call)->uid, 1};

	/* Of those that only look, what matters is who was not to. */
	if (row == NULL && strcmp(error, "NotPermitted") != 0)
		return;
	admin_audit_sums(admin, false);
	if (refusals_note(&admin->refusals, one.uid, monotonic_ms()))
		submit_line(admin,
		    entry_text(admin, call, row, NULL, NULL, error), &one);
}

/* Operation ids */

/* What the digest is over; NULL without memory. */
static json_t *
digested(const struct call *call)
{
	static const char *const left_out[] = {
	    "operation_id", "pin", "old_pin"};
	json_t *given = call_parameters(call), *what = json_copy(given), *value;
	const char *member;
	void *next;

	/* A copy for which there is too little memory may lack members. */
	if (json_object_size(what) != json_object_size(given)) {
		json_decref(what);
		return NULL;
	}
	for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++)
		json_object_del(what, left_out[i]);
	json_object_foreach_safe(what, next, member,
	    value) if (json_is_null(value)) json_object_del(what, member);
	return json_pack(
	    "{s:s, s:o}", "method", call_method(call), "parameters", what);
}

bool
admin_digest(const struct admin *admin, const struct call *call,
    uint8_t digest[MAC_BYTES])
{
	enum { FLAGS = JSON_COMPACT | JSON_SORT_KEYS };
	static const char name[] = "operation";
	json_t *what = digested(call);
	size_t len;
	char *text = json_text(what, FLAGS, &len);

	json_decref(what);
	if (text == NULL)
		return false;
	secret_mac(admin->ring, name, sizeof name - 1, text, len, digest);
	free(text);
	return true;
}
