/* SPDX-License-Identifier: BSD-2-Clause */
/* Usage whose disk fails, or that has no memory, at each call in turn: what
 * could not be taken out of the journal stays there, and is counted once. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/log.h"
#include "daemon/usage_impl.h"
#include "sanitized.h"
#include "stock.h"
#include "store_disk.h"

/* 2026-11-21T10:00:00Z */
#define NOON INT64_C(1795255200000)

enum { KEYS = 40, CALLS_MAX = 4000 };

static struct keyring *ring;
static struct index *index_of_all;
static struct key *key;
static struct usage *usage;
static char directory[64];

static void
setup(void)
{
	struct account *account = stock_account("acme");
	struct product *product = stock_product("api", "ak");
	struct usage_options options = {.directory = directory,
	    .expected_keys = 10, /* which fill one group */
	    .retention_days = 36500,
	    .flush_ms = 100000,
	    .journal_bytes = 1 << 20};
	char id[TOKEN_ID_LEN + 1];

	log_set_level((enum log_level)0); /* it has much to say */
	ck_assert(secret_init());
	options.ring = ring = keyring_new();
	strcpy(directory, "/tmp/apikeyd-usage.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	index_of_all = index_new();
	ck_assert(index_add_account(index_of_all, account));
	ck_assert(index_add_product(index_of_all, product));
	stock_id(id, 1);
	key = stock_key(account, product, id);
	ck_assert(index_add_key(index_of_all, key));
	usage = usage_open(&options, index_of_all);
	ck_assert_ptr_nonnull(usage);
}

static void
teardown(void)
{
	char command[128];

	usage_free(usage);
	index_free(index_of_all);
	keyring_free(ring);
	snprintf(command, sizeof command, "rm -r %s", directory);
	ck_assert_int_eq(system(command), 0);
}

/* One event of each of the keys, most of which no index knows. */
static void
note_some(unsigned round)
{
	struct key one = *key;
	char id[TOKEN_ID_LEN + 1];

	for (unsigned i = 0; i < KEYS; i++) {
		struct address address = {{(uint8_t)(round * KEYS + i)}};
		struct usage_event event = {.key = &one,
		    .verdict = VERDICT_VALID,
		    .at = NOON + i,
		    .address = &address,
		    .endpoint = bytes_of("GET /a"),
		    .service = bytes_of("httpd")};

		stock_id(id, 1 + i);
		memcpy(one.id, id, TOKEN_ID_LEN);
		usage_note(usage, &event);
	}
}

static bool
go_on(struct usage *of)
{
	(void)of;
	return true;
}

static bool taken;

static void *
take(void *nothing)
{
	taken = usage_take(usage, SIZE_MAX, go_on);
	return nothing;
}

/* On a thread that is not the first one: memory is short there alone. */
static bool
take_all(void)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, take, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	return taken;
}

static uint64_t
calls_of(struct usage_name name)
{
	struct question question = {
	    .name = name, .query = {.window = USAGE_24H, .now = NOON}};
	uint64_t calls = 0;

	ck_assert(usage_report_make(usage, &question));
	calls = question.report->total;
	usage_report_free(question.report);
	return calls;
}

/* Whatever is in the files by now, and whatever is not. */
static void
check_counts(unsigned rounds)
{
	ck_assert_uint_eq(calls_of(usage_name_of_key(key->id)), rounds);
	ck_assert_uint_eq(calls_of(usage_name_of_subject(
			      USAGE_OF_ACCOUNT, key->account->usage_id)),
	    (uint64_t)rounds * KEYS);
}

static void
check_files(void)
{
	struct usage_findings findings;

	usage_check_files(usage, &findings, NULL);
	ck_assert_msg(findings.problems == 0, "%s", findings.text);
	free(findings.text);
}

/* Its file is opened when it is next needed. */
static void
close_day(void)
{
	bool failed;
	struct usage_file *file = usage_files_day(
	    &usage->files, (uint32_t)(NOON / USAGE_DAY_MS), false, &failed);

	if (file != NULL)
		usage_files_drop(&usage->files, file);
}

static bool anew; /* in each round */

