/* SPDX-License-Identifier: BSD-2-Clause */
#include "key_rules.h"

#include <stdarg.h>
#include <stdio.h>

void
refuse(struct refusal *refusal, const char *error, const char *format, ...)
{
	va_list args;

	refusal->error = error;
	va_start(args, format);
	vsnprintf(refusal->message, sizeof refusal->message, format, args);
	va_end(args);
}

bool
key_may_be_made(const struct account *account, const struct product *product,
    struct refusal *refusal)
{
	if (account->status != ACCOUNT_APPROVED) {
		refuse(refusal, "Conflict",
		    "account %s is %s: approve it with `apikeyctl account "
		    "approve %s`",
		    account->slug, account_status_text(account->status),
		    account->slug);
		return false;
	}
	if (!account_may_use(account, product)) {
		refuse(refusal, "Conflict",
		    "product %s is not enabled for account %s: enable it with "
		    "`apikeyctl product enable %s --account %s`",
		    product->slug, account->slug, product->slug, account->slug);
		return false;
	}
	return true;
}

bool
key_fit_lifetime(struct key_draft *draft, const struct product *product,
    struct refusal *refusal)
{
	int64_t latest;
	char text[TIME_TEXT_MAX];

	if (product->max_lifetime_ms == 0)
		return true;
	latest = draft->key.created_at + product->max_lifetime_ms;
	if (draft->key.expires_at == 0)
		draft->key.expires_at = latest;
	if (draft->key.expires_at <= latest)
		return true;
	time_text(latest, text);
	refuse(refusal, "Conflict",
	    "keys for product %s may not last longer than until %s",
	    product->slug, text);
	return false;
}
