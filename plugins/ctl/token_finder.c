/* SPDX-License-Identifier: BSD-2-Clause */
#include "token_finder.h"

#include <string.h>

#include "proto/token.h"

enum {
	/* What stands behind the '_' before a secret. */
	TAIL_LEN = TOKEN_SECRET_LEN + TOKEN_CHECK_LEN,
	/* A prefix of one letter, and the ID behind its '_'. */
	HEAD_MIN = 1 + 1 + TOKEN_ID_LEN,
};

void
finder_init(struct token_finder *finder)
{
	finder->len = 0;
	finder->looked = 0;
	finder->counted = 0;
	finder->line = 1;
}

void
finder_wipe(struct token_finder *finder)
{
	explicit_bzero(finder, sizeof *finder);
}

static void
count_lines(struct token_finder *finder, size_t upto)
{
	const char *end;

	while (finder->counted < upto &&
	    (end = memchr(finder->window + finder->counted, '\n',
		 upto - finder->counted)) != NULL) {
		finder->line++;
		finder->counted = (size_t)(end - finder->window) + 1;
	}
	finder->counted = upto;
}

char *
finder_space(struct token_finder *finder, size_t *room)
{
	size_t done =
	    finder->looked > KEY_ID_MAX ? finder->looked - KEY_ID_MAX : 0;

	/* What comes before the longest key ID is of no use any more. */
	if (finder->counted < done)
		count_lines(finder, done);
	memmove(finder->window, finder->window + done, finder->len - done);
	finder->len -= done;
	finder->looked -= done;
	finder->counted -= done;
	*room = sizeof finder->window - finder->len;
	return finder->window + finder->len;
}

void
finder_add(struct token_finder *finder, size_t len)
{
	finder->len += len;
}

/*
 * Whether the '_' at this place stands between a key ID and a secret. Where
 * the prefix begins is for the checksum to say: other such characters may
 * stand before it.
 */
static bool
token_around(struct token_finder *finder, size_t at, struct found_token *found)
{
	size_t head = at < KEY_ID_MAX ? at : KEY_ID_MAX;
	struct token_view token;

	for (; head >= HEAD_MIN; head--) {
		const char *text = finder->window + at - head;
		size_t len = head + 1 + TAIL_LEN;

		if (token_parse(text, len, &token) == REASON_NONE) {
			count_lines(finder, at - head);
			*found = (struct found_token){text, len, finder->line};
			return true;
		}
	}
	return false;
}

bool
finder_next(struct token_finder *finder, struct found_token *found)
{
	const char *at;

	while (finder->len - finder->looked > TAIL_LEN) {
		size_t span = finder->len - finder->looked - TAIL_LEN;
		size_t begin = finder->looked;

		at = memchr(finder->window + begin, '_', span);
		if (at == NULL) {
			finder->looked += span;
			return false;
		}
		finder->looked = (size_t)(at - finder->window) + 1;
		if (base62_valid(at + 1, TAIL_LEN) &&
		    token_around(finder, finder->looked - 1, found))
			return true;
	}
	return false;
}
