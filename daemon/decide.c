/* SPDX-License-Identifier: BSD-2-Clause */
#include "decide.h"

struct question {
	const struct key *key;
	const struct key_details *details;
	const struct verify_request *request;
	uid_t uid;
	int64_t now;
};

/* The checks; each says whether it passes. Those of the standing look at key
 * and now alone. */

static inline bool
not_revoked(const struct question *q)
{
	return q->key->state != KEY_REVOKED;
}

/* What is revoked is not called disabled, too. */
static inline bool
not_disabled(const struct question *q)
{
	return q->key->state == KEY_ACTIVE || q->key->state == KEY_REVOKED;
}

static inline bool
not_expired(const struct question *q)
{
	return q->key->expires_at == 0 || q->now < q->key->expires_at;
}

static inline bool
account_approved(const struct question *q)
{
	return q->key->account->status == ACCOUNT_APPROVED;
}

static inline bool
product_enabled(const struct question *q)
{
	return account_may_use(q->key->account, q->key->product);
}

/* Whether it is what the asker insists on, if he does. */
static inline bool
matches(struct bytes wanted, struct bytes has)
{
	return wanted.len == 0 || bytes_equal(wanted, has);
}

static inline bool
account_matches(const struct question *q)
{
	return matches(q->request->account, slug_of_account(q->key->account));
}

static inline bool
product_matches(const struct question *q)
{
	return matches(q->request->product, slug_of_product(q->key->product));
}

static inline bool
user_matches(const struct question *q)
{
	return matches(q->request->user, q->details->user);
}

static inline bool
permitted(const struct question *q)
{
	struct list wanted = q->request->scopes;
	struct bytes scope;

	if (q->request->permission > q->key->permission)
		return false;
	while (list_next(&wanted, &scope))
		if (!list_has(q->details->scopes, scope))
			return false;
	return true;
}

static inline bool
service_allowed(const struct question *q)
{
	if ((q->key->flags & KEY_HAS_SERVICES) != 0 &&
	    !list_has(q->details->services, q->request->service))
		return false;
	return (q->key->flags & KEY_HAS_CALLERS) == 0 ||
	    callers_have(q->details->callers, q->uid);
}

static inline bool
address_allowed(const struct question *q)
{
	const struct bytes *stated = &q->request->address;
	struct address address;

	if ((q->key->flags & KEY_ALLOWLIST_ON) == 0)
		return true;
	return address_from_bytes(stated->data, stated->len, &address) &&
	    allowlist_has(q->details->allowlist, &address);
}

/*
 * The table of verdicts: X(verdict, check, "what it asks"). A list of the
 * preprocessor and not an array of functions, since verification spends a
 * good part of its time here and the compiler can see through it this way.
 */
#define STANDING_LIST(X)                                         \
	X(REVOKED, not_revoked, "the key is not revoked")        \
	X(DISABLED, not_disabled, "the key is not disabled")     \
	X(EXPIRED, not_expired, "the key has not expired")       \
	X(ACCOUNT_INACTIVE, account_approved,                    \
	    "the account is approved, not pending or suspended") \
	X(PRODUCT_DISABLED, product_enabled,                     \
	    "the product is enabled for the account")
#define CHECK_LIST(X)                                              \
	STANDING_LIST(X)                                           \
	X(ACCOUNT_MISMATCH, account_matches,                       \
	    "the key is of the account that is asked for")         \
	X(PRODUCT_MISMATCH, product_matches,                       \
	    "the key is for the product that is asked for")        \
	X(USER_MISMATCH, user_matches,                             \
	    "the key is of the user that is asked for")            \
	X(PERMISSION_DENIED, permitted,                            \
	    "the key has the permission and the scopes asked for") \
	X(SERVICE_DENIED, service_allowed,                         \
	    "the key is for the service and the caller that ask")  \
	X(ADDRESS_DENIED, address_allowed,                         \
	    "the allow-list is off, or the address is on it")

enum verdict
verify_standing(const struct key *key, int64_t now)
{
	const struct question q = {key, NULL, NULL, 0, now};

	return
#define FIRST_FAILED(verdict, passes, asks) !passes(&q) ? VERDICT_##verdict:
	    STANDING_LIST(FIRST_FAILED) VERDICT_VALID;
}

enum verdict
verify_decide(const struct key *key, const struct key_details *details,
    const struct verify_request *request, uid_t uid, int64_t now)
{
	const struct question q = {key, details, request, uid, now};

	return CHECK_LIST(FIRST_FAILED) VERDICT_VALID;
#undef FIRST_FAILED
}

size_t
verify_explain(const struct key *key, const struct key_details *details,
    const struct verify_request *request, uid_t uid, int64_t now,
    struct check checks[CHECKS_MAX])
{
	const struct question q = {key, details, request, uid, now};
	size_t count = 0;

#define EXPLAIN(verdict, passes, asks) \
	checks[count++] = (struct check){VERDICT_##verdict, asks, passes(&q)};
	CHECK_LIST(EXPLAIN)
#undef EXPLAIN
	return count;
}
