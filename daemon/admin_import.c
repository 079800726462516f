/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Import: BeginImport, AddToImport for some lines at a time, CommitImport, all
 * on one connection, whose end gives up what was not committed.
 */
#include <inttypes.h>
#include <stdio.h>

#include "admin_audit.h"
#include "admin_impl.h"
#include "admin_import_impl.h"
#include "admin_pin.h"
#include "instant.h"
#include "log.h"

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

void
admin_begin_import(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	const char *check = param_text(&params, "hash_check");
	struct operation_id id = param_operation_id(&params);

	if (!admin_params_ok(call, &params) ||
	    admin_was_done(admin, call, &id, RECORD_IMPORT))
		return;
	if (check == NULL || is_of_this_store(admin, call, check))
		admin_import_begin(admin, call, check != NULL);
}

/* Lines */

static json_t *
view_line_error(json_int_t line, const struct import_line_error *error)
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
		struct import_line_error error = {.field = NULL};
		struct key *key = slice == NULL
		    ? NULL
		    : admin_import_read_line(admin, call, import, item, &error);

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
	admin_import_refuse_next(import); /* this one goes on */
	if (import->pending >= IMPORT_SLICES_MAX) {
		import->parked = call;
		import->committing = false;
		return;
	}
	add_lines(admin, call, import, keys, first_line);
}

/* Commit */

static bool
answer_import_failure(struct call *call, const struct import *import)
{
	answer_failure(call, import->failure.error, "%s; nothing was imported",
	    import->failure.message);
	return false;
}

/* Things may have changed since its lines were read; else the call has been
 * taken care of. What failed comes first: of a line that was not staged the
 * pair may be gone by now, for no key of the import kept it. */
static bool
may_commit(struct admin *admin, struct call *call, struct import *import,
    const char *pin)
{
	if (import->refused)
		refuse(&import->failure, "Conflict",
		    "lines of this import were refused");
	if (import->failure.error != NULL)
		return answer_import_failure(call, import);
	for (size_t i = 0; i < import->pair_count; i++) {
		const struct account *account = import->pairs[i].account;

		if (admin_covers(admin, call, account))
			continue;
		admin_not_yours(call, "account", account->slug);
		return false;
	}
	for (size_t i = 0; i < import->pair_count; i++)
		if (!key_may_be_made(import->pairs[i].account,
			import->pairs[i].product, &import->failure))
			return answer_import_failure(call, import);
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
