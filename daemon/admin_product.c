/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "admin_audit.h"
#include "instant.h"
#include "view.h"

static void
reply_product(struct call *call, const struct product *product)
{
	admin_reply(call, "product", view_product(product));
}

/* Create */

static void
apply_create(void *context, struct call *call, void *subject,
    const struct operation *operation)
{
	struct admin *admin = context;
	struct product *product = subject;

	product->sequence = operation->sequence;
	index_add_product(admin->index, product);
	reply_product(call, product);
}

/* A new product as the parameters want it; NULL where there is no memory or
 * a parameter is wrong. */
static struct product *
param_product(struct params *params)
{
	const char *slug = param_required_text(params, "slug");
	const char *name = param_text(params, "name");
	const char *prefix = param_text(params, "prefix");
	int64_t lifetime = param_integer(params, "max_lifetime_ms");
	bool require_pin = param_bool(params, "require_pin");
	bool recoverable = param_bool(params, "recoverable");
	struct product *product = calloc(1, sizeof *product);

	if (prefix == NULL)
		prefix = "ak";
	if (!slug_valid(slug))
		param_wrong(params, "slug", admin_slug_expected);
	if (name != NULL && !label_valid(name, 1, NAME_MAX_LEN))
		param_wrong(params, "name", admin_name_expected);
	if (!token_prefix_valid(prefix, strlen(prefix)))
		param_wrong(params, "prefix",
		    "expected 1 to 16 of a-z 0-9 _, beginning with a letter");
	if (lifetime < 0 || lifetime > DURATION_MAX_MS)
		param_wrong(params, "max_lifetime_ms",
		    "expected a duration in milliseconds, at most 100 years");
	if (product == NULL || params->field != NULL) {
		free(product);
		return NULL;
	}
	memcpy(product->slug, slug, strlen(slug));
	if (name != NULL)
		memcpy(product->name, name, strlen(name));
	memcpy(product->prefix, prefix, strlen(prefix));
	product->require_pin = require_pin;
	product->recoverable = recoverable;
	product->max_lifetime_ms = lifetime;
	product->created_at = now_ms();
	return product;
}

void
admin_create_product(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	struct product *product = param_product(&params);
	struct operation_id id = param_operation_id(&params);
	struct record record;
	struct change *change;

	if (!admin_params_ok(call, &params)) {
		free(product);
		return;
	}
	if (product == NULL) {
		call_abort(call);
		return;
	}
	change = admin_begin(admin, call, admin_create_product, &id,
	    RECORD_PRODUCT,
	    &(struct claim){RECORD_PRODUCT, CLAIM_EXCLUSIVE, product->slug}, 1);
	if (change == NULL) {
		free(product);
		return;
	}
	if (index_product(admin->index, product->slug) != NULL) {
		change_drop(change);
		answer_failure(call, "Conflict", "product %s exists already",
		    product->slug);
		free(product);
		return;
	}
	record_from_product(&record, product);
	change_write(change, &record, false); /* may follow a tombstone */
	change_brings(change);
	admin_audit(admin, change, call, NULL, view_product(product));
	change_submit(change, id.text, RECORD_PRODUCT, product->slug,
	    apply_create, free, product);
}

/* Delete */

static void
apply_delete(void *context, struct call *call, void *subject,
    const struct operation *operation)
{
	struct admin *admin = context;

	(void)operation;
	index_remove_product(admin->index, subject);
	call_reply(call, NULL);
}

/* Should the slug be used again, it is enabled for nobody. */
static void
disable_everywhere(
    struct admin *admin, struct change *change, const struct product *product)
{
	const struct account *account;
	struct record record;
	size_t position = 0;

	while ((account = index_next_account(admin->index, &position)) != NULL)
		if (account_may_use(account, product)) {
			record_from_enabled(&record, account, product, false);
			change_write(change, &record, false);
		}
}

