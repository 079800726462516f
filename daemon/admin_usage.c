/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What keys, accounts and products were used for. Answered later: whoever
 * asked may have gone by then, or may no longer be allowed to know.
 */
#include <stdlib.h>
#include <string.h>

#include "admin_impl.h"
#include "instant.h"
#include "usage_tell.h"

struct usage_call {
	struct admin *admin;
	struct call *call;
	enum window window;
};

/* Of whom; one of them is given. */
static const struct subject {
	const char *name; /* of the parameter, and of the member in the view */
	enum usage_subject kind;
} subjects[] = {
    {"id", USAGE_OF_KEY},
    {"account", USAGE_OF_ACCOUNT},
    {"product", USAGE_OF_PRODUCT},
};

enum { SUBJECTS = sizeof subjects / sizeof subjects[0] };

static const struct subject *
param_subject(struct params *params, const char **name)
{
	const struct subject *found = NULL;

	*name = NULL;
	for (size_t i = 0; i < SUBJECTS; i++) {
		const char *text = param_text(params, subjects[i].name);

		if (text == NULL)
			continue;
		if (found != NULL)
			param_wrong(params, subjects[i].name,
			    "expected one of id, account and product");
		found = &subjects[i];
		*name = text;
	}
	if (found == NULL)
		param_wrong(
		    params, "id", "expected an id, an account or a product");
	return found;
}

static enum window
param_window(struct params *params)
{
	const char *text = param_text(params, "window");
	enum window window = text == NULL ? WINDOW_24H : window_from_text(text);

	if (window == WINDOW_NONE)
		param_wrong(params, "window", "expected 24h, 7d or 30d");
	return window;
}

/* Whether there is such a one and the caller may know of it, else answered.
 * Fills in the query's name. */
static bool
find(struct admin *admin, struct call *call, const struct subject *subject,
    const char *name, struct usage_query *query)
{
	const struct account *account;
	const struct product *product;
	const struct key *key;

	query->subject = subject->kind;
	switch (subject->kind) {
	case USAGE_OF_KEY:
		key = admin_find_key(admin, call, name);
		if (key != NULL)
			memcpy(query->name, key->id, TOKEN_ID_LEN);
		return key != NULL;
	case USAGE_OF_ACCOUNT:
		account = admin_find_account(admin, call, name);
		if (account != NULL)
			text_copy(
			    query->name, sizeof query->name, account->slug);
		return account != NULL;
	case USAGE_OF_PRODUCT:
		break;
	}
	/* It is also of accounts that are not theirs. */
	if (admin_is_limited(admin, call)) {
		admin_not_yours(call, "product", name);
		return false;
	}
	product = admin_find_product(admin, call, name);
	if (product != NULL)
		text_copy(query->name, sizeof query->name, product->slug);
	return product != NULL;
}

static void
on_report(void *context, const struct usage_report *report)
{
	struct usage_call waiting = *(struct usage_call *)context;
	struct params params = params_over(call_parameters(waiting.call));
	struct usage_query query = {.now = 0};
	const struct subject *subject;
	const char *name;

	free(context);
	subject = param_subject(&params, &name);
	if (!admin_may_call(waiting.admin, waiting.call, admin_get_usage) ||
	    !find(waiting.admin, waiting.call, subject, name, &query))
		return;
	if (report == NULL)
		answer_failure(waiting.call, "UsageUnavailable",
		    "usage cannot be read; apikeyd's log says why");
	else
		admin_reply(waiting.call, "usage",
		    usage_view(report, subject->name, name, waiting.window));
}

void
admin_get_usage(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	struct usage_query query = {.now = now_ms()};
	struct usage_call *waiting;
	const char *name;
	const struct subject *subject = param_subject(&params, &name);
	enum window window = param_window(&params);

	if (!admin_params_ok(call, &params) ||
	    !find(admin, call, subject, name, &query))
		return;
	query.window = usage_window_of(window);
	waiting = malloc(sizeof *waiting);
	if (waiting == NULL) {
		call_abort(call);
		return;
	}
	*waiting = (struct usage_call){admin, call, window};
	if (usage_ask(admin->usage, &query, on_report, waiting))
		return;
	free(waiting);
	answer_failure(call, "UsageUnavailable",
	    "too many are asking for usage just now: try again");
}
