/* SPDX-License-Identifier: BSD-2-Clause */
/* The token: made, taken apart, damaged in every way a clipboard knows. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/token.h"
#include "suite.h"

static const char id[] = "7Hq2mZx0pLs9";
static const char *const prefixes[] = {
    "ak",
    "a",
    "sk_live",
    "dk_",
    "a_b_c__",
    "x0123456789",
    "abcdefghijklmnop",
    "a_______________",
};
enum { PREFIXES = sizeof prefixes / sizeof prefixes[0], ROUNDS = 2000 };

static const uint8_t some_secret[TOKEN_SECRET_BYTES] = {
    3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3};

/* token_parse() of a copy with nothing behind it: a sanitizer sees a read
 * past the end. */
static enum reason
parse_exactly(const char *text, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);
	struct token_view view, zero;
	enum reason reason;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, len);
	memset(&zero, 0, sizeof zero);
	memset(&view, 0xff, sizeof view);
	reason = token_parse(copy, len, &view);
	if (reason != REASON_NONE)
		ck_assert_mem_eq(&view, &zero, sizeof view);
	else
		ck_assert_ptr_eq(view.text, copy);
	free(copy);
	return reason;
}

START_TEST(published_checksum)
{
	/* GitHub's published example, and the check value of CRC-32 itself:
	 * 0xCBF43926 is 3jZRME in base62. */
	static const struct {
		const char *text, *check;
	} examples[] = {
	    {"zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", "0mLq17"},
	    {"123456789", "3jZRME"},
	    {"", "000000"},
	};
	char check[TOKEN_CHECK_LEN + 1] = "";

	for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
		token_checksum(
		    examples[i].text, strlen(examples[i].text), check);
		ck_assert_str_eq(check, examples[i].check);
	}
}
END_TEST

static void
round_trip(const char *prefix, const char *key,
    const uint8_t secret[TOKEN_SECRET_BYTES])
{
	char token[TOKEN_MAX + 1];
	struct token_view view;
	size_t len, prefix_len = strlen(prefix);

	memset(token, 'x', sizeof token);
	len = token_make(prefix, key, secret, token);
	ck_assert_uint_eq(len, strlen(token));
	ck_assert_uint_eq(len,
	    prefix_len + 1 + TOKEN_ID_LEN + 1 + TOKEN_SECRET_LEN +
		TOKEN_CHECK_LEN);
	/* What a double-click selects is the whole of it. */
	ck_assert_uint_eq(len,
	    strspn(token,
		"_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz"));
	ck_assert_int_eq(token_parse(token, len, &view), REASON_NONE);
	ck_assert_ptr_eq(view.text, token);
	ck_assert_uint_eq(view.len, len);
	ck_assert_uint_eq(view.prefix_len, prefix_len);
	ck_assert_mem_eq(view.text, prefix, prefix_len);
	ck_assert_uint_eq(view.key_id_len, prefix_len + 1 + TOKEN_ID_LEN);
	ck_assert_ptr_eq(view.id, token + prefix_len + 1);
	ck_assert_mem_eq(view.id, key, TOKEN_ID_LEN);
	ck_assert_int_eq(parse_exactly(token, len), REASON_NONE);
}

START_TEST(round_trips)
{
	uint64_t seed = 0x70C3;
	uint8_t secret[TOKEN_SECRET_BYTES];
	char key[TOKEN_ID_LEN];

	for (size_t i = 0; i < ROUNDS; i++) {
		suite_fill(&seed, secret, sizeof secret);
		for (size_t j = 0; j < sizeof key; j++)
			key[j] = base62_digit((unsigned)suite_below(&seed, 62));
		round_trip(prefixes[i % PREFIXES], key, secret);
	}
}
END_TEST

/* Back from 43 digits to 256 bits; false where they do not fit. */
static bool
secret_of(const char *digits, uint8_t out[TOKEN_SECRET_BYTES])
{
	memset(out, 0, TOKEN_SECRET_BYTES);
	for (size_t i = 0; i < TOKEN_SECRET_LEN; i++) {
		unsigned carry = 0;

		while (base62_digit(carry) != digits[i])
			carry++;
		for (size_t j = TOKEN_SECRET_BYTES; j-- > 0;) {
			carry += out[j] * 62u;
			out[j] = (uint8_t)carry;
			carry >>= 8;
		}
		if (carry != 0)
			return false;
	}
	return true;
}

