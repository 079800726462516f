/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds tokens in a stream of bytes, by their shape and checksum alone: with
 * any prefix, next to whatever bytes, across the pieces the stream comes in.
 * Memory is bounded, however long the stream or a line of it.
 */
#ifndef CTL_TOKEN_FINDER_H
#define CTL_TOKEN_FINDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FINDER_WINDOW = 64 * 1024 };

struct token_finder {
	size_t len;     /* bytes in the window */
	size_t looked;  /* up to here for the '_' before a secret */
	size_t counted; /* up to here for ends of lines */
	uint64_t line;  /* that counted is in; the first is 1 */
	char window[FINDER_WINDOW];
};

struct found_token {
	const char *text; /* in the window, until the next call; no NUL */
	size_t len;
	uint64_t line; /* it begins in */
};

void finder_init(struct token_finder *finder);
/*
 * Where the next bytes go, at most *room of them (never 0), once
 * finder_next() has no more; then say how many they were.
 */
char *finder_space(struct token_finder *finder, size_t *room);
void finder_add(struct token_finder *finder, size_t len);
/* The next token of what was added; false where there is none so far. */
bool finder_next(struct token_finder *finder, struct found_token *found);
/* What was looked through may hold secrets. */
void finder_wipe(struct token_finder *finder);

#endif
