/* SPDX-License-Identifier: BSD-2-Clause */
/* Cursor and frame: bounds at 0, 1, the limit and one more; headers with
 * every wrong byte; frames cut at every byte. */
#include <stdlib.h>
#include <string.h>

#include "proto/frame.h"
#include "suite.h"

START_TEST(reader_bounds)
{
	static const uint8_t data[] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct reader r = reader_over(data, sizeof data);
	struct bytes view;

	ck_assert_uint_eq(read_u8(&r), 0x01);
	ck_assert_uint_eq(read_u16(&r), 0x0203);
	ck_assert_uint_eq(read_u32(&r), 0x04050607);
	ck_assert(!reader_done(&r));
	ck_assert_uint_eq(read_u16(&r), 0);
	ck_assert(r.failed);
	/* Sticky: the byte that is left is not to be had any more. */
	ck_assert_uint_eq(read_u8(&r), 0);
	ck_assert(!reader_done(&r));
	r = reader_over(data, sizeof data);
	ck_assert_uint_eq(read_u64(&r), 0x0102030405060708);
	ck_assert(reader_done(&r));
	view = read_bytes(&r, 0);
	ck_assert_uint_eq(view.len, 0);
	ck_assert(reader_done(&r));
	/* A length no subtraction or addition may wrap on. */
	view = read_bytes(&r, SIZE_MAX);
	ck_assert(view.data == NULL && view.len == 0 && r.failed);
	r = reader_over(NULL, 0);
	ck_assert(reader_done(&r));
	ck_assert_uint_eq(read_u8(&r), 0);
	ck_assert(r.failed);
}
END_TEST

START_TEST(writer_bounds)
{
	uint8_t out[8];
	struct writer w = writer_over(out, sizeof out);

	memset(out, 0xee, sizeof out);
	write_u32(&w, 0x01020304);
	write_u16(&w, 0xfffe);
	ck_assert(!w.failed);
	write_u32(&w, 0);
	ck_assert(w.failed);
	/* Sticky, and nothing half written. */
	write_u8(&w, 1);
	ck_assert_uint_eq(w.len, 6);
	ck_assert_mem_eq(out, "\x01\x02\x03\x04\xff\xfe\xee\xee", 8);
	w = writer_over(out, sizeof out);
	write_bytes(&w, out, SIZE_MAX);
	ck_assert(w.failed && w.len == 0);
	w = writer_over(NULL, 0);
	write_bytes(&w, NULL, 0);
	ck_assert(!w.failed);
	write_u8(&w, 1);
	ck_assert(w.failed);
}
END_TEST

START_TEST(integers_round_trip)
{
	static const uint64_t values[] = {0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff,
	    0x10000, 0x7fffffff, 0xffffffff, 0x100000000, INT64_MAX,
	    (uint64_t)INT64_MIN, UINT64_MAX};

	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		uint8_t out[23];
		struct writer w = writer_over(out, sizeof out);
		struct reader r = reader_over(out, sizeof out);

		write_u8(&w, (uint8_t)values[i]);
		write_u16(&w, (uint16_t)values[i]);
		write_u32(&w, (uint32_t)values[i]);
		write_u64(&w, values[i]);
		write_time(&w, (int64_t)values[i]);
		ck_assert(!w.failed && w.len == sizeof out);
		ck_assert_uint_eq(read_u8(&r), (uint8_t)values[i]);
		ck_assert_uint_eq(read_u16(&r), (uint16_t)values[i]);
		ck_assert_uint_eq(read_u32(&r), (uint32_t)values[i]);
		ck_assert_uint_eq(read_u64(&r), values[i]);
		ck_assert_int_eq(read_time(&r), (int64_t)values[i]);
		ck_assert(reader_done(&r));
	}
}
END_TEST

