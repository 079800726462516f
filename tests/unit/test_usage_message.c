/* SPDX-License-Identifier: BSD-2-Clause */
/* USAGE bodies: the lists at their limits, lies about them, cut at every
 * byte, and what must not be told together. */
#include <stdlib.h>
#include <string.h>

#include "proto/usage_message.h"
#include "suite.h"

enum { SPACE = 2 * USAGE_REPLY_MAX };

static uint8_t list_space[SPACE], body[SPACE];

/* How a reply is filled: items of each list, and the length of endpoints. */
struct filling {
	size_t steps, endpoints, addresses, endpoint_len, address_len;
};

static struct list
list_since(const struct writer *w, size_t begin, size_t count)
{
	ck_assert(!w->failed);
	return (struct list){
	    (uint8_t)count, {w->start + begin, w->len - begin}};
}

static struct usage_reply
filled_reply(const struct filling *filling)
{
	static const char text[256] = "GET /v1/things";
	static const uint8_t address[255] = {1};
	struct writer w = writer_over(list_space, sizeof list_space);
	struct usage_reply reply;
	size_t begin = 0;

	memset(&reply, 0, sizeof reply);
	reply.verdict = VERDICT_VALID;
	reply.told = USAGE_TOLD;
	reply.id = bytes_of("dk_7Hq2mZx0pLs9");
	reply.from = -1;
	reply.to = INT64_MAX;
	reply.total = UINT64_MAX;
	for (int i = 1; i < VERDICT_COUNT; i++)
		reply.verdicts[i] = (uint64_t)i << 32;
	for (size_t i = 0; i < filling->steps; i++)
		step_calls_write(&w, &(struct step_calls){(int64_t)i, i});
	reply.series = list_since(&w, begin, filling->steps);
	begin = w.len;
	for (size_t i = 0; i < filling->endpoints; i++)
		endpoint_calls_write(&w,
		    &(struct endpoint_calls){
			i, {(const uint8_t *)text, filling->endpoint_len}});
	reply.endpoints = list_since(&w, begin, filling->endpoints);
	reply.other_endpoints = 5;
	begin = w.len;
	for (size_t i = 0; i < filling->addresses; i++)
		address_calls_write(&w,
		    &(struct address_calls){
			i, -1, {address, filling->address_len}});
	reply.addresses = list_since(&w, begin, filling->addresses);
	reply.other_addresses = 6;
	return reply;
}

static size_t
encode(const struct usage_reply *reply)
{
	struct writer w = writer_over(body, sizeof body);

	usage_reply_write(&w, reply);
	ck_assert(!w.failed);
	return w.len;
}

/* Of a copy with nothing behind it; refusals leave zeros, and what is read is
 * written as the same bytes. */
static bool
accepted(const uint8_t *data, size_t len, struct usage_reply *out)
{
	static const struct usage_reply zero;
	static uint8_t again[SPACE];
	uint8_t *copy = malloc(len > 0 ? len : 1);
	struct writer w = writer_over(again, sizeof again);
	bool good;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, data, len);
	memset(out, 0xff, sizeof *out);
	good = usage_reply_read((struct bytes){copy, len}, out);
	if (good) {
		usage_reply_write(&w, out);
		ck_assert_uint_eq(w.len, len);
		ck_assert_mem_eq(again, data, len);
	} else {
		ck_assert_mem_eq(out, &zero, sizeof zero);
	}
	free(copy);
	return good;
}

static bool
takes(struct filling filling)
{
	struct usage_reply reply = filled_reply(&filling), out;

	return accepted(body, encode(&reply), &out);
}

START_TEST(lists_have_limits)
{
	ck_assert(takes((struct filling){0, 0, 0, 0, 0}));
	ck_assert(takes((struct filling){30, 64, 64, 0, 16}));
	ck_assert(!takes((struct filling){31, 0, 0, 0, 16}));
	ck_assert(!takes((struct filling){0, 65, 0, 0, 16}));
	ck_assert(!takes((struct filling){0, 0, 65, 0, 16}));
	for (size_t len = 0; len < 256; len++) {
		ck_assert_int_eq(
		    takes((struct filling){1, 1, 1, len, 16}), len <= 128);
		ck_assert_int_eq(takes((struct filling){1, 1, 1, 1, len}),
		    len == 0 || len == 16);
	}
}
END_TEST

