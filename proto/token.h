/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The token: PREFIX_ID_SECRETCHECK, all of [A-Za-z0-9_], so that a
 * double-click selects the whole of it.
 *
 *   PREFIX   [a-z][a-z0-9_]{0,15}, the product's; may hold underscores
 *   ID       12 base62 characters; PREFIX_ID is the public key ID
 *   SECRET   43 base62 characters that carry 256 random bits
 *   CHECK    6 base62 characters: CRC-32 (IEEE 802.3) of all that is before
 *
 * base62 is 0-9A-Za-z, most significant digit first, padded with '0' on the
 * left. The checksum tells a mistyped token from an unknown one without asking
 * anybody; it is no protection against anything.
 */
#ifndef PROTO_TOKEN_H
#define PROTO_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verdict.h"

enum {
	TOKEN_PREFIX_MAX = 16,
	TOKEN_ID_LEN = 12,
	TOKEN_SECRET_BYTES = 32,
	TOKEN_SECRET_LEN = 43,
	TOKEN_CHECK_LEN = 6,
	/* PREFIX_ID */
	KEY_ID_MAX = TOKEN_PREFIX_MAX + 1 + TOKEN_ID_LEN,
	TOKEN_MAX = KEY_ID_MAX + 1 + TOKEN_SECRET_LEN + TOKEN_CHECK_LEN,
	/* Of a token that was made elsewhere and imported. */
	FOREIGN_TOKEN_MAX = 512,
};

/* Where the parts of a well-formed token are; points into its text. */
struct token_view {
	const char *text;
	size_t len;
	size_t prefix_len;
	const char *id;    /* TOKEN_ID_LEN characters */
	size_t key_id_len; /* of PREFIX_ID, from text on */
};

/*
 * Takes a credential apart. Returns REASON_NONE and fills *view, or says what
 * is wrong and leaves *view zeroed:
 *   REASON_TRUNCATED  a whole key ID, then less than a secret and a checksum
 *   REASON_CHECKSUM   the shape of a token, but a character is wrong
 *   REASON_SHAPE      anything else
 */
enum reason token_parse(const char *text, size_t len, struct token_view *view);

/* Where its ID would be, whatever else is in it; NULL: too short. */
static inline const char *
token_id_place(const char *text, size_t len)
{
	enum { FIXED = TOKEN_ID_LEN + 1 + TOKEN_SECRET_LEN + TOKEN_CHECK_LEN };

	return len < FIXED ? NULL : text + len - FIXED;
}

/* Its two halves: all but the checksum (never REASON_CHECKSUM), and the
 * checksum of what has the shape of a token. */
enum reason token_shape(const char *text, size_t len, struct token_view *view);
bool token_checksum_right(const struct token_view *view);

/*
 * Writes the token of these parts, NUL-terminated, to out. prefix is valid by
 * token_prefix_valid(), id has TOKEN_ID_LEN base62 characters. Returns its
 * length.
 */
size_t token_make(const char *prefix, const char *id,
    const uint8_t secret[TOKEN_SECRET_BYTES], char out[TOKEN_MAX + 1]);

bool token_prefix_valid(const char *text, size_t len);

/*
 * True for PREFIX_ID. *id is set to its last TOKEN_ID_LEN characters, the
 * prefix to the prefix_len characters at text.
 */
bool
key_id_parse(const char *text, size_t len, const char **id, size_t *prefix_len);

/* The digit's character; value below 62. */
char base62_digit(unsigned value);
bool base62_valid(const char *text, size_t len);

/* CRC-32 (IEEE 802.3, reflected, 0xEDB88320) as six base62 characters. */
void token_checksum(const char *text, size_t len, char out[TOKEN_CHECK_LEN]);

#endif
