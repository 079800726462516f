/* SPDX-License-Identifier: BSD-2-Clause */
/* keys.tdb on disks that are full, or fail. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/store.h"
#include "stock.h"
#include "store_disk.h"
#include "store_world.h"

/* Commits with a full disk at the at-th write of tdb; true while it was hit. */
static bool
full_at(int at, int error)
{
	enum store_result result;
	struct store_facts facts;
	struct content before = reopened();
	bool hit;

	ck_assert(open_store());
	start();
	write_fault = (struct fault){at, error, FOR_EVER};
	result = write_account("one-more");
	hit = result != STORE_OK;
	write_fault.at = 0;
	ck_assert(!hit || result == STORE_FULL || result == STORE_UNKNOWN);
	store_facts(store, &facts);
	ck_assert(facts.suspect == (result == STORE_UNKNOWN));
	if (result == STORE_FULL) {
		/* Room again: the store goes on. */
		ck_assert_int_eq(write_account("two-more"), STORE_OK);
		close_store();
		reopened();
		ck_assert_ptr_null(find('A', "one-more"));
		ck_assert_uint_eq(content.count, before.count + 2);
	} else if (hit) {
		ck_assert_int_eq(write_account("two-more"), STORE_SUSPECT);
		close_store();
		reopened();
		ck_assert_ptr_null(find('A', "two-more"));
		ck_assert_uint_ge(content.count, before.count);
	} else {
		close_store();
	}
	return hit;
}

static void
check_full(int error)
{
	struct image image;
	int at = 1;

	fill(10);
	image = file_read();
	while (full_at(at, error)) {
		file_write(image.data, image.len);
		at++;
	}
	ck_assert_int_gt(at, 3);
	file_write(image.data, image.len);
	free(image.data);
}

START_TEST(full_disk)
{
	check_full(ENOSPC);
	check_full(EFBIG);
	check_full(EDQUOT);
}
END_TEST

/* The first write of a commit finds no room: that is plainly "full". */
START_TEST(full_disk_is_said_to_be_full)
{
	fill(10);
	ck_assert(open_store());
	start();
	write_fault = (struct fault){1, ENOSPC, FOR_EVER};
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(write_account("x"), STORE_FULL);
	write_fault.at = 0;
	ck_assert_int_eq(write_account("x"), STORE_OK);
	close_store();
	ck_assert_uint_eq(reopened().count, 22);
}
END_TEST

/* A large change that finds no room does not take small ones with it. */
START_TEST(full_disk_and_a_batch)
{
	struct store_change *changes[3];

	fill(3);
	ck_assert(open_store());
	changes[0] = new_change("account0", 1);
	changes[1] = new_change("new", 1);
	changes[2] = new_change("account1", 1);
	for (size_t i = 0; i < 3; i++)
		submit(changes[i]);
	/* The batch, then the first and second alone. */
	write_fault = (struct fault){1, ENOSPC, ONCE};
	start();
	wait_for_all();
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(changes[i]->result, STORE_OK);
		ck_assert_uint_eq(changes[i]->sequence, 3 + i + 1);
		free_change(changes[i]);
	}
	close_store();
	ck_assert_uint_eq(reopened().count, 10);
}
END_TEST

/* Room for neither the batch nor the change alone, and then there is. */
static enum store_result
write_third_time(const char *slug, bool once)
{
	struct store_change *change = new_change(slug, 1);
	enum store_result result;

	change->once = once;
	write_fault = (struct fault){1, ENOSPC, 2};
	submit(change);
	wait_for_all();
	write_fault.at = 0;
	result = change->result;
	free_change(change);
	return result;
}

/* Without its operation id goes what may be done again. */
START_TEST(full_disk_and_no_trace)
{
	fill(3);
	ck_assert(open_store());
	start();
	ck_assert_int_eq(write_third_time("new", true), STORE_FULL);
	ck_assert_int_eq(write_third_time("account2", true), STORE_FULL);
	ck_assert_int_eq(write_third_time("account1", false), STORE_OK);
	close_store();
	ck_assert_uint_eq(reopened().count, 6);
	ck_assert_ptr_null(find('A', "new"));
	ck_assert_uint_eq(find('A', "account1")->sequence, 4);
	ck_assert_uint_lt(find('A', "account2")->sequence, 4);
}
END_TEST

/* EIO at each sync and each write of a commit: nothing more is acknowledged,
 * and what was is there after the next start. */
