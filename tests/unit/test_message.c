/* SPDX-License-Identifier: BSD-2-Clause */
/* Bodies: every field at 0, 1, its limit and one more; cut at every byte; one
 * byte too many; random damage. What decodes has to encode to the same bytes:
 * there is one way to write a message. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "proto/frame.h"
#include "proto/message.h"
#include "suite.h"

/* A message of any kind, so that each test is written once for all. */
union message {
	struct verify_request verify_request;
	struct verify_reply verify_reply;
	struct bytes lookup_request;
	struct lookup_reply lookup_reply;
	struct error_reply error_reply;
};

enum { BODY_MAX = 8192, FIELDS_MAX = 20 };

enum shape {
	END = 0,
	NUMBER,   /* size bytes, 0 to max; max 0: any value */
	STRING8,  /* up to max bytes */
	STRING16, /* likewise */
	ADDRESS,  /* a string8 of 0, 4 or 16 bytes */
	SCOPES,   /* a list of up to 32 strings of 1 to 64 bytes */
};

/* The wire as PROTOCOL.md tells it, independent of the decoders. */
struct field {
	enum shape shape;
	size_t size;
	uint64_t min, max;
};

static bool
read_verify_request(struct bytes body, union message *out)
{
	return verify_request_read(body, &out->verify_request);
}

static void
write_verify_request(struct writer *w, const union message *in)
{
	verify_request_write(w, &in->verify_request);
}

static bool
read_verify_reply(struct bytes body, union message *out)
{
	return verify_reply_read(body, &out->verify_reply);
}

static void
write_verify_reply(struct writer *w, const union message *in)
{
	verify_reply_write(w, &in->verify_reply);
}

static bool
read_lookup_request(struct bytes body, union message *out)
{
	return lookup_request_read(body, &out->lookup_request);
}

static void
write_lookup_request(struct writer *w, const union message *in)
{
	lookup_request_write(w, in->lookup_request);
}

static bool
read_lookup_reply(struct bytes body, union message *out)
{
	return lookup_reply_read(body, &out->lookup_reply);
}

static void
write_lookup_reply(struct writer *w, const union message *in)
{
	lookup_reply_write(w, &in->lookup_reply);
}

static bool
read_error_reply(struct bytes body, union message *out)
{
	return error_reply_read(body, &out->error_reply);
}

/* The only writer of errors writes whole frames, with our own texts. */
static void
write_error_reply(struct writer *w, const union message *in)
{
	write_u8(w, in->error_reply.error);
	write_u8(w, in->error_reply.version);
	write_string8(w, in->error_reply.text);
}

