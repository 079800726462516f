/* SPDX-License-Identifier: BSD-2-Clause */
/* A store that outgrows its hash table: a copy takes its place, while it goes
 * on taking changes, and whatever fails on the way, nothing is missing. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tdb.h>

#include "daemon/store_backup.h"
#include "daemon/store_check.h"
#include "daemon/store_copy.h"
#include "daemon/store_file.h"
#include "daemon/store_grow.h"
#include "stock.h"
#include "counted_log.h"
#include "store_disk.h"
#include "store_world.h"

/* A thousand chains, of 8 records each, serve a little less. */
enum { RECORDS = 9000, MORE = 500, SLICE = 1000 };

static struct store_file file;
static struct keyring *file_ring;

/* What the store is to hold: the sequence of each account; 0: it has none. */
static uint64_t expected[RECORDS + MORE];

static bool
compare(void *context, struct record_view *view, const char **problem)
{
	size_t *found = context;
	unsigned number;
	char slug[16];

	(void)problem;
	if (view->kind != RECORD_ACCOUNT)
		return true;
	snprintf(slug, sizeof slug, "%.*s", (int)view->name.len,
	    (const char *)view->name.data);
	ck_assert_int_eq(sscanf(slug, "n%u", &number), 1);
	ck_assert_uint_eq(view->sequence, expected[number]);
	++*found;
	return true;
}

/* Opens it, and compares what it holds. */
static void
open_file(void)
{
	size_t found = 0, wanted = 0;

	ck_assert_msg(store_file_open(&file, directory, EXPECTED_KEYS, master,
			  &file_ring, compare, &found),
	    "%s", last_error);
	for (size_t i = 0; i < RECORDS + MORE; i++)
		wanted += expected[i] != 0;
	ck_assert_uint_eq(found, wanted);
}

static void
close_file(void)
{
	store_file_close(&file);
	keyring_free(file_ring);
}

/* A change of these accounts, with a line; what is expected follows where it
 * is made. */
static enum store_result
change(unsigned from, unsigned count, bool erase)
{
	struct store_change change = {
	    .count = count, .audit = "\"outcome\":\"done\""};
	struct account *account = stock_account("x");
	enum store_result result;

	change.writes = calloc(count, sizeof *change.writes);
	ck_assert_ptr_nonnull(change.writes);
	for (unsigned i = 0; i < count; i++) {
		snprintf(account->slug, sizeof account->slug, "n%u", from + i);
		record_from_account(&change.writes[i].record, account);
		change.writes[i].erase = erase;
	}
	store_file_file_lines(&file, 1);
	result = store_file_commit(&file, &change);
	for (unsigned i = 0; result == STORE_OK && i < count; i++)
		expected[from + i] = erase ? 0 : change.sequence;
	free(change.writes);
	free(account);
	return result;
}

static void
with_large_store(void)
{
	with_store();
	memset(expected, 0, sizeof expected);
	open_file();
	ck_assert(!store_grow_due(&file));
	for (unsigned from = 0; from < RECORDS; from += SLICE)
		ck_assert_int_eq(change(from, SLICE, false), STORE_OK);
	ck_assert(store_grow_due(&file));
}

/* So many portions, or until there is nothing to be done. */
static enum store_result
grow(unsigned portions)
{
	enum store_result result = STORE_OK;

	while (portions-- > 0 && store_grow_due(&file) && result == STORE_OK)
		result = store_grow(&file);
	return result;
}

static bool
has_grown(void)
{
	return tdb_hash_size(file.tdb) > RECORDS / 8;
}