static bool
broken_at(struct fault *fault, int at, int times)
{
	struct store_facts facts;
	enum store_result result;

	ck_assert(open_store());
	start();
	ck_assert_int_eq(write_account("before"), STORE_OK);
	*fault = (struct fault){at, EIO, times};
	result = write_account("account1");
	fault->at = 0;
	if (result == STORE_OK) {
		close_store();
		return false;
	}
	ck_assert_int_eq(result, STORE_UNKNOWN);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(write_account("after"), STORE_SUSPECT);
	store_facts(store, &facts);
	ck_assert(facts.suspect && facts.reason[0] != '\0');
	close_store();
	reopened();
	ck_assert_uint_eq(find('A', "before")->sequence, 6);
	ck_assert_ptr_null(find('A', "after"));
	/* The change nobody was told of: there or not. */
	ck_assert_uint_eq(
	    content.count, find('A', "account1")->sequence == 7 ? 13 : 12);
	return true;
}

static int
check_broken(struct fault *fault, int times)
{
	struct image image;
	int at = 1;

	fill(5);
	image = file_read();
	while (broken_at(fault, at, times)) {
		file_write(image.data, image.len);
		at++;
	}
	free(image.data);
	return at - 1;
}

START_TEST(broken_syncs)
{
	/* tdb syncs four times a commit; without mmap it is each fdatasync. */
	ck_assert_int_ge(check_broken(&sync_fault, ONCE), 4);
}
END_TEST

START_TEST(broken_writes)
{
	ck_assert_int_ge(check_broken(&write_fault, ONCE), 4);
}
END_TEST

START_TEST(broken_reads)
{
	ck_assert_int_ge(check_broken(&read_fault, ONCE), 4);
}
END_TEST

START_TEST(broken_reads_in_a_row)
{
	ck_assert_int_ge(check_broken(&read_fault, 3), 4);
}
END_TEST

/*
 * tdb takes a record that it has no memory to look at for one that is not
 * there, and puts another beside it: such a commit must not go through.
 */
static bool
no_memory_at(int at, int times)
{
	enum store_result result;
	struct content before = reopened();
	bool hit;

	ck_assert(open_store());
	start();
	memory_fault = (struct fault){at, ENOMEM, times};
	result = write_account("account1");
	hit = memory_fault.at == 0 || memory_fault.times < times;
	memory_fault.at = 0;
	ck_assert(hit || result == STORE_OK);
	ck_assert(write_account("account2") ==
	    (result == STORE_UNKNOWN ? STORE_SUSPECT : STORE_OK));
	close_store();
	reopened();
	if (result == STORE_OK)
		ck_assert_uint_eq(content.count, before.count + 2);
	else
		ck_assert_uint_ge(content.count, before.count);
	return hit;
}

START_TEST(no_memory)
{
	struct image image;

	fill(5);
	image = file_read();
	for (int times = 1; times <= 6; times++)
		for (int at = 1; no_memory_at(at, times); at++)
			file_write(image.data, image.len);
	free(image.data);
}
END_TEST

/* A batch that fails is failed as a whole. */
START_TEST(broken_batch)
{
	struct store_change *changes[10];
	char slug[32];

	fill(2);
	ck_assert(open_store());
	for (unsigned i = 0; i < 10; i++) {
		snprintf(slug, sizeof slug, "new%u", i);
		changes[i] = new_change(slug, 1);
		submit(changes[i]);
	}
	sync_fault = (struct fault){1, EIO, ONCE};
	start();
	wait_for_all();
	for (unsigned i = 0; i < 10; i++) {
		ck_assert_int_eq(changes[i]->result, STORE_UNKNOWN);
		ck_assert_uint_eq(changes[i]->sequence, 0);
		free_change(changes[i]);
	}
	close_store();
	reopened();
	ck_assert(content.count == 4 || content.count == 24);
}
END_TEST

/* It would have tdb say "done" without waiting for the disk. */
START_TEST(syncs_cannot_be_turned_off)
{
	setenv("TDB_NO_FSYNC", "1", 1);
	ck_assert(open_store());
	start();
	syncs = 0;
	ck_assert_int_eq(write_account("a"), STORE_OK);
	ck_assert_int_ge(syncs, 4);
	close_store();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store_disk");

	if (!secret_init())
		return EXIT_FAILURE;
	stock_with(with_store, without_store);
	stock_add(suite, "full_disk", full_disk);
	stock_add(suite, "full_disk_is_said_to_be_full",
	    full_disk_is_said_to_be_full);
	stock_add(suite, "full_disk_and_a_batch", full_disk_and_a_batch);
	stock_add(suite, "full_disk_and_no_trace", full_disk_and_no_trace);
	stock_add(suite, "broken_syncs", broken_syncs);
	stock_add(suite, "broken_writes", broken_writes);
	stock_add(suite, "broken_reads", broken_reads);
	stock_add(suite, "broken_reads_in_a_row", broken_reads_in_a_row);
	stock_add(suite, "no_memory", no_memory);
	stock_add(suite, "broken_batch", broken_batch);
	stock_add(
	    suite, "syncs_cannot_be_turned_off", syncs_cannot_be_turned_off);
	return suite_run(suite);
}
