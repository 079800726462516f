/* SPDX-License-Identifier: BSD-2-Clause */
/* Usage from the note to the report, in a directory of its own. */
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/usage.h"
#include "daemon/usage_group.h"
#include "daemon/usage_impl.h"
#include "daemon/usage_row.h"
#include "stock.h"

enum { HOUR = 3600000, DAY = 86400000 };
/* 2026-11-21T10:00:00Z */
#define NOON INT64_C(1795255200000)

static struct keyring *ring;
static struct index *index_of_all;
static struct key *key, *other_key;
static char directory[64];
static int woken;

static void
wake(void *context)
{
	uint64_t one = 1;

	(void)context;
	ck_assert_int_eq(write(woken, &one, sizeof one), sizeof one);
}

enum { EXPECTED_KEYS = 1000 };

static struct usage *
open_for(unsigned keys)
{
	struct usage_options options = {.directory = directory,
	    .ring = ring,
	    .expected_keys = keys,
	    .retention_days = 36500,
	    .flush_ms = 100000,
	    .journal_bytes = 1 << 20};
	struct usage *usage = usage_open(&options, index_of_all);

	ck_assert_ptr_nonnull(usage);
	return usage;
}

static struct usage *
start(void)
{
	struct usage *usage = open_for(EXPECTED_KEYS);

	ck_assert(usage_start(usage, wake, NULL));
	return usage;
}

static void
setup(void)
{
	struct account *account = stock_account("acme");
	struct product *product = stock_product("api", "ak");
	char id[TOKEN_ID_LEN + 1];

	ck_assert(secret_init());
	ring = keyring_new();
	strcpy(directory, "/tmp/apikeyd-usage.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	woken = eventfd(0, EFD_CLOEXEC);
	index_of_all = index_new();
	ck_assert(index_add_account(index_of_all, account));
	ck_assert(index_add_product(index_of_all, product));
	stock_id(id, 1);
	key = stock_key(account, product, id);
	ck_assert(index_add_key(index_of_all, key));
	stock_id(id, 2);
	other_key = stock_key(account, product, id);
	ck_assert(index_add_key(index_of_all, other_key));
}

static void
teardown(void)
{
	char command[128];

	index_free(index_of_all);
	keyring_free(ring);
	close(woken);
	snprintf(command, sizeof command, "rm -r %s", directory);
	ck_assert_int_eq(system(command), 0);
}

static void
note_at(struct usage *usage, const struct key *of, int64_t at,
    const char *endpoint, uint32_t host)
{
	struct address address = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10,
	    (uint8_t)(host >> 16), (uint8_t)(host >> 8), (uint8_t)host}};
	struct usage_event event = {.key = of,
	    .verdict = of != NULL ? VERDICT_VALID : VERDICT_UNKNOWN,
	    .at = at,
	    .address = &address,
	    .endpoint = bytes_of(endpoint),
	    .service = bytes_of("httpd")};

	usage_note(usage, &event);
}

/* The report's sums, as its header promises them; kept for the test. */
static struct kept {
	bool answered, there;
	uint64_t total, verdicts, endpoints, addresses, series;
	uint64_t other_endpoints, other_addresses;
	size_t endpoint_count, address_count, step_count;
	struct usage_endpoint first_endpoint;
	struct usage_address first_address;
	uint64_t last_step, first_step;
} kept;