START_TEST(strings)
{
	static const size_t lens[] = {
	    0, 1, 62, 63, 64, 255, 256, 4096, 65535, 65536};
	static uint8_t text[65536], out[65536 + 2];

	memset(text, 'x', sizeof text);
	for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		struct bytes in = {text, lens[i]}, back;
		struct writer w = writer_over(out, sizeof out);
		struct reader r;

		write_string8(&w, in);
		ck_assert_int_eq(w.failed, lens[i] > 255);
		if (!w.failed) {
			r = reader_over(out, w.len);
			back = read_string8(&r, 63);
			ck_assert_int_eq(!reader_done(&r), lens[i] > 63);
			r = reader_over(out, w.len);
			back = read_string8(&r, 255);
			ck_assert(reader_done(&r) && bytes_equal(back, in));
		}
		w = writer_over(out, sizeof out);
		write_string16(&w, in);
		ck_assert_int_eq(w.failed, lens[i] > 65535);
		if (w.failed)
			continue;
		r = reader_over(out, w.len);
		back = read_string16(&r, 4096);
		ck_assert_int_eq(!reader_done(&r), lens[i] > 4096);
		r = reader_over(out, w.len);
		back = read_string16(&r, 65535);
		ck_assert(reader_done(&r) && bytes_equal(back, in));
	}
}
END_TEST

START_TEST(byte_views)
{
	ck_assert(bytes_equal(bytes_of(NULL), bytes_of("")));
	ck_assert(bytes_equal(bytes_of("ab"), bytes_of("ab")));
	ck_assert(!bytes_equal(bytes_of("ab"), bytes_of("a")));
	ck_assert(!bytes_equal(bytes_of("ab"), bytes_of("ac")));
}
END_TEST

static const uint8_t types[] = {FRAME_PING, FRAME_VERIFY, FRAME_LOOKUP,
    FRAME_VERIFY_SIGNATURE, FRAME_USAGE};

enum { LONGEST = FRAME_HEADER_LEN + 68293 };

/* The longest body PROTOCOL.md gives; -1: not from this side. */
static int
request_limit(uint8_t type)
{
	return type == FRAME_PING  ? 64
	    : type == FRAME_VERIFY ? 6584
	    : type == FRAME_LOOKUP ? 30
	    : type == 4            ? 68293
	    : type == 5            ? 6585
				   : -1;
}

static int
reply_limit(uint8_t type)
{
	return type == 0x81 ? 64
	    : type == 0x82  ? 2558
	    : type == 0x83  ? 131
	    : type == 0x84  ? 2558
	    : type == 0x85  ? 8180
	    : type == 0x80  ? 258
			    : -1;
}

START_TEST(limits)
{
	for (unsigned i = 0; i < 256; i++) {
		uint8_t type = (uint8_t)i;

		ck_assert_int_eq(
		    frame_request_limit(type), request_limit(type));
		ck_assert_int_eq(frame_reply_limit(type), reply_limit(type));
		/* Of all frames one alone is over FRAME_MAX. */
		ck_assert(type == FRAME_VERIFY_SIGNATURE ||
		    frame_request_limit(type) + FRAME_HEADER_LEN <= FRAME_MAX);
		ck_assert_int_le(
		    frame_reply_limit(type) + FRAME_HEADER_LEN, FRAME_MAX);
	}
}
END_TEST

/* frame_peek() of a copy with nothing behind it. */
static enum frame_status
peek(const uint8_t *data, size_t len, int (*limit)(uint8_t),
    struct frame *frame, enum frame_error *error)
{
	static const struct bytes none;
	uint8_t *copy = malloc(len > 0 ? len : 1);
	enum frame_status status;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, data, len);
	memset(frame, 0xff, sizeof *frame);
	*error = FRAME_ERROR_NONE;
	status = frame_peek(copy, len, limit, frame, error);
	ck_assert_int_eq(status == FRAME_BAD, *error != FRAME_ERROR_NONE);
	if (status == FRAME_WHOLE) {
		ck_assert_uint_le(frame->body.len, len - FRAME_HEADER_LEN);
		ck_assert_ptr_eq(frame->body.data, copy + FRAME_HEADER_LEN);
	} else
		ck_assert(
		    frame->body.data == none.data && frame->body.len == 0);
	free(copy);
	return status;
}

static size_t
build(uint8_t *out, size_t size, uint8_t type, size_t body)
{
	struct writer w = writer_over(out, size);
	size_t begin = frame_begin(&w, type, 0xfedcba98);

	for (size_t i = 0; i < body; i++)
		write_u8(&w, (uint8_t)i);
	frame_end(&w, begin);
	ck_assert(!w.failed);
	return w.len;
}

