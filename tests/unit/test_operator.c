/* SPDX-License-Identifier: BSD-2-Clause */
/* Operators and PINs: records, the index, and what is decided. */
#include "daemon/operator.h"
#include "daemon/pin.h"
#include "daemon/record.h"
#include "daemon/secret.h"
#include "stock.h"

enum { NOW = 1000000, MINUTE = 60000 };

static struct keyring *ring;
static struct index *the_index;
static struct loader *loader;

static void
set_up(void)
{
	ring = keyring_new();
	the_index = index_new();
	loader = loader_new(the_index);
	ck_assert(ring != NULL && the_index != NULL && loader != NULL);
}

static void
tear_down(void)
{
	loader_free(loader);
	index_free(the_index);
	keyring_free(ring);
}

static struct record_view
view_of(struct record *record)
{
	struct record_view view;
	const char *problem = NULL;

	record_seal(record, 7, ring);
	ck_assert(record_open(
	    (struct bytes){record->name.bytes, record->name.len},
	    (struct bytes){record->data, record->len}, ring, &view, &problem));
	return view;
}

/* Whether loading takes it. */
static bool
load(struct record *record)
{
	struct record_view view = view_of(record);
	const char *problem = NULL;
	bool loaded = load_record(loader, &view, &problem);

	ck_assert(loaded == (problem == NULL));
	return loaded;
}

static struct operator_user
stock_operator(uint32_t uid)
{
	struct operator_user user = {
	    .uid = uid, .role = ROLE_ADMIN, .created_at = NOW};

	strcpy(user.login, "alice");
	return user;
}

static struct pin
stock_pin(uint32_t uid)
{
	struct pin pin = {.uid = uid, .attempts = 3, .attempted_at = NOW};

	memset(pin.salt, 0x51, sizeof pin.salt);
	memset(pin.hash, 0xa5, sizeof pin.hash);
	return pin;
}

START_TEST(operator_records)
{
	struct operator_user user = stock_operator(UINT32_MAX - 1), got;
	struct record record;
	struct record_view view;

	stock_text(user.login, 'l', LOGIN_MAX_LEN);
	user.limited = true;
	user.role = ROLE_SUPERADMIN;
	user.created_at = INT64_MAX;
	record_from_operator(&record, &user);
	ck_assert_uint_eq(record.len, 160);
	view = view_of(&record);
	got = (struct operator_user){.uid = 0};
	ck_assert(record_to_operator(&view, &got));
	ck_assert_uint_eq(got.uid, user.uid);
	ck_assert_str_eq(got.login, user.login);
	ck_assert(got.role == user.role && got.limited && !got.deleted);
	ck_assert(got.created_at == user.created_at && got.sequence == 7);
	/* A tombstone has the uid and nothing else. */
	user.deleted = true;
	record_from_operator(&record, &user);
	for (size_t i = RECORD_HEADER_LEN; i < record.len - (size_t)MAC_BYTES;
	     i++)
		ck_assert_uint_eq(record.data[i], 0);
	view = view_of(&record);
	ck_assert(record_to_operator(&view, &got) && got.deleted);
}
END_TEST

START_TEST(roles_that_make_no_sense)
{
	for (unsigned role = 0; role < 256; role++) {
		struct operator_user user = stock_operator(5), got;
		struct record record;
		struct record_view view;

		user.role = (enum role)role;
		record_from_operator(&record, &user);
		view = view_of(&record);
		ck_assert(record_to_operator(&view, &got) ==
		    (role >= ROLE_AUDITOR && role <= ROLE_SUPERADMIN));
	}
}
END_TEST

START_TEST(pin_records)
{
	struct pin pin = stock_pin(12), got;
	struct record record;
	struct record_view view;

	record_from_pin(&record, &pin);
	ck_assert_uint_eq(record.len, 128);
	view = view_of(&record);
	memset(&got, 0, sizeof got);
	ck_assert(record_to_pin(&view, &got));
	ck_assert(got.uid == 12 && !got.deleted && got.attempts == 3);
	ck_assert_int_eq(got.attempted_at, NOW);
	ck_assert_mem_eq(got.salt, pin.salt, sizeof pin.salt);
	ck_assert_mem_eq(got.hash, pin.hash, sizeof pin.hash);
	pin.attempts = PIN_TRIES + 1;
	record_from_pin(&record, &pin);
	view = view_of(&record);
	ck_assert(!record_to_pin(&view, &got));
	pin.deleted = true;
	record_from_pin(&record, &pin);
	for (size_t i = RECORD_HEADER_LEN; i < record.len - (size_t)MAC_BYTES;
	     i++)
		ck_assert_uint_eq(record.data[i], 0);
}
END_TEST