/* As many endpoints as there is room for, beside everything else. */
START_TEST(largest_fits_a_frame)
{
	struct filling filling = {USAGE_STEPS_MAX,
	    ENDPOINT_ITEMS_MAX / ENDPOINT_ITEM_MAX, USAGE_TOP_MAX,
	    ENDPOINT_MAX_LEN, ADDRESS_MAX_LEN};
	struct usage_reply reply = filled_reply(&filling);

	reply.id = bytes_of("abcdefghijklmnop_7Hq2mZx0pLs9");
	ck_assert_uint_eq(reply.id.len, KEY_ID_MAX);
	ck_assert_uint_le(encode(&reply), USAGE_REPLY_MAX);
	ck_assert_uint_gt(encode(&reply) + ENDPOINT_ITEM_MAX, USAGE_REPLY_MAX);
}
END_TEST

START_TEST(items_come_back)
{
	struct filling filling = {3, 2, 2, 14, 16};
	struct usage_reply reply = filled_reply(&filling), out;
	struct step_calls step;
	struct endpoint_calls endpoint;
	struct address_calls address;

	ck_assert(accepted(body, encode(&reply), &out));
	/* The copy that was read is gone; its like is still there. */
	ck_assert(usage_reply_read((struct bytes){body, encode(&reply)}, &out));
	for (int64_t i = 0; i < 3; i++) {
		ck_assert(step_calls_next(&out.series, &step));
		ck_assert_int_eq(step.from, i);
		ck_assert_uint_eq(step.calls, (uint64_t)i);
	}
	ck_assert(!step_calls_next(&out.series, &step));
	for (uint64_t i = 0; i < 2; i++) {
		ck_assert(endpoint_calls_next(&out.endpoints, &endpoint));
		ck_assert_uint_eq(endpoint.calls, i);
		ck_assert(
		    bytes_equal(endpoint.endpoint, bytes_of("GET /v1/things")));
		ck_assert(address_calls_next(&out.addresses, &address));
		ck_assert_uint_eq(address.calls, i);
		ck_assert_int_eq(address.last_at, -1);
		ck_assert_uint_eq(address.address.len, 16);
	}
	ck_assert(!endpoint_calls_next(&out.endpoints, &endpoint));
	ck_assert(!address_calls_next(&out.addresses, &address));
	for (int i = 1; i < VERDICT_COUNT; i++)
		ck_assert_uint_eq(out.verdicts[i], (uint64_t)i << 32);
	ck_assert_uint_eq(out.other_endpoints, 5);
	ck_assert_uint_eq(out.other_addresses, 6);
	ck_assert_int_eq(out.from, -1);
	ck_assert_int_eq(out.to, INT64_MAX);
}
END_TEST

START_TEST(cut_extended_and_damaged)
{
	struct filling filling = {30, 20, 20, 20, 16};
	struct usage_reply reply = filled_reply(&filling), out;
	size_t len = encode(&reply);
	uint64_t seed = 0x05A6E;
	int rounds = suite_rounds(100000), good = 0;

	for (size_t cut = 0; cut < len; cut++)
		ck_assert(!accepted(body, cut, &out));
	for (unsigned extra = 0; extra < 256; extra++) {
		body[len] = (uint8_t)extra;
		ck_assert(!accepted(body, len + 1, &out));
	}
	for (int round = 0; round < rounds; round++) {
		encode(&reply);
		for (size_t i = suite_below(&seed, 4); i > 0; i--)
			body[suite_below(&seed, len)] =
			    (uint8_t)suite_below(&seed, 256);
		good += accepted(body, len, &out);
	}
	ck_assert_int_gt(good, rounds / 100);
}
END_TEST

static bool
takes_reply(const struct usage_reply *reply)
{
	struct usage_reply out;

	return accepted(body, encode(reply), &out);
}

