/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accounts, products and keys for the daemon's tests. What is made here is
 * what a store full of the longest or of the plainest objects would hold.
 */
#ifndef TESTS_UNIT_STOCK_H
#define TESTS_UNIT_STOCK_H

#include <stdlib.h>
#include <string.h>

#include "daemon/index.h"
#include "daemon/model.h"
#include "suite.h"

enum { STOCK_CREATED_AT = 1700000000 };

/* A text of len times c, NUL-terminated. */
static inline char *
stock_text(char *out, char c, size_t len)
{
	memset(out, c, len);
	out[len] = '\0';
	return out;
}

static inline struct account *
stock_account(const char *slug)
{
	struct account *account = calloc(1, sizeof *account);

	ck_assert_ptr_nonnull(account);
	strcpy(account->slug, slug);
	account->status = ACCOUNT_APPROVED;
	account->created_at = STOCK_CREATED_AT;
	account->sequence = 1;
	return account;
}

static inline struct product *
stock_product(const char *slug, const char *prefix)
{
	struct product *product = calloc(1, sizeof *product);

	ck_assert_ptr_nonnull(product);
	strcpy(product->slug, slug);
	strcpy(product->prefix, prefix);
	product->created_at = STOCK_CREATED_AT;
	product->sequence = 1;
	return product;
}

/* The number-th ID: a number of base 62. */
static inline void
stock_id(char id[TOKEN_ID_LEN + 1], unsigned number)
{
	id[TOKEN_ID_LEN] = '\0';
	for (size_t i = TOKEN_ID_LEN; i-- > 0; number /= 62)
		id[i] = base62_digit(number % 62);
}

static inline void
stock_set_details(struct key *key, const struct key_details *details)
{
	uint8_t encoded[KEY_DETAILS_MAX];
	struct writer w = writer_over(encoded, sizeof encoded);

	key_details_write(&w, details);
	ck_assert(!w.failed);
	ck_assert_ptr_nonnull(key_new_details(key, w.len));
	memcpy(key->details, encoded, w.len);
}

static inline struct key *
stock_key(struct account *account, struct product *product, const char *id)
{
	struct key_details details = {
	    .name = bytes_of("a key"), .created_by = bytes_of("root")};
	struct key *key = key_new();

	ck_assert_ptr_nonnull(key);
	memcpy(key->id, id, TOKEN_ID_LEN);
	key->type = KEY_BEARER;
	key->state = KEY_ACTIVE;
	key->permission = PERMISSION_READ;
	key->account = account;
	key->product = product;
	key->created_at = STOCK_CREATED_AT;
	key->sequence = 1;
	stock_set_details(key, &details);
	return key;
}

/* Details of which everything is as long and as many as it may be. */
struct stock_longest {
	struct key_details details;
	char text[256];
	uint8_t items[KEY_DETAILS_MAX];
	size_t used;
};

static inline struct list
stock_list(struct stock_longest *longest, struct writer *w, uint8_t count)
{
	struct list list = {count, {w->start, w->len}};

	ck_assert(!w->failed);
	longest->used += w->len;
	return list;
}

static inline struct writer
stock_items(struct stock_longest *longest)
{
	return writer_over(longest->items + longest->used,
	    sizeof longest->items - longest->used);
}

/* *longest has to stay where it is: its details point into it. */
static inline void
stock_longest(struct stock_longest *longest)
{
	struct key_details *d = &longest->details;
	const uint8_t *text =
	    (const uint8_t *)stock_text(longest->text, 'x', 255);
	struct writer w;

	longest->used = 0;
	*d = (struct key_details){
	    .name = {text, NAME_MAX_LEN},
	    .environment = {text, ENVIRONMENT_MAX_LEN},
	    .user = {text, USER_MAX_LEN},
	    .created_by = {text, LOGIN_MAX_LEN},
	    .rotated_at = INT64_MAX,
	    .state_at = INT64_MIN,
	    .revoked_reason = {text, REASON_MAX_LEN},
	    .sealed = {text, SEALED_MAX},
	    .previous_sealed = {text, SEALED_MAX},
	};
	w = stock_items(longest);
	for (size_t i = 0; i < SCOPES_MAX; i++)
		write_string8(&w, (struct bytes){text, SCOPE_MAX_LEN});
	d->scopes = stock_list(longest, &w, SCOPES_MAX);
	w = stock_items(longest);
	for (size_t i = 0; i < SERVICES_MAX; i++)
		write_string8(&w, (struct bytes){text, SERVICE_MAX_LEN});
	d->services = stock_list(longest, &w, SERVICES_MAX);
	w = stock_items(longest);
	for (uint32_t i = 0; i < CALLERS_MAX; i++)
		caller_write(&w,
		    &(struct caller){UINT32_MAX - i, {text, LOGIN_MAX_LEN}});
	d->callers = stock_list(longest, &w, CALLERS_MAX);
	w = stock_items(longest);
	for (uint8_t i = 0; i < ALLOW_MAX; i++)
		allow_entry_write(&w,
		    &(struct allow_entry){
			{{{0x20, 0x01, i}}, 24}, {text, LABEL_MAX_LEN}});
	d->allowlist = stock_list(longest, &w, ALLOW_MAX);
}

/* What surrounds each test that stock_add() adds from here on. */
static SFun stock_setup, stock_teardown;

static inline void
stock_with(SFun setup, SFun teardown)
{
	stock_setup = setup;
	stock_teardown = teardown;
}

static inline TCase *
stock_add(Suite *suite, const char *name, const TTest *test)
{
	return suite_add_between(
	    suite, name, test, stock_setup, stock_teardown);
}

#endif
