/* SPDX-License-Identifier: BSD-2-Clause */
/* The store under another master key: all of it, and nothing of the old. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store_file.h"
#include "stock.h"

enum { EXPECTED_KEYS = 100, ACCOUNTS = 50 };

static const uint8_t first[SECRET_KEY_BYTES] = {1},
		     second[SECRET_KEY_BYTES] = {2};
static char directory[32];
static struct store_file file;
static struct keyring *ring;

static const char *
in_directory(const char *name)
{
	static char path[64];

	snprintf(path, sizeof path, "%s/%s", directory, name);
	return path;
}

static void
open_file(const uint8_t *master)
{
	ck_assert(store_file_open(&file, directory, EXPECTED_KEYS, master,
	    &ring, store_load_nothing, NULL));
}

static void
close_file(void)
{
	store_file_close(&file);
	keyring_free(ring);
}

/* In transactions of their own and all in one: tdb then keeps what the root
 * was in several places. */
static void
add_accounts(unsigned count, unsigned from)
{
	struct store_write *writes = calloc(count, sizeof *writes);
	struct store_change change = {.count = count, .writes = writes};
	char slug[16];

	ck_assert_ptr_nonnull(writes);
	for (unsigned i = 0; i < count; i++) {
		struct account *account;

		snprintf(slug, sizeof slug, "account%u", from + i);
		account = stock_account(slug);
		record_from_account(&writes[i].record, account);
		free(account);
	}
	ck_assert_int_eq(store_file_commit(&file, &change), STORE_OK);
	ck_assert_int_eq(change.result, STORE_OK);
	free(writes);
}

static void
with_store(void)
{
	strcpy(directory, "/tmp/apikeyd-rekey-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert(store_create(directory, EXPECTED_KEYS, first));
	open_file(first);
	for (unsigned i = 0; i < ACCOUNTS; i++)
		add_accounts(1, i);
	add_accounts(ACCOUNTS, 0);
	close_file();
}

static void
without_store(void)
{
	unlink(in_directory("keys.tdb"));
	unlink(in_directory("audit.log"));
	ck_assert_int_eq(rmdir(directory), 0); /* no other file was left */
}

/* How often the bytes are in keys.tdb. */
static unsigned
occurrences(const uint8_t *bytes, size_t len)
{
	FILE *stream = fopen(in_directory("keys.tdb"), "re");
	unsigned count = 0;
	struct stat st;
	uint8_t *data, *at;
	size_t size;

	ck_assert_ptr_nonnull(stream);
	ck_assert_int_eq(fstat(fileno(stream), &st), 0);
	size = (size_t)st.st_size;
	data = malloc(size);
	ck_assert_ptr_nonnull(data);
	ck_assert_uint_eq(fread(data, 1, size, stream), size);
	fclose(stream);
	for (at = data;
	     (at = memmem(at, size - (size_t)(at - data), bytes, len)) != NULL;
	     at++)
		count++;
	free(data);
	return count;
}

/* What three of a keyring's keys make of the same; of the fourth see below. */
struct marks {
	uint8_t hash[TOKEN_HASH_BYTES], mac[MAC_BYTES], pin[PIN_HASH_BYTES];
};

static struct marks
marks_of(const struct keyring *of)
{
	struct marks marks;

	secret_hash_check(of, marks.hash);
	secret_mac(of, "name", 4, "data", 4, marks.mac);
	secret_pin_digest(of, 1000, "1234", 4, marks.pin);
	return marks;
}

START_TEST(another_master_key)
{
	static const char token[] = "a token";
	const size_t len = sizeof token - 1;
	char unsealed[TOKEN_MAX + 1];
	uint8_t sealed[SEALED_MAX], hash[TOKEN_HASH_BYTES];
	struct marks old_marks, marks;
	size_t sealed_len;
	struct root old;

	open_file(first);
	old = file.root;
	old_marks = marks_of(ring);
	secret_hash_token(ring, token, len, hash);
	sealed_len = secret_seal_token(ring, token, len, sealed);
	close_file();
	/* Else what comes next shows nothing. */
	ck_assert_uint_gt(occurrences(old.wrapped, sizeof old.wrapped), 1);

	ck_assert(store_is_under(directory, first));
	ck_assert(!store_is_under(directory, second));
	ck_assert(store_rekey(
	    directory, EXPECTED_KEYS, first, second, "\"outcome\":\"done\""));
	ck_assert(!store_is_under(directory, first));
	ck_assert(store_is_under(directory, second));

	open_file(second);
	marks = marks_of(ring);
	ck_assert_mem_eq(&marks, &old_marks, sizeof marks);
	ck_assert_uint_eq(
	    secret_unseal_token(ring, sealed, sealed_len, hash, unsealed), len);
	ck_assert_uint_eq(file.root.records, old.records);
	ck_assert_uint_eq(file.root.sequence, old.sequence);
	ck_assert_uint_gt(file.root.generation, old.generation);
	add_accounts(1, ACCOUNTS);
	close_file();
	ck_assert_uint_eq(occurrences(old.wrapped, sizeof old.wrapped), 0);
	ck_assert_uint_eq(occurrences(old.key_check, sizeof old.key_check), 0);
}
END_TEST

START_TEST(a_wrong_one)
{
	ck_assert(!store_rekey(directory, EXPECTED_KEYS, second, first, NULL));
	ck_assert(!store_rekey(directory, EXPECTED_KEYS, second, second, NULL));
	ck_assert(store_is_under(directory, first));
}
END_TEST

START_TEST(no_store)
{
	char moved[64];

	strcpy(moved, in_directory("moved"));
	ck_assert_int_eq(rename(in_directory("keys.tdb"), moved), 0);
	ck_assert(!store_is_under(directory, first));
	ck_assert(!store_rekey(directory, EXPECTED_KEYS, first, second, NULL));
	ck_assert_int_eq(access(in_directory("keys.tdb"), F_OK), -1);
	ck_assert_int_eq(rename(moved, in_directory("keys.tdb")), 0);
	ck_assert(store_is_under(directory, first));
}
END_TEST

static void
add(Suite *suite, const char *name, const TTest *test)
{
	suite_add_between(suite, name, test, with_store, without_store);
}

int
main(void)
{
	Suite *suite = suite_create("rekey");

	if (!secret_init())
		return EXIT_FAILURE;
	add(suite, "another_master_key", another_master_key);
	add(suite, "a_wrong_one", a_wrong_one);
	add(suite, "no_store", no_store);
	return suite_run(suite);
}