/* Nothing is told beside a refusal. */
START_TEST(told_to_whom)
{
	struct filling none = {0, 0, 0, 0, 0}, one = {1, 0, 0, 0, 0};
	struct usage_reply empty, reply;

	for (unsigned verdict = 0; verdict <= VERDICT_COUNT; verdict++)
		for (unsigned told = 0; told < 4; told++) {
			bool proven = verdict != VERDICT_MALFORMED &&
			    verdict != VERDICT_UNKNOWN;
			bool valid = verdict == VERDICT_VALID;
			bool fits = verdict != 0 && verdict != VERDICT_COUNT &&
			    told < 3 && valid == (told != 0);

			memset(&empty, 0, sizeof empty);
			empty.verdict = (uint8_t)verdict;
			empty.told = (uint8_t)told;
			empty.id = bytes_of(proven ? "dk_7Hq2mZx0pLs9" : "");
			ck_assert_int_eq(takes_reply(&empty), fits);
			empty.id = bytes_of(proven ? "" : "dk_7Hq2mZx0pLs9");
			ck_assert(!takes_reply(&empty));
			reply = filled_reply(&none);
			reply.verdict = (uint8_t)verdict;
			reply.told = (uint8_t)told;
			ck_assert_int_eq(
			    takes_reply(&reply), valid && told == USAGE_TOLD);
		}
	/* One field at a time. */
	memset(&empty, 0, sizeof empty);
	empty.verdict = VERDICT_VALID;
	empty.told = USAGE_BUSY;
	empty.id = bytes_of("dk_7Hq2mZx0pLs9");
	ck_assert(takes_reply(&empty));
	for (int i = 1; i < VERDICT_COUNT; i++) {
		reply = empty;
		reply.verdicts[i] = 1;
		ck_assert(!takes_reply(&reply));
	}
	reply = empty;
	reply.total = 1;
	ck_assert(!takes_reply(&reply));
	reply = empty;
	reply.to = 1;
	ck_assert(!takes_reply(&reply));
	reply = empty;
	reply.other_addresses = 1;
	ck_assert(!takes_reply(&reply));
	reply = empty;
	reply.series = filled_reply(&one).series;
	ck_assert(!takes_reply(&reply));
}
END_TEST

START_TEST(requests)
{
	struct usage_request in, out;
	uint8_t data[USAGE_REQUEST_MAX + 1];
	struct writer w;

	for (unsigned window = 0; window < 256; window++) {
		memset(&in, 0, sizeof in);
		in.window = (uint8_t)window;
		in.request.credential = bytes_of("token");
		in.request.service = bytes_of("shop");
		w = writer_over(data, sizeof data);
		usage_request_write(&w, &in);
		ck_assert_int_eq(
		    usage_request_read((struct bytes){data, w.len}, &out),
		    window >= 1 && window <= 3);
		ck_assert_uint_eq(
		    out.window, window >= 1 && window <= 3 ? window : 0);
		for (size_t cut = 0; cut < w.len; cut++)
			ck_assert(!usage_request_read(
			    (struct bytes){data, cut}, &out));
		data[w.len] = 0;
		ck_assert(
		    !usage_request_read((struct bytes){data, w.len + 1}, &out));
	}
}
END_TEST

START_TEST(windows)
{
	ck_assert_str_eq(window_text(WINDOW_24H), "24h");
	ck_assert_str_eq(window_text(WINDOW_30D), "30d");
	ck_assert_str_eq(window_text((enum window)9), "none");
	ck_assert_int_eq(window_from_text("7d"), WINDOW_7D);
	ck_assert_int_eq(window_from_text("7D"), WINDOW_NONE);
	ck_assert_int_eq(window_from_text("none"), WINDOW_NONE);
	ck_assert_int_eq(window_from_text(""), WINDOW_NONE);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("usage_message");

	suite_add(suite, "lists have limits", lists_have_limits);
	suite_add(suite, "largest fits a frame", largest_fits_a_frame);
	suite_add(suite, "items come back", items_come_back);
	suite_add(suite, "cut, extended and damaged", cut_extended_and_damaged);
	suite_add(suite, "told to whom", told_to_whom);
	suite_add(suite, "requests", requests);
	suite_add(suite, "windows", windows);
	return suite_run(suite);
}