static const struct kind {
	const char *name;
	size_t size; /* of the structure */
	bool (*read)(struct bytes body, union message *out);
	void (*write)(struct writer *w, const union message *in);
	struct field fields[FIELDS_MAX];
} kinds[] = {
    {"verify request", sizeof(struct verify_request), read_verify_request,
	write_verify_request,
	{{STRING16, 2, 0, 4096}, {NUMBER, 1, 0, 2}, {STRING8, 1, 0, 63},
	    {STRING8, 1, 0, 63}, {STRING8, 1, 0, 64}, {STRING8, 1, 0, 64},
	    {STRING8, 1, 0, 128}, {ADDRESS, 1, 0, 16}, {SCOPES, 1, 0, 32}}},
    {"verify reply", sizeof(struct verify_reply), read_verify_reply,
	write_verify_reply,
	{{NUMBER, 1, 1, 16}, {NUMBER, 1, 0, 3}, {NUMBER, 1, 0, 2},
	    {NUMBER, 1, 0, 2}, {NUMBER, 8, 0, 0}, {NUMBER, 8, 0, 0},
	    {NUMBER, 4, 0, 0}, {NUMBER, 8, 0, 0}, {NUMBER, 4, 0, 0},
	    {NUMBER, 8, 0, 0}, {NUMBER, 8, 0, 0}, {NUMBER, 8, 0, 0},
	    {STRING8, 1, 0, 29}, {STRING8, 1, 0, 128}, {STRING8, 1, 0, 63},
	    {STRING8, 1, 0, 63}, {STRING8, 1, 0, 64}, {STRING8, 1, 0, 64},
	    {SCOPES, 1, 0, 32}}},
    {"lookup request", sizeof(struct bytes), read_lookup_request,
	write_lookup_request, {{STRING8, 1, 0, 29}}},
    {"lookup reply", sizeof(struct lookup_reply), read_lookup_reply,
	write_lookup_reply,
	{{NUMBER, 1, 0, 1}, {NUMBER, 1, 0, 2}, {NUMBER, 1, 0, 1},
	    {STRING8, 1, 0, 63}, {STRING8, 1, 0, 63}}},
    {"error reply", sizeof(struct error_reply), read_error_reply,
	write_error_reply,
	{{NUMBER, 1, 0, 0}, {NUMBER, 1, 0, 0}, {STRING8, 1, 0, 255}}},
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

static void
put_text(struct writer *w, enum shape shape, size_t len)
{
	if (shape == STRING16)
		write_u16(w, (uint16_t)len);
	else
		write_u8(w, (uint8_t)len);
	for (size_t i = 0; i < len; i++)
		write_u8(w, (uint8_t)('a' + i % 26));
}

static void
put_list(struct writer *w, size_t count, size_t item)
{
	write_u8(w, (uint8_t)count);
	for (size_t i = 0; i < count; i++)
		put_text(w, STRING8, item);
}

/* Big-endian, of any size. */
static void
write_uint(struct writer *w, uint64_t value, size_t size)
{
	while (size-- > 0)
		write_u8(w, (uint8_t)(value >> 8 * size));
}

/* A field as large (or as small) as it may be. */
static void
put_field(struct writer *w, const struct field *field, bool large)
{
	uint64_t value = large ? field->max : field->min;

	switch (field->shape) {
	case END:
		break;
	case NUMBER:
		if (large && field->max == 0)
			value = UINT64_MAX;
		write_uint(w, value, field->size);
		break;
	case STRING8:
	case STRING16:
	case ADDRESS:
		put_text(w, field->shape, value);
		break;
	case SCOPES:
		put_list(w, value, 64);
		break;
	}
}

/* All fields but number `but` small or large; that one is what is written. */
static size_t
put_message(uint8_t *out, const struct kind *kind, bool large, size_t but,
    const void *instead, size_t instead_len)
{
	struct writer w = writer_over(out, BODY_MAX);

	for (size_t i = 0; kind->fields[i].shape != END; i++)
		if (i == but)
			write_bytes(&w, instead, instead_len);
		else
			put_field(&w, &kind->fields[i], large);
	ck_assert(!w.failed);
	return w.len;
}

/*
 * Decodes a copy with nothing behind it. A refusal has to leave zeros, and
 * what is accepted has to encode to the same bytes again.
 */
static bool
accepted(const struct kind *kind, const uint8_t *data, size_t len)
{
	static uint8_t again[BODY_MAX];
	uint8_t *copy = malloc(len > 0 ? len : 1);
	struct writer w = writer_over(again, sizeof again);
	union message message, zero;
	bool good;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, data, len);
	memset(&zero, 0, sizeof zero);
	memset(&message, 0xff, sizeof message);
	good = kind->read((struct bytes){copy, len}, &message);
	if (good) {
		kind->write(&w, &message);
		ck_assert(!w.failed);
		ck_assert_uint_eq(w.len, len);
		ck_assert(memcmp(again, data, len) == 0);
	} else
		ck_assert(memcmp(&message, &zero, kind->size) == 0);
	free(copy);
	return good;
}

static bool
accepts_field(
    const struct kind *kind, size_t number, const void *bytes, size_t len)
{
	static uint8_t data[BODY_MAX];
	bool small, large;

	small = accepted(
	    kind, data, put_message(data, kind, false, number, bytes, len));
	large = accepted(
	    kind, data, put_message(data, kind, true, number, bytes, len));
	/* No field's goodness depends on another's. */
	ck_assert_int_eq(small, large);
	return small;
}

static void
check_number(const struct kind *kind, size_t number)
{
	const struct field *field = &kind->fields[number];
	uint8_t bytes[8];

	for (unsigned value = 0; value < 256; value++) {
		struct writer w = writer_over(bytes, sizeof bytes);

		write_uint(&w, value, field->size);
		ck_assert_int_eq(
		    accepts_field(kind, number, bytes, field->size),
		    field->max == 0 ||
			(value >= field->min && value <= field->max));
	}
	memset(bytes, 0xff, sizeof bytes);
	ck_assert_int_eq(
	    accepts_field(kind, number, bytes, field->size), field->max == 0);
}

