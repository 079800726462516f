/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of a day: sums, bounds, and what lies in a file. */
#include <stdio.h>
#include <string.h>

#include "daemon/usage_row.h"
#include "suite.h"

/* 2026-11-21T00:00:00Z */
#define MIDNIGHT INT64_C(1795219200000)

static bool
count(struct arena *arena, struct usage_row *row, int64_t at,
    enum verdict verdict, unsigned endpoint, uint32_t host)
{
	struct address address = {{0}};
	char text[32];
	struct row_event event = {.at = at,
	    .verdict = verdict,
	    .endpoint = {(uint8_t *)text,
		(size_t)snprintf(text, sizeof text, "GET /%u", endpoint)},
	    .address = &address};

	memcpy(address.bytes, &host, sizeof host);
	return row_count(arena, row, &event);
}

static uint64_t
total_of(const struct usage_row *row)
{
	uint64_t total;

	ck_assert(row_adds_up(row, &total));
	return total;
}

static uint64_t
sum_of(const struct usage_series *series)
{
	uint64_t sum = 0;

	for (size_t i = 0; series->hours != NULL && i < USAGE_HOURS; i++)
		sum += series->hours[i];
	return sum;
}

START_TEST(every_hour_adds_up)
{
	struct arena arena = {0};
	struct usage_row row = {.taken = 0};
	uint64_t seed = 3, hours[USAGE_HOURS] = {0};

	for (uint64_t i = 0; i < 20000; i++) {
		size_t hour = suite_below(&seed, USAGE_HOURS);

		hours[hour]++;
		ck_assert(count(&arena, &row,
		    MIDNIGHT + (int64_t)hour * USAGE_HOUR_MS +
			(int64_t)suite_below(&seed, USAGE_HOUR_MS),
		    (enum verdict)(1 + suite_below(&seed, VERDICT_COUNT - 1)),
		    (unsigned)suite_below(&seed, 200),
		    (uint32_t)suite_below(&seed, 1000)));
	}
	ck_assert_uint_eq(total_of(&row), 20000);
	ck_assert_uint_eq(row.endpoint_count, USAGE_ENDPOINTS_MAX);
	ck_assert_uint_eq(row.address_count, USAGE_ADDRESSES_MAX);
	for (size_t hour = 0; hour < USAGE_HOURS; hour++) {
		uint64_t calls = 0;

		for (size_t i = 0; i < VERDICT_COUNT; i++)
			if (row.verdicts[i].hours != NULL)
				calls += row.verdicts[i].hours[hour];
		ck_assert_uint_eq(calls, hours[hour]);
	}
	arena_free(&arena);
}
END_TEST

/* A million of each: no more memory than the row has room for. */
START_TEST(a_million_endpoints_and_addresses)
{
	struct arena arena = {0};
	struct usage_row row = {.taken = 0};
	bool counted = true;

	for (unsigned i = 0; i < 1000000; i++)
		counted = counted &&
		    count(&arena, &row, MIDNIGHT + i, VERDICT_VALID, i,
			(uint32_t)i);
	ck_assert(counted);
	ck_assert_uint_eq(total_of(&row), 1000000);
	ck_assert_uint_eq(
	    sum_of(&row.other_endpoints), 1000000 - USAGE_ENDPOINTS_MAX);
	ck_assert_uint_eq(
	    sum_of(&row.other_addresses), 1000000 - USAGE_ADDRESSES_MAX);
	ck_assert_uint_lt(arena.total, 200000);
	ck_assert_uint_lt(row_encoded_max(&row), 150000);
	arena_free(&arena);
}
END_TEST

static void
check_same(const struct usage_row *a, const struct usage_row *b)
{
	ck_assert_uint_eq(total_of(a), total_of(b));
	ck_assert_uint_eq(a->taken, b->taken);
	ck_assert_uint_eq(a->endpoint_count, b->endpoint_count);
	ck_assert_uint_eq(a->address_count, b->address_count);
	for (size_t i = 0; i < a->endpoint_count; i++) {
		ck_assert_uint_eq(a->endpoints[i]->len, b->endpoints[i]->len);
		ck_assert_mem_eq(a->endpoints[i]->text, b->endpoints[i]->text,
		    a->endpoints[i]->len);
		ck_assert_mem_eq(a->endpoints[i]->series.hours,
		    b->endpoints[i]->series.hours,
		    USAGE_HOURS * sizeof(uint64_t));
	}
	for (size_t i = 0; i < a->address_count; i++) {
		ck_assert_mem_eq(&a->addresses[i]->address,
		    &b->addresses[i]->address, sizeof(struct address));
		ck_assert_int_eq(
		    a->addresses[i]->last_at, b->addresses[i]->last_at);
	}
	for (size_t i = 0; i < VERDICT_COUNT; i++)
		ck_assert_uint_eq(
		    sum_of(&a->verdicts[i]), sum_of(&b->verdicts[i]));
}