START_TEST(secret_bits)
{
	uint8_t secret[TOKEN_SECRET_BYTES], back[TOKEN_SECRET_BYTES];
	char token[TOKEN_MAX + 1];
	uint64_t seed = 0x5EC;

	memset(secret, 0, sizeof secret);
	round_trip("ak", id, secret);
	token_make("ak", id, secret, token);
	ck_assert_mem_eq(token + 16,
	    "0000000000000000000000000000000000000000000", TOKEN_SECRET_LEN);
	memset(secret, 0xff, sizeof secret);
	round_trip("ak", id, secret);
	token_make("ak", id, secret, token);
	/* 2^256 - 1 in base62. */
	ck_assert_mem_eq(token + 16,
	    "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1", TOKEN_SECRET_LEN);
	ck_assert(secret_of(token + 16, back));
	ck_assert_mem_eq(back, secret, sizeof secret);
	for (size_t i = 0; i < ROUNDS; i++) {
		suite_fill(&seed, secret, sizeof secret);
		token_make("ak", id, secret, token);
		ck_assert(secret_of(token + 16, back));
		ck_assert_mem_eq(back, secret, sizeof secret);
	}
}
END_TEST

START_TEST(every_changed_character)
{
	char token[TOKEN_MAX + 1];

	for (size_t p = 0; p < PREFIXES; p++) {
		size_t len = token_make(prefixes[p], id, some_secret, token);
		size_t tail = len - TOKEN_SECRET_LEN - TOKEN_CHECK_LEN;

		for (size_t i = 0; i < len; i++) {
			char was = token[i];

			for (int c = 0; c < 256; c++) {
				enum reason reason;

				if ((char)c == was)
					continue;
				token[i] = (char)c;
				reason = parse_exactly(token, len);
				ck_assert_int_ne(reason, REASON_NONE);
				if (i >= tail && base62_valid(token + i, 1))
					ck_assert_int_eq(
					    reason, REASON_CHECKSUM);
			}
			token[i] = was;
		}
	}
}
END_TEST

START_TEST(every_truncation)
{
	char token[TOKEN_MAX + 1];

	for (size_t p = 0; p < PREFIXES; p++) {
		size_t len = token_make(prefixes[p], id, some_secret, token);
		size_t key_id = strlen(prefixes[p]) + 1 + TOKEN_ID_LEN;

		for (size_t cut = 0; cut < len; cut++)
			ck_assert_msg(parse_exactly(token, cut) ==
				(cut < key_id ? REASON_SHAPE
					      : REASON_TRUNCATED),
			    "%s cut at %zu", prefixes[p], cut);
	}
}
END_TEST

START_TEST(swapped_characters)
{
	char token[TOKEN_MAX + 1];
	size_t len = token_make("sk_live", id, some_secret, token);

	for (size_t i = 0; i + 1 < len; i++) {
		char first = token[i];

		if (first == token[i + 1])
			continue;
		token[i] = token[i + 1];
		token[i + 1] = first;
		ck_assert_int_ne(parse_exactly(token, len), REASON_NONE);
		token[i + 1] = token[i];
		token[i] = first;
	}
	ck_assert_int_eq(parse_exactly(token, len), REASON_NONE);
}
END_TEST

START_TEST(wrong_lengths)
{
	char token[8192];
	size_t len = token_make("abcdefghijklmnop", id, some_secret, token);

	ck_assert_uint_eq(len, TOKEN_MAX);
	/* A character added at either end, a newline above all. */
	for (int c = 0; c < 256; c++) {
		token[len] = (char)c;
		ck_assert_int_eq(parse_exactly(token, len + 1), REASON_SHAPE);
	}
	len = token_make("ak", id, some_secret, token);
	for (int c = 0; c < 256; c++) {
		token[len] = (char)c;
		ck_assert_int_ne(parse_exactly(token, len + 1), REASON_NONE);
	}
	memmove(token + 1, token, len);
	for (int c = 0; c < 256; c++) {
		token[0] = (char)c;
		ck_assert_int_ne(parse_exactly(token, len + 1), REASON_NONE);
	}
	/* Twice the same, and a credential as long as the wire allows. */
	len = token_make("ak", id, some_secret, token);
	memcpy(token + len, token, len);
	ck_assert_int_eq(parse_exactly(token, 2 * len), REASON_SHAPE);
	memset(token, 'a', sizeof token);
	ck_assert_int_eq(parse_exactly(token, 4096), REASON_SHAPE);
	memset(token, '_', sizeof token);
	ck_assert_int_eq(parse_exactly(token, 4096), REASON_SHAPE);
}
END_TEST