static void
check_text(const struct kind *kind, size_t number)
{
	static uint8_t bytes[BODY_MAX];
	const struct field *field = &kind->fields[number];
	size_t most = field->shape == STRING16 ? field->max + 2 : 255;

	for (size_t len = 0; len <= most; len++) {
		struct writer w = writer_over(bytes, sizeof bytes);
		bool good = len <= field->max &&
		    (field->shape != ADDRESS || len == 0 || len == 4 ||
			len == 16);

		if (len > 300 && len + 2 < field->max)
			continue;
		put_text(&w, field->shape, len);
		ck_assert_msg(accepts_field(kind, number, bytes, w.len) == good,
		    "%s, field %zu of %zu bytes", kind->name, number, len);
	}
	/* A length that says more than there is in the whole message. */
	memset(bytes, 0xff, 2);
	ck_assert(!accepts_field(kind, number, bytes, field->size));
}

static void
check_scopes(const struct kind *kind, size_t number)
{
	static uint8_t bytes[BODY_MAX];

	for (size_t count = 0; count <= 40; count++)
		for (size_t len = 0; len <= 66; len++) {
			struct writer w = writer_over(bytes, sizeof bytes);
			bool good = count == 0 ||
			    (count <= 32 && len >= 1 && len <= 64);

			put_list(&w, count, len);
			ck_assert_msg(
			    accepts_field(kind, number, bytes, w.len) == good,
			    "%s, %zu scopes of %zu bytes", kind->name, count,
			    len);
			/* A count that is not the number of items. */
			for (unsigned lie = 0; lie < 256; lie += 15) {
				if (lie == count)
					continue;
				bytes[0] = (uint8_t)lie;
				ck_assert(
				    !accepts_field(kind, number, bytes, w.len));
			}
		}
}

START_TEST(every_field)
{
	const struct kind *kind = &kinds[_i];

	for (size_t i = 0; kind->fields[i].shape != END; i++)
		switch (kind->fields[i].shape) {
		case NUMBER:
			check_number(kind, i);
			break;
		case SCOPES:
			check_scopes(kind, i);
			break;
		default:
			check_text(kind, i);
			break;
		}
}
END_TEST

START_TEST(cut_and_extended)
{
	const struct kind *kind = &kinds[_i];
	static uint8_t data[BODY_MAX];

	for (int large = 0; large < 2; large++) {
		size_t len =
		    put_message(data, kind, large != 0, FIELDS_MAX, NULL, 0);

		ck_assert(accepted(kind, data, len));
		for (size_t cut = 0; cut < len; cut++)
			ck_assert(!accepted(kind, data, cut));
		for (unsigned extra = 0; extra < 256; extra++) {
			data[len] = (uint8_t)extra;
			ck_assert(!accepted(kind, data, len + 1));
		}
	}
}
END_TEST

/* The largest message is what frame.h's limits were made for. */
START_TEST(largest_are_the_limits)
{
	static const size_t wanted[KINDS] = {VERIFY_REQUEST_MAX,
	    VERIFY_REPLY_MAX, LOOKUP_REQUEST_MAX, LOOKUP_REPLY_MAX,
	    ERROR_REPLY_MAX};
	static uint8_t data[BODY_MAX];

	ck_assert_uint_eq(
	    put_message(data, &kinds[_i], true, FIELDS_MAX, NULL, 0),
	    wanted[_i]);
}
END_TEST

START_TEST(writers_without_room)
{
	const struct kind *kind = &kinds[_i];
	static uint8_t data[BODY_MAX];
	union message message;
	size_t len = put_message(data, kind, true, FIELDS_MAX, NULL, 0);

	ck_assert(kind->read((struct bytes){data, len}, &message));
	for (size_t size = 0; size <= len; size++) {
		uint8_t *tight = malloc(size > 0 ? size : 1);
		struct writer w = writer_over(tight, size);

		ck_assert_ptr_nonnull(tight);
		kind->write(&w, &message);
		ck_assert_int_eq(w.failed, size < len);
		ck_assert_uint_le(w.len, size);
		free(tight);
	}
}
END_TEST

