/* SPDX-License-Identifier: BSD-2-Clause */
#include "usage_message.h"

const char *
window_text(enum window window)
{
	switch (window) {
#define WINDOW_CASE(number, name, text) \
	case WINDOW_##name:             \
		return text;
		WINDOW_LIST(WINDOW_CASE)
#undef WINDOW_CASE
	case WINDOW_NONE:
		break;
	}
	return "none";
}

enum window
window_from_text(const char *text)
{
	for (int i = WINDOW_24H; i <= WINDOW_30D; i++)
		if (bytes_equal(
			bytes_of(text), bytes_of(window_text((enum window)i))))
			return (enum window)i;
	return WINDOW_NONE;
}

void
usage_request_write(struct writer *w, const struct usage_request *in)
{
	write_u8(w, in->window);
	verify_request_write(w, &in->request);
}

bool
usage_request_read(struct bytes body, struct usage_request *out)
{
	struct reader r = reader_over(body.data, body.len);
	uint8_t window = read_u8(&r);

	memset(out, 0, sizeof *out);
	if (window < WINDOW_24H || window > WINDOW_30D ||
	    !verify_request_read((struct bytes){r.at, r.left}, &out->request)) {
		memset(out, 0, sizeof *out);
		return false;
	}
	out->window = window;
	return true;
}

/* Items */

void
step_calls_write(struct writer *w, const struct step_calls *in)
{
	write_time(w, in->from);
	write_u64(w, in->calls);
}

void
endpoint_calls_write(struct writer *w, const struct endpoint_calls *in)
{
	write_u64(w, in->calls);
	write_string8(w, in->endpoint);
}

void
address_calls_write(struct writer *w, const struct address_calls *in)
{
	write_u64(w, in->calls);
	write_time(w, in->last_at);
	write_string8(w, in->address);
}

/* Reads an item of one of the lists into *out, a structure of its kind. */
typedef void read_item_fn(struct reader *r, void *out);

static void
read_step(struct reader *r, void *out)
{
	struct step_calls *step = out;

	step->from = read_time(r);
	step->calls = read_u64(r);
}

static void
read_endpoint(struct reader *r, void *out)
{
	struct endpoint_calls *item = out;

	item->calls = read_u64(r);
	item->endpoint = read_string8(r, ENDPOINT_MAX_LEN);
}

static void
read_address(struct reader *r, void *out)
{
	struct address_calls *item = out;

	item->calls = read_u64(r);
	item->last_at = read_time(r);
	item->address = read_string8(r, ADDRESS_MAX_LEN);
	if (item->address.len != 0 && item->address.len != ADDRESS_MAX_LEN)
		reader_fail(r);
}

static struct list
read_items(struct reader *r, size_t max_count, read_item_fn *read_item)
{
	union {
		struct step_calls step;
		struct endpoint_calls endpoint;
		struct address_calls address;
	} skipped;
	struct list list = {0, {NULL, 0}};

	list.count = read_u8(r);
	list.items.data = r->at;
	if (list.count > max_count)
		reader_fail(r);
	for (size_t i = 0; i < list.count && !r->failed; i++)
		read_item(r, &skipped);
	if (r->failed)
		return (struct list){0, {NULL, 0}};
	list.items.len = (size_t)(r->at - list.items.data);
	return list;
}

static bool
next_item(struct list *list, read_item_fn *read_item, void *out)
{
	struct reader r = reader_over(list->items.data, list->items.len);

	if (list->count == 0)
		return false;
	read_item(&r, out);
	if (r.failed)
		return false;
	list->count--;
	list->items = (struct bytes){r.at, r.left};
	return true;
}

bool
step_calls_next(struct list *list, struct step_calls *out)
{
	return next_item(list, read_step, out);
}

bool
endpoint_calls_next(struct list *list, struct endpoint_calls *out)
{
	return next_item(list, read_endpoint, out);
}

bool
address_calls_next(struct list *list, struct address_calls *out)
{
	return next_item(list, read_address, out);
}

/* The reply */

void
usage_reply_write(struct writer *w, const struct usage_reply *in)
{
	write_u8(w, in->verdict);
	write_u8(w, in->reason);
	write_u8(w, in->told);
	write_string8(w, in->id);
	write_time(w, in->from);
	write_time(w, in->to);
	write_u64(w, in->total);
	for (int i = VERDICT_VALID; i < VERDICT_COUNT; i++)
		write_u64(w, in->verdicts[i]);
	write_list(w, &in->series);
	write_list(w, &in->endpoints);
	write_u64(w, in->other_endpoints);
	write_list(w, &in->addresses);
	write_u64(w, in->other_addresses);
}

/* Everything that is told of a valid key alone, as one number: 0 for
 * nothing. */
static uint64_t
anything_told(const struct usage_reply *in)
{
	uint64_t any = (uint64_t)in->from | (uint64_t)in->to | in->total |
	    in->series.count | in->endpoints.count | in->other_endpoints |
	    in->addresses.count | in->other_addresses;

	for (int i = VERDICT_VALID; i < VERDICT_COUNT; i++)
		any |= in->verdicts[i];
	return any;
}

static bool
is_consistent(const struct usage_reply *in)
{
	bool unproven =
	    in->verdict == VERDICT_MALFORMED || in->verdict == VERDICT_UNKNOWN;

	if (in->verdict == VERDICT_NONE || in->verdict >= VERDICT_COUNT ||
	    in->reason > REASON_SHAPE || in->told > USAGE_BUSY)
		return false;
	if ((in->verdict == VERDICT_VALID) != (in->told != USAGE_UNTOLD) ||
	    unproven != (in->id.len == 0))
		return false;
	return in->told == USAGE_TOLD || anything_told(in) == 0;
}

bool
usage_reply_read(struct bytes body, struct usage_reply *out)
{
	struct reader r = reader_over(body.data, body.len);
	struct usage_reply in;

	memset(out, 0, sizeof *out);
	memset(&in, 0, sizeof in);
	in.verdict = read_u8(&r);
	in.reason = read_u8(&r);
	in.told = read_u8(&r);
	in.id = read_string8(&r, KEY_ID_MAX);
	in.from = read_time(&r);
	in.to = read_time(&r);
	in.total = read_u64(&r);
	for (int i = VERDICT_VALID; i < VERDICT_COUNT; i++)
		in.verdicts[i] = read_u64(&r);
	in.series = read_items(&r, USAGE_STEPS_MAX, read_step);
	in.endpoints = read_items(&r, USAGE_TOP_MAX, read_endpoint);
	in.other_endpoints = read_u64(&r);
	in.addresses = read_items(&r, USAGE_TOP_MAX, read_address);
	in.other_addresses = read_u64(&r);
	if (!reader_done(&r) || !is_consistent(&in))
		return false;
	*out = in;
	return true;
}
