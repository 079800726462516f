/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "admin_audit.h"
#include "instant.h"
#include "view.h"

static void
reply_account(struct call *call, const struct account *account)
{
	admin_reply(call, "account", view_account(account));
}

/* Create */

static void
apply_create(void *context, struct call *call, void *subject,
    const struct operation *operation)
{
	struct admin *admin = context;
	struct account *account = subject;

	account->sequence = operation->sequence;
	index_add_account(admin->index, account);
	reply_account(call, account);
}

static struct account *
new_account(const char *slug, const char *name, enum account_status status)
{
	struct account *account = calloc(1, sizeof *account);

	if (account == NULL)
		return NULL;
	memcpy(account->slug, slug, strlen(slug));
	if (name != NULL)
		memcpy(account->name, name, strlen(name));
	account->status = status;
	account->created_at = now_ms();
	return account;
}

/* "pending" where nothing is said: someone else has to approve. */
static enum account_status
param_account_status(struct params *params)
{
	const char *text = param_text(params, "status");

	if (text == NULL || strcmp(text, "pending") == 0)
		return ACCOUNT_PENDING;
	if (strcmp(text, "approved") != 0)
		param_wrong(params, "status", "expected pending or approved");
	return ACCOUNT_APPROVED;
}

void
admin_create_account(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	const char *slug = param_required_text(&params, "slug");
	const char *name = param_text(&params, "name");
	enum account_status status = param_account_status(&params);
	struct operation_id id = param_operation_id(&params);
	struct account *account;
	struct record record;
	struct change *change;

	if (!slug_valid(slug))
		param_wrong(&params, "slug", admin_slug_expected);
	if (name != NULL && !label_valid(name, 1, NAME_MAX_LEN))
		param_wrong(&params, "name", admin_name_expected);
	if (!admin_params_ok(call, &params))
		return;
	change =
	    admin_begin(admin, call, admin_create_account, &id, RECORD_ACCOUNT,
		&(struct claim){RECORD_ACCOUNT, CLAIM_EXCLUSIVE, slug}, 1);
	if (change == NULL)
		return;
	if (index_account(admin->index, slug) != NULL) {
		change_drop(change);
		answer_failure(
		    call, "Conflict", "account %s exists already", slug);
		return;
	}
	account = new_account(slug, name, status);
	if (account == NULL) {
		change_drop(change);
		call_abort(call);
		return;
	}
	record_from_account(&record, account);
	change_write(change, &record, false); /* may follow a tombstone */
	change_brings(change);
	admin_audit(admin, change, call, NULL, view_account(account));
	change_submit(
	    change, id.text, RECORD_ACCOUNT, slug, apply_create, free, account);
}

/* Approve, suspend */

struct new_status {
	struct account *account;
	enum account_status status;
};

static void
apply_status(void *context, struct call *call, void *subject,
    const struct operation *operation)
{
	struct new_status *new = subject;

	(void)context;
	new->account->status = new->status;
	new->account->sequence = operation->sequence;
	reply_account(call, new->account);
	free(new);
}

static void
set_status(struct admin *admin, struct call *call, method_fn *method,
    enum account_status status)
{
	struct params params = params_over(call_parameters(call));
	const char *slug = param_required_text(&params, "slug");
	struct operation_id id = param_operation_id(&params);
	struct account *account, changed;
	struct new_status *new;
	struct record record;
	struct change *change;

	if (!admin_params_ok(call, &params))
		return;
	change = admin_begin(admin, call, method, &id, RECORD_ACCOUNT,
	    &(struct claim){RECORD_ACCOUNT, CLAIM_EXCLUSIVE, slug}, 1);
	if (change == NULL)
		return;
	account = admin_find_account(admin, call, slug);
	if (account == NULL) {
		change_drop(change);
		return;
	}
	if (account->status == status) {
		admin_submit_nothing(
		    admin, change, call, &id, RECORD_ACCOUNT, slug);
		return;
	}
	new = malloc(sizeof *new);
	if (new == NULL) {
		change_drop(change);
		call_abort(call);
		return;
	}
	*new = (struct new_status){account, status};
	changed = *account;
	changed.status = status;
	record_from_account(&record, &changed);
	change_write(change, &record, false);
	admin_audit(
	    admin, change, call, view_account(account), view_account(&changed));
	change_submit(
	    change, id.text, RECORD_ACCOUNT, slug, apply_status, free, new);
}