START_TEST(no_field_overlaps)
{
	struct verify_request request, out;
	uint8_t data[512];
	struct writer w = writer_over(data, sizeof data);

	memset(&request, 0, sizeof request);
	request.credential = bytes_of("credential");
	request.permission = PERMISSION_WRITE;
	request.account = bytes_of("account");
	request.product = bytes_of("product");
	request.user = bytes_of("user");
	request.service = bytes_of("service");
	request.endpoint = bytes_of("GET /endpoint");
	request.address = bytes_of("\1\2\3\4");
	request.scopes = (struct list){2, bytes_of("\1a\2bc")};
	verify_request_write(&w, &request);
	ck_assert(verify_request_read((struct bytes){data, w.len}, &out));
	ck_assert(bytes_equal(out.credential, request.credential));
	ck_assert_uint_eq(out.permission, request.permission);
	ck_assert(bytes_equal(out.account, request.account));
	ck_assert(bytes_equal(out.product, request.product));
	ck_assert(bytes_equal(out.user, request.user));
	ck_assert(bytes_equal(out.service, request.service));
	ck_assert(bytes_equal(out.endpoint, request.endpoint));
	ck_assert(bytes_equal(out.address, request.address));
	ck_assert_uint_eq(out.scopes.count, 2);
	ck_assert(bytes_equal(out.scopes.items, request.scopes.items));
}
END_TEST

START_TEST(lists)
{
	static const uint8_t data[] = "\3\1a\2bc\3def";
	struct reader r = reader_over(data, sizeof data - 1);
	struct list list = read_list(&r, 3, 3), copy = list;
	struct bytes item;

	ck_assert(reader_done(&r));
	ck_assert_uint_eq(list.count, 3);
	ck_assert(list_next(&copy, &item) && bytes_equal(item, bytes_of("a")));
	ck_assert(list_next(&copy, &item) && bytes_equal(item, bytes_of("bc")));
	ck_assert(
	    list_next(&copy, &item) && bytes_equal(item, bytes_of("def")));
	ck_assert(!list_next(&copy, &item));
	ck_assert(list_has(list, bytes_of("a")));
	ck_assert(list_has(list, bytes_of("def")));
	/* Neither a part, nor more, nor nothing. */
	ck_assert(!list_has(list, bytes_of("de")));
	ck_assert(!list_has(list, bytes_of("defg")));
	ck_assert(!list_has(list, bytes_of("")));
	ck_assert(!list_has((struct list){0, {NULL, 0}}, bytes_of("a")));
	/* The limits are the caller's. */
	r = reader_over(data, sizeof data - 1);
	list = read_list(&r, 2, 3);
	ck_assert(r.failed && list.count == 0 && list.items.data == NULL);
	r = reader_over(data, sizeof data - 1);
	list = read_list(&r, 3, 2);
	ck_assert(r.failed && list.count == 0 && list.items.len == 0);
}
END_TEST

static struct signature_request
signature_example(void)
{
	struct signature_request request;

	memset(&request, 0, sizeof request);
	request.key_id = bytes_of("hk_0123456789ab");
	request.signature = bytes_of("0f");
	request.has_timestamp = true;
	request.timestamp = 0x0102030405060708;
	request.request.permission = PERMISSION_READ;
	request.request.account = bytes_of("account");
	request.request.scopes = (struct list){1, bytes_of("\1a")};
	request.payload = bytes_of("payload");
	return request;
}

static size_t
put_signature(uint8_t *data, size_t size, const struct signature_request *in)
{
	struct writer w = writer_over(data, size);

	signature_request_write(&w, in);
	write_bytes(&w, in->payload.data, in->payload.len);
	ck_assert(!w.failed);
	return w.len;
}

