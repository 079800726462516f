/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Classes 5 and 12: bytes taken for a string that ends with a NUL, and names
 * that are folded, trimmed or cut before they are compared. A name is the same
 * only if all of its bytes are.
 */
#include "talk.h"

static uint8_t in[FRAME_MAX];

static enum verdict
ask(const struct verify_request *request)
{
	struct writer w = writer_over(in, sizeof in);
	struct verify_reply reply;
	enum plane_status status;

	return talk_verdict(
	    talk(talk_verify_frame(&w, request), &status), &reply);
}

/* What is not a name, however it resembles it: %s is the name's place. */
static size_t
other_spelling(const char *name, int way, uint8_t out[SLUG_MAX_LEN])
{
	size_t len = strlen(name);

	memcpy(out, name, len);
	switch (way) {
	case 0: /* what a string function would not see */
		out[len] = '\0';
		return len + 1;
	case 1:
		memcpy(out + len, "\0x", 2);
		return len + 2;
	case 2:
		out[0] = '\0';
		return len;
	case 3:
		out[0] = (uint8_t)(out[0] & ~0x20); /* upper case */
		return len;
	case 4:
		out[len] = ' ';
		return len + 1;
	case 5:
		out[len] = '\n';
		return len + 1;
	case 6:
		memmove(out + 1, out, len);
		out[0] = ' ';
		return len + 1;
	case 7:
		return len - 1; /* its beginning */
	case 8:
		out[len - 1] |= 0x80;
		return len;
	case 9:
		memset(out, 0xff, SLUG_MAX_LEN);
		return SLUG_MAX_LEN;
	case 10:
		memset(out, 0, SLUG_MAX_LEN);
		return SLUG_MAX_LEN;
	case 11:
		memcpy(out, "../", 3);
		memcpy(out + 3, name, len);
		return len + 3;
	default:
		return 0;
	}
}
enum { WAYS = 12 };

START_TEST(names_are_exact)
{
	uint8_t other[SLUG_MAX_LEN];

	for (int way = 0; way < WAYS; way++) {
		struct verify_request request = talk_request();

		ck_assert_int_eq(ask(&request), VERDICT_VALID);
		request.account =
		    (struct bytes){other, other_spelling("acme", way, other)};
		ck_assert_int_eq(ask(&request), VERDICT_ACCOUNT_MISMATCH);
		request = talk_request();
		request.product =
		    (struct bytes){other, other_spelling("mail", way, other)};
		ck_assert_int_eq(ask(&request), VERDICT_PRODUCT_MISMATCH);
		request = talk_request();
		request.user =
		    (struct bytes){other, other_spelling("alice", way, other)};
		ck_assert_int_eq(ask(&request), VERDICT_USER_MISMATCH);
		request = talk_request();
		request.service =
		    (struct bytes){other, other_spelling("httpd", way, other)};
		ck_assert_int_eq(ask(&request), VERDICT_SERVICE_DENIED);
	}
}
END_TEST

START_TEST(scopes_are_exact)
{
	uint8_t other[SLUG_MAX_LEN], items[1 + SLUG_MAX_LEN];

	for (int way = 0; way < WAYS; way++) {
		struct verify_request request = talk_request();
		struct writer w = writer_over(items, sizeof items);

		write_string8(&w,
		    (struct bytes){other, other_spelling("a:b", way, other)});
		request.scopes = (struct list){1, {items, w.len}};
		ck_assert_int_eq(ask(&request), VERDICT_PERMISSION_DENIED);
	}
}
END_TEST

/* Neither a token nor a key ID is one with something changed. */
START_TEST(credentials_are_exact)
{
	const char *token = world.tokens[WORLD_PLAIN];
	size_t len = strlen(token);
	char other[TOKEN_MAX + 2];

	for (size_t i = 0; i < len; i++) {
		struct verify_request request = {
		    .credential = {(const uint8_t *)other, len}};
		enum verdict verdict;

		memcpy(other, token, len);
		other[i] =
		    (char)(other[i] ^ 0x20); /* the other case, or none */
		verdict = ask(&request);
		ck_assert_int_eq(verdict, VERDICT_MALFORMED);
		/* With the checksum that it should have. */
		token_checksum(other, len - TOKEN_CHECK_LEN,
		    other + len - TOKEN_CHECK_LEN);
		verdict = ask(&request);
		ck_assert(verdict == VERDICT_MALFORMED ||
		    verdict == VERDICT_UNKNOWN || i >= len - TOKEN_CHECK_LEN);
	}
	for (int way = 0; way < 3; way++) {
		static const char ends[] = {'\0', '\n', ' '};
		struct verify_request request = {
		    .credential = {(const uint8_t *)other, len + 1}};

		memcpy(other, token, len);
		other[len] = ends[way];
		ck_assert_int_eq(ask(&request), VERDICT_MALFORMED);
	}
}
END_TEST

static bool
found(struct bytes id)
{
	struct writer w = writer_over(in, sizeof in);
	size_t begin = frame_begin(&w, FRAME_LOOKUP, 7);
	enum plane_status status;
	struct lookup_reply reply;
	struct bytes out;

	lookup_request_write(&w, id);
	frame_end(&w, begin);
	out = talk((struct bytes){w.start, w.len}, &status);
	ck_assert_uint_gt(out.len, FRAME_HEADER_LEN);
	ck_assert(lookup_reply_read((struct bytes){out.data + FRAME_HEADER_LEN,
					out.len - FRAME_HEADER_LEN},
	    &reply));
	return reply.found;
}

START_TEST(key_ids_are_exact)
{
	struct bytes id = world_key_id(&world, WORLD_PLAIN);
	uint8_t other[KEY_ID_MAX];

	ck_assert(found(id));
	for (size_t i = 0; i < id.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			memcpy(other, id.data, id.len);
			other[i] ^= (uint8_t)(1U << bit);
			ck_assert(!found((struct bytes){other, id.len}));
		}
	for (size_t len = 0; len < id.len; len++)
		ck_assert(!found((struct bytes){id.data, len}));
	memcpy(other, id.data, id.len);
	other[id.len] = '\0';
	ck_assert(!found((struct bytes){other, id.len + 1}));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("class 5: strings");

	world_init();
	world_make(&world);
	suite_add(suite, "names_are_exact", names_are_exact);
	suite_add(suite, "scopes_are_exact", scopes_are_exact);
	suite_add(suite, "credentials_are_exact", credentials_are_exact);
	suite_add(suite, "key_ids_are_exact", key_ids_are_exact);
	return suite_run(suite);
}