void
admin_delete_product(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	const char *slug = param_required_text(&params, "slug");
	struct operation_id id = param_operation_id(&params);
	struct product *product, changed;
	struct record record;
	struct change *change;

	if (!admin_params_ok(call, &params))
		return;
	change =
	    admin_begin(admin, call, admin_delete_product, &id, RECORD_PRODUCT,
		&(struct claim){RECORD_PRODUCT, CLAIM_EXCLUSIVE, slug}, 1);
	if (change == NULL)
		return;
	product = admin_find_product(admin, call, slug);
	if (product == NULL) {
		change_drop(change);
		return;
	}
	if (product->keys > 0) {
		change_drop(change);
		answer_failure(call, "Conflict",
		    "product %s still has keys (%u): delete them first, or "
		    "stop an account's with `apikeyctl product disable %s "
		    "--account ACCOUNT`",
		    slug, product->keys, slug);
		return;
	}
	changed = *product;
	changed.deleted = true;
	record_from_product(&record, &changed);
	change_write(change, &record, false);
	disable_everywhere(admin, change, product);
	admin_audit(admin, change, call, view_product(product), NULL);
	change_submit(change, id.text, RECORD_PRODUCT, slug, apply_delete,
	    discard_nothing, product);
}

/* Enable, disable for an account */

struct enabling {
	struct account *account;
	struct product *product;
	bool enable;
};

static void
apply_enabling(void *context, struct call *call, void *subject,
    const struct operation *operation)
{
	struct enabling *enabling = subject;

	(void)context;
	(void)operation;
	if (enabling->enable)
		index_enable(enabling->account, enabling->product);
	else
		index_disable(enabling->account, enabling->product);
	admin_reply(call, "account", view_account(enabling->account));
	free(enabling);
}

static void
set_enabled(
    struct admin *admin, struct call *call, method_fn *method, bool enable)
{
	struct params params = params_over(call_parameters(call));
	const char *slug = param_required_text(&params, "slug");
	const char *account_slug = param_required_text(&params, "account");
	struct operation_id id = param_operation_id(&params);
	struct account *account;
	struct product *product;
	struct enabling *enabling;
	struct record record;
	struct change *change;

	if (!admin_params_ok(call, &params))
		return;
	change = admin_begin(admin, call, method, &id, RECORD_ACCOUNT,
	    (struct claim[]){
		{RECORD_ACCOUNT, CLAIM_EXCLUSIVE, account_slug},
		{RECORD_PRODUCT, CLAIM_SHARED, slug},
	    },
	    2);
	if (change == NULL)
		return;
	product = admin_find_product(admin, call, slug);
	account = product == NULL
	    ? NULL
	    : admin_find_account(admin, call, account_slug);
	if (account == NULL) {
		change_drop(change);
		return;
	}
	if (account_may_use(account, product) == enable) {
		admin_submit_nothing(
		    admin, change, call, &id, RECORD_ACCOUNT, account_slug);
		return;
	}
	enabling = malloc(sizeof *enabling);
	if (enabling == NULL || !index_enable_reserve(account)) {
		free(enabling);
		change_drop(change);
		call_abort(call);
		return;
	}
	*enabling = (struct enabling){account, product, enable};
	record_from_enabled(&record, account, product, enable);
	change_write(change, &record, false);
	/* Said by the method; the account is named. */
	admin_audit(admin, change, call, NULL, NULL);
	change_submit(change, id.text, RECORD_ACCOUNT, account_slug,
	    apply_enabling, free, enabling);
}

void
admin_enable_product(void *context, struct call *call)
{
	set_enabled(context, call, admin_enable_product, true);
}

void
admin_disable_product(void *context, struct call *call)
{
	set_enabled(context, call, admin_disable_product, false);
}

/* Get, list */

void
admin_get_product(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	const char *slug = param_required_text(&params, "slug");
	struct product *product;

	if (!admin_params_ok(call, &params))
		return;
	product = admin_find_product(admin, call, slug);
	if (product != NULL)
		admin_reply(
		    call, "product", admin_view_product(admin, call, product));
}

static bool
next_product(struct admin *admin, struct call *call, const void *filter,
    size_t *position, json_t **view)
{
	const struct product *product =
	    index_next_product(admin->index, position);

	(void)filter;
	if (product != NULL)
		*view = admin_view_product(admin, call, product);
	return product != NULL;
}

void
admin_list_products(void *context, struct call *call)
{
	admin_list_all(context, call, "products", next_product);
}
