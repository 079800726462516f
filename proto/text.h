/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What people write and read: slugs, durations, dates, addresses. Both sides
 * of the admin socket judge them by this one piece of code: apikeyctl before
 * it sends anything, the daemon because it believes nobody.
 *
 * Parsers take NUL-terminated text, return false on anything that is not
 * wholly what is described, and then leave *out alone.
 */
#ifndef PROTO_TEXT_H
#define PROTO_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies with the NUL; false, and out stays as it is, where there is not room
 * for both. */
bool text_copy(char *out, size_t size, const char *text);

/* [a-z0-9][a-z0-9-]{0,62} */
bool slug_valid(const char *text);

/* [A-Za-z0-9:._/-]+, at most 64 bytes, as OAuth scopes are written. */
bool scope_valid(const char *text);

/*
 * Text for people: valid UTF-8 without control characters, min to max bytes.
 */
bool label_valid(const char *text, size_t min, size_t max);

/*
 * Durations: "0", or numbers with a unit of ms, s, m, h, d or w, combinable
 * from large to small: 90s, 1d12h. In milliseconds; at most
 * DURATION_MAX_MS.
 */
#define DURATION_MAX_MS (100 * 366 * INT64_C(86400000)) /* a century */
bool duration_parse(const char *text, int64_t *milliseconds);

/* "N/DUR" as in 100/60s, 5/m; N at least 1, DUR at least 1 ms. */
bool rate_parse(const char *text, uint32_t *limit, int64_t *per_ms);

enum quota_period { QUOTA_NONE, QUOTA_DAY, QUOTA_MONTH, QUOTA_TOTAL };
const char *quota_period_text(enum quota_period period);
bool quota_period_parse(const char *text, enum quota_period *period);
/* "N/day", "N/month", "N/total"; N at least 1. */
bool quota_parse(const char *text, uint64_t *limit, enum quota_period *period);

/*
 * A point in time, in Unix milliseconds. RFC 3339 (2026-11-21T03:11:00Z, with
 * an offset or fraction too), years 1970 to 9999.
 */
bool time_parse(const char *text, int64_t *at);
/* YYYY-MM-DD, the end of that day in UTC: 23:59:59.999. */
bool date_parse(const char *text, int64_t *at);

enum { TIME_TEXT_MAX = sizeof "2026-11-21T03:11:00Z" };
/* RFC 3339 in UTC, cut to seconds. */
void time_text(int64_t at, char out[TIME_TEXT_MAX]);

/*
 * What stands before a payload that is signed with a timestamp: the Unix
 * seconds in decimal and a dot. Returns its length.
 */
enum { TIMESTAMP_TEXT_MAX = sizeof "-9223372036854775808." };
size_t timestamp_text(int64_t seconds, char out[TIMESTAMP_TEXT_MAX]);
/* Unix seconds: decimal digits without leading zeros, up to the year 9999. */
bool timestamp_parse(const char *text, int64_t *seconds);

/* Addresses are kept as IPv6; IPv4 and IPv4-mapped IPv6 are one and the same
 * (RFC 4291 section 2.5.5.2). */
struct address {
	uint8_t bytes[16];
};

struct cidr {
	struct address address; /* bits beyond prefix_len are zero */
	uint8_t prefix_len;     /* 0 to 128, of the IPv6 form */
};

/* Numeric IPv4 or IPv6; a zone (%eth0) is dropped. */
bool address_parse(const char *text, struct address *out);
/* From 4 or 16 bytes in network order. */
bool address_from_bytes(const void *data, size_t len, struct address *out);
/* ADDRESS or ADDRESS/LEN; bits set beyond LEN are refused. */
bool cidr_parse(const char *text, struct cidr *out);
bool cidr_contains(const struct cidr *cidr, const struct address *address);

enum { ADDRESS_TEXT_MAX = 46, CIDR_TEXT_MAX = ADDRESS_TEXT_MAX + 4 };
/* IPv4-mapped addresses as IPv4; otherwise RFC 5952. */
void address_text(const struct address *address, char out[ADDRESS_TEXT_MAX]);
void cidr_text(const struct cidr *cidr, char out[CIDR_TEXT_MAX]);

#endif
