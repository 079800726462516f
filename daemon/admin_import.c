/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Import: BeginImport, AddToImport for some lines at a time, CommitImport, all
 * on one connection, whose end gives up what was not committed. One import at
 * a time.
 */
#include "admin_import.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin_audit.h"
#include "admin_impl.h"
#include "admin_pin.h"
#include "import.h"
#include "import_line.h"
#include "instant.h"
#include "log.h"

/* Slices on their way to the store beyond which the next lines wait: enough to
 * keep it busy, and little memory. */
enum { SLICES_MAX = 8 };

/* Nobody who has begun an import and goes silent keeps the others from theirs.
 */
enum { SILENCE_MAX_MS = 60000 };

/* Of a file: there is no room for as many keys. */
#define LINES_MAX INT64_C(4294967295)

/* The call's import, as long as it takes lines; else the call is answered. */
static struct import *
own_import(struct call *call)
{
	struct import *import = call_remembered(call);

	if (import != NULL && import->stage == IMPORT_STAGING) {
		import->heard_at = monotonic_ms();
		return import;
	}
	answer_failure(call, "Conflict",
	    "no import was begun on this connection: call BeginImport first");
	return NULL;
}

/* Begin */

static struct call *
take_call(struct call **slot)
{
	struct call *call = *slot;

	*slot = NULL;
	return call;
}

/* It is over; its connection may still remember it. */
static void
on_ended(struct import *import)
{
	struct admin *admin = import->context;
	struct call *next = take_call(&import->next);

	admin->import = NULL;
	import->stage = IMPORT_OVER;
	if (!import->held)
		import_free(import);
	if (next != NULL)
		admin_run(admin, next, admin_begin_import);
}

/* Goes on with the call that waits for slices to come back. */
static void
on_eased(struct import *import)
{
	struct admin *admin = import->context;
	struct call *parked = import->parked;

	if (parked == NULL)
		return;
	if (import->committing ? import->pending == 0
			       : import->pending < SLICES_MAX) {
		import->parked = NULL;
		admin_run(admin, parked,
		    import->committing ? admin_commit_import
				       : admin_add_to_import);
	}
}

/* The connection is gone. */
static void
on_gone(void *memory)
{
	struct import *import = memory;
	struct call *parked = take_call(&import->parked);

	if (parked != NULL)
		call_abort(parked);
	import->held = false;
	if (import->stage == IMPORT_OVER) {
		import_free(import);
	} else if (import->stage == IMPORT_STAGING) {
		log_notice("import of uid %u given up: its connection ended",
		    (unsigned)import->uid);
		import_clear(import);
	}
}

static struct import *
start_import(struct admin *admin)
{
	struct import *import = import_new(admin->index, admin->store);

	if (import == NULL)
		return NULL;
	import->eased = on_eased;
	import->ended = on_ended;
	import->context = admin;
	admin->import = import;
	return import;
}

static void
refuse_next(struct import *import)
{
	struct call *next = take_call(&import->next);

	if (next != NULL)
		answer_failure(next, "Conflict",
		    "another import, of uid %u, is under way: wait for its end",
		    (unsigned)import->uid);
}

/* While another import is there: its connection may have ended without our
 * knowing yet, so the next one waits until it is over, or is heard of. */
static void
wait_for_other(struct import *other, struct call *call)
{
	if (other->next != NULL)
		refuse_next(other);
	other->next = call;
}

void
admin_import_look(struct admin *admin)
{
	struct import *import = admin->import;

	if (import == NULL || import->next == NULL ||
	    import->stage != IMPORT_STAGING || import->parked != NULL ||
	    monotonic_ms() - import->heard_at < SILENCE_MAX_MS)
		return;
	log_notice(
	    "import of uid %u given up: it was silent, and another waits",
	    (unsigned)import->uid);
	import_clear(import);
}

/* An export's hashes are good under the key they were made with alone. */
static bool
is_of_this_store(const struct admin *admin, struct call *call, const char *text)
{
	uint8_t expected[TOKEN_HASH_BYTES], given[TOKEN_HASH_BYTES];

	secret_hash_check(admin->ring, expected);
	if (secret_from_hex(text, given, sizeof given) &&
	    secret_hash_equal(given, expected))
		return true;
	answer_failure(call, "Conflict",
	    "this export is of another store, and its hashes are of no use "
	    "here: move a whole store with `apikeyctl store backup` and "
	    "`apikeyd --restore`");
	return false;
}

/* One that this connection had before, and that failed. */
static void
forget_last(struct call *call)
{
	struct import *last = call_remembered(call);

	if (last == NULL)
		return;
	call_remember(call, NULL, NULL);
	import_free(last);
}

