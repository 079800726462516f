/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Classes 1 and 2: a length that is believed before it is checked, and what is
 * too short to be what it says. Every length there is in a request takes each
 * value at which an implementation might go wrong, for operations that there
 * are and that there are not.
 */
#include "talk.h"

static uint8_t in[FRAME_HEADER_LEN + SIGNATURE_REQUEST_MAX + 64];

/* The header's: judged before a byte of the body is waited for. */
START_TEST(header_lengths)
{
	static const uint32_t lengths[] = {0, 1, 7, 8, 64, 65, 255, 256, 65535,
	    65536, INT32_MAX, (uint32_t)INT32_MAX + 1, UINT32_MAX - 11,
	    UINT32_MAX};
	enum { BODY = 64 };
	size_t count = sizeof lengths / sizeof lengths[0];

	for (int type = 0; type <= UINT8_MAX; type++) {
		int limit = frame_request_limit((uint8_t)type);

		for (size_t i = 0; i < count + 3; i++) {
			uint32_t len = i < count
			    ? lengths[i]
			    : (uint32_t)limit + (uint32_t)(i - count) - 1;
			struct writer w = writer_over(in, sizeof in);
			enum plane_status status;
			struct bytes out;

			write_bytes(&w, "ak", 2);
			write_u8(&w, FRAME_VERSION);
			write_u8(&w, (uint8_t)type);
			write_u32(&w, 7);
			write_u32(&w, len);
			memset(in + w.len, 0xff, BODY);
			out = talk((struct bytes){in, w.len + BODY}, &status);
			if (limit < 0 || len > (uint32_t)limit) {
				ck_assert_int_eq(status, PLANE_CLOSE);
				ck_assert_int_eq(talk_error(out),
				    limit < 0 ? FRAME_ERROR_TYPE
					      : FRAME_ERROR_LENGTH);
			} else if (len > BODY) {
				ck_assert_int_eq(status, PLANE_MORE);
				ck_assert_uint_eq(out.len, 0);
			} else if (type != FRAME_PING) {
				ck_assert_int_eq(
				    talk_error(out), FRAME_ERROR_BODY);
			}
		}
	}
}
END_TEST

/* Where a length stands in a request, how long it is, and the longest that may
 * be. */
struct length {
	size_t at, size;
	uint32_t max;
};

