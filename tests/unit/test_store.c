/* SPDX-License-Identifier: BSD-2-Clause */
/* keys.tdb: what was acknowledged is there again. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/store.h"
#include "stock.h"
#include "counted_log.h"
#include "store_disk.h"
#include "store_world.h"

START_TEST(empty_store)
{
	char unfinished[128];
	struct store_facts facts;
	struct stat st;

	ck_assert_int_eq(stat(in_directory("keys.tdb"), &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_int_ne(stat(in_directory("keys.tdb.new"), &st), 0);
	ck_assert(open_store());
	ck_assert_uint_eq(content.count, 0);
	start();
	store_facts(store, &facts);
	ck_assert_uint_eq(facts.sequence, 0);
	ck_assert_uint_eq(facts.records, 0);
	ck_assert(!facts.suspect);
	close_store();
	/* What a creation that was cut off has left does not matter. */
	strcpy(unfinished, in_directory("keys.tdb.new"));
	ck_assert_int_eq(rename(in_directory("keys.tdb"), unfinished), 0);
	ck_assert(store_create(directory, EXPECTED_KEYS, master));
	ck_assert_uint_eq(reopened().count, 0);
	ck_assert_uint_eq(errors, 0);
}
END_TEST

/* All that gathers while the thread has not begun goes in one transaction. */
START_TEST(group_commit)
{
	enum { CHANGES = 100 };
	struct store_change *changes[CHANGES];
	struct store_facts facts;
	char slug[32];

	ck_assert(open_store());
	for (unsigned i = 0; i < CHANGES; i++) {
		snprintf(slug, sizeof slug, "account%u", i);
		changes[i] = new_change(slug, 1 + i % 3);
		submit(changes[i]);
	}
	syncs = 0;
	start();
	wait_for_all();
	store_facts(store, &facts);
	ck_assert_uint_eq(facts.generation, 1);
	ck_assert_uint_eq(facts.sequence, CHANGES);
	ck_assert_int_gt(syncs, 0);
	ck_assert_int_lt(syncs, 8);
	for (unsigned i = 0; i < CHANGES; i++) {
		ck_assert_int_eq(changes[i]->result, STORE_OK);
		/* In the order they were submitted in. */
		ck_assert_uint_eq(changes[i]->sequence, i + 1);
		ck_assert_uint_eq(changes[i]->operation.sequence, i + 1);
	}
	close_store();
	ck_assert(open_store());
	ck_assert_uint_eq(content.count, facts.records);
	for (unsigned i = 0; i < CHANGES; i++) {
		const struct item *item;
		struct record_name name = record_name_operation(i + 1);

		snprintf(slug, sizeof slug, "account%u", i);
		item = find('A', slug);
		ck_assert(item != NULL && item->sequence == i + 1);
		snprintf(slug, sizeof slug, "account%u-1", i);
		item = find('A', slug);
		ck_assert((item != NULL) == (i % 3 > 0));
		ck_assert_ptr_nonnull(find_named(name.bytes, name.len));
		free_change(changes[i]);
	}
	close_store();
}
END_TEST

/* No transaction takes more than so many, but a change is never split. */
START_TEST(large_batches_are_cut)
{
	struct store_change *changes[] = {new_change("a", 600),
	    new_change("b", 400), new_change("c", 1), new_change("d", 1200),
	    new_change("e", 1)};
	struct store_facts facts;

	ck_assert(open_store());
	for (size_t i = 0; i < 5; i++)
		submit(changes[i]);
	start();
	wait_for_all();
	store_facts(store, &facts);
	ck_assert_uint_eq(facts.generation, 4);
	ck_assert_uint_eq(facts.records, 600 + 400 + 1 + 1200 + 1 + 5);
	for (size_t i = 0; i < 5; i++) {
		ck_assert_uint_eq(changes[i]->sequence, i + 1);
		free_change(changes[i]);
	}
	close_store();
	ck_assert_uint_eq(reopened().count, facts.records);
}
END_TEST