/* Only the head is written by us: its writer has no symmetry to test. */
START_TEST(signatures)
{
	static uint8_t data[SIGNATURE_REQUEST_MAX + 1];
	static uint8_t payload[PAYLOAD_MAX_LEN + 1];
	char claimed[CLAIMED_MAX_LEN + 1];
	struct signature_request in = signature_example(), got;
	static const struct signature_request zero;
	size_t len = put_signature(data, sizeof data, &in);

	ck_assert(signature_request_read((struct bytes){data, len}, &got));
	ck_assert(bytes_equal(got.key_id, in.key_id));
	ck_assert(bytes_equal(got.signature, in.signature));
	ck_assert(got.has_timestamp);
	ck_assert_int_eq(got.timestamp, in.timestamp);
	ck_assert(bytes_equal(got.request.account, in.request.account));
	ck_assert_uint_eq(got.request.scopes.count, 1);
	ck_assert_uint_eq(got.request.credential.len, 0);
	ck_assert(bytes_equal(got.payload, in.payload));
	for (size_t cut = 0; cut < len; cut++) {
		ck_assert(
		    !signature_request_read((struct bytes){data, cut}, &got));
		ck_assert_mem_eq(&got, &zero, sizeof got);
	}
	ck_assert(!signature_request_read((struct bytes){data, len + 1}, &got));
	/* One encoding: 0 or 1, and no time where there is none. */
	data[1 + 15 + 1 + 2] = 2;
	ck_assert(!signature_request_read((struct bytes){data, len}, &got));
	data[1 + 15 + 1 + 2] = 0;
	ck_assert(!signature_request_read((struct bytes){data, len}, &got));
	memset(data + 1 + 15 + 1 + 2, 0, 9);
	ck_assert(signature_request_read((struct bytes){data, len}, &got));
	ck_assert(!got.has_timestamp);
	/* The limits, and one more. */
	memset(claimed, 'c', sizeof claimed);
	for (size_t more = 0; more < 2; more++) {
		in = signature_example();
		in.payload = (struct bytes){payload, PAYLOAD_MAX_LEN + more};
		len = put_signature(data, sizeof data, &in);
		ck_assert_int_eq(
		    signature_request_read((struct bytes){data, len}, &got),
		    more == 0);
		in = signature_example();
		in.key_id =
		    (struct bytes){(uint8_t *)claimed, CLAIMED_MAX_LEN + more};
		len = put_signature(data, sizeof data, &in);
		ck_assert_int_eq(
		    signature_request_read((struct bytes){data, len}, &got),
		    more == 0);
		in = signature_example();
		in.signature =
		    (struct bytes){(uint8_t *)claimed, CLAIMED_MAX_LEN + more};
		len = put_signature(data, sizeof data, &in);
		ck_assert_int_eq(
		    signature_request_read((struct bytes){data, len}, &got),
		    more == 0);
	}
}
END_TEST

/* Noise, and good messages with a few bytes changed, added or taken away. */
START_TEST(random_bodies)
{
	const struct kind *kind = &kinds[_i];
	uint64_t seed = 0xB0D1 + (uint64_t)_i;
	static uint8_t data[BODY_MAX];
	int rounds = suite_rounds(200000), good = 0;

	for (int round = 0; round < rounds; round++) {
		size_t len = suite_below(&seed, 160);

		suite_fill(&seed, data, len);
		if (round % 4 != 0) {
			/* The large one now and then only: it is slow. */
			len = put_message(
			    data, kind, round % 256 == 1, FIELDS_MAX, NULL, 0);
			for (size_t i = suite_below(&seed, 4); i > 0; i--)
				data[suite_below(&seed, len)] =
				    (uint8_t)suite_below(
					&seed, i % 2 ? 4 : 256);
			if (round % 8 == 7)
				len += suite_below(&seed, 70);
		}
		good += accepted(kind, data, len);
	}
	ck_assert_int_gt(good, rounds / 200);
}
END_TEST

static void
add_for_each_kind(Suite *suite, const char *name, const TTest *test)
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, SUITE_TIMEOUT);
	tcase_add_loop_test(tcase, test, 0, KINDS);
	suite_add_tcase(suite, tcase);
}

int
main(void)
{
	Suite *suite = suite_create("message");

	add_for_each_kind(suite, "fields", every_field);
	add_for_each_kind(suite, "cut and extended", cut_and_extended);
	add_for_each_kind(suite, "largest", largest_are_the_limits);
	add_for_each_kind(suite, "no room", writers_without_room);
	add_for_each_kind(suite, "random bodies", random_bodies);
	suite_add(suite, "fields in order", no_field_overlaps);
	suite_add(suite, "lists", lists);
	suite_add(suite, "signatures", signatures);
	return suite_run(suite);
}