START_TEST(grows_while_it_changes)
{
	uint64_t lines, generation;
	struct stat st;

	errors = notices = 0;
	for (unsigned i = 0; !has_grown(); i++) {
		ck_assert_uint_lt(i, MORE);
		ck_assert_int_eq(grow(1), STORE_OK);
		/* Old ones wherever they are, in an order of their own, ones
		 * that come, and ones that go, or come and go. */
		ck_assert_int_eq(
		    change(i * 7919 % RECORDS, 20, false), STORE_OK);
		ck_assert_int_eq(change(RECORDS + i, 1, false), STORE_OK);
		ck_assert_int_eq(
		    change(i * 104729 % RECORDS, 20, true), STORE_OK);
		if (i % 3 == 0)
			ck_assert_int_eq(
			    change(RECORDS + i, 1, true), STORE_OK);
	}
	ck_assert_uint_eq(notices, 1);
	ck_assert_uint_eq(errors, 0);
	ck_assert(!store_grow_due(&file));
	/* As long as for twice as many, and so for a while. */
	ck_assert_uint_ge(store_file_size(&file), UINT64_C(2) * RECORDS * 384);
	ck_assert_int_ne(stat(in_directory("keys.tdb.rebuild"), &st), 0);
	ck_assert_int_eq(change(0, 5, false), STORE_OK);
	lines = file.root.audit.sequence;
	generation = file.root.generation;
	close_file();
	open_file();
	ck_assert(has_grown());
	ck_assert_uint_eq(file.root.audit.sequence, lines);
	ck_assert_uint_eq(file.root.generation, generation);
	ck_assert_uint_eq(file.root.audit_gap, 0);
	ck_assert_int_eq(change(1, 5, false), STORE_OK);
	close_file();
	open_file();
	close_file();
}
END_TEST

/* What a failed transaction had written is in no copy. */
START_TEST(a_change_fails_meanwhile)
{
	ck_assert_int_eq(grow(2), STORE_OK);
	ck_assert_ptr_nonnull(file.growth);
	write_fault = (struct fault){1, ENOSPC, true};
	ck_assert_int_eq(change(0, SLICE, false), STORE_FULL);
	write_fault.at = 0;
	ck_assert_int_eq(grow(100), STORE_OK);
	ck_assert(!has_grown());
	ck_assert_int_eq(change(0, SLICE, false), STORE_OK);
	/* Some more, and it is tried again. */
	file.grow_from = 0;
	ck_assert_int_eq(grow(100), STORE_OK);
	ck_assert(has_grown());
	close_file();
	open_file();
	close_file();
}
END_TEST

/* A check that is under way begins again in the new file. */
START_TEST(a_check_begins_again)
{
	static struct store_check check;

	ck_assert(store_check_portion(&check, &file));
	for (unsigned i = 0; !has_grown(); i++) {
		ck_assert_uint_lt(i, MORE);
		ck_assert_int_eq(grow(1), STORE_OK);
		ck_assert(store_check_portion(&check, &file));
		ck_assert_int_eq(
		    change(i * 7919 % RECORDS, 20, false), STORE_OK);
	}
	while (store_check_portion(&check, &file))
		;
	store_check_end(&check);
	ck_assert_uint_eq(check.problems, 0);
	ck_assert_uint_eq(check.records, file.root.records - OUTBOX_SLOTS);
	close_file();
}
END_TEST

/* A backup has counted the chains of the file as it was. */
START_TEST(a_backup_goes_first)
{
	static struct store_backup backup;

	ck_assert_int_eq(grow(2), STORE_OK);
	ck_assert_ptr_null(store_backup_portion(&backup, &file));
	ck_assert_int_eq(grow(100), STORE_OK);
	ck_assert(!has_grown() && file.growth != NULL);
	ck_assert_int_eq(change(3, 30, false), STORE_OK);
	while (!backup.finished) {
		ck_assert_ptr_null(store_backup_portion(&backup, &file));
		backup.writer.out.len = 0;
	}
	store_backup_end(&backup, &file);
	ck_assert_int_eq(grow(100), STORE_OK);
	ck_assert(has_grown());
	close_file();
	open_file();
	close_file();
}
END_TEST

/* A copy that waits for a backup does not gather in memory what changes. */
static void
check_waits(uint64_t changes_at_most)
{
	ck_assert_int_eq(grow(100), STORE_OK);
	ck_assert(!has_grown() && file.growth != NULL);
	ck_assert(!store_grow_due(&file));
	ck_assert_uint_le(file.growth->pass.taken_in, changes_at_most);
}

START_TEST(a_backup_takes_long)
{
	static struct store_backup backup;

	ck_assert_ptr_null(store_backup_portion(&backup, &file));
	check_waits(0);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(change(i * SLICE, SLICE, false), STORE_OK);
		ck_assert(store_grow_due(&file));
		check_waits(0);
	}
	ck_assert_int_eq(change(7, 30, false), STORE_OK);
	check_waits(SLICE / 2);
	store_backup_end(&backup, &file);
	ck_assert_int_eq(grow(100), STORE_OK);
	ck_assert(has_grown());
	close_file();
	open_file();
	close_file();
}
END_TEST

