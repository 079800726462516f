/* SPDX-License-Identifier: BSD-2-Clause */
/* The rate of a key, against what arithmetic with whole numbers allows. */
#include <time.h>

#include "daemon/limits.h"
#include "proto/text.h"
#include "suite.h"

enum { YEAR_MS_THOUSANDS = 31557600 }; /* thousands of ms in a year */

static struct key_limits
rate(uint32_t limit, int64_t per_ms, int64_t now)
{
	struct key_limits limits = {.rate_limit = limit, .rate_per_ms = per_ms};

	rate_reset(&limits, now);
	return limits;
}

static uint64_t
drain(struct key_limits *limits, int64_t now)
{
	uint64_t taken = 0;

	while (rate_take(limits, now))
		taken++;
	return taken;
}

START_TEST(holds_what_the_limit_says)
{
	static const uint32_t limits[] = {1, 2, 7, 100, 99991};

	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		struct key_limits l = rate(limits[i], 1000, 5);

		ck_assert_uint_eq(rate_remaining(&l), limits[i]);
		for (uint32_t left = limits[i]; left-- > 0;) {
			ck_assert(rate_take(&l, 5));
			ck_assert_uint_eq(rate_remaining(&l), left);
		}
		ck_assert(!rate_take(&l, 5));
		ck_assert_uint_eq(rate_remaining(&l), 0);
	}
}
END_TEST

/* However the asking is spread, over any time t no more than the bucket and
 * t * limit / per come out, and exactly that many if it is asked for. */
static void
check_exact(uint32_t limit, int64_t per_ms, uint64_t seed, int64_t step_max)
{
	int64_t start = 1000003, now = start;
	struct key_limits l = rate(limit, per_ms, start);
	uint64_t taken = 0;

	for (int i = 0; i < 20000; i++) {
		uint64_t due;

		taken += drain(&l, now);
		due =
		    limit + (uint64_t)(now - start) * limit / (uint64_t)per_ms;
		ck_assert_uint_eq(taken, due);
		/* Never so long that the bucket, a part of a call still in
		 * it, overflows. */
		now += (int64_t)suite_below(&seed, (size_t)step_max) + 1;
	}
}

START_TEST(refills_exactly)
{
	check_exact(7, 1000, 1, 857);
	check_exact(7, 1000, 2, 3);
	check_exact(7, 997, 3, 140);
	check_exact(1, 997, 4, 1);
	check_exact(99991, 86399, 5, 11);
	check_exact(1009, 1, 6, 1);
}
END_TEST

START_TEST(never_holds_more_than_full)
{
	struct key_limits l = rate(7, 1000, 0);

	ck_assert_uint_eq(drain(&l, 0), 7);
	ck_assert_uint_eq(drain(&l, 999), 6);
	ck_assert_uint_eq(drain(&l, 1000), 1);
	ck_assert_uint_eq(drain(&l, 1000000007), 7);
	ck_assert_uint_eq(drain(&l, INT64_MAX), 7);
}
END_TEST

START_TEST(clock_stands_still_or_goes_back)
{
	struct key_limits l = rate(7, 1000, 50000);

	ck_assert_uint_eq(drain(&l, 50000), 7);
	for (int i = 0; i < 1000; i++)
		ck_assert(!rate_take(&l, 50000));
	for (int64_t now = 49999; now > -49999; now -= 997)
		ck_assert(!rate_take(&l, now));
	ck_assert(!rate_take(&l, INT64_MIN));
	/* The way back forward is not paid for twice. */
	ck_assert(!rate_take(&l, 50000));
	ck_assert(!rate_take(&l, 50142));
	ck_assert(rate_take(&l, 50143));
	ck_assert(!rate_take(&l, 50143));
}
END_TEST