static void
keep(void *context, const struct usage_report *report)
{
	(void)context;
	memset(&kept, 0, sizeof kept);
	kept.answered = true;
	kept.there = report != NULL;
	if (report == NULL)
		return;
	kept.total = report->total;
	for (size_t i = 0; i < VERDICT_COUNT; i++)
		kept.verdicts += report->verdicts[i];
	kept.endpoints = report->other_endpoints;
	for (size_t i = 0; i < report->endpoint_count; i++)
		kept.endpoints += report->endpoints[i].calls;
	kept.addresses = report->other_addresses;
	for (size_t i = 0; i < report->address_count; i++)
		kept.addresses += report->addresses[i].calls;
	for (size_t i = 0; i < report->step_count; i++)
		kept.series += report->series[i].calls;
	kept.other_endpoints = report->other_endpoints;
	kept.other_addresses = report->other_addresses;
	kept.endpoint_count = report->endpoint_count;
	kept.address_count = report->address_count;
	kept.step_count = report->step_count;
	if (report->endpoint_count > 0)
		kept.first_endpoint = report->endpoints[0];
	if (report->address_count > 0)
		kept.first_address = report->addresses[0];
	kept.first_step = report->series[0].calls;
	kept.last_step = report->series[report->step_count - 1].calls;
}

static void
await(struct usage *usage, const bool *done)
{
	while (!*done) {
		struct pollfd fd = {.fd = woken, .events = POLLIN};
		uint64_t count;

		ck_assert_int_eq(poll(&fd, 1, SUITE_TIMEOUT * 1000), 1);
		ck_assert_int_eq(
		    read(woken, &count, sizeof count), sizeof count);
		usage_collect(usage);
	}
}

static void
ask(struct usage *usage, enum usage_subject subject, enum usage_window window,
    int64_t now)
{
	struct usage_query query = {
	    .subject = subject, .window = window, .now = now};

	strcpy(query.name, subject == USAGE_OF_ACCOUNT ? "acme" : "api");
	if (subject == USAGE_OF_KEY)
		snprintf(query.name, sizeof query.name, "%.*s", TOKEN_ID_LEN,
		    key->id);
	kept.answered = false;
	ck_assert(usage_ask(usage, &query, keep, NULL));
	await(usage, &kept.answered);
	ck_assert(kept.there);
	ck_assert_uint_eq(kept.total, kept.verdicts);
	ck_assert_uint_eq(kept.total, kept.endpoints);
	ck_assert_uint_eq(kept.total, kept.addresses);
	ck_assert_uint_eq(kept.total, kept.series);
}

static struct {
	bool answered;
	uint64_t files, rows, problems;
	char text[4096];
} checked;

static void
keep_findings(void *context, const struct usage_findings *findings)
{
	(void)context;
	checked.answered = true;
	checked.files = findings->files;
	checked.rows = findings->rows;
	checked.problems = findings->problems;
	snprintf(checked.text, sizeof checked.text, "%s", findings->text);
}

static void
check(struct usage *usage)
{
	checked.answered = false;
	ck_assert(usage_check(usage, keep_findings, NULL));
	await(usage, &checked.answered);
}

START_TEST(counts_what_was_noted)
{
	struct usage *usage = start();

	note_at(usage, key, NOON, "GET /a", 1);
	note_at(usage, key, NOON + 1, "GET /b", 1);
	note_at(usage, key, NOON + 2, "GET /a", 2);
	note_at(usage, other_key, NOON + 3, "GET /a", 1);
	note_at(usage, NULL, NOON + 4, "GET /a", 1);
	ask(usage, USAGE_OF_KEY, USAGE_24H, NOON + 5);
	ck_assert_uint_eq(kept.total, 3);
	ck_assert_uint_eq(kept.endpoint_count, 2);
	ck_assert_str_eq(kept.first_endpoint.text, "GET /a");
	ck_assert_uint_eq(kept.first_endpoint.calls, 2);
	ck_assert_uint_eq(kept.address_count, 2);
	ck_assert_uint_eq(kept.first_address.calls, 2);
	ck_assert_int_eq(kept.first_address.last_at, NOON + 1);
	ck_assert_uint_eq(kept.last_step, 3);
	ask(usage, USAGE_OF_ACCOUNT, USAGE_7D, NOON + 5);
	ck_assert_uint_eq(kept.total, 4);
	ck_assert_uint_eq(kept.step_count, 28);
	ask(usage, USAGE_OF_PRODUCT, USAGE_30D, NOON + 5);
	ck_assert_uint_eq(kept.total, 4);
	ck_assert_uint_eq(kept.step_count, 30);
	usage_stop(usage);
	usage_free(usage);
}
END_TEST

