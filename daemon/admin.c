/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin.h"

#include <string.h>

#include "admin_audit.h"
#include "admin_backup.h"
#include "admin_import.h"
#include "config.h"
#include "log.h"

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
