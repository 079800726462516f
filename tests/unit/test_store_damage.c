/* SPDX-License-Identifier: BSD-2-Clause */
/* keys.tdb: what is not as it was written is not believed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tdb.h>

#include "daemon/store.h"
#include "daemon/store_check.h"
#include "stock.h"
#include "counted_log.h"
#include "sanitized.h"
#include "store_disk.h"
#include "store_world.h"

static void
check_said(const char *why)
{
	errors = notices = 0;
	ck_assert_msg(!open_store(), "opened");
	ck_assert_uint_eq(errors, 1);
	ck_assert_uint_eq(notices, 0);
	ck_assert_ptr_nonnull(strstr(last_error, "keys.tdb"));
	ck_assert_msg(strstr(last_error, why) != NULL, "%s", last_error);
	ck_assert_ptr_null(strchr(last_error, '\n'));
}

/* The file is left as it is. */
static void
check_refused(const char *why)
{
	struct image image = file_read();

	check_said(why);
	ck_assert(file_is(image.data, image.len));
	free(image.data);
}

START_TEST(wrong_master_key)
{
	static const uint8_t other[SECRET_KEY_BYTES] = {1, 2, 4};
	struct image image;

	fill(3);
	image = file_read();
	store = store_open(
	    directory, EXPECTED_KEYS, other, &ring, collect, &content);
	ck_assert(store == NULL && ring == NULL);
	ck_assert_uint_eq(errors, 1);
	ck_assert_ptr_nonnull(strstr(last_error, "another master key"));
	ck_assert(file_is(image.data, image.len));
	free(image.data);
}
END_TEST

START_TEST(missing_file)
{
	struct stat st;

	unlink(in_directory("keys.tdb"));
	check_said("No such file");
	ck_assert_int_ne(stat(in_directory("keys.tdb"), &st), 0);
}
END_TEST

START_TEST(cut_files)
{
	struct image image;

	fill(20);
	image = file_read();
	for (size_t len = 0; len < image.len;
	     len += len % 4096 == 0 || image.len - len < 20 ? 1 : 1365) {
		struct image cut = {image.data, len};

		errors = 0;
		file_write(cut.data, cut.len);
		if (open_store()) {
			/* Nothing but unused space was cut off. */
			close_store();
			ck_assert_uint_eq(content.count, 40);
			continue;
		}
		ck_assert_uint_eq(errors, 1);
		ck_assert_ptr_nonnull(strstr(last_error, "damaged"));
		ck_assert(file_is(cut.data, cut.len));
	}
	free(image.data);
}
END_TEST

static size_t
to_next_used(const struct image *image, size_t at, size_t most)
{
	size_t step = 1;

	while (step < most && at + step < image->len &&
	    image->data[at + step] == 0)
		step++;
	return step;
}

/* Beneath a store that is open */

static struct check_task {
	struct store_task task; /* first: what the store hands back */
	struct store_check check;
	bool more;
} checking;

static void
run_check(struct store_task *task, struct store_file *file)
{
	(void)task;
	checking.more = store_check_portion(&checking.check, file);
	if (!checking.more)
		store_check_end(&checking.check);
}

static void
on_check_run(struct store_task *task)
{
	ck_assert_ptr_eq(task, &checking.task);
	under_way--;
}

static void
begin_check(void)
{
	memset(&checking, 0, sizeof checking);
	checking.task.run = run_check;
	checking.task.done = on_check_run;
	errors = 0;
}

static bool
check_portion(void)
{
	under_way++;
	store_submit_task(store, &checking.task);
	wait_for_all();
	return checking.more;
}

static uint64_t
problems_found(void)
{
	begin_check();
	while (check_portion())
		;
	ck_assert_uint_eq(errors, checking.check.problems > 0);
	return checking.check.problems;
}

static void
flip_beneath(const struct image *image, size_t at, uint8_t flipped)
{
	uint8_t byte = image->data[at] ^ flipped;
	int fd = open(in_directory("keys.tdb"), O_WRONLY);

	ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)at), 1);
	close(fd);
}

/* What a start refuses, a check of the running store finds. */
static void
find_while_it_runs(const struct image *image, const uint8_t *refused)
{
	ck_assert(open_store());
	start();
	ck_assert_uint_eq(problems_found(), 0);
	ck_assert_uint_eq(checking.check.records, content.count);
	for (size_t at = 0; at < image->len; at++) {
		if (refused[at] == 0)
			continue;
		flip_beneath(image, at, refused[at]);
		ck_assert_msg(problems_found() > 0, "byte %zu", at);
		flip_beneath(image, at, 0);
	}
	ck_assert_uint_eq(problems_found(), 0);
	close_store();
}

/* Any byte of the file: either it does not matter, and then all is there, or
 * nothing is believed and nothing written. */
