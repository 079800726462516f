/* SPDX-License-Identifier: BSD-2-Clause */
/* Seeds of what is counted: rows, events, files of them. */
#include "daemon/usage_event.h"
#include "daemon/usage_file.h"
#include "seeds.h"

static void
save_usage(void)
{
	struct arena arena = {0};
	struct address address = {{1}};
	struct usage_row row;
	struct row_event event = {.at = 3 * USAGE_HOUR_MS,
	    .verdict = VERDICT_VALID,
	    .endpoint = bytes_of("GET /v1/things"),
	    .address = &address};
	struct usage_total total = {.taken = 9, .quota_used = 5};
	struct event_head head = {.at = 1, .verdict = 1, .endpoint_len = 5};
	struct writer w;
	size_t len;

	memset(&row, 0, sizeof row);
	for (int i = 0; i < 3; i++) {
		event.at += i * USAGE_HOUR_MS;
		row_count(&arena, &row, &event);
	}
	seed[0] = 0;
	len = row_encode(&row, seed + 1);
	seed_save("usage", "row", seed, 1 + len);
	arena_free(&arena);
	total.verdicts[VERDICT_VALID] = 300;
	seed[0] = 1;
	seed_save("usage", "total", seed, 1 + total_encode(&total, seed + 1));
	w = writer_over(seed, sizeof seed);
	write_u8(&w, 2);
	write_bytes(&w, &head, sizeof head);
	write_bytes(&w, "GET /", 5);
	seed_save("usage", "event", seed, w.len);
	seed_save("usage", "events", "\3\1\0\1\1\4GET \2\100\2\2\0", 13);
	seed_save(
	    "usage", "group", "\4\1\1\0\2\4Kabc\0\0\0\3row\2Sd\0\0\0\0", 24);
	seed_save("journal", "sound", "", 0);
	seed_save("journal", "patched",
	    "\0\20\0\4abcd\1\0\0\1a\0\0\0\0\5abcde\3xyz", 27);
	seed_save("journal", "appended", "\0\0\0\0\5abcde\3xyz", 14);
}

/* Files and journal of usage: see files.c. */

static void
write_named_row(
    struct writer *w, uint8_t which, struct usage_name name, struct bytes row)
{
	write_u8(w, which);
	write_string8(w, (struct bytes){name.bytes, name.len});
	write_string16(w, row);
}

static void
write_day(struct writer *w, const struct key *key)
{
	static uint8_t encoded[4096];
	struct arena arena = {0};
	struct address address = {{1}};
	struct usage_row row;
	struct row_event event = {.at = 3 * USAGE_HOUR_MS,
	    .verdict = VERDICT_VALID,
	    .endpoint = bytes_of("GET /"),
	    .address = &address};
	struct bytes bytes;

	memset(&row, 0, sizeof row);
	row_count(&arena, &row, &event);
	bytes = (struct bytes){encoded, row_encode(&row, encoded)};
	write_named_row(w, 0, usage_name_of_key(key->id), bytes);
	write_named_row(w, 0,
	    usage_name_of_subject(USAGE_OF_ACCOUNT, key->account->usage_id),
	    bytes);
	write_named_row(w, 0,
	    usage_name_of_subject(USAGE_OF_PRODUCT, key->product->usage_id),
	    bytes);
	arena_free(&arena);
}

static void
write_event(struct writer *w, const struct key *key, int64_t at)
{
	struct event_head head = {.at = at,
	    .verdict = VERDICT_VALID,
	    .flags = EVENT_HAS_KEY | EVENT_HAS_QUOTA,
	    .endpoint_len = 5,
	    .account = key->account->usage_id,
	    .product = key->product->usage_id};
	struct event_quota quota = {
	    .start = at, .used = 1, .period = QUOTA_DAY};

	memcpy(head.id, key->id, sizeof head.id);
	write_u8(w, sizeof head + sizeof quota + 5);
	write_bytes(w, &head, sizeof head);
	write_bytes(w, &quota, sizeof quota);
	write_bytes(w, "GET /", 5);
}

static void
save_files(void)
{
	struct usage_total total = {.taken = 9, .last_used_at = 5};
	uint8_t encoded[TOTAL_ENCODED_MAX];
	struct writer w = writer_over(seed, sizeof seed);
	size_t position = 0, records, rows;
	const struct key *key;

	seed_write_keys(&w);
	write_u8(&w, 0);
	records = w.len;
	key = index_next_key(seed_world.index, &position);
	write_day(&w, key);
	write_named_row(&w, 3, usage_name_of_key(key->id),
	    (struct bytes){encoded, total_encode(&total, encoded)});
	rows = w.len;
	seed_save("files", "rows", seed, w.len);
	write_named_row(&w, 3, (struct usage_name){.len = 1, .bytes = "M"},
	    (struct bytes){(const uint8_t *)"\0\0\0\0\0\0\0\1\1\1a", 11});
	seed_save("files", "head", seed, w.len);
	w.len = rows;
	write_bytes(&w, "\0", 2);
	write_event(&w, key, 0);
	seed_save("files", "both", seed, w.len);
	w.len = records;
	write_bytes(&w, "\0", 2);
	write_event(&w, key, 0);
	write_event(
	    &w, index_next_key(seed_world.index, &position), USAGE_DAY_MS);
	seed_save("files", "events", seed, w.len);
}

void
seeds_of_usage(void)
{
	save_usage();
	save_files();
}