static void
put_length(uint8_t *frame, uint32_t length)
{
	struct writer w = writer_over(frame + 8, 4);

	write_u32(&w, length);
}

START_TEST(frames_cut_everywhere)
{
	static uint8_t data[LONGEST + 1];
	struct frame frame;
	enum frame_error error;

	for (size_t t = 0; t < sizeof types; t++) {
		size_t body = (size_t)request_limit(types[t]);
		size_t len = build(data, sizeof data, types[t], body);

		data[len] = 0;
		/* Every byte to the end of what others hold, then steps. */
		for (size_t cut = 0; cut < len;
		     cut += cut < FRAME_MAX || cut > len - 64 ? 1 : 61)
			ck_assert_int_eq(peek(data, cut, frame_request_limit,
					     &frame, &error),
			    FRAME_SHORT);
		/* One byte of the next frame behind it changes nothing. */
		for (size_t extra = 0; extra < 2; extra++) {
			ck_assert_int_eq(
			    peek(data, len + extra, frame_request_limit, &frame,
				&error),
			    FRAME_WHOLE);
			ck_assert_uint_eq(frame.type, types[t]);
			ck_assert_uint_eq(frame.id, 0xfedcba98);
			ck_assert_uint_eq(frame.body.len, body);
		}
	}
}
END_TEST

/* What a header byte that is not the right one leads to. */
static enum frame_error
header_error(size_t at, uint8_t value)
{
	if (at < 2)
		return FRAME_ERROR_MAGIC;
	if (at == 2)
		return FRAME_ERROR_VERSION;
	return request_limit(value) < 0 ? FRAME_ERROR_TYPE : FRAME_ERROR_NONE;
}

START_TEST(every_wrong_header_byte)
{
	uint8_t data[FRAME_HEADER_LEN + 64];
	struct frame frame;
	enum frame_error error;

	for (size_t at = 0; at < 4; at++)
		for (unsigned value = 0; value < 256; value++) {
			size_t len = build(data, sizeof data, FRAME_PING, 5);
			enum frame_error wanted =
			    header_error(at, (uint8_t)value);

			if (data[at] == value || wanted == FRAME_ERROR_NONE)
				continue;
			data[at] = (uint8_t)value;
			/* Seen as soon as the byte is there, not before, and
			 * whatever follows. */
			for (size_t cut = 0; cut <= len; cut++) {
				enum frame_status status = peek(data, cut,
				    frame_request_limit, &frame, &error);

				ck_assert_int_eq(status,
				    cut <= at ? FRAME_SHORT : FRAME_BAD);
				ck_assert(cut <= at || error == wanted);
				ck_assert_uint_eq(frame.id, 0);
			}
		}
}
END_TEST

START_TEST(first_error_wins)
{
	struct frame frame;
	enum frame_error error;

	peek(
	    (const uint8_t *)"xk\2\11", 4, frame_request_limit, &frame, &error);
	ck_assert_int_eq(error, FRAME_ERROR_MAGIC);
	peek(
	    (const uint8_t *)"ak\2\11", 4, frame_request_limit, &frame, &error);
	ck_assert_int_eq(error, FRAME_ERROR_VERSION);
	/* HTTP on the wrong socket gets an answer at its first byte. */
	ck_assert_int_eq(peek((const uint8_t *)"GET / HTTP/1.1\r\n\r\n", 18,
			     frame_request_limit, &frame, &error),
	    FRAME_BAD);
	ck_assert_int_eq(error, FRAME_ERROR_MAGIC);
}
END_TEST

START_TEST(lengths)
{
	uint8_t data[FRAME_HEADER_LEN];
	struct frame frame;
	enum frame_error error;

	for (size_t t = 0; t < sizeof types; t++) {
		uint32_t max = (uint32_t)request_limit(types[t]);
		const uint32_t good[] = {1, max - 1, max};
		const uint32_t bad[] = {max + 1, LONGEST, 0x20000, INT32_MAX,
		    0x80000000, UINT32_MAX - 11, UINT32_MAX};

		build(data, sizeof data, types[t], 0);
		ck_assert_int_eq(peek(data, sizeof data, frame_request_limit,
				     &frame, &error),
		    FRAME_WHOLE);
		for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
			put_length(data, good[i]);
			ck_assert_int_eq(
			    peek(data, sizeof data, frame_request_limit, &frame,
				&error),
			    FRAME_SHORT);
		}
		for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
			put_length(data, bad[i]);
			ck_assert_int_eq(
			    peek(data, sizeof data, frame_request_limit, &frame,
				&error),
			    FRAME_BAD);
			ck_assert_int_eq(error, FRAME_ERROR_LENGTH);
			/* The header was good: the error can name it. */
			ck_assert_uint_eq(frame.id, 0xfedcba98);
		}
	}
}
END_TEST