START_TEST(flipped_bytes)
{
	static const uint8_t flips[] = {0xff, 0x01, 0x80};
	static struct content whole;
	struct image image;
	uint8_t *refused;
	size_t refusals = 0, healed = 0, step;
	uint64_t seed = 8;

	fill(6);
	image = file_read();
	refused = calloc(1, image.len);
	whole = reopened();
	/* Some of what is used, and fewer of the empty rest. */
	for (size_t at = 0; at < image.len; at += step) {
		uint8_t old = image.data[at];

		step = old != 0 ? 1 + suite_below(&seed, 24)
				: to_next_used(&image, at, 1500);
		image.data[at] ^= flips[suite_below(&seed, 3)];
		file_write(image.data, image.len);
		errors = notices = 0;
		if (open_store()) {
			close_store();
			ck_assert_uint_eq(errors, 0);
			ck_assert(same_content(&content, &whole));
			healed += notices;
		} else {
			ck_assert_uint_eq(errors, 1);
			ck_assert(file_is(image.data, image.len));
			refused[at] = old ^ image.data[at];
			refusals++;
		}
		image.data[at] = old;
	}
	ck_assert_uint_gt(refusals, 100);
	ck_assert_uint_gt(healed, 0);
	file_write(image.data, image.len);
	find_while_it_runs(&image, refused);
	free(refused);
	free(image.data);
}
END_TEST

/* What there is no memory to read is not damaged: nobody is to restore it. */
START_TEST(checked_without_memory)
{
#ifndef UNDER_SANITIZER
	unsigned ended = 0;
	bool struck = true;

	fill(6);
	ck_assert(open_store());
	start();
	for (int at = 1; struck; at++) {
		begin_check();
		memory_fault = (struct fault){at, ENOMEM, ONCE};
		while (check_portion())
			;
		struck = memory_fault.at == 0;
		memory_fault.at = 0;
		ended += checking.check.no_memory;
		ck_assert_uint_eq(errors, checking.check.no_memory);
		ck_assert(
		    checking.check.no_memory || checking.check.problems == 0);
		ck_assert_ptr_null(strstr(last_error, "restore"));
	}
	ck_assert_uint_gt(ended, 3);
	ck_assert_uint_eq(problems_found(), 0);
	close_store();
#endif
}
END_TEST

/* Behind the store's back */

static TDB_CONTEXT *
open_raw(void)
{
	TDB_CONTEXT *tdb =
	    tdb_open(in_directory("keys.tdb"), 0, TDB_NOMMAP, O_RDWR, 0);

	ck_assert_ptr_nonnull(tdb);
	return tdb;
}

static TDB_DATA
raw_name(const char *name)
{
	union {
		const char *in;
		unsigned char *out;
	} pointer = {name};

	return (TDB_DATA){pointer.out, strlen(name)};
}

START_TEST(deleted_records)
{
	TDB_CONTEXT *tdb;

	fill(5);
	tdb = open_raw();
	ck_assert_int_eq(tdb_delete(tdb, raw_name("Aaccount3")), 0);
	tdb_close(tdb);
	check_refused("missing");
}
END_TEST

START_TEST(added_records)
{
	TDB_CONTEXT *tdb;
	TDB_DATA data;

	fill(5);
	tdb = open_raw();
	data = tdb_fetch(tdb, raw_name("Aaccount3"));
	/* Under a name of its own it is not what it was. */
	ck_assert_int_eq(
	    tdb_store(tdb, raw_name("Aaccount9"), data, TDB_INSERT), 0);
	tdb_close(tdb);
	free(data.dptr);
	check_refused("wrong MAC");
	ck_assert_ptr_nonnull(strstr(last_error, "A account9"));
}
END_TEST

START_TEST(one_record_rolled_back)
{
	TDB_CONTEXT *tdb;
	TDB_DATA old;

	fill(5);
	tdb = open_raw();
	old = tdb_fetch(tdb, raw_name("Aaccount3"));
	tdb_close(tdb);
	ck_assert(open_store());
	start();
	ck_assert_int_eq(write_account("account3"), STORE_OK);
	close_store();
	tdb = open_raw();
	ck_assert_int_eq(
	    tdb_store(tdb, raw_name("Aaccount3"), old, TDB_REPLACE), 0);
	tdb_close(tdb);
	free(old.dptr);
	check_refused("older than the rest");
}
END_TEST

START_TEST(no_root)
{
	TDB_CONTEXT *tdb;

	fill(1);
	tdb = open_raw();
	ck_assert_int_eq(tdb_delete(tdb, raw_name("R")), 0);
	tdb_close(tdb);
	check_refused("no root record");
}
END_TEST

