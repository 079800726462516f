/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "admin_audit.h"
#include "admin_backup.h"
#include "admin_import.h"
#include "config.h"
#include "instant.h"
#include "log.h"
#include "view.h"

/* The table: a method that is not in it does not exist, and one without a
 * role does not compile. */
struct row {
	const char *name;
	enum role least;
	method_fn *run;
};

#define METHOD_LIST(X)                                              \
	X("CheckStore", ROLE_AUDITOR, admin_check_store)            \
	X("BackupStore", ROLE_SUPERADMIN, admin_backup_store)       \
	X("GetStatus", ROLE_AUDITOR, admin_get_status)              \
	X("GetMetrics", ROLE_AUDITOR, admin_get_metrics)            \
	X("CreateAccount", ROLE_SUPERADMIN, admin_create_account)   \
	X("ApproveAccount", ROLE_SUPERADMIN, admin_approve_account) \
	X("SuspendAccount", ROLE_SUPERADMIN, admin_suspend_account) \
	X("DeleteAccount", ROLE_SUPERADMIN, admin_delete_account)   \
	X("GetAccount", ROLE_AUDITOR, admin_get_account)            \
	X("ListAccounts", ROLE_AUDITOR, admin_list_accounts)        \
	X("CreateProduct", ROLE_SUPERADMIN, admin_create_product)   \
	X("DeleteProduct", ROLE_SUPERADMIN, admin_delete_product)   \
	X("GetProduct", ROLE_AUDITOR, admin_get_product)            \
	X("ListProducts", ROLE_AUDITOR, admin_list_products)        \
	X("EnableProduct", ROLE_SUPERADMIN, admin_enable_product)   \
	X("DisableProduct", ROLE_SUPERADMIN, admin_disable_product) \
	X("CreateKey", ROLE_ADMIN, admin_create_key)                \
	X("UpdateKey", ROLE_ADMIN, admin_update_key)                \
	X("DisableKey", ROLE_ADMIN, admin_disable_key)              \
	X("EnableKey", ROLE_ADMIN, admin_enable_key)                \
	X("RevokeKey", ROLE_ADMIN, admin_revoke_key)                \
	X("RotateKey", ROLE_ADMIN, admin_rotate_key)                \
	X("DeleteKey", ROLE_ADMIN, admin_delete_key)                \
	X("AddAllowed", ROLE_ADMIN, admin_add_allowed)              \
	X("RemoveAllowed", ROLE_ADMIN, admin_remove_allowed)        \
	X("SetAllowlist", ROLE_ADMIN, admin_set_allowlist)          \
	X("RevealKey", ROLE_ADMIN, admin_reveal_key)                \
	X("ExplainKey", ROLE_AUDITOR, admin_explain_key)            \
	X("BeginImport", ROLE_ADMIN, admin_begin_import)            \
	X("AddToImport", ROLE_ADMIN, admin_add_to_import)           \
	X("CommitImport", ROLE_ADMIN, admin_commit_import)          \
	X("ExportKeys", ROLE_ADMIN, admin_export_keys)              \
	X("IdentifyTokens", ROLE_AUDITOR, admin_identify_tokens)    \
	X("GetKey", ROLE_AUDITOR, admin_get_key)                    \
	X("ListKeys", ROLE_AUDITOR, admin_list_keys)                \
	X("GetUsage", ROLE_AUDITOR, admin_get_usage)                \
	X("AddOperator", ROLE_SUPERADMIN, admin_add_operator)       \
	X("RemoveOperator", ROLE_SUPERADMIN, admin_remove_operator) \
	X("ListOperators", ROLE_SUPERADMIN, admin_list_operators)   \
	X("SetPin", ROLE_ADMIN, admin_set_pin)                      \
	X("ListAudit", ROLE_AUDITOR, admin_list_audit)              \
	X("VerifyAudit", ROLE_AUDITOR, admin_verify_audit)

static const struct row rows[] = {
#define METHOD_ROW(name, least, run) {name, least, run},
    METHOD_LIST(METHOD_ROW)
#undef METHOD_ROW
};

#define METHOD_HAS_ROLE(name, least, run)                                     \
	_Static_assert((least) >= ROLE_AUDITOR && (least) <= ROLE_SUPERADMIN, \
	    name " takes a role");
METHOD_LIST(METHOD_HAS_ROLE)
#undef METHOD_HAS_ROLE

bool
admin_is_born(const struct admin *admin, uint32_t uid)
{
	return uid == 0 || uid == admin->own_uid;
}

