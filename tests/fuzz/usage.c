/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Usage as it lies on disk. Input: a byte that says what follows: a day's row,
 * a key's totals, an event, events to be counted, or a group of rows.
 */
#include "daemon/usage_event.h"
#include "daemon/usage_group.h"
#include "fuzz.h"

enum { COUNTED_MAX = 400 };

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

/* Encoded and read again, a row says the same. */
static void
check_row(const struct usage_row *row)
{
	size_t max = row_encoded_max(row), len, again_len;
	uint8_t *encoded = malloc(max), *again = malloc(max);
	struct arena arena = {0};
	struct usage_row copy;
	uint64_t total, copy_total;

	fuzz_require(encoded != NULL && again != NULL, "there is memory");
	len = row_encode(row, encoded);
	fuzz_require(len <= max, "a row is no longer than foretold");
	fuzz_require(row_decode(&arena, (struct bytes){encoded, len}, &copy) &&
		row_encoded_max(&copy) == max,
	    "what was written can be read");
	again_len = row_encode(&copy, again);
	fuzz_require(len == again_len && memcmp(encoded, again, len) == 0,
	    "there is one way to write a row");
	fuzz_require(
	    row_adds_up(row, &total) == row_adds_up(&copy, &copy_total) &&
		total == copy_total,
	    "a row adds up as it did");
	fuzz_use(encoded, len);
	arena_free(&arena);
	free(encoded);
	free(again);
}

/* As it is written: what a file of ours can hold. */
static void
check_rewritten(const struct usage_row *row)
{
	uint8_t *encoded = malloc(row_encoded_max(row));
	struct arena arena = {0};
	struct usage_row written;

	fuzz_require(encoded != NULL, "there is memory");
	fuzz_require(
	    row_decode(&arena,
		(struct bytes){encoded, row_encode(row, encoded)}, &written),
	    "what was written can be read");
	check_row(&written);
	arena_free(&arena);
	free(encoded);
}

static void
take_row(struct bytes in)
{
	struct arena arena = {0};
	struct usage_row row;

	if (row_decode(&arena, in, &row)) {
		fuzz_require(row.endpoint_count <= USAGE_ENDPOINTS_MAX &&
			row.address_count <= USAGE_ADDRESSES_MAX,
		    "a row is bounded");
		check_rewritten(&row);
	}
	arena_free(&arena);
}

static void
take_total(struct bytes in)
{
	uint8_t encoded[TOTAL_ENCODED_MAX], again[TOTAL_ENCODED_MAX];
	struct usage_total total;
	size_t len;

	if (!total_decode(in, &total))
		return;
	len = total_encode(&total, encoded);
	fuzz_require(total_decode((struct bytes){encoded, len}, &total) &&
		total_encode(&total, again) == len &&
		memcmp(encoded, again, len) == 0,
	    "there is one way to write totals");
}

static void
take_event(struct bytes in)
{
	struct usage_record record;
	struct usage_total total;

	if (!usage_record_read(in, &record))
		return;
	fuzz_require(record.endpoint.len <= ENDPOINT_MAX_LEN &&
		record.service.len <= SERVICE_MAX_LEN,
	    "an event is bounded");
	fuzz_use_bytes(record.endpoint);
	fuzz_use_bytes(record.service);
	memset(&total, 0, sizeof total);
	usage_total_add(&total, &record);
	fuzz_use(&total, sizeof total);
}

/* Whatever is counted: as often under a verdict as under an endpoint and under
 * an address. */
static void
count_events(struct bytes in)
{
	struct reader r = reader_over(in.data, in.len);
	struct arena arena = {0};
	struct usage_row row;
	uint64_t count = 0, total;

	memset(&row, 0, sizeof row);
	while (!r.failed && r.left > 0 && count < COUNTED_MAX) {
		struct address address = {{0}};
		struct row_event event = {.address = &address};

		event.verdict = (enum verdict)(read_u8(&r) % VERDICT_COUNT);
		event.at = (int64_t)read_u8(&r) * USAGE_HOUR_MS / 10;
		address.bytes[0] = read_u8(&r);
		address.bytes[15] = read_u8(&r);
		event.endpoint = read_string8(&r, ENDPOINT_MAX_LEN);
		fuzz_require(
		    row_count(&arena, &row, &event), "there is memory");
		count++;
	}
	fuzz_require(row_adds_up(&row, &total) && total == count,
	    "each event is counted once");
	check_row(&row);
	arena_free(&arena);
}

/* A group that is read is written as it was, without its padding. */
static void
take_group(struct bytes in)
{
	struct arena arena = {0};
	struct usage_group group;
	uint8_t *encoded;
	size_t len;

	if (group_decode(&arena, in, &group)) {
		len = group_encoded_len(&group);
		fuzz_require(len <= in.len && group.count <= GROUP_ROWS_MAX,
		    "a group is bounded");
		encoded = malloc(len);
		fuzz_require(encoded != NULL, "there is memory");
		group_encode(&group, encoded);
		fuzz_require(encoded[0] == in.data[0] &&
			memcmp(encoded + 2, in.data + 2, len - 2) == 0,
		    "there is one way to write a group");
		for (size_t i = 0; i < group.count; i++)
			fuzz_require(
			    group_find(&group, group.rows[i].name) != NULL,
			    "its rows are found");
		free(encoded);
	}
	arena_free(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in;

	if (size < 1)
		return 0;
	in = (struct bytes){data + 1, size - 1};
	switch (data[0] % 5) {
	case 0:
		take_row(in);
		break;
	case 1:
		take_total(in);
		break;
	case 2:
		take_event(in);
		break;
	case 3:
		count_events(in);
		break;
	default:
		take_group(in);
	}
	return 0;
}
