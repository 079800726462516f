/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the admin interface share. */
#ifndef DAEMON_ADMIN_IMPL_H
#define DAEMON_ADMIN_IMPL_H

#include "admin.h"
#include "params.h"

/* The methods, a file for each noun. context is the struct admin. */
method_fn admin_check_store, admin_backup_store;
method_fn admin_get_status, admin_get_metrics, admin_get_usage;
method_fn admin_create_account, admin_approve_account, admin_suspend_account,
    admin_delete_account, admin_get_account, admin_list_accounts;
method_fn admin_create_product, admin_delete_product, admin_get_product,
    admin_list_products, admin_enable_product, admin_disable_product;
method_fn admin_create_key, admin_update_key, admin_disable_key,
    admin_enable_key, admin_revoke_key, admin_rotate_key, admin_delete_key,
    admin_get_key, admin_list_keys;
method_fn admin_reveal_key, admin_explain_key, admin_identify_tokens;
method_fn admin_begin_import, admin_add_to_import, admin_commit_import,
    admin_export_keys;
method_fn admin_add_allowed, admin_remove_allowed, admin_set_allowlist;
method_fn admin_add_operator, admin_remove_operator, admin_list_operators,
    admin_set_pin;
method_fn admin_list_audit, admin_verify_audit;

/* Whether the caller's role suffices (still); else the call has been
 * answered. */
bool
admin_may_call(const struct admin *admin, struct call *call, method_fn *method);
/* Runs a method, from its beginning, if the caller may (still) call it. */
void admin_run(void *context, struct call *call, method_fn *method);

/* For struct varlink_service; context is the struct admin. */
void admin_count_answer(struct admin *admin, const char *error);

/* uid 0 and the daemon's own uid, which are superadmin whatever happens. */
bool admin_is_born(const struct admin *admin, uint32_t uid);

/*
 * Whether the caller is limited to some accounts, and whether this one is
 * among those it may administer. Account NULL: there is none.
 */
bool admin_is_limited(const struct admin *admin, const struct call *call);
bool admin_covers(const struct admin *admin, const struct call *call,
    const struct account *account);

/* Objects looked at, and put into a list's page, a call: a call may not hold
 * up verifications for longer than some of them take. */
enum { PAGE_LOOKED_AT = 2000, PAGE_MAX = 100 };

/* The claim of whoever changes operators, or what they depend on: they are
 * few, and so are such changes. */
#define ALL_OPERATORS "all"

/*
 * True where the parameters were all right; else the call has been answered
 * with InvalidArgument, or the standard error for a name that is none.
 */
bool admin_params_ok(struct call *call, struct params *params);
extern const char admin_slug_expected[], admin_name_expected[];

/* Answers InvalidArgument. */
void admin_invalid(struct call *call, const char *field, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

/* Answers NotFound. */
void admin_not_found(struct call *call, const char *kind, const char *name);
/* For callers with limits: the same whether there is such an object or not. */
void admin_not_yours(struct call *call, const char *kind, const char *name);

/*
 * Objects by name; NULL where there is none, the call answered NotFound. To a
 * caller with limits, what is outside of them does not exist, and either is
 * NotPermitted.
 */
struct account *
admin_find_account(struct admin *admin, struct call *call, const char *slug);
struct product *
admin_find_product(struct admin *admin, struct call *call, const char *slug);
struct key *
admin_find_key(struct admin *admin, struct call *call, const char *id);

/* As this caller may see it. */
json_t *admin_view_product(const struct admin *admin, const struct call *call,
    const struct product *product);
/* NULL where there is no operator of this uid. */
json_t *admin_view_operator(const struct admin *admin, uint64_t uid);

/* NULL where there is no such import. */
json_t *admin_view_import(const struct admin *admin, uint64_t first);

/* A changing method's id: the caller's, or a random one. */
struct operation_id {
	char text[OPERATION_ID_MAX + 1];
};
struct operation_id param_operation_id(struct params *params);
bool operation_id_valid(const char *text);

/*
 * change_begin(), with claims on the operation id and the caller's role, and
 * at most three more. An id that this caller has used before is answered here,
 * with the object of this kind as it is now; NULL then, too.
 */
struct change *admin_begin(struct admin *admin, struct call *call,
    method_fn *method, const struct operation_id *id, enum record_kind kind,
    const struct claim *claims, size_t claim_count);

/*
 * For a change that finds everything as it should be: commits the operation id
 * alone and answers with the object. A repetition stays harmless then, also
 * where somebody has changed the object since.
 */
void admin_submit_nothing(struct admin *admin, struct change *change,
    struct call *call, const struct operation_id *id, enum record_kind kind,
    const char *object);

/* Whether the caller has used the id before; the call has been answered
 * then. */
bool admin_was_done(const struct admin *admin, struct call *call,
    const struct operation_id *id, enum record_kind kind);

/* Answers with a reply, NULL being want of memory; and with {NAME: view}, for
 * which a view is the same. */
void admin_answer(struct call *call, json_t *reply);
void admin_reply(struct call *call, const char *name, json_t *view);

/* Where a page begins: what the last one called next, or 0. */
size_t param_position(struct params *params);

/*
 * The object at or after *position, moved behind it: false at the end. *view,
 * NULL before, becomes a new reference, unless the object is not for this
 * caller or not what the filter asks for.
 */
typedef bool next_view_fn(struct admin *admin, struct call *call,
    const void *filter, size_t *position, json_t **view);
/* Answers with a page of these, from position on, under this name. */
void admin_list(struct admin *admin, struct call *call, const char *name,
    size_t position, next_view_fn *next, const void *filter);
/* A whole method that has no filter. */
void admin_list_all(
    void *context, struct call *call, const char *name, next_view_fn *next);

/* In decimal, as claims and operations name an operator. */
enum { UID_TEXT_MAX = sizeof "4294967295" };
void uid_text(uint32_t uid, char text[UID_TEXT_MAX]);

/* "root", the daemon's own login, the operator's, or "uid 1000". */
void admin_login(
    const struct admin *admin, uid_t uid, char login[LOGIN_MAX_LEN + 1]);

/* For changes that hold nothing, and for those that hold malloc'd memory. */
void discard_nothing(void *subject);

#endif