enum role
admin_role(const struct admin *admin, uid_t uid)
{
	const struct operator_user *user = index_operator(admin->index, uid);

	if (admin_is_born(admin, uid))
		return ROLE_SUPERADMIN;
	return user != NULL ? user->role : ROLE_NOBODY;
}

/* The caller as an operator with limits; NULL where it has none. */
static const struct operator_user *
limited_caller(const struct admin *admin, const struct call *call)
{
	uid_t uid = call_peer(call)->uid;
	const struct operator_user *user = index_operator(admin->index, uid);

	if (user == NULL || !user->limited || admin_is_born(admin, uid))
		return NULL;
	return user;
}

bool
admin_is_limited(const struct admin *admin, const struct call *call)
{
	return limited_caller(admin, call) != NULL;
}

bool
admin_covers(const struct admin *admin, const struct call *call,
    const struct account *account)
{
	const struct operator_user *user = limited_caller(admin, call);

	return user == NULL || operator_covers(user, account);
}

/* Whether the caller's role suffices; else the call has been answered. */
static bool
permitted(const struct admin *admin, struct call *call, const struct row *row)
{
	uid_t uid = call_peer(call)->uid;
	static struct log_throttle throttle;
	enum role role = admin_role(admin, uid);
	unsigned long long count;

	if (role >= row->least)
		return true;
	if (log_throttle(&throttle, &count))
		log_warning("%s refused: uid %u is %s, it takes %s "
			    "(%llu refused since the last such line)",
		    row->name, (unsigned)uid, role_text(role),
		    role_text(row->least), count);
	answer_failure(call, "NotPermitted",
	    "this takes the role %s, which uid %u does not have: run it as "
	    "root, or have a superadmin give the role with `apikeyctl "
	    "operator add`",
	    role_text(row->least), (unsigned)uid);
	return false;
}

static const struct row *
row_of(method_fn *method)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].run == method)
			return &rows[i];
	return NULL;
}

bool
admin_may_call(const struct admin *admin, struct call *call, method_fn *method)
{
	const struct row *row = row_of(method);

	if (row != NULL)
		return permitted(admin, call, row);
	call_abort(call); /* no method of ours */
	return false;
}

void
admin_run(void *context, struct call *call, method_fn *method)
{
	if (admin_may_call(context, call, method))
		method(context, call);
}

static bool
dispatch(void *context, struct call *call, const char *method)
{
	struct admin *admin = context;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strcmp(rows[i].name, method) == 0) {
			if (permitted(admin, call, &rows[i]))
				rows[i].run(admin, call);
			return true;
		}
	return false;
}

static void
note_answer(void *context, const struct call *call, const char *error)
{
	struct admin *admin = context;

	admin_count_answer(admin, error);
	if (error != NULL && call_method(call) != NULL)
		admin_audit_refusal(admin, call, error);
}

static void
note_sent(void *context, struct call *call)
{
	admin_audit_sent(context, call);
	admin_backup_sent(context, call);
}

void
admin_collected(struct admin *admin)
{
	admin_audit_read_on(admin);
}

void
admin_tick(struct admin *admin)
{
	admin_audit_sums(admin, false);
	admin_backup_look(admin);
	admin_import_look(admin);
	admin_audit_read_on(admin);
}

void
admin_stop(struct admin *admin)
{
	admin->stopping = true;
	admin_audit_sums(admin, true);
	admin_audit_stop_following(admin);
	admin_backup_stop(admin);
}

struct varlink_service
admin_service(struct admin *admin, const char *description)
{
	changes_resume_by(admin->changes, admin_run);
	return (struct varlink_service){
	    .vendor = "apikeyd",
	    .product = "apikeyd",
	    .version = PACKAGE_VERSION,
	    .url = "https://varlink.org",
	    .interface = "io.apikeyd.Admin",
	    .description = description,
	    .context = admin,
	    .dispatch = dispatch,
	    .answered = note_answer,
	    .sent = note_sent,
	};
}

/* What the methods share */

const char admin_slug_expected[] =
    "expected a slug: 1 to 63 of a-z 0-9 -, not beginning with -";
const char admin_name_expected[] =
    "expected 1 to 128 bytes of UTF-8 text without control characters";