START_TEST(keeps_it_over_a_restart)
{
	struct usage *usage = start();

	for (int i = 0; i < 1000; i++)
		note_at(usage, key, NOON + i, "GET /a", (uint32_t)i % 7);
	usage_free(usage);
	usage = start();
	ask(usage, USAGE_OF_KEY, USAGE_24H, NOON + 5);
	ck_assert_uint_eq(kept.total, 1000);
	for (int i = 0; i < 1000; i++)
		note_at(usage, key, NOON + i, "GET /a", (uint32_t)i % 7);
	ask(usage, USAGE_OF_KEY, USAGE_24H, NOON + 5);
	ck_assert_uint_eq(kept.total, 2000);
	check(usage);
	ck_assert_msg(checked.problems == 0, "%s", checked.text);
	ck_assert_uint_eq(checked.files, 2);
	ck_assert_uint_eq(checked.rows, 4);
	ask(usage, USAGE_OF_KEY, USAGE_24H, NOON + 5);
	ck_assert_uint_eq(kept.total, 2000);
	usage_free(usage);
}
END_TEST

/* A window's hours: the one that is now and those before, no others. */
START_TEST(windows_are_whole_hours)
{
	struct usage *usage = start();

	for (int i = 0; i < 40 * 24; i++)
		note_at(usage, key, NOON - i * (int64_t)HOUR, "x", 1);
	ask(usage, USAGE_OF_KEY, USAGE_24H, NOON + HOUR - 1);
	ck_assert_uint_eq(kept.total, 24);
	ck_assert_uint_eq(kept.first_step, 1);
	ask(usage, USAGE_OF_KEY, USAGE_24H, NOON + HOUR);
	ck_assert_uint_eq(kept.total, 23);
	ck_assert_uint_eq(kept.last_step, 0);
	ask(usage, USAGE_OF_KEY, USAGE_7D, NOON);
	ck_assert_uint_eq(kept.total, 7 * 24);
	ck_assert_uint_eq(kept.first_step, 6);
	ask(usage, USAGE_OF_KEY, USAGE_30D, NOON);
	ck_assert_uint_eq(kept.total, 30 * 24);
	ck_assert_uint_eq(kept.first_step, 24);
	check(usage);
	ck_assert_msg(checked.problems == 0, "%s", checked.text);
	ask(usage, USAGE_OF_KEY, USAGE_30D, NOON);
	ck_assert_uint_eq(kept.total, 30 * 24);
	usage_free(usage);
}
END_TEST

START_TEST(bounds_endpoints_and_addresses)
{
	struct usage *usage = start();
	char endpoint[32];

	for (uint32_t i = 0; i < 5000; i++) {
		snprintf(endpoint, sizeof endpoint, "GET /%u", (unsigned)i);
		note_at(usage, key, NOON + i, endpoint, i);
	}
	ask(usage, USAGE_OF_KEY, USAGE_24H, NOON);
	ck_assert_uint_eq(kept.total, 5000);
	ck_assert_uint_eq(kept.endpoint_count, USAGE_ENDPOINTS_MAX);
	ck_assert_uint_eq(kept.address_count, USAGE_ADDRESSES_MAX);
	ck_assert_uint_eq(kept.other_endpoints, 5000 - USAGE_ENDPOINTS_MAX);
	ck_assert_uint_eq(kept.other_addresses, 5000 - USAGE_ADDRESSES_MAX);
	check(usage);
	ck_assert_msg(checked.problems == 0, "%s", checked.text);
	usage_free(usage);
}
END_TEST