START_TEST(reply_types_are_no_requests)
{
	uint8_t data[FRAME_HEADER_LEN];
	struct frame frame;
	enum frame_error error;

	for (unsigned type = 0; type < 256; type++) {
		build(data, sizeof data, (uint8_t)type, 0);
		ck_assert_int_eq(peek(data, sizeof data, frame_request_limit,
				     &frame, &error),
		    request_limit((uint8_t)type) < 0 ? FRAME_BAD : FRAME_WHOLE);
		ck_assert_int_eq(
		    peek(data, sizeof data, frame_reply_limit, &frame, &error),
		    reply_limit((uint8_t)type) < 0 ? FRAME_BAD : FRAME_WHOLE);
	}
}
END_TEST

START_TEST(writers_without_room)
{
	uint8_t data[64];
	size_t len;
	struct writer w = writer_over(data, sizeof data);

	frame_write_error(&w, 9, FRAME_ERROR_TYPE);
	ck_assert(!w.failed);
	len = w.len;
	for (size_t size = 0; size < len; size++) {
		uint8_t *tight = malloc(size > 0 ? size : 1);

		ck_assert_ptr_nonnull(tight);
		w = writer_over(tight, size);
		frame_write_error(&w, 9, FRAME_ERROR_TYPE);
		ck_assert(w.failed && w.len <= size);
		free(tight);
	}
	/* A frame behind another gets its own length. */
	w = writer_over(data, sizeof data);
	frame_end(&w, frame_begin(&w, FRAME_PING, 1));
	len = frame_begin(&w, FRAME_PING, 2);
	write_u16(&w, 7);
	frame_end(&w, len);
	ck_assert_uint_eq(w.len, 26);
	ck_assert_mem_eq(data, "ak\1\1\0\0\0\1\0\0\0\0", 12);
	ck_assert_mem_eq(data + 12, "ak\1\1\0\0\0\2\0\0\0\2\0\7", 14);
}
END_TEST

START_TEST(random_frames)
{
	uint64_t seed = 0xF4A3E;
	uint8_t data[512];
	struct frame frame;
	enum frame_error error;
	int rounds = suite_rounds(200000), whole = 0;

	for (int round = 0; round < rounds; round++) {
		size_t len = suite_below(&seed, sizeof data);
		size_t good = suite_below(&seed, FRAME_HEADER_LEN);

		suite_fill(&seed, data, len);
		/* Most of a header good, or nothing is reached but magic. */
		if (len >= FRAME_HEADER_LEN) {
			memcpy(data, "ak\1", good < 3 ? good : 3);
			if (good > 3)
				data[3] =
				    types[suite_below(&seed, sizeof types)];
			if (good > 6)
				put_length(
				    data, (uint32_t)suite_below(&seed, 600));
		}
		whole += peek(data, len, frame_request_limit, &frame, &error) ==
		    FRAME_WHOLE;
		peek(data, len, frame_reply_limit, &frame, &error);
	}
	ck_assert_int_gt(whole, rounds / 200);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("frame");

	suite_add(suite, "reader bounds", reader_bounds);
	suite_add(suite, "writer bounds", writer_bounds);
	suite_add(suite, "integers", integers_round_trip);
	suite_add(suite, "strings", strings);
	suite_add(suite, "views", byte_views);
	suite_add(suite, "limits", limits);
	suite_add(suite, "cut everywhere", frames_cut_everywhere);
	suite_add(suite, "wrong header bytes", every_wrong_header_byte);
	suite_add(suite, "first error", first_error_wins);
	suite_add(suite, "lengths", lengths);
	suite_add(suite, "types by side", reply_types_are_no_requests);
	suite_add(suite, "no room", writers_without_room);
	suite_add(suite, "random frames", random_frames);
	return suite_run(suite);
}