/* A chain that bites its own tail must not be walked for ever. */
START_TEST(circular_chain)
{
	struct image image;
	size_t roots = 0;

	image = file_read();
	/* tdb's record header: next, rec_len, key_len, data_len, hash, magic,
	 * then the key; that of the root is one letter. An old copy of it may
	 * lie in the recovery area, so any that looks like it is taken. */
	for (uint32_t at = 24; at + 25 < image.len; at += 4) {
		static const uint32_t live = 0x26011999, one = 1;

		if (memcmp(image.data + at + 20, &live, 4) != 0 ||
		    memcmp(image.data + at + 8, &one, 4) != 0 ||
		    image.data[at + 24] != 'R')
			continue;
		memcpy(image.data + at, &at, 4);
		roots++;
	}
	ck_assert_uint_gt(roots, 0);
	file_write(image.data, image.len);
	check_refused("damaged");
	free(image.data);
}
END_TEST

/* What a kill while the file grew leaves: every record is sound, the file is
 * not. It is copied into a new one. */
START_TEST(structure_is_healed)
{
	static struct content whole;
	struct image image;
	struct stat st;
	uint8_t *grown;

	fill(20);
	whole = reopened();
	image = file_read();
	grown = calloc(1, image.len + 4096);
	memcpy(grown, image.data, image.len);
	memset(grown + image.len, 0x5a, 4096);
	file_write(grown, image.len + 4096);
	/* Nor does it matter what an attempt before has left. */
	ck_assert_int_eq(close(open(in_directory("keys.tdb.rebuild"),
			     O_CREAT | O_WRONLY, 0600)),
	    0);
	errors = notices = 0;
	ck_assert(open_store());
	ck_assert_uint_eq(notices, 1);
	ck_assert_uint_eq(errors, 0);
	ck_assert(same_content(&content, &whole));
	ck_assert_int_ne(stat(in_directory("keys.tdb.rebuild"), &st), 0);
	/* And goes on as if nothing had been. */
	start();
	ck_assert_int_eq(write_account("later"), STORE_OK);
	close_store();
	notices = 0;
	reopened();
	ck_assert_uint_eq(notices, 0);
	ck_assert_uint_eq(content.count, whole.count + 2);
	free(grown);
	free(image.data);
}
END_TEST

/* Where the copy cannot be written, the original is left alone. */
START_TEST(healing_on_a_failing_disk)
{
	struct image image;
	uint8_t *grown;
	struct stat st;
	bool opened = false;

	fill(20);
	image = file_read();
	grown = calloc(1, image.len + 4096);
	memcpy(grown, image.data, image.len);
	memset(grown + image.len, 0x5a, 4096);
	for (int at = 1; !opened; at++) {
		file_write(grown, image.len + 4096);
		sync_fault = (struct fault){at, EIO, ONCE};
		errors = 0;
		opened = open_store();
		if (opened)
			break;
		ck_assert_uint_ge(errors, 1);
		ck_assert_int_ne(
		    stat(in_directory("keys.tdb.rebuild"), &st), 0);
		sync_fault.at = 0;
		/* Whichever of the two it is now, it is whole. */
		ck_assert(open_store());
		close_store();
		ck_assert_uint_eq(content.count, 40);
	}
	ck_assert_int_gt(sync_fault.at, 0); /* every one had its turn */
	sync_fault.at = 0;
	close_store();
	free(grown);
	free(image.data);
}

/* A portion is of 256 records; what is behind it, and what is before, changes
 * meanwhile. */
START_TEST(checked_while_it_changes)
{
	struct store_facts facts;
	unsigned portions = 0;
	char slug[16];

	fill(400);
	ck_assert(open_store());
	start();
	begin_check();
	while (check_portion()) {
		for (unsigned n = 0; n < 400; n += 57) {
			snprintf(slug, sizeof slug, "account%u", n);
			ck_assert_int_eq(write_account(slug), STORE_OK);
		}
		snprintf(slug, sizeof slug, "later%u", portions++);
		ck_assert_int_eq(write_account(slug), STORE_OK);
	}
	ck_assert_uint_gt(portions, 1);
	ck_assert_uint_eq(checking.check.problems, 0);
	store_facts(store, &facts);
	ck_assert_uint_eq(checking.check.records, facts.records);
	close_store();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store_damage");

	if (!secret_init())
		return EXIT_FAILURE;
	stock_with(with_store, without_store);
	stock_add(suite, "wrong_master_key", wrong_master_key);
	stock_add(suite, "missing_file", missing_file);
	stock_add(suite, "cut_files", cut_files);
	stock_add(suite, "flipped_bytes", flipped_bytes);
	stock_add(suite, "checked_while_it_changes", checked_while_it_changes);
	/* valgrind has a malloc() of its own, which never fails. */
	tcase_set_tags(
	    stock_add(suite, "checked_without_memory", checked_without_memory),
	    "memory");
	stock_add(suite, "deleted_records", deleted_records);
	stock_add(suite, "added_records", added_records);
	stock_add(suite, "one_record_rolled_back", one_record_rolled_back);
	stock_add(suite, "no_root", no_root);
	stock_add(suite, "circular_chain", circular_chain);
	stock_add(suite, "structure_is_healed", structure_is_healed);
	stock_add(
	    suite, "healing_on_a_failing_disk", healing_on_a_failing_disk);
	return suite_run(suite);
}
