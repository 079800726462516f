/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin_audit.h"
#include "instant.h"
#include "view.h"

json_t *
admin_view_operator(const struct admin *admin, uint64_t uid)
{
	const struct operator_user *user =
	    index_operator(admin->index, (uint32_t)uid);

	if (user == NULL)
		return NULL;
	return view_operator(
	    user, index_pin(admin->index, user->uid), now_ms());
}

static bool
refuse_born(const struct admin *admin, struct call *call, uint32_t uid)
{
	if (!admin_is_born(admin, uid))
		return false;
	answer_failure(call, "Conflict",
	    "uid %u is always superadmin%s and cannot be added, changed or "
	    "removed",
	    (unsigned)uid, uid == 0 ? "" : ", as apikeyd's own,");
	return true;
}

/*
 * Begins a change of the operator of this uid, and of all that hangs on it:
 * nothing that it has asked for is under way, nor is its PIN looked at.
 */
static struct change *
begin(struct admin *admin, struct call *call, method_fn *method,
    const struct operation_id *id, uint32_t uid)
{
	char text[UID_TEXT_MAX];

	uid_text(uid, text);
	return admin_begin(admin, call, method, id, RECORD_OPERATOR,
	    (struct claim[]){
		{RECORD_OPERATOR, CLAIM_EXCLUSIVE, ALL_OPERATORS},
		{RECORD_OPERATOR, CLAIM_EXCLUSIVE, text},
		{RECORD_PIN, CLAIM_EXCLUSIVE, text},
	    },
	    3);
}

static void
write_limits(struct change *change, const struct operator_user *user, bool live)
{
	struct record record;

	for (uint32_t i = 0; i < user->account_count; i++) {
		record_from_limit(&record, user->uid, user->accounts[i], live);
		change_write(change, &record, false);
	}
}

/* Whoever gets this uid next does not inherit the PIN. */
static void
erase_pin(const struct admin *admin, struct change *change, uint32_t uid)
{
	struct pin none = {.uid = uid, .deleted = true};
	struct record record;

	if (index_pin(admin->index, uid) == NULL)
		return;
	record_from_pin(&record, &none);
	change_write(change, &record, false);
}

/* Add, change */

struct operator_change {
	struct operator_user *existing; /* NULL: a new one */
	struct operator_user *user;     /* as it is to be */
};

static void
operator_change_free(void *subject)
{
	struct operator_change *oc = subject;

	operator_free(oc->user);
	free(oc);
}

static bool
is_renamed(const struct operator_change *oc)
{
	return oc->existing != NULL &&
	    strcmp(oc->existing->login, oc->user->login) != 0;
}

static void
apply_add(void *context, struct call *call, void *subject,
    const struct operation *operation)
{
	struct admin *admin = context;
	struct operator_change *oc = subject;
	uint32_t uid = oc->user->uid;

	oc->user->sequence = operation->sequence;
	if (is_renamed(oc))
		index_remove_pin(admin->index, uid);
	if (oc->existing != NULL)
		index_replace_operator(oc->existing, oc->user);
	else
		index_add_operator(admin->index, oc->user);
	oc->user = NULL;
	operator_change_free(oc);
	admin_reply(call, "operator", admin_view_operator(admin, uid));
}

/* The accounts that the operator is to be limited to; false where the call
 * was answered or there is no memory. */
static bool
limit_to(struct admin *admin, struct call *call, struct operator_user *user,
    const json_t *slugs)
{
	const json_t *slug;
	size_t i;

	user->limited = slugs != NULL;
	json_array_foreach (slugs, i, slug) {
		struct account *account =
		    admin_find_account(admin, call, json_string_value(slug));

		if (account == NULL)
			return false;
		if (!operator_limit_to(user, account)) {
			call_abort(call);
			return false;
		}
	}
	return true;
}

struct operator_params {
	const char *login;
	uint32_t uid;
	enum role role;
	json_t *accounts; /* NULL: all */
};

