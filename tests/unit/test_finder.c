/* SPDX-License-Identifier: BSD-2-Clause */
/* apikeyctl's finder of tokens: shapes, surroundings, pieces. */
#include "plugins/ctl/token_finder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/token.h"
#include "suite.h"

static char token[TOKEN_MAX + 1];
static size_t token_len;
static struct token_finder finder;

static void
setup(void)
{
	static const uint8_t secret[TOKEN_SECRET_BYTES] = {1, 2, 3};

	token_len = token_make("dk", "0123456789ab", secret, token);
	finder_init(&finder);
}

/* Feeds in pieces of at most so many bytes; returns how many tokens there
 * were, and the line of the last. */
static size_t
feed(const void *data, size_t len, size_t piece, uint64_t *line)
{
	const char *at = data;
	struct found_token found;
	size_t count = 0;

	while (len > 0) {
		size_t room, part;
		char *space = finder_space(&finder, &room);

		if (room == 0)
			ck_abort_msg("no room");
		part = len < piece ? len : piece;
		part = part < room ? part : room;
		memcpy(space, at, part);
		finder_add(&finder, part);
		at += part;
		len -= part;
		while (finder_next(&finder, &found)) {
			ck_assert_uint_eq(found.len, token_len);
			ck_assert_mem_eq(found.text, token, token_len);
			if (line != NULL)
				*line = found.line;
			count++;
		}
	}
	return count;
}

START_TEST(test_alone)
{
	uint64_t line;

	ck_assert_uint_eq(feed(token, token_len, 1000, &line), 1);
	ck_assert_uint_eq(line, 1);
}
END_TEST

START_TEST(test_between_other_bytes)
{
	static const char *const around[][2] = {
	    {"Authorization: Bearer ", "\r\n"},
	    {"\"", "\","},
	    {"\x00\xff\xfe", "\x00"},
	    {"KEY_", "_more"},
	    {"x9", "Zz9"},
	    {"____", "____"},
	};
	char text[256];

	for (size_t i = 0; i < sizeof around / sizeof around[0]; i++) {
		int len = snprintf(text, sizeof text, "%s%s%s", around[i][0],
		    token, around[i][1]);

		finder_init(&finder);
		ck_assert_msg(feed(text, (size_t)len, 1000, NULL) == 1,
		    "not found in %s", text);
	}
}
END_TEST

START_TEST(test_one_behind_the_other)
{
	char text[3 * TOKEN_MAX + 1];
	int len = snprintf(text, sizeof text, "%s%s%s", token, token, token);

	ck_assert_uint_eq(feed(text, (size_t)len, 1000, NULL), 3);
}
END_TEST

/* The window slides: a token at every place about its end, in pieces of all
 * kinds there, and in large ones where there is nothing to be found. */
START_TEST(test_pieces)
{
	static const size_t pieces[] = {1, 2, 49, 50, 79, 4096, FINDER_WINDOW};
	enum {
		LEN = 2 * FINDER_WINDOW + 300,
		NEAR = FINDER_WINDOW - 300,
		FAR = FINDER_WINDOW + 400,
	};
	char *text = malloc(LEN);
	size_t piece = pieces[_i];

	ck_assert_ptr_nonnull(text);
	for (size_t at = FINDER_WINDOW - 200; at < FINDER_WINDOW + 200; at++) {
		uint64_t line = 0;
		size_t count;

		memset(text, 'a', LEN);
		text[0] = '\n';
		text[at - 1] = '\n';
		memcpy(text + at, token, token_len);
		finder_init(&finder);
		count = feed(text, NEAR, LEN, &line);
		count += feed(text + NEAR, FAR - NEAR, piece, &line);
		count += feed(text + FAR, LEN - FAR, LEN, &line);
		ck_assert_msg(
		    count == 1, "not found at %zu in pieces of %zu", at, piece);
		ck_assert_uint_eq(line, 3);
	}
	free(text);
}
END_TEST

START_TEST(test_lines)
{
	char text[1024] = "";
	uint64_t line;
	int len = snprintf(text, sizeof text, "\n\n%s\n\n%s", token, token);

	ck_assert_uint_eq(feed(text, (size_t)len, 7, &line), 2);
	ck_assert_uint_eq(line, 5);
}
END_TEST

START_TEST(test_no_token)
{
	char text[TOKEN_MAX + 1];

	/* Cut short, and each character changed in turn. */
	for (size_t len = 0; len < token_len; len++) {
		finder_init(&finder);
		ck_assert_uint_eq(feed(token, len, 1000, NULL), 0);
	}
	for (size_t i = 0; i < token_len; i++) {
		strcpy(text, token);
		text[i] = text[i] == 'q' ? 'r' : 'q';
		finder_init(&finder);
		ck_assert_msg(feed(text, token_len, 1000, NULL) == 0,
		    "found with character %zu changed", i);
	}
}
END_TEST

static Suite *
finder_suite(void)
{
	Suite *suite = suite_create("finder");
	TCase *tcase = tcase_create("finder");

	tcase_set_timeout(tcase, SUITE_TIMEOUT);
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, test_alone);
	tcase_add_test(tcase, test_between_other_bytes);
	tcase_add_test(tcase, test_one_behind_the_other);
	tcase_add_loop_test(tcase, test_pieces, 0, 7);
	tcase_add_test(tcase, test_lines);
	tcase_add_test(tcase, test_no_token);
	suite_add_tcase(suite, tcase);
	return suite;
}

int
main(void)
{
	return suite_run(finder_suite());
}