/* More than the ring holds, several times over. */
START_TEST(goes_round_the_ring)
{
	struct usage *usage = start();
	struct usage_facts facts;
	uint64_t noted = 0;

	for (int i = 0; i < 60; i++) {
		for (int k = 0; k < 1000; k++)
			note_at(usage, k % 3 == 0 ? other_key : key, NOON + i,
			    "GET /a", (uint32_t)k);
		noted += 1000;
		check(usage); /* which empties it */
		ck_assert_msg(checked.problems == 0, "%s", checked.text);
	}
	usage_facts(usage, &facts);
	ck_assert_uint_eq(facts.noted, noted);
	ck_assert_uint_eq(facts.dropped, 0);
	ask(usage, USAGE_OF_ACCOUNT, USAGE_24H, NOON);
	ck_assert_uint_eq(kept.total, noted);
	usage_free(usage);
}
END_TEST

/* Without its thread nothing makes room: what does not fit is said. */
START_TEST(says_what_it_drops)
{
	struct usage *usage = open_for(EXPECTED_KEYS);
	struct usage_facts facts;

	for (int i = 0; i < 20000; i++)
		note_at(usage, key, NOON, "GET /a", 1);
	usage_facts(usage, &facts);
	ck_assert_uint_gt(facts.dropped, 0);
	ck_assert_uint_eq(facts.noted + facts.dropped, 20000);
	usage_free(usage);
	key->last_used_at = 0;
	usage = start();
	ck_assert_int_eq(key->last_used_at, NOON);
	ask(usage, USAGE_OF_KEY, USAGE_24H, NOON);
	ck_assert_uint_eq(kept.total, facts.noted);
	usage_free(usage);
}
END_TEST

static void
wait_while_behind(struct usage *usage)
{
	const struct timespec moment = {0, 1000000};

	while (usage_is_behind(usage))
		nanosleep(&moment, NULL);
}

/* However fast they come: who waits while it is behind loses none. */
START_TEST(counts_all_who_wait)
{
	enum { EVENTS = 200000, AT_ONCE = 500 }; /* twenty times the ring */
	struct usage *usage = start();
	struct usage_facts facts;

	for (unsigned i = 0; i < EVENTS; i++) {
		if (i % AT_ONCE == 0)
			wait_while_behind(usage);
		note_at(usage, i % 2 == 0 ? key : other_key, NOON, "GET /a", i);
	}
	usage_facts(usage, &facts);
	ck_assert_uint_eq(facts.dropped, 0);
	ask(usage, USAGE_OF_ACCOUNT, USAGE_24H, NOON);
	ck_assert_uint_eq(kept.total, EVENTS);
	usage_free(usage);
}
END_TEST

static sem_t held, let_go;

/* Where the thread calls: as if a disk held it there. */
static void
hold(void *context)
{
	(void)context;
	sem_post(&held);
	sem_wait(&let_go);
}

/* Or verifications would wait as long as a disk does. */
START_TEST(does_not_wait_for_what_stands_still)
{
	struct usage *usage = open_for(EXPECTED_KEYS);
	struct usage_query query = {.subject = USAGE_OF_KEY, .now = NOON};
	struct usage_facts facts;

	ck_assert_ptr_nonnull(usage);
	sem_init(&held, 0, 0);
	sem_init(&let_go, 0, 0);
	ck_assert(usage_start(usage, hold, NULL));
	memcpy(query.name, key->id, TOKEN_ID_LEN);
	ck_assert(usage_ask(usage, &query, keep, NULL));
	sem_wait(&held);
	/* Each of them would be too long for the test, were it to wait. */
	for (unsigned i = 0; i < 20000; i++) {
		wait_while_behind(usage);
		note_at(usage, key, NOON, "GET /a", i);
	}
	usage_facts(usage, &facts);
	ck_assert_uint_gt(facts.dropped, 0);
	ck_assert_uint_eq(facts.noted + facts.dropped, 20000);
	sem_post(&let_go);
	usage_free(usage);
}
END_TEST