static void
check_accounts(struct params *params, const struct operator_params *op)
{
	const json_t *slug;
	size_t i;

	if (op->accounts == NULL)
		return;
	if (op->role == ROLE_SUPERADMIN)
		param_wrong(params, "accounts",
		    "a superadmin has all accounts: leave them out, or give "
		    "the role admin");
	/* Not as if nothing had been said, which would mean all. */
	if (json_array_size(op->accounts) < 1 ||
	    json_array_size(op->accounts) > OPERATOR_ACCOUNTS_MAX)
		param_wrong(params, "accounts", "expected 1 to 64 of them");
	json_array_foreach (op->accounts, i, slug)
		if (!json_is_string(slug))
			param_wrong(
			    params, "accounts", "expected a list of slugs");
}

static struct operator_params
param_operator(struct params *params)
{
	struct operator_params op = {
	    .login = param_required_text(params, "login"),
	    .accounts = param_array(params, "accounts"),
	};
	const char *role = param_required_text(params, "role");
	int64_t uid = param_integer(params, "uid");

	if (!param_given(params, "uid"))
		param_wrong(params, "uid", "is required");
	if (uid < 0 || uid >= UINT32_MAX)
		param_wrong(params, "uid", "expected a uid");
	op.uid = (uint32_t)uid;
	if (!label_valid(op.login, 1, LOGIN_MAX_LEN) ||
	    strpbrk(op.login, " :/") != NULL)
		param_wrong(params, "login",
		    "expected a login, without blanks, \":\" and \"/\"");
	op.role = role_from_text(role);
	if (op.role == ROLE_NOBODY)
		param_wrong(
		    params, "role", "expected superadmin, admin or auditor");
	check_accounts(params, &op);
	return op;
}

/* One login for two uids would make it unclear who is removed. */
static bool
login_is_free(const struct admin *admin, struct call *call,
    const struct operator_params *op)
{
	const struct operator_user *other =
	    index_operator_by_login(admin->index, op->login);

	if (other == NULL || other->uid == op->uid)
		return true;
	answer_failure(call, "Conflict",
	    "operator %s has uid %u, not %u: remove it first with `apikeyctl "
	    "operator remove %s`",
	    op->login, (unsigned)other->uid, (unsigned)op->uid, op->login);
	return false;
}

/* With another login its PIN goes. A superadmin cannot rid itself of its own
 * that way: whoever sits at somebody's terminal would be past the PIN. */
static bool
keeps_own_pin(const struct admin *admin, struct call *call,
    const struct operator_params *op)
{
	const struct operator_user *user =
	    index_operator(admin->index, op->uid);

	if (call_peer(call)->uid != op->uid || user == NULL ||
	    strcmp(user->login, op->login) == 0)
		return true;
	answer_failure(call, "Conflict",
	    "another login for your own uid is up to another superadmin");
	return false;
}

/* NULL where the call was answered, or ended for want of memory. */
static struct operator_change *
operator_change_new(
    struct admin *admin, struct call *call, const struct operator_params *op)
{
	struct operator_change *oc = calloc(1, sizeof *oc);

	if (oc != NULL)
		oc->user = calloc(1, sizeof *oc->user);
	if (oc == NULL || oc->user == NULL) {
		free(oc);
		call_abort(call);
		return NULL;
	}
	oc->existing = index_operator(admin->index, op->uid);
	oc->user->uid = op->uid;
	oc->user->role = op->role;
	memcpy(oc->user->login, op->login, strlen(op->login));
	oc->user->created_at =
	    oc->existing != NULL ? oc->existing->created_at : now_ms();
	if (limit_to(admin, call, oc->user, op->accounts))
		return oc;
	operator_change_free(oc);
	return NULL;
}