/* One call after the other fails, until none does any more. */
static void
strike_all(struct fault *fault, int error)
{
	bool struck = true;
	unsigned round = 0;

	for (int at = 1; struck; at++) {
		ck_assert_int_lt(at, CALLS_MAX);
		note_some(++round);
		if (anew)
			close_day();
		*fault = (struct fault){at, error, ONCE};
		(void)take_all();
		struck = fault->at == 0;
		*fault = (struct fault){0, 0, 0};
		check_counts(round);
		ck_assert(take_all());
		check_counts(round);
		check_files();
	}
	ck_assert_uint_gt(round, 5);
}

START_TEST(reads_fail)
{
	strike_all(&read_fault, EIO);
}
END_TEST

/* A file that is sound is not put aside for it. */
START_TEST(opening_fails)
{
	anew = true;
	strike_all(&read_fault, EIO);
}
END_TEST

START_TEST(writes_fail)
{
	strike_all(&write_fault, ENOSPC);
}
END_TEST

START_TEST(syncs_fail)
{
	strike_all(&sync_fault, EIO);
}
END_TEST

START_TEST(memory_is_short)
{
#ifndef UNDER_SANITIZER
	strike_all(&memory_fault, ENOMEM);
#endif
}
END_TEST

/* A batch that there was no memory for is not tried again as it was: half of it
 * is, and then all that is left. */
START_TEST(batches_are_halved)
{
#ifndef UNDER_SANITIZER
	enum { ROUNDS = 90 };
	uint64_t all;

	for (unsigned round = 0; round < ROUNDS; round++)
		note_some(round);
	all = usage_backlog(usage);
	ck_assert_uint_gt(all, 4 * (64 << 10));
	memory_fault = (struct fault){1, ENOMEM, ONCE};
	ck_assert(!take_all());
	ck_assert_uint_eq(usage_backlog(usage), all);
	ck_assert(take_all());
	ck_assert_uint_ge(usage_backlog(usage), all / 2 - (16 << 10));
	ck_assert_uint_le(usage_backlog(usage), all / 2 + (16 << 10));
	ck_assert(take_all());
	ck_assert_uint_eq(usage_backlog(usage), 0);
	check_counts(ROUNDS);
	check_files();
#endif
}
END_TEST

static struct usage_findings findings_short;

static void *
check_short(void *nothing)
{
	usage_check_files(usage, &findings_short, NULL);
	return nothing;
}

/* What there is no memory to look at is not said to be damaged. */
START_TEST(checks_are_short_of_memory)
{
#ifndef UNDER_SANITIZER
	bool struck = true;
	pthread_t thread;
	unsigned told = 0;

	note_some(1);
	ck_assert(take_all());
	for (int at = 1; struck; at++) {
		const char *text;

		ck_assert_int_lt(at, CALLS_MAX);
		memory_fault = (struct fault){at, ENOMEM, ONCE};
		ck_assert_int_eq(
		    pthread_create(&thread, NULL, check_short, NULL), 0);
		ck_assert_int_eq(pthread_join(thread, NULL), 0);
		struck = memory_fault.at == 0;
		memory_fault = (struct fault){0, 0, 0};
		text = findings_short.text;
		if (text != NULL) {
			ck_assert_msg(strstr(text, "damaged") == NULL &&
				strstr(text, "sense") == NULL &&
				strstr(text, "calls") == NULL,
			    "call %d: %s", at, text);
			told += findings_short.problems > 0;
			ck_assert(struck || findings_short.problems == 0);
		}
		free(findings_short.text);
	}
	ck_assert_uint_gt(told, 0);
#endif
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("usage_disk");

	stock_with(setup, teardown);
	stock_add(suite, "reads fail", reads_fail);
	stock_add(suite, "opening fails", opening_fails);
	stock_add(suite, "writes fail", writes_fail);
	stock_add(suite, "syncs fail", syncs_fail);
	/* valgrind has a malloc() of its own, which never fails. */
	tcase_set_tags(
	    stock_add(suite, "memory is short", memory_is_short), "memory");
	tcase_set_tags(
	    stock_add(suite, "batches are halved", batches_are_halved),
	    "memory");
	tcase_set_tags(stock_add(suite, "checks are short of memory",
			   checks_are_short_of_memory),
	    "memory");
	return suite_run(suite);
}