START_TEST(brings_back_last_use_and_quota)
{
	struct usage *usage = start();
	struct key_limits limits = {.quota_period = QUOTA_MONTH,
	    .quota_limit = 10,
	    .quota_start = NOON - 5 * (int64_t)DAY,
	    .quota_used = 7};

	key->limits = &limits;
	note_at(usage, key, NOON, "x", 77);
	usage_free(usage);
	for (int i = 0; i < 2; i++) {
		key->last_used_at = 0;
		memset(
		    &key->last_used_address, 0, sizeof key->last_used_address);
		limits.quota_start = 0;
		limits.quota_used = 0;
		usage = start();
		ck_assert_int_eq(key->last_used_at, NOON);
		ck_assert_uint_eq(key->last_used_address.bytes[15], 77);
		ck_assert_uint_eq(limits.quota_used, 7);
		ck_assert_int_eq(limits.quota_start, NOON - 5 * (int64_t)DAY);
		usage_free(usage);
	}
	/* A quota of another kind begins anew. */
	limits =
	    (struct key_limits){.quota_period = QUOTA_DAY, .quota_limit = 10};
	usage = start();
	ck_assert_uint_eq(limits.quota_used, 0);
	usage_free(usage);
	key->limits = NULL;
}
END_TEST

/* Forth by years, back, over midnight: every event is in its hour. */
START_TEST(follows_the_clock_wherever_it_goes)
{
	static const int64_t jumps[] = {0, 3650 * (int64_t)DAY, -HOUR, -DAY,
	    DAY, 14 * (int64_t)HOUR - 1, 14 * (int64_t)HOUR,
	    -20 * (int64_t)DAY};
	enum { JUMPS = sizeof jumps / sizeof jumps[0] };
	struct usage *usage = start();

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 100 * JUMPS; i++)
			note_at(usage, key, NOON + jumps[i % JUMPS], "x",
			    (uint32_t)i);
		check(usage);
		ck_assert_msg(checked.problems == 0, "%s", checked.text);
	}
	/* totals.tdb, and the days 2026-11-01, -20, -21, -22 and one in 2036 */
	ck_assert_uint_eq(checked.files, 6);
	ask(usage, USAGE_OF_KEY, USAGE_24H, NOON);
	ck_assert_uint_eq(kept.total, 2 * 300);
	ask(usage, USAGE_OF_KEY, USAGE_30D, NOON + 15 * (int64_t)HOUR);
	ck_assert_uint_eq(kept.total, (JUMPS - 2) * 300);
	ask(usage, USAGE_OF_KEY, USAGE_24H, NOON + 3650 * (int64_t)DAY);
	ck_assert_uint_eq(kept.total, 300);
	usage_free(usage);
}
END_TEST

static void
run(const char *format, const char *a, const char *b)
{
	char command[512];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(command, sizeof command, format, a, b);
#pragma GCC diagnostic pop
	ck_assert_int_eq(system(command), 0);
}

/* Pages of the journal that were written since the copy in other get back what
 * they had then, or not, by chance: a power cut leaves either. */
static void
lose_pages(const char *other, uint64_t *seed)
{
	char now[128], then[128];
	uint8_t page[4096];
	off_t at = 4096;
	int to, from;

	snprintf(now, sizeof now, "%s/usage.journal", directory);
	snprintf(then, sizeof then, "%s/usage.journal", other);
	to = open(now, O_RDWR);
	from = open(then, O_RDONLY);
	for (; pread(from, page, sizeof page, at) == sizeof page;
	     at += (off_t)sizeof page)
		if (next_random(seed) % 2 == 0)
			ck_assert_int_eq(
			    pwrite(to, page, sizeof page, at), sizeof page);
	close(to);
	close(from);
}

/*
 * What was synced is there after a power cut; of what came later some may be,
 * and nothing is counted twice. The files are tdb's, whose commits are synced,
 * so they are as they were; the journal is a copy as of its last sync, with any
 * of the pages written since.
 */