void
admin_invalid(struct call *call, const char *field, const char *format, ...)
{
	char message[512];
	int len = snprintf(message, sizeof message, "%s: ", field);
	va_list args;

	if (len < 0 || (size_t)len >= sizeof message)
		len = 0;
	va_start(args, format);
	vsnprintf(message + len, sizeof message - (size_t)len, format, args);
	va_end(args);
	call_error(call, "InvalidArgument",
	    json_pack("{s:s, s:s}", "field", field, "message", message));
}

bool
admin_params_ok(struct call *call, struct params *params)
{
	if (params_ok(params))
		return true;
	if (params->unknown)
		call_invalid_parameter(call, params->field);
	else
		admin_invalid(call, params->field, "%s", params->expected);
	return false;
}

void
admin_not_found(struct call *call, const char *kind, const char *name)
{
	char message[256];

	if (!label_valid(name, 0, SLUG_MAX_LEN))
		name = "(not a name)"; /* and not ours to repeat */
	snprintf(message, sizeof message, "no such %s: %s", kind, name);
	call_error(call, "NotFound",
	    json_pack("{s:s, s:s, s:s}", "kind", kind, "name", name, "message",
		message));
}

void
admin_not_yours(struct call *call, const char *kind, const char *name)
{
	static struct log_throttle throttle;
	unsigned long long count;

	if (!label_valid(name, 0, OPERATION_ID_MAX))
		name = "(not a name)";
	if (log_throttle(&throttle, &count))
		log_warning("refused: uid %u, %s outside of its accounts (%llu "
			    "such since the last such line)",
		    (unsigned)call_peer(call)->uid, kind, count);
	answer_failure(call, "NotPermitted",
	    "%s %s is not among what you may administer", kind, name);
}

struct account *
admin_find_account(struct admin *admin, struct call *call, const char *slug)
{
	struct account *account = index_account(admin->index, slug);

	if (!admin_covers(admin, call, account)) {
		admin_not_yours(call, "account", slug);
		return NULL;
	}
	if (account == NULL)
		admin_not_found(call, "account", slug);
	return account;
}

struct product *
admin_find_product(struct admin *admin, struct call *call, const char *slug)
{
	struct product *product = index_product(admin->index, slug);

	if (product == NULL)
		admin_not_found(call, "product", slug);
	return product;
}

struct key *
admin_find_key(struct admin *admin, struct call *call, const char *id)
{
	struct key *key = index_key_by_text(admin->index, id, strlen(id));
	struct token_view token;
	char key_id[KEY_ID_SIZE];

	if (key != NULL && admin_covers(admin, call, key->account))
		return key;
	/* A whole token instead of its ID: do not repeat it to anybody. */
	if (token_parse(id, strlen(id), &token) == REASON_NONE) {
		snprintf(
		    key_id, sizeof key_id, "%.*s", (int)token.key_id_len, id);
		admin_invalid(call, "id",
		    "expected a key ID, got a whole token; its ID is %s",
		    key_id);
		return NULL;
	}
	if (admin_is_limited(admin, call))
		admin_not_yours(call, "key", id);
	else
		admin_not_found(call, "key", id);
	return NULL;
}

json_t *
admin_view_product(const struct admin *admin, const struct call *call,
    const struct product *product)
{
	json_t *view = view_product(product);

	/* How many keys others have is not theirs to know. */
	if (view != NULL && admin_is_limited(admin, call))
		json_object_set_new(view, "keys", json_null());
	return view;
}

void
admin_answer(struct call *call, json_t *reply)
{
	if (reply == NULL)
		call_abort(call);
	else
		call_reply(call, reply);
}

void
admin_reply(struct call *call, const char *name, json_t *view)
{
	admin_answer(call, json_pack("{s:o}", name, view));
}

void
uid_text(uint32_t uid, char text[UID_TEXT_MAX])
{
	snprintf(text, UID_TEXT_MAX, "%u", (unsigned)uid);
}

void
admin_login(const struct admin *admin, uid_t uid, char login[LOGIN_MAX_LEN + 1])
{
	const struct operator_user *user = index_operator(admin->index, uid);

	if (uid == 0)
		snprintf(login, LOGIN_MAX_LEN + 1, "root");
	else if (uid == admin->own_uid && admin->own_login[0] != '\0')
		snprintf(login, LOGIN_MAX_LEN + 1, "%s", admin->own_login);
	else if (user != NULL)
		snprintf(login, LOGIN_MAX_LEN + 1, "%s", user->login);
	else
		snprintf(login, LOGIN_MAX_LEN + 1, "uid %u", (unsigned)uid);
}

void
discard_nothing(void *subject)
{
	(void)subject;
}