void
admin_begin_import(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	const char *check = param_text(&params, "hash_check");
	struct operation_id id = param_operation_id(&params);
	struct import *import;

	if (!admin_params_ok(call, &params) ||
	    admin_was_done(admin, call, &id, RECORD_IMPORT))
		return;
	if (check != NULL && !is_of_this_store(admin, call, check))
		return;
	if (admin->import != NULL) {
		wait_for_other(admin->import, call);
		return;
	}
	forget_last(call);
	import = start_import(admin);
	if (import == NULL) {
		answer_failure(call, "StoreFailed", "out of memory");
		return;
	}
	import->uid = call_peer(call)->uid;
	import->heard_at = monotonic_ms();
	import->native = check != NULL;
	import->held = call_remember(call, import, on_gone);
	if (import->held) {
		call_reply(call, NULL);
	} else { /* it has gone while it waited */
		call_abort(call);
		import_clear(import);
	}
}

/* Lines */

struct line_error {
	const char *field; /* NULL: none in particular */
	struct refusal why;
};

static bool
refuse_params(const struct params *params, struct line_error *error)
{
	error->field = params->field;
	refuse(&error->why, "InvalidArgument", "%s",
	    params->unknown ? "is no field of a key" : params->expected);
	return false;
}

static bool
find_places(struct admin *admin, struct call *call, struct import_line *line,
    struct line_error *error)
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
    struct line_error *error)
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
    struct line_error *error)
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

/* One line to a key; NULL where it is refused. */
static struct key *
read_line(struct admin *admin, struct call *call, const struct import *import,
    json_t *object, struct line_error *error)
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

static json_t *
view_line_error(json_int_t line, const struct line_error *error)
{
	return json_pack("{s:I, s:s, s:s?, s:s}", "line", line, "error",
	    error->why.error, "field", error->field, "message",
	    error->why.message);
}

/*
 * False where the account or product of a line is being changed, perhaps
 * deleted: the call comes again when that is done.
 */
static bool
may_read(struct admin *admin, struct call *call, json_t *keys)
{
	struct change *change;
	json_t *item;
	size_t i;

	json_array_foreach (keys, i, item) {
		const char *account =
		    json_string_value(json_object_get(item, "account"));
		const char *product =
		    json_string_value(json_object_get(item, "product"));
		struct claim claims[] = {
		    {RECORD_ACCOUNT, CLAIM_SHARED, account ? account : ""},
		    {RECORD_PRODUCT, CLAIM_SHARED, product ? product : ""}};

		if (changes_free_to(admin->changes, claims, 2))
			continue;
		change = change_begin(admin->changes, call, admin_add_to_import,
		    admin, claims, 2);
		if (change == NULL)
			return false;
		change_drop(change);
	}
	return true;
}

static void
add_lines(struct admin *admin, struct call *call, struct import *import,
    json_t *keys, json_int_t first_line)
{
	struct import_slice *slice =
	    import_slice_new(import, (uint64_t)first_line);
	json_t *errors = json_array(), *item;
	size_t i;

	json_array_foreach (keys, i, item) {
		struct line_error error = {.field = NULL};
		struct key *key = slice == NULL
		    ? NULL
		    : read_line(admin, call, import, item, &error);

		if (key != NULL && import->refused)
			key_free(key); /* nothing will come of it */
		else if (key != NULL && !import_slice_add(slice, key))
			key = NULL;
		if (key != NULL)
			continue;
		import->refused = true;
		if (error.why.error == NULL)
			refuse(&error.why, "StoreFailed", "out of memory");
		json_array_append_new(errors,
		    view_line_error(first_line + (json_int_t)i, &error));
	}
	if (slice != NULL)
		import_slice_submit(
		    slice, (uint64_t)first_line + json_array_size(keys) - 1);
	admin_reply(call, "errors", errors);
}

static bool
are_objects(json_t *keys)
{
	json_t *item;
	size_t i;

	json_array_foreach (keys, i, item)
		if (!json_is_object(item))
			return false;
	return keys != NULL && json_array_size(keys) <= SLICE_KEYS_MAX;
}

void
admin_add_to_import(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	json_t *keys = param_array(&params, "keys");
	json_int_t first_line = param_integer(&params, "first_line");
	struct import *import;

	if (!are_objects(keys))
		param_wrong(&params, "keys", "expected at most 500 objects");
	if (first_line < 1 || first_line > LINES_MAX)
		param_wrong(&params, "first_line",
		    "expected a number from 1 to 4294967295");
	if (!admin_params_ok(call, &params))
		return;
	import = own_import(call);
	if (import == NULL || !may_read(admin, call, keys))
		return;
	refuse_next(import); /* this one goes on */
	if (import->pending >= SLICES_MAX) {
		import->parked = call;
		import->committing = false;
		return;
	}
	add_lines(admin, call, import, keys, first_line);
}