START_TEST(survives_a_power_cut)
{
	uint64_t seed = 11;

	for (int round = 0; round < 12; round++) {
		char other[sizeof directory + 8];
		struct usage *usage = start();
		uint64_t synced, before;

		snprintf(other, sizeof other, "%s.copy", directory);
		ask(usage, USAGE_OF_ACCOUNT, USAGE_24H, NOON);
		before = kept.total;
		usage_free(usage);
		usage = open_for(EXPECTED_KEYS);
		for (int i = 0; i < 2000; i++)
			note_at(usage, key, NOON + i, "GET /a", (uint32_t)i);
		ck_assert(journal_sync(&usage->journal));
		synced = before + 2000;
		run("cp -r %s %s", directory, other);
		for (int i = 0; i < 3000; i++)
			note_at(
			    usage, other_key, NOON + i, "GET /b", (uint32_t)i);
		usage_free(usage); /* without its thread: as if killed */
		if (round % 3 == 0)
			run("cp %2$s/usage.journal %1$s", directory, other);
		else
			lose_pages(other, &seed);
		run("rm -r %2$s # %1$s", directory, other);
		usage = start();
		ask(usage, USAGE_OF_ACCOUNT, USAGE_24H, NOON);
		ck_assert_uint_ge(kept.total, synced);
		ck_assert_uint_le(kept.total, synced + 3000);
		if (round % 3 == 0)
			ck_assert_uint_eq(kept.total, synced);
		check(usage);
		ck_assert_msg(checked.problems == 0, "%s", checked.text);
		usage_free(usage);
	}
}
END_TEST

/* Events of as many keys as there are, most of which no index knows. */
static void
note_of_many(struct usage *usage, unsigned keys, const char *endpoint)
{
	struct key one = *key;
	char id[TOKEN_ID_LEN + 1];

	for (unsigned i = 0; i < keys; i++) {
		stock_id(id, 1 + i);
		memcpy(one.id, id, TOKEN_ID_LEN);
		note_at(usage, &one, NOON + i, endpoint, i);
	}
}

static const char long_endpoint[] =
    "GET /a/long/one/so/that/rows/are/large/and/a/day/of/many/of/them/takes/"
    "more/than/one/transaction";

/* Nothing is wrong with it, in whatever state that is. */
static void
check_as_it_is(struct usage *usage)
{
	struct usage_findings findings;

	usage_check_files(usage, &findings, NULL);
	ck_assert_msg(findings.problems == 0, "%s", findings.text);
	free(findings.text);
}

static unsigned pauses;

static bool
go_on(struct usage *usage)
{
	(void)usage;
	return true;
}

static bool
until_no_pause_is_left(struct usage *usage)
{
	(void)usage;
	return pauses-- > 0;
}

/* As at a stop that finds more to do than there is time for, at every point
 * where a batch can be left. */
START_TEST(leaves_a_batch_wherever_it_is)
{
	enum { KEYS = 4500 };
	bool taken = false;
	unsigned rounds = 0, at;

	for (at = 0; !taken; at += at < KEYS / 256 - 1 ? 8 : 1) {
		struct usage *usage = open_for(KEYS);

		note_of_many(usage, KEYS, "GET /a");
		pauses = at;
		rounds++;
		taken = usage_take(usage, SIZE_MAX, until_no_pause_is_left);
		ck_assert(!usage->failing);
		usage_free(usage); /* without its thread */
		key->last_used_at = 0;
		usage = start();
		ck_assert_int_eq(key->last_used_at, NOON);
		ask(usage, USAGE_OF_ACCOUNT, USAGE_24H, NOON);
		ck_assert_uint_eq(kept.total, rounds * KEYS);
		ask(usage, USAGE_OF_KEY, USAGE_24H, NOON);
		ck_assert_uint_eq(kept.total, rounds);
		check(usage);
		ck_assert_msg(checked.problems == 0, "%s", checked.text);
		usage_free(usage);
	}
	/* Among what is collected, and behind each transaction. */
	ck_assert_uint_gt(at, KEYS / 256 + 3);
}
END_TEST

