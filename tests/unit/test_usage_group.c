/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups of rows, the order of what changes them, and both in a file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/secret.h"
#include "daemon/store_tdb.h"
#include "daemon/usage_rows.h"
#include "daemon/usage_sort.h"
#include "stock.h"

static struct keyring *ring;
static struct usage_files files;
static char directory[64];

static void
setup(void)
{
	ck_assert(secret_init());
	ring = keyring_new();
	strcpy(directory, "/tmp/apikeyd-group.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert(usage_files_open(&files, directory, ring, 100));
}

static void
teardown(void)
{
	char command[128];

	usage_files_close(&files);
	keyring_free(ring);
	snprintf(command, sizeof command, "rm -r %s", directory);
	ck_assert_int_eq(system(command), 0);
}

static struct usage_name
name_of_number(unsigned number)
{
	char id[TOKEN_ID_LEN + 1];

	snprintf(id, sizeof id, "%0*u", TOKEN_ID_LEN, number);
	return usage_name_of_key(id);
}

/* It is on disks: a hash that is another one finds nothing there. */
START_TEST(order_is_for_ever)
{
	ck_assert_uint_eq(usage_order(bytes_of("")), 0xf8bb92c9);
	ck_assert_uint_eq(usage_order(bytes_of("Kabcdefghijkl")), 0x89063d04);
}
END_TEST

START_TEST(groups_come_back)
{
	struct arena arena = {0};
	struct usage_group group = {.others_alone = true}, back;
	struct usage_name names[GROUP_ROWS_MAX];
	uint8_t *data;
	size_t len;

	for (unsigned i = 0; i < GROUP_ROWS_MAX; i++) {
		names[i] = name_of_number(i);
		ck_assert(
		    group_put(&arena, &group, NULL, usage_name_bytes(&names[i]),
			(struct bytes){names[i].bytes, i % 3}));
	}
	len = group_encoded_len(&group);
	data = malloc(len);
	ck_assert_ptr_nonnull(data);
	group_encode(&group, data);
	for (size_t cut = 0; cut < len; cut++)
		ck_assert(
		    !group_decode(&arena, (struct bytes){data, cut}, &back));
	ck_assert(group_decode(&arena, (struct bytes){data, len}, &back));
	ck_assert(back.others_alone);
	ck_assert_uint_eq(back.count, GROUP_ROWS_MAX);
	for (unsigned i = 0; i < GROUP_ROWS_MAX; i++) {
		struct group_row *row =
		    group_find(&back, usage_name_bytes(&names[i]));

		ck_assert_ptr_nonnull(row);
		ck_assert_uint_eq(row->row.len, i % 3);
	}
	free(data);
	arena_free(&arena);
}
END_TEST

static int
compare(const void *a, const void *b)
{
	usage_entry left = *(const usage_entry *)a;
	usage_entry right = *(const usage_entry *)b;

	return left < right ? -1 : left > right;
}

START_TEST(entries_are_sorted)
{
	struct usage_entries entries = {NULL, 0, 0};
	usage_entry *wanted;
	uint64_t seed = 5;

	for (uint64_t i = 0; i < 50000; i++)
		ck_assert(entries_add(&entries,
		    (unsigned)suite_below(&seed, SORT_DAYS_MAX),
		    (uint32_t)next_random(&seed) >> suite_below(&seed, 32),
		    i * 8, (enum usage_part)suite_below(&seed, 5)));
	wanted = malloc(entries.count * sizeof *wanted);
	ck_assert_ptr_nonnull(wanted);
	memcpy(wanted, entries.items, entries.count * sizeof *wanted);
	qsort(wanted, entries.count, sizeof *wanted, compare);
	ck_assert(entries_sort(&entries));
	ck_assert_mem_eq(wanted, entries.items, entries.count * sizeof *wanted);
	free(wanted);
	entries_free(&entries);
}
END_TEST

/* Writes this row, so many bytes long, as its group wants it. */
static void
change(struct usage_file *file, unsigned number, size_t len)
{
	static uint8_t row[2 * GROUP_ROW_MAX];
	struct arena arena = {0};
	struct usage_changes changes = {.bytes = 0};
	struct usage_name name = name_of_number(number);
	uint32_t group_number =
	    usage_group_of(file->groups, usage_order(usage_name_bytes(&name)));
	struct usage_group group;

	memset(row, (int)number, len);
	ck_assert(usage_group_read(&files, file, group_number, &arena, &group));
	ck_assert(usage_change_row(
	    &changes, &group, &name, (struct bytes){row, len}, &arena));
	ck_assert(usage_change_group(&changes, group_number, &group));
	ck_assert(usage_file_commit(&files, file, &changes));
	usage_changes_free(&changes);
	arena_free(&arena);
}

static void
check_row(struct usage_file *file, unsigned number, size_t len)
{
	struct arena arena = {0};
	struct usage_name name = name_of_number(number);
	struct bytes data;

	ck_assert_int_eq(usage_row_read(&files, file, &name, &arena, &data),
	    len > 0 ? USAGE_READ : USAGE_ABSENT);
	for (size_t i = 0; i < len; i++)
		ck_assert_uint_eq(data.data[i], (uint8_t)number);
	arena_free(&arena);
}

static void
count_row(void *context, struct bytes name, struct bytes data)
{
	(void)name;
	(void)data;
	++*(unsigned *)context;
}

static void
check_count(struct usage_file *file, unsigned wanted)
{
	unsigned rows = 0;
	uint64_t damaged = 0;

	ck_assert(
	    usage_file_traverse(&files, file, count_row, &rows, &damaged));
	ck_assert_uint_eq(rows, wanted);
	ck_assert_uint_eq(damaged, 0);
}

/* Those that are 1 by 7 grow. */
static size_t
len_of(unsigned number)
{
	if (number % 7 == 1)
		return GROUP_ROW_MAX + number % 100;
	return number % 50 == 0 ? GROUP_ROW_MAX + 1 : 10;
}

/* In few groups: full ones, small rows and large ones, both that grow. */
START_TEST(rows_are_found_wherever_they_lie)
{
	enum { ROWS = 4 * GROUP_ROWS_MAX + 100 };
	bool failed;
	struct usage_file *file = usage_files_day(&files, 20000, true, &failed);

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(file->groups, 4);
	for (unsigned i = 0; i < ROWS; i++)
		change(file, i, i % 50 == 0 ? GROUP_ROW_MAX + 1 : 10);
	for (unsigned i = 1; i < ROWS; i += 7)
		change(file, i, len_of(i));
	for (unsigned i = 0; i < ROWS; i++)
		check_row(file, i, len_of(i));
	check_row(file, ROWS, 0);
	check_count(file, ROWS);
	/* And after it was opened anew. */
	usage_files_drop(&files, file);
	file = usage_files_day(&files, 20000, false, &failed);
	ck_assert_ptr_nonnull(file);
	check_row(file, 2, 10);
	check_count(file, ROWS);
}
END_TEST

/* As former versions have written them: read where they are, moved into their
 * group when they change. */
START_TEST(rows_that_lay_alone_are_moved)
{
	bool failed;
	struct usage_file *file = usage_files_day(&files, 20000, true, &failed);
	struct usage_changes none = {.bytes = 0};
	struct usage_name name = name_of_number(1);
	uint8_t row[10 + MAC_BYTES];

	ck_assert_ptr_nonnull(file);
	file->rows_alone = true;
	ck_assert(usage_file_commit(&files, file, &none));
	memset(row, 1, sizeof row);
	ck_assert_int_eq(tdb_transaction_start(file->tdb), 0);
	ck_assert(usage_tdb_write(&files, file, &name, row, 10));
	ck_assert_int_eq(tdb_transaction_commit(file->tdb), 0);
	usage_files_drop(&files, file);
	file = usage_files_day(&files, 20000, false, &failed);
	ck_assert_ptr_nonnull(file);
	check_row(file, 1, 10);
	check_row(file, 2, 0);
	change(file, 2, 20);
	check_row(file, 1, 10);
	change(file, 1, 30);
	check_row(file, 1, 30);
	check_count(file, 2);
	change(file, 1, GROUP_ROW_MAX + 1);
	check_row(file, 1, GROUP_ROW_MAX + 1);
	check_count(file, 2);
}
END_TEST

static void
remove_record(struct usage_file *file, const void *name, size_t len)
{
	ck_assert_int_eq(tdb_delete(file->tdb, store_data(name, len)), 0);
}

/* As behind a damaged link of a chain: what cannot be found is said. */
START_TEST(what_is_missing_is_damage)
{
	bool failed;
	struct usage_file *file = usage_files_day(&files, 20000, true, &failed);
	struct usage_name name = name_of_number(1);
	struct arena arena = {0};
	struct bytes data;
	uint64_t damaged = 0;
	unsigned rows = 0;

	ck_assert_ptr_nonnull(file);
	for (unsigned i = 0; i < 100; i++)
		change(file, i, i == 1 ? GROUP_ROW_MAX + 1 : 10);
	remove_record(file, name.bytes, name.len);
	ck_assert_int_eq(
	    usage_row_read(&files, file, &name, &arena, &data), USAGE_DAMAGED);
	for (uint8_t i = 0; i < file->groups; i++)
		remove_record(file, (uint8_t[]){'G', i, 0, 0, 0}, 5);
	for (unsigned i = 0; i < 100; i++) {
		struct usage_group group;
		uint32_t number;

		name = name_of_number(i);
		number = usage_group_of(
		    file->groups, usage_order(usage_name_bytes(&name)));
		ck_assert(
		    usage_group_read(&files, file, number, &arena, &group));
		ck_assert_uint_eq(group.count, 0);
		ck_assert(group.others_alone && group.damaged);
		ck_assert_int_eq(
		    usage_row_read(&files, file, &name, &arena, &data),
		    USAGE_DAMAGED);
	}
	ck_assert(
	    usage_file_traverse(&files, file, count_row, &rows, &damaged));
	ck_assert_uint_eq(rows, 0);
	ck_assert_uint_eq(damaged, file->groups);
	arena_free(&arena);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("usage_group");

	suite_add(suite, "order is for ever", order_is_for_ever);
	suite_add(suite, "groups come back", groups_come_back);
	suite_add(suite, "entries are sorted", entries_are_sorted);
	stock_with(setup, teardown);
	stock_add(suite, "rows are found wherever they lie",
	    rows_are_found_wherever_they_lie);
	stock_add(suite, "rows that lay alone are moved",
	    rows_that_lay_alone_are_moved);
	stock_add(
	    suite, "what is missing is damage", what_is_missing_is_damage);
	return suite_run(suite);
}