/* Commit */

/* Things may have changed since its lines were read; else the call has been
 * taken care of. */
static bool
may_commit(struct admin *admin, struct call *call, struct import *import,
    const char *pin)
{
	if (import->refused)
		refuse(&import->failure, "Conflict",
		    "lines of this import were refused");
	for (size_t i = 0;
	     import->failure.error == NULL && i < import->pair_count; i++)
		if (!key_may_be_made(import->pairs[i].account,
			import->pairs[i].product, &import->failure))
			break;
	for (size_t i = 0; i < import->pair_count; i++) {
		const struct account *account = import->pairs[i].account;

		if (admin_covers(admin, call, account))
			continue;
		admin_not_yours(call, "account", account->slug);
		return false;
	}
	if (import->failure.error != NULL) {
		answer_failure(call, import->failure.error,
		    "%s; nothing was imported", import->failure.message);
		return false;
	}
	for (size_t i = 0; i < import->pair_count; i++)
		if (!admin_step_up_for(admin, call, admin_commit_import, pin,
			import->pairs[i].product))
			return false;
	return true;
}

static struct import_record
import_as_record(const struct import *import)
{
	return (struct import_record){.first = import->first,
	    .last = import->last,
	    .keys = import->keys,
	    .uid = import->uid,
	    .at = import->at};
}

static void
apply_import(void *context, struct call *call, void *subject,
    const struct operation *operation)
{
	struct admin *admin = context;
	struct import *import = subject;
	struct import_record record = import_as_record(import);

	(void)operation;
	index_note_import(admin->index, &record);
	index_stage_live(admin->index);
	import->stage = IMPORT_SETTLING;
	log_notice("import of uid %u: %" PRIu64 " keys are in force",
	    (unsigned)import->uid, import->keys);
	import->held = false;
	call_remember(call, NULL, NULL);
	admin_reply(call, "import", admin_view_import(admin, import->first));
}

static void
discard_import(void *subject)
{
	import_clear(subject);
}

static void
submit_import(struct admin *admin, struct call *call, struct import *import,
    const struct operation_id *id)
{
	struct change *change = admin_begin(
	    admin, call, admin_commit_import, id, RECORD_IMPORT, NULL, 0);
	static const uint8_t any[MAC_BYTES];
	struct import_record brings;
	char object[32];
	struct record record;

	if (change == NULL)
		return;
	/* Whatever lines it had: who repeats it has them no more, or others. */
	change_identify(change, any);
	admin_audit(admin, change, call, NULL,
	    json_pack("{s:I, s:I}", "number", (json_int_t)import->first,
		"imported", (json_int_t)import->keys));
	snprintf(object, sizeof object, "%" PRIu64, import->first);
	import->at = now_ms();
	brings = import_as_record(import);
	record_from_import(&record, &brings);
	change_write(change, &record, true);
	import->stage = IMPORT_COMMITTING;
	change_submit(change, id->text, RECORD_IMPORT, object, apply_import,
	    discard_import, import);
}

void
admin_commit_import(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	const char *pin = admin_param_pin(&params, "pin");
	struct operation_id id = param_operation_id(&params);
	struct import *import;

	if (!admin_params_ok(call, &params))
		return;
	import = own_import(call);
	if (import == NULL)
		return;
	if (import->pending > 0) {
		import->parked = call;
		import->committing = true;
		return;
	}
	if (!may_commit(admin, call, import, pin))
		return;
	if (import->keys == 0)
		answer_failure(call, "Conflict", "there is nothing to import");
	else
		submit_import(admin, call, import, &id);
}

json_t *
admin_view_import(const struct admin *admin, uint64_t first)
{
	const struct import_record *import = index_import(admin->index, first);
	char at[TIME_TEXT_MAX];

	if (import == NULL)
		return NULL;
	time_text(import->at, at);
	return json_pack("{s:I, s:I, s:s}", "number", (json_int_t)first, "keys",
	    (json_int_t)import->keys, "imported_at", at);
}

/* Beside calls */

void
admin_import_resume(struct admin *admin)
{
	size_t staged = index_staged(admin->index);
	struct import *import = staged > 0 ? start_import(admin) : NULL;

	if (import == NULL)
		return;
	log_notice("%zu keys of an import that was not finished are cleared "
		   "away",
	    staged);
	import_clear(import);
}

bool
admin_import_portion(struct admin *admin)
{
	return admin->import != NULL && import_portion(admin->import);
}

void
admin_import_stop(struct admin *admin)
{
	if (admin->import != NULL)
		admin->import->stopping = true;
}

void
admin_import_free(struct admin *admin)
{
	if (admin->import != NULL && admin->import->next != NULL)
		call_abort(admin->import->next);
	import_free(admin->import);
	admin->import = NULL;
}
