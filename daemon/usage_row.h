/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is counted of one subject (a key, an account, a product, a service that
 * asked with no key) on one day, in memory and as it lies in the day's file.
 * Pure.
 *
 * Every call is counted in its hour three times: under its verdict, its
 * endpoint and its address. The latter two are bounded; what comes when all
 * places are taken is counted as other. So the three sums are the same for
 * every hour, and any window of whole hours adds up.
 */
#ifndef DAEMON_USAGE_ROW_H
#define DAEMON_USAGE_ROW_H

#include "arena.h"
#include "usage.h"

enum {
	USAGE_HOURS = 24,
	USAGE_HOUR_MS = 3600000,
	USAGE_DAY_MS = USAGE_HOURS * USAGE_HOUR_MS,
};

/* Calls an hour. */
struct usage_series {
	uint64_t *hours; /* USAGE_HOURS of them; NULL: none */
};

struct row_endpoint {
	struct usage_series series;
	uint32_t hash;
	uint8_t len;
	uint8_t text[ENDPOINT_MAX_LEN];
};

struct row_address {
	struct row_address *next; /* in its chain */
	struct usage_series series;
	struct address address;
	int64_t last_at;
};

struct usage_row {
	/* Of the journal, events before this position are in the row. */
	uint64_t taken;
	struct usage_series verdicts[VERDICT_COUNT];
	struct usage_series other_endpoints, other_addresses;
	uint16_t endpoint_count, endpoint_room;
	uint16_t address_count, address_room;
	struct row_endpoint **endpoints;
	struct row_address **addresses;
	struct row_address **by_hash; /* chains; NULL: there are few */
};

struct row_event {
	int64_t at; /* Unix ms */
	enum verdict verdict;
	struct bytes endpoint;
	const struct address *address;
};

/* False where there is no memory, and then the row is of no use any more. */
bool row_count(
    struct arena *arena, struct usage_row *row, const struct row_event *event);

/*
 * As it lies in a file. row_encoded_max() says how many bytes row_encode() may
 * need; it returns how many it wrote.
 */
size_t row_encoded_max(const struct usage_row *row);
size_t row_encode(const struct usage_row *row, uint8_t *out);
/* Whatever is behind it is passed over. False where that is no row, or there is
 * no memory. */
bool
row_decode(struct arena *arena, struct bytes encoded, struct usage_row *row);

/* Whether the three sums are the same for each hour; *total is the day's. */
bool row_adds_up(const struct usage_row *row, uint64_t *total);

/* What is kept of a key for ever. */
struct usage_total {
	uint64_t taken; /* as above */
	int64_t last_used_at;
	struct address last_used_address;
	/* By the secret before the present one. */
	int64_t previous_used_at;
	struct address previous_used_address;
	/* As of the last event of a key with a quota. */
	uint8_t quota_period;
	int64_t quota_start;
	uint64_t quota_used;
	uint64_t verdicts[VERDICT_COUNT];
};
enum { TOTAL_ENCODED_MAX = 512 };
size_t
total_encode(const struct usage_total *total, uint8_t out[TOTAL_ENCODED_MAX]);
bool total_decode(struct bytes encoded, struct usage_total *total);

#endif
