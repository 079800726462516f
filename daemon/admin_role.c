/* SPDX-License-Identifier: BSD-2-Clause */
/* Who the callers are, and what they may administer. */
#include <stdio.h>

#include "admin_impl.h"

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