START_TEST(huge_values)
{
	int64_t century = (int64_t)YEAR_MS_THOUSANDS * 1000 * 100;
	struct key_limits l = rate(UINT32_MAX, century, 0);

	ck_assert_uint_eq(rate_remaining(&l), UINT32_MAX);
	for (int i = 0; i < 1000; i++)
		ck_assert(rate_take(&l, 0));
	ck_assert_uint_eq(rate_remaining(&l), UINT32_MAX - 1000);
	ck_assert(rate_take(&l, INT64_MAX));
	ck_assert_uint_eq(rate_remaining(&l), UINT32_MAX - 1);

	l = rate(1, century, 0);
	ck_assert(rate_take(&l, 0));
	ck_assert(!rate_take(&l, 0));
	ck_assert_uint_eq(rate_retry_after(&l), (uint64_t)century);
	ck_assert(!rate_take(&l, century - 1));
	ck_assert_uint_eq(rate_retry_after(&l), 1);
	ck_assert(rate_take(&l, century));

	/* The most key_draft lets in. */
	l = rate(UINT32_MAX, 10000000000000, INT64_MAX - 1);
	ck_assert(rate_take(&l, INT64_MAX));
	l = rate(UINT32_MAX, 1, 0);
	ck_assert(rate_take(&l, 0));
	ck_assert_uint_eq(rate_remaining(&l), UINT32_MAX - 1);
	ck_assert_uint_eq(rate_retry_after(&l), 0);
}
END_TEST

/* Who waits as long as he is told gets his call, and not a millisecond
 * earlier. */
START_TEST(retry_after_is_the_earliest)
{
	static const struct {
		uint32_t limit;
		int64_t per_ms;
	} rates[] = {{1, 1}, {1, 1000}, {7, 1000}, {3, 997}, {1000, 1000},
	    {997, 1000}, {1009, 1000}, {60, 60000}, {5, 86400000}};
	uint64_t seed = 11;

	for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
		int64_t now = 77;
		struct key_limits l =
		    rate(rates[i].limit, rates[i].per_ms, now);

		drain(&l, now);
		for (int round = 0; round < 3000; round++) {
			struct key_limits early;
			uint64_t wait = rate_retry_after(&l);

			ck_assert_uint_gt(wait, 0);
			early = l;
			ck_assert(!rate_take(&early, now + (int64_t)wait - 1));
			now += (int64_t)wait;
			ck_assert(rate_take(&l, now));
			drain(&l, now);
			/* Asking in between changes nothing. */
			now += (int64_t)suite_below(
			    &seed, (size_t)rates[i].per_ms);
			drain(&l, now);
		}
	}
}
END_TEST

START_TEST(nothing_to_wait_for)
{
	struct key_limits l = rate(2, 1000, 0);

	ck_assert_uint_eq(rate_retry_after(&l), 0);
	ck_assert(rate_take(&l, 0));
	ck_assert_uint_eq(rate_retry_after(&l), 0);
	ck_assert(rate_take(&l, 0));
	ck_assert_uint_eq(rate_retry_after(&l), 500);
}
END_TEST

/* Quotas, by dates as the calendar has them. */

static int64_t
at(const char *text)
{
	int64_t out;

	ck_assert_msg(time_parse(text, &out), "%s", text);
	return out;
}

static struct key_limits
quota(uint64_t limit, enum quota_period period)
{
	return (struct key_limits){
	    .quota_limit = limit, .quota_period = (uint8_t)period};
}

static bool
use(struct key_limits *limits, int64_t now)
{
	bool left = quota_left(limits, now);

	if (left)
		quota_take(limits);
	return left;
}

START_TEST(quota_of_all_time)
{
	struct key_limits l = quota(3, QUOTA_TOTAL);

	ck_assert(use(&l, at("2026-11-21T00:00:00Z")));
	ck_assert(use(&l, at("2027-11-21T00:00:00Z")));
	ck_assert_uint_eq(quota_remaining(&l), 1);
	ck_assert(use(&l, at("2026-01-01T00:00:00Z")));
	ck_assert(!use(&l, at("2099-01-01T00:00:00Z")));
	ck_assert_uint_eq(quota_remaining(&l), 0);
	ck_assert_int_eq(quota_resets_at(&l), 0);
	ck_assert_uint_eq(quota_used(&l, at("2099-01-01T00:00:00Z")), 3);
	l.quota_limit = 2; /* less than is used */
	ck_assert(!use(&l, at("2099-01-01T00:00:00Z")));
	ck_assert_uint_eq(quota_remaining(&l), 0);
}
END_TEST

