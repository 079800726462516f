/* SPDX-License-Identifier: BSD-2-Clause */
#include "usage_row.h"

#include <string.h>

#include "table.h"

/* Room for one more in an array of pointers, of which there are at most max. */
static void *
grow(struct arena *arena, void *items, uint16_t count, uint16_t *room,
    size_t max)
{
	size_t more = *room > 0 ? 2 * (size_t)*room : 2;
	void *grown;

	if (count < *room)
		return items;
	if (more > max)
		more = max;
	grown = arena_alloc(arena, more * sizeof(void *));
	if (grown == NULL)
		return NULL;
	if (count > 0)
		memcpy(grown, items, count * sizeof(void *));
	*room = (uint16_t)more;
	return grown;
}

/* Counting */

static bool
series_add(struct arena *arena, struct usage_series *series, unsigned hour,
    uint64_t calls)
{
	if (series->hours == NULL) {
		series->hours =
		    arena_alloc(arena, USAGE_HOURS * sizeof *series->hours);
		if (series->hours == NULL)
			return false;
	}
	series->hours[hour] += calls;
	return true;
}

static struct row_endpoint *
add_endpoint(struct arena *arena, struct usage_row *row, struct bytes text,
    uint32_t hash)
{
	struct row_endpoint **endpoints = grow(arena, row->endpoints,
	    row->endpoint_count, &row->endpoint_room, USAGE_ENDPOINTS_MAX);
	struct row_endpoint *endpoint = arena_alloc(arena, sizeof *endpoint);

	if (endpoints == NULL || endpoint == NULL)
		return NULL;
	row->endpoints = endpoints;
	endpoint->hash = hash;
	endpoint->len = (uint8_t)text.len;
	if (text.len > 0)
		memcpy(endpoint->text, text.data, text.len);
	endpoints[row->endpoint_count++] = endpoint;
	return endpoint;
}

/* Where this endpoint is counted; NULL where there is no memory. */
static struct usage_series *
endpoint_series(struct arena *arena, struct usage_row *row, struct bytes text)
{
	uint32_t hash = table_hash(text.data, text.len);
	struct row_endpoint *added;

	for (size_t i = 0; i < row->endpoint_count; i++) {
		struct row_endpoint *endpoint = row->endpoints[i];

		if (endpoint->hash == hash && endpoint->len == text.len &&
		    (text.len == 0 ||
			memcmp(endpoint->text, text.data, text.len) == 0))
			return &endpoint->series;
	}
	if (row->endpoint_count == USAGE_ENDPOINTS_MAX)
		return &row->other_endpoints;
	added = add_endpoint(arena, row, text, hash);
	return added != NULL ? &added->series : NULL;
}

enum {
	ADDRESSES_CHAINED = 16, /* from so many on */
	CHAINS = 256,
};

static bool
same_address(const struct row_address *there, const struct address *address)
{
	return memcmp(&there->address, address, sizeof *address) == 0;
}

static struct row_address **
chain_of(struct usage_row *row, const struct address *address)
{
	return &row->by_hash[table_hash(address, sizeof *address) % CHAINS];
}

static void
chain_address(struct usage_row *row, struct row_address *address)
{
	struct row_address **chain = chain_of(row, &address->address);

	address->next = *chain;
	*chain = address;
}

/* False where there is no memory. */
static bool
chain_addresses(struct arena *arena, struct usage_row *row)
{
	row->by_hash =
	    arena_alloc(arena, CHAINS * sizeof(struct row_address *));
	for (size_t i = 0; row->by_hash != NULL && i < row->address_count; i++)
		chain_address(row, row->addresses[i]);
	return row->by_hash != NULL;
}

static struct row_address *
add_address(
    struct arena *arena, struct usage_row *row, const struct address *address)
{
	struct row_address **addresses = grow(arena, row->addresses,
	    row->address_count, &row->address_room, USAGE_ADDRESSES_MAX);
	struct row_address *added = arena_alloc(arena, sizeof *added);

	if (addresses == NULL || added == NULL)
		return NULL;
	row->addresses = addresses;
	added->address = *address;
	addresses[row->address_count++] = added;
	if (row->by_hash != NULL)
		chain_address(row, added);
	else if (row->address_count == ADDRESSES_CHAINED &&
	    !chain_addresses(arena, row))
		return NULL;
	return added;
}

/* NULL: it has no place. */
static struct row_address *
find_address(struct usage_row *row, const struct address *address)
{
	struct row_address *found;

	for (size_t i = 0; row->by_hash == NULL && i < row->address_count; i++)
		if (same_address(row->addresses[i], address))
			return row->addresses[i];
	if (row->by_hash == NULL)
		return NULL;
	found = *chain_of(row, address);
	while (found != NULL && !same_address(found, address))
		found = found->next;
	return found;
}

static struct usage_series *
address_series(struct arena *arena, struct usage_row *row,
    const struct address *address, int64_t at)
{
	struct row_address *found = find_address(row, address);

	if (found == NULL && row->address_count == USAGE_ADDRESSES_MAX)
		return &row->other_addresses;
	if (found == NULL)
		found = add_address(arena, row, address);
	if (found == NULL)
		return NULL;
	if (at > found->last_at)
		found->last_at = at;
	return &found->series;
}

