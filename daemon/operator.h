/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operators: local users who may administer. What counts is the uid, as the
 * kernel attests it; the login is how lists show it.
 */
#ifndef DAEMON_OPERATOR_H
#define DAEMON_OPERATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"

/* What one may do includes all that those before it may. */
enum role {
	ROLE_NOBODY = 1,
	ROLE_AUDITOR,
	ROLE_ADMIN,
	ROLE_SUPERADMIN,
};

enum { OPERATOR_ACCOUNTS_MAX = 64 };

struct operator_user {
	uint32_t uid;
	enum role role;
	/* To the accounts below: none, once the last of them is deleted. */
	bool limited;
	bool deleted; /* a tombstone: on disk only */
	char login[LOGIN_MAX_LEN + 1];
	int64_t created_at;
	uint64_t sequence;
	uint32_t account_count;
	struct account **accounts;
};

const char *role_text(enum role role);
/* ROLE_NOBODY where text is none of the roles one can have. */
enum role role_from_text(const char *text);

/* Whether its limits leave it this account; NULL, no account, only where
 * there are no limits. */
bool operator_covers(
    const struct operator_user *user, const struct account *account);

/* Adds an account, or takes one away, where it is not so already. False where
 * there is no memory. */
bool operator_limit_to(struct operator_user *user, struct account *account);
void operator_forget(struct operator_user *user, const struct account *account);

void operator_free(struct operator_user *user);

#endif