static void
put_length(uint8_t *at, size_t size, uint32_t value)
{
	for (size_t i = 0; i < size; i++)
		at[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

static uint32_t
get_length(const uint8_t *at, size_t size)
{
	uint32_t value = 0;

	for (size_t i = 0; i < size; i++)
		value = value << 8 | at[i];
	return value;
}

/* Each wrong value of each length: the body is none, and nothing is told. */
static void
check_lengths(struct bytes frame, const struct length *lengths, size_t count)
{
	uint8_t *copy = malloc(frame.len);

	ck_assert_ptr_nonnull(copy);
	for (size_t i = 0; i < count; i++) {
		const struct length *l = &lengths[i];
		uint32_t right = get_length(frame.data + l->at, l->size);
		uint32_t rest = (uint32_t)(frame.len - l->at - l->size);
		const uint32_t values[] = {0, 1, right - 1, right + 1, l->max,
		    l->max + 1, rest, rest + 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff,
		    0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
		    0xffffffff};

		for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
			enum plane_status status;

			memcpy(copy, frame.data, frame.len);
			put_length(copy + l->at, l->size, values[v]);
			if (get_length(copy + l->at, l->size) == right)
				continue;
			ck_assert_msg(
			    talk_error(talk((struct bytes){copy, frame.len},
				&status)) == FRAME_ERROR_BODY,
			    "length at %zu: %u", l->at, (unsigned)values[v]);
			ck_assert_int_eq(status, PLANE_CLOSE);
		}
	}
	free(copy);
}

static struct length
before(struct bytes view, struct bytes frame, size_t size, size_t max)
{
	return (struct length){
	    (size_t)(view.data - frame.data) - size, size, (uint32_t)max};
}

/* The lengths of a request's conditions. */
static size_t
condition_lengths(const struct verify_request *request, struct bytes frame,
    struct length *out)
{
	const struct length lengths[] = {
	    before(request->account, frame, 1, SLUG_MAX_LEN),
	    before(request->product, frame, 1, SLUG_MAX_LEN),
	    before(request->user, frame, 1, USER_MAX_LEN),
	    before(request->service, frame, 1, SERVICE_MAX_LEN),
	    before(request->endpoint, frame, 1, ENDPOINT_MAX_LEN),
	    before(request->address, frame, 1, ADDRESS_MAX_LEN),
	    /* The count, and the first and second scope's length. */
	    before(request->scopes.items, frame, 1, SCOPES_MAX),
	    before(request->scopes.items, frame, 0, SCOPE_MAX_LEN),
	    before(request->scopes.items, frame, 0, SCOPE_MAX_LEN),
	};
	size_t count = sizeof lengths / sizeof lengths[0];

	memcpy(out, lengths, sizeof lengths);
	out[count - 2].size = out[count - 1].size = 1;
	out[count - 1].at += 4;
	return count;
}

static struct bytes
body_of(struct bytes frame)
{
	return (struct bytes){
	    frame.data + FRAME_HEADER_LEN, frame.len - FRAME_HEADER_LEN};
}

START_TEST(verify_lengths)
{
	struct writer w = writer_over(in, sizeof in);
	struct verify_request request = talk_request();
	struct bytes frame = talk_verify_frame(&w, &request);
	struct verify_reply reply;
	struct length lengths[16];
	enum plane_status status;
	size_t count;

	ck_assert_int_eq(
	    talk_verdict(talk(frame, &status), &reply), VERDICT_VALID);
	ck_assert(verify_request_read(body_of(frame), &request));
	count = condition_lengths(&request, frame, lengths);
	lengths[count++] =
	    before(request.credential, frame, 2, CREDENTIAL_MAX_LEN);
	check_lengths(frame, lengths, count);
}
END_TEST

START_TEST(usage_lengths)
{
	struct writer w = writer_over(in, sizeof in);
	struct usage_request request = {
	    .window = WINDOW_24H, .request = talk_request()};
	struct length lengths[16];
	struct bytes frame;
	size_t count, begin = frame_begin(&w, FRAME_USAGE, 7);

	usage_request_write(&w, &request);
	frame_end(&w, begin);
	frame = (struct bytes){w.start, w.len};
	ck_assert(usage_request_read(body_of(frame), &request));
	count = condition_lengths(&request.request, frame, lengths);
	lengths[count++] =
	    before(request.request.credential, frame, 2, CREDENTIAL_MAX_LEN);
	check_lengths(frame, lengths, count);
}
END_TEST

START_TEST(signature_lengths)
{
	static const char payload[] = "{\"paid\":true}";
	struct writer w = writer_over(in, sizeof in);
	char hex[SIGNATURE_LEN + 1];
	struct signature_request request = {
	    .key_id = world_key_id(&world, WORLD_HMAC),
	    .request = talk_request(),
	    .payload = bytes_of(payload),
	};
	struct length lengths[16];
	struct bytes frame;
	size_t count, begin = frame_begin(&w, FRAME_VERIFY_SIGNATURE, 7);

	world_sign(&world, NULL, 0, request.payload, hex);
	request.signature = bytes_of(hex);
	request.request.credential.len = 0;
	signature_request_write(&w, &request);
	write_bytes(&w, payload, sizeof payload - 1);
	frame_end(&w, begin);
	frame = (struct bytes){w.start, w.len};
	ck_assert(signature_request_read(body_of(frame), &request));
	count = condition_lengths(&request.request, frame, lengths);
	lengths[count++] = before(request.key_id, frame, 1, CLAIMED_MAX_LEN);
	lengths[count++] = before(request.signature, frame, 1, CLAIMED_MAX_LEN);
	lengths[count++] = before(request.payload, frame, 4, PAYLOAD_MAX_LEN);
	check_lengths(frame, lengths, count);
}
END_TEST

/* A frame that is cut off is waited for, whatever its header says. */
START_TEST(cut_everywhere)
{
	struct writer w = writer_over(in, sizeof in);
	struct verify_request request = talk_request();
	struct bytes frame = talk_verify_frame(&w, &request);

	for (size_t cut = 0; cut < frame.len; cut++) {
		enum plane_status status;
		struct bytes out =
		    talk((struct bytes){frame.data, cut}, &status);

		ck_assert_int_eq(status, PLANE_MORE);
		ck_assert_uint_eq(out.len, 0);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("class 1: lengths");

	world_init();
	world_make(&world);
	suite_add(suite, "header_lengths", header_lengths);
	suite_add(suite, "verify_lengths", verify_lengths);
	suite_add(suite, "usage_lengths", usage_lengths);
	suite_add(suite, "signature_lengths", signature_lengths);
	suite_add(suite, "cut_everywhere", cut_everywhere);
	return suite_run(suite);
}