void
admin_approve_account(void *context, struct call *call)
{
	set_status(context, call, admin_approve_account, ACCOUNT_APPROVED);
}

void
admin_suspend_account(void *context, struct call *call)
{
	set_status(context, call, admin_suspend_account, ACCOUNT_SUSPENDED);
}

/* Delete */

static void
apply_delete(void *context, struct call *call, void *subject,
    const struct operation *operation)
{
	struct admin *admin = context;

	(void)operation;
	index_remove_account(admin->index, subject);
	call_reply(call, NULL);
}

/* Should the slug be used again, it is no operator's. Whoever was limited to
 * it stays limited: to what is left, be it nothing. */
static void
unlimit_everybody(
    struct admin *admin, struct change *change, const struct account *account)
{
	const struct operator_user *user;
	struct record record;
	size_t position = 0;

	while ((user = index_next_operator(admin->index, &position)) != NULL)
		if (user->limited && operator_covers(user, account)) {
			record_from_limit(&record, user->uid, account, false);
			change_write(change, &record, false);
		}
}

void
admin_delete_account(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	const char *slug = param_required_text(&params, "slug");
	struct operation_id id = param_operation_id(&params);
	struct account *account, changed;
	struct record record;
	struct change *change;

	if (!admin_params_ok(call, &params))
		return;
	change =
	    admin_begin(admin, call, admin_delete_account, &id, RECORD_ACCOUNT,
		(struct claim[]){
		    {RECORD_ACCOUNT, CLAIM_EXCLUSIVE, slug},
		    {RECORD_OPERATOR, CLAIM_EXCLUSIVE, ALL_OPERATORS},
		},
		2);
	if (change == NULL)
		return;
	account = admin_find_account(admin, call, slug);
	if (account == NULL) {
		change_drop(change);
		return;
	}
	if (account->keys > 0) {
		change_drop(change);
		answer_failure(call, "Conflict",
		    "account %s still has keys (%u): delete them first, or "
		    "stop them all with `apikeyctl account suspend %s`",
		    slug, account->keys, slug);
		return;
	}
	changed = *account;
	changed.status = ACCOUNT_DELETED;
	record_from_account(&record, &changed);
	change_write(change, &record, false);
	/* Should the slug be used again, nothing is enabled for it. */
	for (uint32_t i = 0; i < account->enabled_count; i++) {
		record_from_enabled(
		    &record, account, account->enabled[i], false);
		change_write(change, &record, false);
	}
	unlimit_everybody(admin, change, account);
	admin_audit(admin, change, call, view_account(account), NULL);
	change_submit(change, id.text, RECORD_ACCOUNT, slug, apply_delete,
	    discard_nothing, account);
}

/* Get, list */

void
admin_get_account(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	const char *slug = param_required_text(&params, "slug");
	struct account *account;

	if (!admin_params_ok(call, &params))
		return;
	account = admin_find_account(admin, call, slug);
	if (account != NULL)
		reply_account(call, account);
}

static bool
next_account(struct admin *admin, struct call *call, const void *filter,
    size_t *position, json_t **view)
{
	const struct account *account =
	    index_next_account(admin->index, position);

	(void)filter;
	if (account != NULL && admin_covers(admin, call, account))
		*view = view_account(account);
	return account != NULL;
}

void
admin_list_accounts(void *context, struct call *call)
{
	admin_list_all(context, call, "accounts", next_account);
}