/* Behind one of several transactions of a day, as a full disk may leave it too:
 * some rows have their events and others not, and nothing is wrong with it. */
START_TEST(leaves_a_day_in_its_midst)
{
	enum { KEYS = 40000, PAUSE = 256 };
	struct usage_options options = {.directory = directory,
	    .ring = ring,
	    .expected_keys = KEYS,
	    .retention_days = 36500,
	    .flush_ms = 100000,
	    .journal_bytes = 16 << 20};
	struct usage *usage = usage_open(&options, index_of_all);
	struct usage_file *day;
	bool failed;

	note_of_many(usage, KEYS, long_endpoint);
	/* All are collected, and most are counted. */
	pauses = KEYS / PAUSE + 2 * KEYS / PAUSE;
	ck_assert(!usage_take(usage, SIZE_MAX, until_no_pause_is_left));
	day = usage_files_day(
	    &usage->files, (uint32_t)(NOON / DAY), false, &failed);
	ck_assert_ptr_nonnull(day);
	ck_assert_uint_gt(day->taken, atomic_load(&usage->journal.tail));
	check_as_it_is(usage);
	ck_assert(usage_take(usage, SIZE_MAX, go_on));
	check_as_it_is(usage);
	usage_free(usage);
	usage = start();
	ask(usage, USAGE_OF_ACCOUNT, USAGE_24H, NOON);
	ck_assert_uint_eq(kept.total, KEYS);
	usage_free(usage);
}
END_TEST

static void
random_id(char id[TOKEN_ID_LEN + 1], uint64_t seed)
{
	for (size_t i = 0; i < TOKEN_ID_LEN; i++)
		id[i] = base62_digit((unsigned)suite_below(&seed, 62));
	id[TOKEN_ID_LEN] = '\0';
}

/* Two keys that lie in the same place among all rows: found by chance. */
static void
find_pair(char one[TOKEN_ID_LEN + 1], char other[TOKEN_ID_LEN + 1])
{
	enum { TRIED = 400000 };
	struct table seen = {.slots = NULL};
	bool found = false;

	for (uintptr_t i = 1; i <= TRIED && !found; i++) {
		struct usage_name name;
		uint32_t order;
		uintptr_t same;
		size_t at = 0;

		random_id(one, i);
		name = usage_name_of_key(one);
		order = usage_order((struct bytes){name.bytes, name.len});
		same = (uintptr_t)table_next(&seen, order, &at);
		found = same != 0;
		if (found)
			random_id(other, same);
		else
			ck_assert(table_add(&seen, order, (void *)i));
	}
	table_free(&seen);
	ck_assert(found);
}

START_TEST(counts_keys_in_the_same_place)
{
	struct key of_pair[2] = {*key, *key};
	struct usage *usage;
	char id[2][TOKEN_ID_LEN + 1];

	find_pair(id[0], id[1]);
	usage = start();
	for (unsigned i = 0; i < 100; i++) {
		struct key *one = &of_pair[i % 3 == 0];

		memcpy(one->id, id[i % 3 == 0], TOKEN_ID_LEN);
		note_at(usage, one, NOON + i, "GET /a", i);
	}
	check(usage); /* which takes them */
	ck_assert_msg(checked.problems == 0, "%s", checked.text);
	for (size_t i = 0; i < 2; i++) {
		memcpy(key->id, id[i], TOKEN_ID_LEN);
		ask(usage, USAGE_OF_KEY, USAGE_24H, NOON);
		ck_assert_uint_eq(kept.total, i == 1 ? 34 : 66);
	}
	usage_free(usage);
}
END_TEST

static unsigned unanswered;

static void
note_answer(void *context, const struct usage_report *report)
{
	(void)context;
	ck_assert_ptr_nonnull(report);
	unanswered--;
}

/* Whoever holds a key may ask for its usage as often as he likes, and as many
 * do as may: none of what is counted meanwhile is lost. */