START_TEST(embedded_nul)
{
	char token[TOKEN_MAX + 1];
	size_t len = token_make("ak", id, some_secret, token);

	/* The NUL that ends it is not part of it. */
	ck_assert_int_eq(parse_exactly(token, len + 1), REASON_SHAPE);
	for (size_t i = 0; i < len; i++) {
		char was = token[i];

		token[i] = '\0';
		ck_assert_int_eq(parse_exactly(token, len), REASON_SHAPE);
		token[i] = was;
	}
}
END_TEST

START_TEST(prefix_rules)
{
	static const char *const good[] = {
	    "a", "z", "ak", "sk_live", "a_", "a9", "abcdefghijklmnop"};
	static const char *const bad[] = {"", "_a", "9a", "A", "aB", "a-b",
	    "a b", "a\n", "\xc3\xa4", "abcdefghijklmnopq"};

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		ck_assert_msg(token_prefix_valid(good[i], strlen(good[i])),
		    "%s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(
		    !token_prefix_valid(bad[i], strlen(bad[i])), "%s", bad[i]);
	ck_assert(!token_prefix_valid("a\0b", 3));
}
END_TEST

START_TEST(key_ids)
{
	static const char *const bad[] = {"", "ak", "ak_", "ak_7Hq2mZx0pLs",
	    "ak_7Hq2mZx0pLs99", "_7Hq2mZx0pLs9", "7Hq2mZx0pLs9",
	    "AK_7Hq2mZx0pLs9", "ak-7Hq2mZx0pLs9", "ak_7Hq2mZx0pL_9",
	    "ak_7Hq2mZx0pLs9 ", " ak_7Hq2mZx0pLs9",
	    "abcdefghijklmnopq_7Hq2mZx0pLs9"};
	const char *found;
	size_t prefix_len;

	for (size_t i = 0; i < PREFIXES; i++) {
		char text[KEY_ID_MAX + 1];
		int len = snprintf(text, sizeof text, "%s_%s", prefixes[i], id);

		ck_assert(key_id_parse(text, (size_t)len, &found, &prefix_len));
		ck_assert_uint_eq(prefix_len, strlen(prefixes[i]));
		ck_assert_ptr_eq(found, text + prefix_len + 1);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(
		    !key_id_parse(bad[i], strlen(bad[i]), &found, &prefix_len),
		    "%s", bad[i]);
}
END_TEST

START_TEST(base62)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz";

	for (unsigned i = 0; i < 62; i++)
		ck_assert_int_eq(base62_digit(i), digits[i]);
	for (int c = 0; c < 256; c++) {
		char text = (char)c;

		ck_assert_int_eq(base62_valid(&text, 1),
		    c != 0 && strchr(digits, c) != NULL);
	}
}
END_TEST

/* Anything made of the letters tokens are made of: never a crash, and hardly
 * ever a token. */
START_TEST(random_texts)
{
	uint64_t seed = 0xA11;
	int rounds = suite_rounds(200000);
	char text[128];

	for (int round = 0; round < rounds; round++) {
		size_t len = suite_below(&seed, sizeof text);

		if (round % 2 == 0)
			suite_fill(&seed, text, len);
		else
			for (size_t i = 0; i < len; i++)
				text[i] = suite_below(&seed, 5) == 0
				    ? '_'
				    : base62_digit(
					  (unsigned)suite_below(&seed, 62));
		ck_assert_int_ne(parse_exactly(text, len), REASON_NONE);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("token");

	suite_add(suite, "published checksum", published_checksum);
	suite_add(suite, "round trips", round_trips);
	suite_add(suite, "secret bits", secret_bits);
	suite_add(suite, "changed characters", every_changed_character);
	suite_add(suite, "truncations", every_truncation);
	suite_add(suite, "swaps", swapped_characters);
	suite_add(suite, "wrong lengths", wrong_lengths);
	suite_add(suite, "embedded NUL", embedded_nul);
	suite_add(suite, "prefix rules", prefix_rules);
	suite_add(suite, "key IDs", key_ids);
	suite_add(suite, "base62", base62);
	suite_add(suite, "random texts", random_texts);
	return suite_run(suite);
}