START_TEST(comes_back_as_it_was)
{
	uint64_t seed = 9;

	for (size_t events = 0; events < 3000; events = events * 2 + 1) {
		struct arena arena = {0};
		struct usage_row row = {.taken = UINT64_MAX - events}, back;
		uint8_t *data;
		size_t len;

		for (size_t i = 0; i < events; i++)
			ck_assert(count(&arena, &row,
			    MIDNIGHT +
				(int64_t)suite_below(&seed, USAGE_DAY_MS),
			    (enum verdict)(
				1 + suite_below(&seed, VERDICT_COUNT - 1)),
			    (unsigned)suite_below(&seed, 100),
			    (uint32_t)suite_below(&seed, 400)));
		data = malloc(row_encoded_max(&row));
		ck_assert_ptr_nonnull(data);
		len = row_encode(&row, data);
		ck_assert_uint_le(len, row_encoded_max(&row));
		ck_assert(row_decode(&arena, (struct bytes){data, len}, &back));
		check_same(&row, &back);
		/* And goes on. */
		ck_assert(count(&arena, &back, MIDNIGHT, VERDICT_VALID, 1, 1));
		ck_assert_uint_eq(total_of(&back), events + 1);
		free(data);
		arena_free(&arena);
	}
}
END_TEST

/* No bytes make the decoder fail but by saying so. */
START_TEST(survives_garbage)
{
	struct arena arena = {0};
	struct usage_row row = {.taken = 1}, back;
	uint8_t data[32768], wrong[32768], *again;
	uint64_t seed = 21, total, decoded = 0;
	struct usage_total key_total;
	size_t len;

	for (unsigned i = 0; i < 40; i++)
		ck_assert(count(&arena, &row, MIDNIGHT + i * USAGE_HOUR_MS / 2,
		    VERDICT_VALID, i % 9, (uint32_t)i));
	ck_assert_uint_lt(row_encoded_max(&row), sizeof data);
	len = row_encode(&row, data);
	arena_free(&arena);
	for (int i = 0; i < 50000; i++) {
		size_t wrong_len = len;

		memcpy(wrong, data, len);
		for (size_t n = suite_below(&seed, 4); n > 0; n--)
			wrong[suite_below(&seed, len)] =
			    (uint8_t)next_random(&seed);
		if (i % 3 == 0)
			wrong_len = suite_below(&seed, len + 1);
		if (i % 7 == 0)
			suite_fill(&seed, wrong, len);
		if (row_decode(
			&arena, (struct bytes){wrong, wrong_len}, &back)) {
			decoded++;
			(void)row_adds_up(&back, &total);
			again = malloc(row_encoded_max(&back));
			ck_assert_ptr_nonnull(again);
			ck_assert_uint_le(
			    row_encode(&back, again), row_encoded_max(&back));
			free(again);
		}
		(void)total_decode(
		    (struct bytes){wrong, wrong_len}, &key_total);
		arena_free(&arena);
	}
	ck_assert_uint_gt(decoded, 0);
}
END_TEST

START_TEST(totals_come_back)
{
	uint8_t data[TOTAL_ENCODED_MAX];
	struct usage_total total = {.taken = 1}, back;
	size_t len = total_encode(&total, data);

	/* With its name and MAC no more than two blocks of the hash. */
	ck_assert_uint_le(len, 96);
	ck_assert(total_decode((struct bytes){data, len}, &back));
	ck_assert_mem_eq(&total, &back, sizeof total);
	memset(&total, 0xff, sizeof total);
	total.quota_period = QUOTA_TOTAL;
	len = total_encode(&total, data);
	ck_assert_uint_le(len, sizeof data);
	ck_assert(total_decode((struct bytes){data, len}, &back));
	ck_assert_uint_eq(back.quota_used, UINT64_MAX);
	ck_assert_uint_eq(back.verdicts[VERDICT_COUNT - 1], UINT64_MAX);
	ck_assert_int_eq(back.last_used_at, -1);
	for (size_t cut = 0; cut < 90; cut++)
		ck_assert(!total_decode((struct bytes){data, cut}, &back));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("usage_row");

	suite_add(suite, "every hour adds up", every_hour_adds_up);
	suite_add(suite, "a million endpoints and addresses",
	    a_million_endpoints_and_addresses);
	suite_add(suite, "comes back as it was", comes_back_as_it_was);
	suite_add(suite, "survives garbage", survives_garbage);
	suite_add(suite, "totals come back", totals_come_back);
	return suite_run(suite);
}
