/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What looks for tokens in files. Input: in what pieces the stream comes (a
 * byte), and the stream, in which some bytes stand for a whole token and some
 * for a stretch of others. What is found is what a search of the whole stream
 * finds, however the pieces and the window fall.
 */
#include "fuzz.h"
#include "plugins/ctl/token_finder.h"
#include "proto/token.h"

enum {
	TOKEN_BYTE = 0x80,
	TOKENS = 4,
	STRETCH_BYTE = 0x90,
	STRETCHES = 16, /* of that many KiB */
	STREAM_MAX = 4 * FINDER_WINDOW,
	TAIL_LEN = TOKEN_SECRET_LEN + TOKEN_CHECK_LEN,
};

static char tokens[TOKENS][TOKEN_MAX + 1];
static struct token_finder finder;
static char stream[STREAM_MAX];
static size_t stream_len;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const prefixes[TOKENS] = {
	    "a", "sk_live", "ak", "a_long_prefix_01"};
	uint8_t secret[TOKEN_SECRET_BYTES] = {0};

	(void)argc;
	(void)argv;
	for (size_t i = 0; i < TOKENS; i++) {
		secret[0] = (uint8_t)i;
		token_make(prefixes[i], "0123456789ab", secret, tokens[i]);
	}
	return 0;
}

static void
add(const char *text, size_t len)
{
	if (len > sizeof stream - stream_len)
		len = sizeof stream - stream_len;
	memcpy(stream + stream_len, text, len);
	stream_len += len;
}

static void
make_stream(struct bytes in)
{
	static char stretch[STRETCHES * 1024];

	memset(stretch, '.', sizeof stretch);
	for (size_t i = 0; i < sizeof stretch; i += 100)
		stretch[i] = '_';
	stream_len = 0;
	for (size_t i = 0; i < in.len; i++) {
		unsigned token = in.data[i] - (unsigned)TOKEN_BYTE;
		unsigned kib = in.data[i] - (unsigned)STRETCH_BYTE;

		if (token < TOKENS)
			add(tokens[token], strlen(tokens[token]));
		else if (kib < STRETCHES)
			add(stretch, (size_t)(kib + 1) * 1024);
		else
			add((const char *)in.data + i, 1);
	}
}

/* A search of the whole stream: the '_' before the next secret is at or behind
 * at, and what is before counted has been looked through for ends of lines. */
struct search {
	size_t at, counted;
	uint64_t line;
};

static void
count_lines(struct search *search, size_t upto)
{
	for (; search->counted < upto; search->counted++)
		search->line += stream[search->counted] == '\n';
}

static bool
search_next(struct search *search, struct found_token *found)
{
	size_t *at = &search->at;
	struct token_view view;

	for (; *at + TAIL_LEN < stream_len; ++*at) {
		if (stream[*at] != '_' ||
		    !base62_valid(stream + *at + 1, TAIL_LEN))
			continue;
		for (size_t head = *at < KEY_ID_MAX ? *at : KEY_ID_MAX;
		     head > 0; head--) {
			found->text = stream + *at - head;
			found->len = head + 1 + TAIL_LEN;
			if (token_parse(found->text, found->len, &view) ==
			    REASON_NONE) {
				count_lines(search, *at - head);
				found->line = search->line;
				++*at;
				return true;
			}
		}
	}
	return false;
}

/* All that the finder has so far. */
static void
compare(struct search *search)
{
	struct found_token found, expected;

	while (finder_next(&finder, &found)) {
		fuzz_require(
		    search_next(search, &expected), "what is found is there");
		fuzz_require(found.len == expected.len &&
			memcmp(found.text, expected.text, found.len) == 0 &&
			found.line == expected.line,
		    "tokens are found in order, each in its line");
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct search search = {.line = 1};
	struct found_token missed;
	size_t fed = 0, piece, room;

	if (size < 1)
		return 0;
	piece = data[0] < 128 ? data[0] + (size_t)1
			      : (size_t)(data[0] - 127) * 1024;
	make_stream((struct bytes){data + 1, size - 1});
	finder_init(&finder);
	while (fed < stream_len) {
		char *space = finder_space(&finder, &room);
		size_t len = stream_len - fed;

		fuzz_require(room > 0, "there is room for more");
		len = len < piece ? len : piece;
		len = len < room ? len : room;
		memcpy(space, stream + fed, len);
		finder_add(&finder, len);
		fed += len;
		compare(&search);
	}
	fuzz_require(!search_next(&search, &missed), "nothing is missed");
	finder_wipe(&finder);
	return 0;
}