/* Records of an operator limited to one account, in every order. */
START_TEST(loads_in_any_order)
{
	static const int orders[6][3] = {
	    {0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	struct operator_user user = stock_operator(1000), *got;
	struct account *account = stock_account("acme");
	struct record records[3];

	user.limited = true;
	record_from_operator(&records[0], &user);
	record_from_limit(&records[1], 1000, account, true);
	record_from_account(&records[2], account);
	for (int o = 0; o < 6; o++) {
		for (int i = 0; i < 3; i++)
			ck_assert(load(&records[orders[o][i]]));
		ck_assert(load_finish(loader));
		got = index_operator(the_index, 1000);
		ck_assert_ptr_nonnull(got);
		ck_assert_ptr_eq(
		    index_operator_by_login(the_index, "alice"), got);
		ck_assert(
		    operator_covers(got, index_account(the_index, "acme")));
		ck_assert(!operator_covers(got, NULL));
		ck_assert_uint_eq(got->account_count, 1);
		tear_down();
		set_up();
	}
	free(account);
}
END_TEST

START_TEST(limits_without_an_operator)
{
	struct account *account = stock_account("acme");
	struct record records[2];

	record_from_limit(&records[0], 1000, account, true);
	record_from_account(&records[1], account);
	ck_assert(load(&records[0]) && load(&records[1]));
	ck_assert(!load_finish(loader));
	free(account);
}
END_TEST

/* The flag says whether there are limits, not their number: where the limits
 * are missing nothing is allowed, where the flag is, nothing is loaded. */
START_TEST(limits_and_flag)
{
	struct operator_user user = stock_operator(1000);
	struct account *account = stock_account("acme");
	struct record record;

	user.limited = true;
	record_from_operator(&record, &user);
	ck_assert(load(&record));
	record_from_account(&record, account);
	ck_assert(load(&record) && load_finish(loader));
	ck_assert(!operator_covers(
	    index_operator(the_index, 1000), index_account(the_index, "acme")));
	user.limited = false;
	record_from_operator(&record, &user);
	ck_assert(load(&record));
	record_from_limit(&record, 1000, account, true);
	ck_assert(load(&record));
	ck_assert(!load_finish(loader));
	free(account);
}
END_TEST

START_TEST(tombstones_are_not_loaded)
{
	struct operator_user user = stock_operator(1000);
	struct account *account = stock_account("acme");
	struct pin pin = stock_pin(1000);
	struct record record;

	user.deleted = pin.deleted = true;
	record_from_operator(&record, &user);
	ck_assert(load(&record));
	record_from_limit(&record, 1000, account, false);
	ck_assert(load(&record));
	record_from_pin(&record, &pin);
	ck_assert(load(&record));
	ck_assert(load_finish(loader));
	ck_assert_ptr_null(index_operator(the_index, 1000));
	ck_assert_ptr_null(index_pin(the_index, 1000));
	free(account);
}
END_TEST

START_TEST(a_deleted_account_is_nobodys)
{
	struct operator_user *user = malloc(sizeof *user);
	struct account *account = stock_account("acme");

	*user = stock_operator(1000);
	user->limited = true;
	ck_assert(index_add_account(the_index, account));
	ck_assert(operator_limit_to(user, account));
	ck_assert(operator_limit_to(user, account));
	ck_assert_uint_eq(user->account_count, 1);
	ck_assert(index_add_operator(the_index, user));
	index_remove_account(the_index, account);
	ck_assert_uint_eq(user->account_count, 0);
	account = stock_account("acme");
	ck_assert(index_add_account(the_index, account));
	ck_assert(!operator_covers(user, account));
	index_remove_operator(the_index, user);
	ck_assert_ptr_null(index_operator(the_index, 1000));
}
END_TEST

START_TEST(operation_ids_are_their_callers)
{
	struct operation mine = {.id = "same", .uid = 1, .sequence = 1};
	struct operation other = {.id = "same", .uid = 2, .sequence = 2};

	index_note_operation(the_index, &mine);
	ck_assert_ptr_null(index_operation(the_index, 2, "same"));
	index_note_operation(the_index, &other);
	ck_assert_uint_eq(index_operation(the_index, 1, "same")->sequence, 1);
	ck_assert_uint_eq(index_operation(the_index, 2, "same")->sequence, 2);
	ck_assert_ptr_null(index_operation(the_index, 3, "same"));
}
END_TEST

START_TEST(five_and_a_quarter_of_an_hour)
{
	struct pin pin = stock_pin(0);
	int64_t at = NOW;

	pin.attempts = 0;
	for (unsigned i = 1; i <= PIN_TRIES; i++) {
		ck_assert_int_eq(pin_locked_until(&pin, at), 0);
		pin_count(&pin, at += MINUTE);
		ck_assert_uint_eq(pin_tries_left(&pin), PIN_TRIES - i);
	}
	ck_assert_int_eq(pin_locked_until(&pin, at), at + 15 * MINUTE);
	ck_assert_int_eq(
	    pin_locked_until(&pin, at + 15 * MINUTE - 1), at + 15 * MINUTE);
	/* A clock that was set back is not a way out. */
	ck_assert_int_ne(pin_locked_until(&pin, at - 1000 * MINUTE), 0);
	/* Over: five more. */
	at += 15 * MINUTE;
	ck_assert_int_eq(pin_locked_until(&pin, at), 0);
	pin_count(&pin, at);
	ck_assert_uint_eq(pin_tries_left(&pin), PIN_TRIES - 1);
	ck_assert_int_eq(pin_locked_until(&pin, at), 0);
}
END_TEST

static bool
hash(const struct keyring *keys, uint32_t uid, const char *pin,
    const uint8_t salt[PIN_SALT_BYTES], uint8_t out[PIN_HASH_BYTES])
{
	uint8_t digest[PIN_HASH_BYTES];

	secret_pin_digest(keys, uid, pin, strlen(pin), digest);
	return secret_pin_stretch(digest, salt, out);
}

START_TEST(hashes_depend_on_all)
{
	struct keyring *other = keyring_new();
	uint8_t salt[PIN_SALT_BYTES], salt2[PIN_SALT_BYTES];
	uint8_t a[PIN_HASH_BYTES], b[PIN_HASH_BYTES];

	secret_new_salt(salt);
	secret_new_salt(salt2);
	ck_assert(hash(ring, 5, "1234", salt, a));
	ck_assert(hash(ring, 5, "1234", salt, b) && secret_pin_equal(a, b));
	ck_assert(hash(ring, 5, "1235", salt, b) && !secret_pin_equal(a, b));
	ck_assert(hash(ring, 6, "1234", salt, b) && !secret_pin_equal(a, b));
	ck_assert(hash(ring, 5, "1234", salt2, b) && !secret_pin_equal(a, b));
	ck_assert(hash(other, 5, "1234", salt, b) && !secret_pin_equal(a, b));
	keyring_free(other);
}
END_TEST

START_TEST(role_words)
{
	for (enum role role = ROLE_AUDITOR; role <= ROLE_SUPERADMIN; role++)
		ck_assert_int_eq(role_from_text(role_text(role)), role);
	ck_assert_int_eq(role_from_text("nobody"), ROLE_NOBODY);
	ck_assert_int_eq(role_from_text("Admin"), ROLE_NOBODY);
	ck_assert_int_eq(role_from_text(""), ROLE_NOBODY);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("operator");

	if (!secret_init())
		return EXIT_FAILURE;
	stock_with(set_up, tear_down);
	stock_add(suite, "operator_records", operator_records);
	stock_add(suite, "roles_that_make_no_sense", roles_that_make_no_sense);
	stock_add(suite, "pin_records", pin_records);
	stock_add(suite, "loads_in_any_order", loads_in_any_order);
	stock_add(
	    suite, "limits_without_an_operator", limits_without_an_operator);
	stock_add(suite, "limits_and_flag", limits_and_flag);
	stock_add(
	    suite, "tombstones_are_not_loaded", tombstones_are_not_loaded);
	stock_add(suite, "a_deleted_account_is_nobodys",
	    a_deleted_account_is_nobodys);
	stock_add(suite, "operation_ids_are_their_callers",
	    operation_ids_are_their_callers);
	stock_add(suite, "five_and_a_quarter_of_an_hour",
	    five_and_a_quarter_of_an_hour);
	stock_add(suite, "hashes_depend_on_all", hashes_depend_on_all);
	stock_add(suite, "role_words", role_words);
	return suite_run(suite);
}