bool
row_count(
    struct arena *arena, struct usage_row *row, const struct row_event *event)
{
	unsigned hour = (unsigned)(event->at % USAGE_DAY_MS / USAGE_HOUR_MS);
	struct usage_series *endpoint, *address;

	endpoint = endpoint_series(arena, row, event->endpoint);
	address = address_series(arena, row, event->address, event->at);
	return endpoint != NULL && address != NULL &&
	    series_add(arena, &row->verdicts[event->verdict], hour, 1) &&
	    series_add(arena, endpoint, hour, 1) &&
	    series_add(arena, address, hour, 1);
}

static uint64_t
hour_of(const struct usage_series *series, size_t hour)
{
	return series->hours != NULL ? series->hours[hour] : 0;
}

bool
row_adds_up(const struct usage_row *row, uint64_t *total)
{
	bool same = true;

	*total = 0;
	for (size_t hour = 0; hour < USAGE_HOURS; hour++) {
		uint64_t verdicts = 0;
		uint64_t endpoints = hour_of(&row->other_endpoints, hour);
		uint64_t addresses = hour_of(&row->other_addresses, hour);

		for (size_t i = 0; i < VERDICT_COUNT; i++)
			verdicts += hour_of(&row->verdicts[i], hour);
		for (size_t i = 0; i < row->endpoint_count; i++)
			endpoints += hour_of(&row->endpoints[i]->series, hour);
		for (size_t i = 0; i < row->address_count; i++)
			addresses += hour_of(&row->addresses[i]->series, hour);
		same = same && verdicts == endpoints && verdicts == addresses;
		*total += verdicts;
	}
	return same;
}

/* Encoding: version 1 | length of all 4 | ... */

enum {
	ROW_VERSION = 1,
	TOTAL_VERSION = 1,
	PREFIX_LEN = 1 + 4,
	VARINT_MAX = 10,
	SERIES_MAX = 4 + USAGE_HOURS * VARINT_MAX,
};

/* Seven bits a byte, the lowest first; small numbers are the rule. */
static void
write_varint(struct writer *w, uint64_t value)
{
	while (value >= 0x80) {
		write_u8(w, (uint8_t)(value | 0x80));
		value >>= 7;
	}
	write_u8(w, (uint8_t)value);
}

static uint64_t
read_varint(struct reader *r)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = read_u8(r);

		value |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			return value;
	}
	reader_fail(r);
	return 0;
}

/* A bit for each hour that has calls, then their numbers. */
static void
write_series(struct writer *w, const struct usage_series *series)
{
	uint32_t mask = 0;

	for (unsigned i = 0; series->hours != NULL && i < USAGE_HOURS; i++)
		if (series->hours[i] > 0)
			mask |= 1U << i;
	write_u32(w, mask);
	for (unsigned i = 0; i < USAGE_HOURS; i++)
		if ((mask >> i & 1) != 0)
			write_varint(w, series->hours[i]);
}

static bool
read_series(struct arena *arena, struct reader *r, struct usage_series *series)
{
	uint32_t mask = read_u32(r);

	for (unsigned i = 0; i < USAGE_HOURS; i++)
		if ((mask >> i & 1) != 0 &&
		    !series_add(arena, series, i, read_varint(r)))
			return false;
	return !r->failed;
}

/* Sets the length in front. */
static size_t
finish(struct writer *w)
{
	struct writer prefix = writer_over(w->start + 1, PREFIX_LEN - 1);

	write_u32(&prefix, (uint32_t)w->len);
	return w->len;
}

/* What is between the prefix and the padding that a file adds. */
static bool
begin(struct bytes encoded, uint8_t version, struct reader *r)
{
	size_t len;

	*r = reader_over(encoded.data, encoded.len);
	if (read_u8(r) != version)
		return false;
	len = read_u32(r);
	if (r->failed || len < PREFIX_LEN || len > encoded.len)
		return false;
	r->left = len - PREFIX_LEN;
	return true;
}

size_t
row_encoded_max(const struct usage_row *row)
{
	size_t max = PREFIX_LEN + 8 + 1 + VERDICT_COUNT * (1 + SERIES_MAX) + 1 +
	    2 + 2 * SERIES_MAX;

	for (size_t i = 0; i < row->endpoint_count; i++)
		max += (size_t)1 + row->endpoints[i]->len + SERIES_MAX;
	max += (size_t)row->address_count * (16 + 8 + SERIES_MAX);
	return max;
}