START_TEST(quota_of_a_day)
{
	struct key_limits l = quota(1, QUOTA_DAY);

	ck_assert(use(&l, at("2026-11-21T12:00:00Z")));
	ck_assert(!use(&l, at("2026-11-21T23:59:59.999Z")));
	ck_assert_int_eq(quota_resets_at(&l), at("2026-11-22T00:00:00Z"));
	ck_assert_uint_eq(quota_used(&l, at("2026-11-22T00:00:00Z")), 0);
	ck_assert(use(&l, at("2026-11-22T00:00:00Z")));
	ck_assert(!use(&l, at("2026-11-22T00:00:00Z")));
	/* A clock that is set back gives nothing back, also not when the day
	 * comes again. */
	ck_assert(!use(&l, at("2026-11-20T12:00:00Z")));
	ck_assert(!use(&l, at("2026-11-22T12:00:00Z")));
	ck_assert_int_eq(quota_resets_at(&l), at("2026-11-23T00:00:00Z"));
	ck_assert(use(&l, at("2026-11-23T00:00:00Z")));
}
END_TEST

/* Every month of four centuries and more, against gmtime. */
START_TEST(quota_of_a_month)
{
	struct key_limits l = quota(UINT64_MAX, QUOTA_MONTH);

	for (int month = 0; month < 420 * 12; month++) {
		struct tm begin = {
		    .tm_year = 70, .tm_mon = month, .tm_mday = 1};
		struct tm next = {
		    .tm_year = 70, .tm_mon = month + 1, .tm_mday = 1};
		int64_t start = (int64_t)timegm(&begin) * 1000;
		int64_t end = (int64_t)timegm(&next) * 1000;

		ck_assert(use(&l, start));
		ck_assert_uint_eq(l.quota_used, 1);
		ck_assert_int_eq(quota_resets_at(&l), end);
		ck_assert(use(&l, end - 1));
		ck_assert_uint_eq(l.quota_used, 2);
		ck_assert_int_eq(l.quota_start, start);
		ck_assert_int_eq(quota_resets_at(&l), end);
	}
}
END_TEST

START_TEST(asking_takes_no_call)
{
	struct key_limits l = rate(1, 1000, 0);

	for (int i = 0; i < 10; i++)
		ck_assert(rate_left(&l, 0));
	ck_assert_uint_eq(rate_remaining(&l), 1);
	ck_assert(rate_take(&l, 0));
	ck_assert(!rate_left(&l, 0));
	l = quota(1, QUOTA_TOTAL);
	for (int i = 0; i < 10; i++)
		ck_assert(quota_left(&l, 0));
	ck_assert_uint_eq(quota_remaining(&l), 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("limits");

	suite_add(
	    suite, "holds_what_the_limit_says", holds_what_the_limit_says);
	suite_add(suite, "refills_exactly", refills_exactly);
	suite_add(
	    suite, "never_holds_more_than_full", never_holds_more_than_full);
	suite_add(suite, "clock_stands_still_or_goes_back",
	    clock_stands_still_or_goes_back);
	suite_add(suite, "huge_values", huge_values);
	suite_add(
	    suite, "retry_after_is_the_earliest", retry_after_is_the_earliest);
	suite_add(suite, "nothing_to_wait_for", nothing_to_wait_for);
	suite_add(suite, "quota of all time", quota_of_all_time);
	suite_add(suite, "quota of a day", quota_of_a_day);
	suite_add(suite, "quota of a month", quota_of_a_month);
	suite_add(suite, "asking takes no call", asking_takes_no_call);
	return suite_run(suite);
}