START_TEST(collected_one_at_a_time)
{
	struct store_change *changes[3];
	static const char *const slugs[] = {"a", "b", "c"};

	ck_assert(open_store());
	ck_assert(!store_collect_one(store));
	for (size_t i = 0; i < 3; i++)
		submit(changes[i] = new_change(slugs[i], 1));
	start();
	store_stop(store);
	for (size_t left = 3; left > 0; left--) {
		ck_assert_uint_eq(under_way, left);
		ck_assert(store_collect_one(store) == (left > 1));
	}
	ck_assert_uint_eq(under_way, 0);
	for (size_t i = 0; i < 3; i++)
		free_change(changes[i]);
	store_free(store);
	keyring_free(ring);
}
END_TEST

START_TEST(stopping_commits_what_was_submitted)
{
	struct store_change *change = new_change("late", 3);

	ck_assert(open_store());
	start();
	submit(change);
	store_stop(store);
	store_collect(store);
	ck_assert_uint_eq(under_way, 0);
	ck_assert_int_eq(change->result, STORE_OK);
	free_change(change);
	store_free(store);
	keyring_free(ring);
	ck_assert_uint_eq(reopened().count, 4);
}
END_TEST

START_TEST(existing_names)
{
	struct store_change *first = new_change("a", 2),
			    *second = new_change("b", 2),
			    *third = new_change("c", 1);

	first->writes[1].is_new = true;
	second->writes[1] = first->writes[1];
	ck_assert(open_store());
	/* In one transaction, the others go in all the same. */
	submit(first);
	submit(second);
	submit(third);
	start();
	wait_for_all();
	ck_assert_int_eq(first->result, STORE_OK);
	ck_assert_int_eq(second->result, STORE_EXISTS);
	ck_assert_uint_eq(second->sequence, 0);
	ck_assert_int_eq(third->result, STORE_OK);
	ck_assert_uint_eq(third->sequence, 2);
	close_store();
	reopened();
	/* All of a change, or none of it. */
	ck_assert_ptr_null(find('A', "b"));
	ck_assert_ptr_nonnull(find('A', "a-1"));
	ck_assert_uint_eq(content.count, 5);
	free_change(first);
	free_change(second);
	free_change(third);
}
END_TEST

START_TEST(erasing_and_replacing)
{
	struct store_change *change = new_change("a", 4);

	fill(3);
	ck_assert(open_store());
	start();
	submit(change);
	wait_for_all();
	change->writes[1].erase = true;
	change->writes[2].erase = true;
	submit(change);
	wait_for_all();
	/* What is not there is gone already. */
	submit(change);
	wait_for_all();
	ck_assert_int_eq(change->result, STORE_OK);
	close_store();
	reopened();
	ck_assert_uint_eq(content.count, 3 + 3 + 2 + 3);
	ck_assert_uint_eq(find('A', "a-3")->sequence, 6);
	ck_assert_ptr_null(find('A', "a-1"));
	free_change(change);
}
END_TEST

/* Operations take the place of the one that is OPERATIONS_KEPT older. */
START_TEST(operations_are_kept_and_go)
{
	struct store_change *change = new_change("a", 1);
	struct store_facts facts;

	ck_assert(open_store());
	start();
	for (int i = 0; i < OPERATIONS_KEPT + 10; i++) {
		submit(change);
		wait_for_all();
	}
	store_facts(store, &facts);
	ck_assert_uint_eq(facts.records, 1 + OPERATIONS_KEPT);
	close_store();
	ck_assert_uint_eq(reopened().count, 1 + OPERATIONS_KEPT);
	free_change(change);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store");

	if (!secret_init())
		return EXIT_FAILURE;
	stock_with(with_store, without_store);
	stock_add(suite, "empty_store", empty_store);
	stock_add(suite, "group_commit", group_commit);
	stock_add(suite, "large_batches_are_cut", large_batches_are_cut);
	stock_add(suite, "collected_one_at_a_time", collected_one_at_a_time);
	stock_add(suite, "stopping_commits_what_was_submitted",
	    stopping_commits_what_was_submitted);
	stock_add(suite, "existing_names", existing_names);
	stock_add(suite, "erasing_and_replacing", erasing_and_replacing);
	stock_add(
	    suite, "operations_are_kept_and_go", operations_are_kept_and_go);
	return suite_run(suite);
}