START_TEST(questions_do_not_hold_up_counting)
{
	enum { ASKERS = 48, EVENTS = 60000, AT_ONCE = 50 };
	struct usage *usage = start();
	struct usage_query query = {
	    .subject = USAGE_OF_KEY, .window = USAGE_30D, .now = NOON};
	struct usage_facts facts = {.noted = 0};
	int events = EVENTS;

	snprintf(query.name, sizeof query.name, "%.*s", TOKEN_ID_LEN, key->id);
	while (events > 0) {
		for (; unanswered < ASKERS; unanswered++)
			ck_assert(usage_ask(usage, &query, note_answer, NULL));
		usage_facts(usage, &facts);
		/* As fast as there is room for it. */
		if (facts.journal_used_bytes < facts.journal_bytes / 4 * 3)
			for (int i = 0; i < AT_ONCE; i++)
				note_at(
				    usage, key, NOON + events--, "GET /a", 1);
		usage_collect(usage);
	}
	while (unanswered > 0)
		usage_collect(usage);
	usage_facts(usage, &facts);
	ck_assert_uint_eq(facts.dropped, 0);
	usage_free(usage);
}
END_TEST

static unsigned files_passed, files_wanted;

/* What is noted and taken in the midst of a check belongs to files that were
 * looked at as well as to others. */
static bool
count_meanwhile(struct usage *usage, bool after_file)
{
	if (!after_file)
		return true;
	for (int i = 0; i < 40; i++)
		note_at(usage, other_key, NOON - i % 8 * (int64_t)DAY, "x", 1);
	ck_assert(usage_take(usage, SIZE_MAX, go_on));
	return ++files_passed < files_wanted;
}

START_TEST(checks_give_way)
{
	struct usage *usage = open_for(EXPECTED_KEYS);
	struct usage_findings findings;

	for (int i = 0; i < 80; i++)
		note_at(usage, key, NOON - i % 8 * (int64_t)DAY, "x", 1);
	ck_assert(usage_take(usage, SIZE_MAX, go_on));
	files_wanted = 100;
	usage_check_files(usage, &findings, count_meanwhile);
	ck_assert_msg(findings.problems == 0, "%s", findings.text);
	ck_assert_uint_eq(findings.files, 1 + 8);
	ck_assert_uint_ge(files_passed, 8);
	free(findings.text);
	/* Cut off, it says nothing. */
	files_wanted = files_passed + 3;
	usage_check_files(usage, &findings, count_meanwhile);
	ck_assert_ptr_null(findings.text);
	ck_assert_uint_eq(files_passed, files_wanted);
	usage_free(usage);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("usage");

	stock_with(setup, teardown);
	stock_add(suite, "counts what was noted", counts_what_was_noted);
	stock_add(suite, "keeps it over a restart", keeps_it_over_a_restart);
	stock_add(suite, "windows are whole hours", windows_are_whole_hours);
	stock_add(suite, "bounds endpoints and addresses",
	    bounds_endpoints_and_addresses);
	stock_add(suite, "goes round the ring", goes_round_the_ring);
	stock_add(suite, "says what it drops", says_what_it_drops);
	stock_add(suite, "counts all who wait", counts_all_who_wait);
	stock_add(suite, "does not wait for what stands still",
	    does_not_wait_for_what_stands_still);
	stock_add(suite, "brings back last use and quota",
	    brings_back_last_use_and_quota);
	stock_add(suite, "follows the clock wherever it goes",
	    follows_the_clock_wherever_it_goes);
	stock_add(suite, "leaves a batch wherever it is",
	    leaves_a_batch_wherever_it_is);
	stock_add(suite, "survives a power cut", survives_a_power_cut);
	stock_add(
	    suite, "leaves a day in its midst", leaves_a_day_in_its_midst);
	stock_add(suite, "counts keys in the same place",
	    counts_keys_in_the_same_place);
	stock_add(suite, "questions do not hold up counting",
	    questions_do_not_hold_up_counting);
	stock_add(suite, "checks give way", checks_give_way);
	return suite_run(suite);
}
