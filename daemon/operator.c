/* SPDX-License-Identifier: BSD-2-Clause */
#include "operator.h"

#include <stdlib.h>
#include <string.h>

const char *
role_text(enum role role)
{
	switch (role) {
	case ROLE_AUDITOR:
		return "auditor";
	case ROLE_ADMIN:
		return "admin";
	case ROLE_SUPERADMIN:
		return "superadmin";
	case ROLE_NOBODY:
		break;
	}
	return "nobody";
}

enum role
role_from_text(const char *text)
{
	for (enum role role = ROLE_AUDITOR; role <= ROLE_SUPERADMIN; role++)
		if (strcmp(text, role_text(role)) == 0)
			return role;
	return ROLE_NOBODY;
}

bool
operator_covers(const struct operator_user *user, const struct account *account)
{
	if (!user->limited)
		return true;
	for (uint32_t i = 0; i < user->account_count; i++)
		if (user->accounts[i] == account)
			return true;
	return false;
}

bool
operator_limit_to(struct operator_user *user, struct account *account)
{
	struct account **accounts;

	for (uint32_t i = 0; i < user->account_count; i++)
		if (user->accounts[i] == account)
			return true;
	accounts = reallocarray(
	    user->accounts, user->account_count + 1, sizeof *accounts);
	if (accounts == NULL)
		return false;
	user->accounts = accounts;
	accounts[user->account_count++] = account;
	return true;
}

void
operator_forget(struct operator_user *user, const struct account *account)
{
	for (uint32_t i = 0; i < user->account_count; i++)
		if (user->accounts[i] == account) {
			user->accounts[i] =
			    user->accounts[--user->account_count];
			return;
		}
}

void
operator_free(struct operator_user *user)
{
	if (user != NULL)
		free(user->accounts);
	free(user);
}