/* Where that cannot be written, it is not tried again and again. */
START_TEST(a_waiting_copy_fails)
{
	static struct store_backup backup;

	ck_assert_ptr_null(store_backup_portion(&backup, &file));
	check_waits(0);
	ck_assert_int_eq(change(0, SLICE, false), STORE_OK);
	write_fault = (struct fault){1, ENOSPC, true};
	check_waits(0);
	write_fault.at = 0;
	ck_assert_int_eq(change(0, SLICE, false), STORE_OK);
	check_waits(0);
	store_backup_end(&backup, &file);
	ck_assert_int_eq(grow(100), STORE_OK);
	ck_assert(!has_grown() && file.growth == NULL);
	close_file();
	open_file();
	close_file();
}
END_TEST

/* A record that is not as it was written gets into no copy. */
START_TEST(damage_is_not_copied)
{
	TDB_DATA name, data;
	unsigned char key[] = "An123";

	name = (TDB_DATA){key, sizeof key - 1};
	data = tdb_fetch(file.tdb, name);
	ck_assert_ptr_nonnull(data.dptr);
	data.dptr[20] ^= 1;
	ck_assert_int_eq(tdb_store(file.tdb, name, data, TDB_REPLACE), 0);
	ck_assert_int_eq(grow(100), STORE_OK);
	ck_assert(!has_grown());
	ck_assert_ptr_null(file.growth);
	data.dptr[20] ^= 1;
	ck_assert_int_eq(tdb_store(file.tdb, name, data, TDB_REPLACE), 0);
	free(data.dptr);
	close_file();
	open_file();
	close_file();
}
END_TEST

/* Nor does it end before its time where it ends in between. */
START_TEST(closed_meanwhile)
{
	struct stat st;

	ck_assert_int_eq(grow(2), STORE_OK);
	ck_assert_int_eq(stat(in_directory("keys.tdb.rebuild"), &st), 0);
	close_file();
	ck_assert_int_ne(stat(in_directory("keys.tdb.rebuild"), &st), 0);
	open_file();
	ck_assert(store_grow_due(&file));
	close_file();
}
END_TEST

/* A call of this kind fails, at each turn a later one: it goes on with the old
 * file, or with the new one, or says that it does not know. */
static void
grow_with(struct fault *fault, int error)
{
	bool is_sync = fault == &sync_fault;
	unsigned unknown = 0, failed = 0;

	/* Of reads and writes there are many, and one is like another. */
	for (int at = 1; !has_grown(); at += is_sync ? 1 : at) {
		enum store_result result;

		*fault = (struct fault){at, error, false};
		result = grow(100);
		fault->at = 0;
		if (result == STORE_UNKNOWN) {
			unknown++;
			close_file();
			open_file();
			break; /* the last of the calls */
		}
		if (has_grown())
			break;
		failed++;
		ck_assert_ptr_null(file.growth);
		ck_assert_int_eq(
		    change((unsigned)at % RECORDS, 3, false), STORE_OK);
		close_file();
		open_file();
	}
	ck_assert_uint_gt(failed, 2);
	ck_assert(has_grown());
	/* The directory's sync is the only one that comes too late. */
	ck_assert_uint_eq(unknown, is_sync);
	ck_assert_int_eq(change(5, 3, false), STORE_OK);
	close_file();
	open_file();
	close_file();
}

START_TEST(failing_syncs)
{
	grow_with(&sync_fault, EIO);
}
END_TEST

START_TEST(failing_writes)
{
	grow_with(&write_fault, ENOSPC);
}
END_TEST

START_TEST(failing_reads)
{
	grow_with(&read_fault, EIO);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store_grow");

	if (!secret_init())
		return EXIT_FAILURE;
	stock_with(with_large_store, without_store);
	stock_add(suite, "grows_while_it_changes", grows_while_it_changes);
	stock_add(suite, "a_change_fails_meanwhile", a_change_fails_meanwhile);
	stock_add(suite, "a_check_begins_again", a_check_begins_again);
	stock_add(suite, "a_backup_goes_first", a_backup_goes_first);
	stock_add(suite, "a_backup_takes_long", a_backup_takes_long);
	stock_add(suite, "a_waiting_copy_fails", a_waiting_copy_fails);
	stock_add(suite, "damage_is_not_copied", damage_is_not_copied);
	stock_add(suite, "closed_meanwhile", closed_meanwhile);
	stock_add(suite, "failing_syncs", failing_syncs);
	stock_add(suite, "failing_writes", failing_writes);
	stock_add(suite, "failing_reads", failing_reads);
	return suite_run(suite);
}