size_t
row_encode(const struct usage_row *row, uint8_t *out)
{
	struct writer w = writer_over(out, row_encoded_max(row));
	uint8_t verdicts = 0;

	for (size_t i = 0; i < VERDICT_COUNT; i++)
		if (row->verdicts[i].hours != NULL)
			verdicts++;
	write_u8(&w, ROW_VERSION);
	write_u32(&w, 0);
	write_u64(&w, row->taken);
	write_u8(&w, verdicts);
	for (size_t i = 0; i < VERDICT_COUNT; i++)
		if (row->verdicts[i].hours != NULL) {
			write_u8(&w, (uint8_t)i);
			write_series(&w, &row->verdicts[i]);
		}
	write_u8(&w, (uint8_t)row->endpoint_count);
	for (size_t i = 0; i < row->endpoint_count; i++) {
		const struct row_endpoint *endpoint = row->endpoints[i];

		write_string8(
		    &w, (struct bytes){endpoint->text, endpoint->len});
		write_series(&w, &endpoint->series);
	}
	write_series(&w, &row->other_endpoints);
	write_u16(&w, row->address_count);
	for (size_t i = 0; i < row->address_count; i++) {
		const struct row_address *address = row->addresses[i];

		write_bytes(&w, address->address.bytes, 16);
		write_time(&w, address->last_at);
		write_series(&w, &address->series);
	}
	write_series(&w, &row->other_addresses);
	return finish(&w);
}

static bool
read_verdicts(struct arena *arena, struct reader *r, struct usage_row *row)
{
	for (size_t count = read_u8(r); count > 0; count--) {
		uint8_t verdict = read_u8(r);

		if (verdict >= VERDICT_COUNT ||
		    !read_series(arena, r, &row->verdicts[verdict]))
			return false;
	}
	return !r->failed;
}

static bool
read_endpoints(struct arena *arena, struct reader *r, struct usage_row *row)
{
	size_t count = read_u8(r);

	if (count > USAGE_ENDPOINTS_MAX)
		return false;
	while (count-- > 0 && !r->failed) {
		struct bytes text = read_string8(r, ENDPOINT_MAX_LEN);
		struct row_endpoint *endpoint;

		if (r->failed)
			return false;
		endpoint = add_endpoint(
		    arena, row, text, table_hash(text.data, text.len));
		if (endpoint == NULL ||
		    !read_series(arena, r, &endpoint->series))
			return false;
	}
	return read_series(arena, r, &row->other_endpoints);
}

static bool
read_addresses(struct arena *arena, struct reader *r, struct usage_row *row)
{
	size_t count = read_u16(r);

	if (count > USAGE_ADDRESSES_MAX)
		return false;
	while (count-- > 0 && !r->failed) {
		struct bytes bytes = read_bytes(r, 16);
		struct address address;
		struct row_address *added;

		if (r->failed)
			return false;
		memcpy(address.bytes, bytes.data, sizeof address.bytes);
		added = add_address(arena, row, &address);
		if (added == NULL)
			return false;
		added->last_at = read_time(r);
		if (!read_series(arena, r, &added->series))
			return false;
	}
	return read_series(arena, r, &row->other_addresses);
}

bool
row_decode(struct arena *arena, struct bytes encoded, struct usage_row *row)
{
	struct reader r;

	memset(row, 0, sizeof *row);
	if (!begin(encoded, ROW_VERSION, &r))
		return false;
	row->taken = read_u64(&r);
	return read_verdicts(arena, &r, row) &&
	    read_endpoints(arena, &r, row) && read_addresses(arena, &r, row) &&
	    reader_done(&r);
}

size_t
total_encode(const struct usage_total *total, uint8_t out[TOTAL_ENCODED_MAX])
{
	struct writer w = writer_over(out, TOTAL_ENCODED_MAX);

	write_u8(&w, TOTAL_VERSION);
	write_u32(&w, 0);
	write_u64(&w, total->taken);
	write_time(&w, total->last_used_at);
	write_bytes(&w, total->last_used_address.bytes, 16);
	write_time(&w, total->previous_used_at);
	write_bytes(&w, total->previous_used_address.bytes, 16);
	write_u8(&w, total->quota_period);
	write_time(&w, total->quota_start);
	write_varint(&w, total->quota_used);
	for (size_t i = 0; i < VERDICT_COUNT; i++)
		if (total->verdicts[i] > 0) {
			write_u8(&w, (uint8_t)i);
			write_varint(&w, total->verdicts[i]);
		}
	return finish(&w);
}

static void
read_address(struct reader *r, struct address *address)
{
	struct bytes bytes = read_bytes(r, sizeof address->bytes);

	if (!r->failed)
		memcpy(address->bytes, bytes.data, sizeof address->bytes);
}

bool
total_decode(struct bytes encoded, struct usage_total *total)
{
	struct reader r;

	memset(total, 0, sizeof *total);
	if (!begin(encoded, TOTAL_VERSION, &r))
		return false;
	total->taken = read_u64(&r);
	total->last_used_at = read_time(&r);
	read_address(&r, &total->last_used_address);
	total->previous_used_at = read_time(&r);
	read_address(&r, &total->previous_used_address);
	total->quota_period = read_u8(&r);
	total->quota_start = read_time(&r);
	total->quota_used = read_varint(&r);
	while (!r.failed && r.left > 0) {
		uint8_t verdict = read_u8(&r);

		if (verdict >= VERDICT_COUNT)
			return false;
		total->verdicts[verdict] = read_varint(&r);
	}
	return reader_done(&r) && total->quota_period <= QUOTA_TOTAL;
}
