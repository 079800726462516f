/* SPDX-License-Identifier: BSD-2-Clause */
/* What people write: each form taken and refused at its edges. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/text.h"
#include "suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { UNTOUCHED = 0x5a5a };

static const int64_t second = 1000, minute = 60000, hour = 3600000,
		     day = 86400000;

/* len times c; of static memory, good until the next call. */
static const char *
many(char c, size_t len)
{
	static char text[512];

	ck_assert_uint_lt(len, sizeof text);
	memset(text, c, len);
	text[len] = '\0';
	return text;
}

START_TEST(copies)
{
	char out[4] = "old";

	ck_assert(!text_copy(out, sizeof out, "four"));
	ck_assert_str_eq(out, "old");
	ck_assert(!text_copy(out, 0, ""));
	ck_assert_str_eq(out, "old");
	ck_assert(text_copy(out, sizeof out, "new"));
	ck_assert_str_eq(out, "new");
	ck_assert(text_copy(out, 1, ""));
	ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(slugs)
{
	static const char *const good[] = {
	    "a", "0", "acme", "a-", "a--b", "9-lives", "a0-"};
	static const char *const bad[] = {"", "-", "-a", "A", "aB", "a_b",
	    "a.b", "a b", " a", "a ", "a\n", "a/b", "\xc3\xa4", "a\x01"};

	for (size_t i = 0; i < COUNT(good); i++)
		ck_assert_msg(slug_valid(good[i]), "%s", good[i]);
	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(!slug_valid(bad[i]), "%s", bad[i]);
	ck_assert(slug_valid(many('a', 63)));
	ck_assert(!slug_valid(many('a', 64)));
}
END_TEST

START_TEST(scopes)
{
	static const char *const good[] = {
	    "a", "appointments:export", "A.b_c/d-e:f", "https://x/y"};
	static const char *const bad[] = {
	    "", " ", "a b", "a,b", "a\"", "a\\", "a\n", "\xc3\xa4"};

	for (size_t i = 0; i < COUNT(good); i++)
		ck_assert_msg(scope_valid(good[i]), "%s", good[i]);
	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(!scope_valid(bad[i]), "%s", bad[i]);
	ck_assert(scope_valid(many('a', 64)));
	ck_assert(!scope_valid(many('a', 65)));
}
END_TEST

START_TEST(durations)
{
	const struct {
		const char *text;
		int64_t ms;
	} good[] = {
	    {"0", 0},
	    {"0s", 0},
	    {"1ms", 1},
	    {"90s", 90 * second},
	    {"15m", 15 * minute},
	    {"24h", 24 * hour},
	    {"7d", 7 * day},
	    {"12w", 84 * day},
	    {"1d12h", 36 * hour},
	    {"1h0m5s", 3605000},
	    {"1w1d1h1m1s1ms", 8 * day + hour + minute + second + 1},
	    {"1m1ms", minute + 1},
	    {"01s", second},
	    {"36600d", 36600 * day},
	    {"3162240000000ms", 36600 * day},
	    {"36599d24h", 36600 * day},
	};
	static const char *const bad[] = {"", "00", "5", "1x", "-1s", "+1s",
	    "12h1d", "1s1s", "1ms1s", "1m1w", "s", "1", "1 s", " 1s", "1s ",
	    "1s\n", "1.5h", "1S", "1D", "1d12", "1dd", "0x1s", "1sm",
	    "36600d1ms", "36601d", "3162240000001ms", "9223372036854775807s",
	    "9223372036854775808ms", "18446744073709551615s",
	    "18446744073709551616s", "18446744073709551617ms",
	    "99999999999999999999999999999999w"};

	for (size_t i = 0; i < COUNT(good); i++) {
		int64_t ms = UNTOUCHED;

		ck_assert_msg(
		    duration_parse(good[i].text, &ms), "%s", good[i].text);
		ck_assert_int_eq(ms, good[i].ms);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		int64_t ms = UNTOUCHED;

		ck_assert_msg(!duration_parse(bad[i], &ms), "%s", bad[i]);
		ck_assert_int_eq(ms, UNTOUCHED);
	}
}
END_TEST

START_TEST(rates)
{
	static const struct {
		const char *text;
		uint32_t limit;
		int64_t per;
	} good[] = {{"1/1ms", 1, 1}, {"100/60s", 100, 60000}, {"5/m", 5, 60000},
	    {"5/1m", 5, 60000}, {"7/s", 7, 1000}, {"7/ms", 7, 1},
	    {"1/d", 1, 86400000}, {"1/1h30m", 1, 5400000},
	    {"4294967295/w", UINT32_MAX, 604800000}};
	static const char *const bad[] = {"", "/", "1", "1/", "/s", "0/s",
	    "1/0", "1/0s", "-1/s", "1/-1s", "1/x", "1/ss", "1/s ", " 1/s",
	    "1/s1", "1/m30s", "1//s", "4294967296/s", "1/36601d", "1/5",
	    "18446744073709551617/s"};

	for (size_t i = 0; i < COUNT(good); i++) {
		uint32_t limit = 0;
		int64_t per = 0;

		ck_assert_msg(
		    rate_parse(good[i].text, &limit, &per), "%s", good[i].text);
		ck_assert_uint_eq(limit, good[i].limit);
		ck_assert_int_eq(per, good[i].per);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		uint32_t limit = UNTOUCHED;
		int64_t per = UNTOUCHED;

		ck_assert_msg(!rate_parse(bad[i], &limit, &per), "%s", bad[i]);
		ck_assert(limit == UNTOUCHED && per == UNTOUCHED);
	}
}
END_TEST

START_TEST(quotas)
{
	static const struct {
		const char *text;
		uint64_t limit;
		enum quota_period period;
	} good[] = {{"1/day", 1, QUOTA_DAY},
	    {"10000/month", 10000, QUOTA_MONTH},
	    {"9223372036854775807/total", INT64_MAX, QUOTA_TOTAL}};
	static const char *const bad[] = {"", "1", "1/", "/day", "0/day",
	    "-1/day", "1/none", "1/Day", "1/days", "1/week", "1/day ", "1 /day",
	    "9223372036854775808/day", "18446744073709551617/day"};

	for (size_t i = 0; i < COUNT(good); i++) {
		uint64_t limit = 0;
		enum quota_period period = QUOTA_NONE;

		ck_assert_msg(quota_parse(good[i].text, &limit, &period), "%s",
		    good[i].text);
		ck_assert_uint_eq(limit, good[i].limit);
		ck_assert_int_eq(period, good[i].period);
		ck_assert_str_eq(
		    quota_period_text(period), strchr(good[i].text, '/') + 1);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		uint64_t limit = UNTOUCHED;
		enum quota_period period = QUOTA_NONE;

		ck_assert_msg(
		    !quota_parse(bad[i], &limit, &period), "%s", bad[i]);
		ck_assert(limit == UNTOUCHED && period == QUOTA_NONE);
	}
	for (unsigned i = 0; i < 256; i++)
		ck_assert_int_eq(strcmp(quota_period_text((enum quota_period)i),
				     "none") == 0,
		    i == QUOTA_NONE || i > QUOTA_TOTAL);
}
END_TEST

/* Every day from 1970 to 9999 against the C library, in all three forms. */
START_TEST(every_day)
{
	char text[64], back[TIME_TEXT_MAX];
	int64_t at;

	for (time_t noon = 43200; noon < 253402300800; noon += 86400) {
		struct tm tm;

		ck_assert(gmtime_r(&noon, &tm) != NULL);
		ck_assert(strftime(text, sizeof text, "%Y-%m-%d", &tm) == 10);
		if (!date_parse(text, &at) ||
		    at != ((int64_t)noon + 43200) * 1000 - 1)
			ck_abort_msg("date %s", text);
		memcpy(text + 10, "T12:00:00Z", 11);
		if (!time_parse(text, &at) || at != (int64_t)noon * 1000)
			ck_abort_msg("time %s", text);
		time_text(at, back);
		if (strcmp(back, text) != 0)
			ck_abort_msg("%s became %s", text, back);
	}
}
END_TEST

START_TEST(dates)
{
	static const struct {
		const char *text;
		int64_t at;
	} good[] = {
	    {"1970-01-01", 86399999},
	    {"2000-02-29", 951868799999},
	    {"2026-11-21", 1795305599999},
	    {"9999-12-31", 253402300799999},
	};
	static const char *const bad[] = {"", "1969-12-31", "0000-01-01",
	    "10000-01-01", "2100-02-29", "2026-02-29", "2024-02-30",
	    "2026-04-31", "2026-00-01", "2026-13-01", "2026-01-00",
	    "2026-01-32", "2026-1-1", "26-01-01", "2026/01/01", "2026-01-01 ",
	    " 2026-01-01", "2026-01-01\n", "2026-01", "2026-01-", "2026-01-1",
	    "-026-01-01", "+026-01-01", "2026-01-01T00:00:00Z", "20260101"};

	for (size_t i = 0; i < COUNT(good); i++) {
		int64_t at = 0;

		ck_assert_msg(
		    date_parse(good[i].text, &at), "%s", good[i].text);
		ck_assert_int_eq(at, good[i].at);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		int64_t at = UNTOUCHED;

		ck_assert_msg(!date_parse(bad[i], &at), "%s", bad[i]);
		ck_assert_int_eq(at, UNTOUCHED);
	}
}
END_TEST

START_TEST(times)
{
	static const struct {
		const char *text;
		int64_t at;
	} good[] = {
	    {"1970-01-01T00:00:00Z", 0},
	    {"1970-01-01t00:00:00z", 0},
	    {"1970-01-01 00:00:01Z", 1000},
	    {"1970-01-01T00:00:00-00:00", 0},
	    {"1970-01-01T01:00:00+01:00", 0},
	    {"1969-12-31T00:00:00Z", -1},
	    {"1970-01-01T00:00:00-23:59", 86340000},
	    {"2026-11-21T03:11:00Z", 1795230660000},
	    {"2026-11-21T04:11:00+01:00", 1795230660000},
	    {"2026-11-20T21:41:00-05:30", 1795230660000},
	    {"2026-11-21T03:11:00.5Z", 1795230660500},
	    {"2026-11-21T03:11:00.123456789Z", 1795230660123},
	    {"2026-11-21T03:11:00.0009+00:00", 1795230660000},
	    {"2026-11-21T03:11:00.99999999999999999999Z", 1795230660999},
	    /* a leap second, as RFC 3339 has it */
	    {"2016-12-31T23:59:60Z", 1483228800000},
	    {"9999-12-31T23:59:59.999Z", 253402300799999},
	    {"9999-12-31T23:59:59-00:01", -1},
	    {"9999-12-31T23:59:60Z", -1},
	    {"1970-01-01T00:59:59+01:00", -1},
	    {"2026-11-21T24:00:00Z", -1},
	    {"2026-11-21T23:60:00Z", -1},
	    {"2026-11-21T23:00:61Z", -1},
	    {"2026-11-21T23:00:00", -1},
	    {"2026-11-21T23:00Z", -1},
	    {"2026-11-21T23:00:00.Z", -1},
	    {"2026-11-21T23:00:00,5Z", -1},
	    {"2026-11-21T23:00:00+1:00", -1},
	    {"2026-11-21T23:00:00+0100", -1},
	    {"2026-11-21T23:00:00+24:00", -1},
	    {"2026-11-21T23:00:00+01:60", -1},
	    {"2026-11-21T23:00:00+01:00Z", -1},
	    {"2026-11-21T23:00:00Z ", -1},
	    {"2026-11-21T23:00:00ZZ", -1},
	    {"2026-11-21", -1},
	    {"2026-02-29T00:00:00Z", -1},
	    {"now", -1},
	    {"", -1},
	};

	for (size_t i = 0; i < COUNT(good); i++) {
		int64_t at = UNTOUCHED;
		bool wanted = good[i].at >= 0;

		ck_assert_msg(time_parse(good[i].text, &at) == wanted, "%s",
		    good[i].text);
		ck_assert_msg(at == (wanted ? good[i].at : UNTOUCHED),
		    "%s became %lld", good[i].text, (long long)at);
	}
}
END_TEST

START_TEST(time_texts)
{
	static const struct {
		int64_t at;
		const char *text;
	} texts[] = {
	    {0, "1970-01-01T00:00:00Z"},
	    {999, "1970-01-01T00:00:00Z"},
	    {1795230660999, "2026-11-21T03:11:00Z"},
	    {253402300799999, "9999-12-31T23:59:59Z"},
	    /* what cannot be written is as late as can be */
	    {253402300800000, "9999-12-31T23:59:59Z"},
	    {INT64_MAX, "9999-12-31T23:59:59Z"},
	    {-1, "9999-12-31T23:59:59Z"},
	    {INT64_MIN, "9999-12-31T23:59:59Z"},
	};
	char text[TIME_TEXT_MAX];

	for (size_t i = 0; i < COUNT(texts); i++) {
		time_text(texts[i].at, text);
		ck_assert_str_eq(text, texts[i].text);
	}
}
END_TEST

START_TEST(labels)
{
	static const char *const good[] = {"a", "CRM Sync", " ", "~",
	    "\xc2\xa0", "\xc3\xa4\xc3\x9f", "\xdf\xbf", "\xe0\xa0\x80",
	    "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
	    "\xf4\x8f\xbf\xbf", "\xe2\x82\xac 5"};
	static const char *const bad[] = {"\x01", "a\tb", "a\nb", "\x1f",
	    "\x1b[31m", "\x7f",
	    /* C1 controls: one of them, U+009B, begins escape sequences */
	    "\xc2\x80", "\xc2\x9b", "\xc2\x9f",
	    /* no first byte, overlong */
	    "\x80", "\xbf", "\xc0\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf",
	    "\xe0\x9f\xbf", "\xf0\x80\x80\xaf", "\xf0\x8f\xbf\xbf",
	    /* surrogates, beyond U+10FFFF */
	    "\xed\xa0\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80",
	    "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xfe", "\xff",
	    /* cut, interrupted */
	    "\xc3", "\xe2\x82", "\xf0\x90\x80",
	    "\xc3"
	    "a",
	    "\xe2"
	    "a\x82",
	    "\xf0\x90"
	    "a\x80",
	    "a\xe2\x82"};

	for (size_t i = 0; i < COUNT(good); i++)
		ck_assert_msg(label_valid(good[i], 1, 64), "good %zu", i);
	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(!label_valid(bad[i], 1, 64), "bad %zu", i);
	ck_assert(label_valid("", 0, 64) && !label_valid("", 1, 64));
	ck_assert(label_valid(many('x', 64), 1, 64));
	ck_assert(!label_valid(many('x', 65), 1, 64));
}
END_TEST

/* Every code point, encoded by the definition, and its overlong forms. */
START_TEST(every_code_point)
{
	for (uint32_t c = 1; c < 0x200000; c++) {
		char text[5] = "";
		bool wanted = c >= 0x20 && !(c >= 0x7f && c < 0xa0) &&
		    !(c >= 0xd800 && c < 0xe000) && c <= 0x10ffff;
		int shortest = c < 0x80 ? 1
		    : c < 0x800         ? 2
		    : c < 0x10000       ? 3
					: 4;

		for (int len = shortest; len <= 4; len++) {
			static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
			uint32_t rest = c;

			memset(text, 0, sizeof text);
			for (int i = len - 1; i > 0; i--, rest >>= 6)
				text[i] = (char)(0x80 | (rest & 0x3f));
			text[0] = (char)(lead[len] | rest);
			if (label_valid(text, 1, 4) !=
			    (wanted && len == shortest))
				ck_abort_msg(
				    "U+%04X in %d bytes", (unsigned)c, len);
		}
	}
}
END_TEST

/* Whatever the bytes, nothing is read past the NUL and nothing crashes. */
START_TEST(random_texts)
{
	static const char letters[] = "0123456789//::..--%%+TZsmhdw af";
	uint64_t seed = 0x7E47;
	int rounds = suite_rounds(200000);

	for (int round = 0; round < rounds; round++) {
		size_t len = suite_below(&seed, 64);
		char *text = malloc(len + 1);
		int64_t number;
		uint64_t limit;
		uint32_t rate;
		enum quota_period period;
		struct address address;
		struct cidr cidr;

		ck_assert_ptr_nonnull(text);
		suite_fill(&seed, text, len);
		if (round % 4 != 0)
			for (size_t i = 0; i < len; i++)
				text[i] = letters[suite_below(
				    &seed, sizeof letters - 1)];
		text[len] = '\0';
		slug_valid(text);
		scope_valid(text);
		label_valid(text, 0, 128);
		if (duration_parse(text, &number))
			ck_assert(number >= 0 && number <= 36600 * day);
		if (rate_parse(text, &rate, &number))
			ck_assert(rate > 0 && number > 0);
		if (quota_parse(text, &limit, &period))
			ck_assert(limit > 0 && limit <= INT64_MAX);
		if (date_parse(text, &number) || time_parse(text, &number))
			ck_assert(number >= 0 && number <= 253402300799999);
		address_parse(text, &address);
		if (cidr_parse(text, &cidr))
			ck_assert(cidr_contains(&cidr, &cidr.address));
		free(text);
	}
}
END_TEST

START_TEST(timestamps)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} good[] = {{"0", 0}, {"7", 7}, {"1795230660", 1795230660},
	    {"253402300799", 253402300799}, {"999999999999", 999999999999}};
	static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "1.5",
	    "01", "00", "0x1", "1e9", "1000000000000", "99999999999999999999",
	    "now"};
	char text[TIMESTAMP_TEXT_MAX];
	int64_t seconds;

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		size_t len = timestamp_text(good[i].seconds, text);

		ck_assert(timestamp_parse(good[i].text, &seconds));
		ck_assert_int_eq(seconds, good[i].seconds);
		/* As it was given, and a dot. */
		ck_assert_uint_eq(len, strlen(good[i].text) + 1);
		ck_assert_uint_eq(strlen(text), len);
		ck_assert(strncmp(text, good[i].text, len - 1) == 0);
		ck_assert_int_eq(text[len - 1], '.');
	}
	seconds = 5;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(!timestamp_parse(bad[i], &seconds), "%s", bad[i]);
	ck_assert_int_eq(seconds, 5);
	ck_assert_uint_eq(timestamp_text(INT64_MIN, text), 21);
	ck_assert_str_eq(text, "-9223372036854775808.");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("text");

	suite_add(suite, "copies", copies);
	suite_add(suite, "slugs", slugs);
	suite_add(suite, "scopes", scopes);
	suite_add(suite, "durations", durations);
	suite_add(suite, "rates", rates);
	suite_add(suite, "quotas", quotas);
	suite_add(suite, "every day", every_day);
	suite_add(suite, "dates", dates);
	suite_add(suite, "times", times);
	suite_add(suite, "time texts", time_texts);
	suite_add(suite, "labels", labels);
	suite_add(suite, "code points", every_code_point);
	suite_add(suite, "random texts", random_texts);
	suite_add(suite, "timestamps", timestamps);
	return suite_run(suite);
}