void
admin_add_operator(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	struct operator_params op = param_operator(&params);
	struct operation_id id = param_operation_id(&params);
	struct operator_change *oc = NULL;
	struct record record;
	struct change *change;
	char object[UID_TEXT_MAX];

	if (!admin_params_ok(call, &params) || refuse_born(admin, call, op.uid))
		return;
	change = begin(admin, call, admin_add_operator, &id, op.uid);
	if (change == NULL)
		return;
	if (login_is_free(admin, call, &op) && keeps_own_pin(admin, call, &op))
		oc = operator_change_new(admin, call, &op);
	if (oc == NULL) {
		change_drop(change);
		return;
	}
	record_from_operator(&record, oc->user);
	change_write(change, &record, false); /* may follow a tombstone */
	if (oc->existing == NULL)
		change_brings(change);
	/* In this order: an account may be in both. */
	if (oc->existing != NULL)
		write_limits(change, oc->existing, false);
	write_limits(change, oc->user, true);
	if (is_renamed(oc))
		erase_pin(admin, change, op.uid);
	uid_text(op.uid, object);
	admin_audit(admin, change, call, admin_view_operator(admin, op.uid),
	    view_operator(oc->user,
		is_renamed(oc) ? NULL : index_pin(admin->index, op.uid),
		now_ms()));
	change_submit(change, id.text, RECORD_OPERATOR, object, apply_add,
	    operator_change_free, oc);
}

/* Remove */

static void
apply_remove(void *context, struct call *call, void *subject,
    const struct operation *operation)
{
	struct admin *admin = context;
	struct operator_user *user = subject;

	(void)operation;
	index_remove_pin(admin->index, user->uid);
	index_remove_operator(admin->index, user);
	call_reply(call, NULL);
}

/* A uid in decimal. */
static bool
uid_parse(const char *text, uint32_t *uid)
{
	uint64_t value = 0;
	size_t i = 0;

	for (; text[i] >= '0' && text[i] <= '9' && value < UINT32_MAX; i++)
		value = value * 10 + (uint64_t)(text[i] - '0');
	*uid = (uint32_t)value;
	return i > 0 && text[i] == '\0' && value < UINT32_MAX;
}

/*
 * The operator of this login, as it was added, or of this uid. Nobody is
 * asked whose the login is now: the user may be gone, or another one may
 * have got the name. NULL: answered.
 */
static struct operator_user *
find_operator(struct admin *admin, struct call *call, const char *login)
{
	struct operator_user *user =
	    index_operator_by_login(admin->index, login);
	uint32_t uid;
	bool is_uid = uid_parse(login, &uid);

	if (user == NULL && is_uid)
		user = index_operator(admin->index, uid);
	if (user != NULL)
		return user;
	if (!is_uid && strcmp(login, "root") == 0) {
		uid = 0;
		is_uid = true;
	} else if (!is_uid && strcmp(login, admin->own_login) == 0) {
		uid = admin->own_uid;
		is_uid = true;
	}
	if (!is_uid || !refuse_born(admin, call, uid))
		admin_not_found(call, "operator",
		    strlen(login) <= LOGIN_MAX_LEN ? login : "(too long)");
	return NULL;
}

void
admin_remove_operator(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	const char *login = param_required_text(&params, "login");
	struct operation_id id = param_operation_id(&params);
	struct operator_user *user, removed;
	char object[UID_TEXT_MAX];
	struct record record;
	struct change *change;

	if (!admin_params_ok(call, &params))
		return;
	if (admin_was_done(admin, call, &id, RECORD_OPERATOR))
		return;
	user = find_operator(admin, call, login);
	if (user == NULL)
		return;
	change = begin(admin, call, admin_remove_operator, &id, user->uid);
	if (change == NULL)
		return;
	removed = *user;
	removed.deleted = true;
	record_from_operator(&record, &removed);
	change_write(change, &record, false);
	write_limits(change, user, false);
	erase_pin(admin, change, user->uid);
	uid_text(user->uid, object);
	admin_audit(
	    admin, change, call, admin_view_operator(admin, user->uid), NULL);
	change_submit(change, id.text, RECORD_OPERATOR, object, apply_remove,
	    discard_nothing, user);
}

/* List */

static bool
next_operator(struct admin *admin, struct call *call, const void *filter,
    size_t *position, json_t **view)
{
	const struct operator_user *operator=
	    index_next_operator(admin->index, position);

	(void)filter;
	(void)call;
	if (operator!= NULL)
		*view = admin_view_operator(admin, operator->uid);
	return operator!= NULL;
}

void
admin_list_operators(void *context, struct call *call)
{
	admin_list_all(context, call, "operators", next_operator);
}
