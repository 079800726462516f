/* SPDX-License-Identifier: BSD-2-Clause */
#include "token.h"

#include <string.h>

enum {
	TAIL_LEN = TOKEN_SECRET_LEN + TOKEN_CHECK_LEN,
	FIXED_LEN = TOKEN_ID_LEN + 1 + TAIL_LEN, /* all behind PREFIX_ */
};

/*
 * CRC-32 four bits at a time: 64 bytes of table instead of a kilobyte. Nothing
 * is in a hurry for it: a token that turns out to be right is not asked.
 */
static uint32_t
crc32_ieee(const char *text, size_t len)
{
	static const uint32_t table[16] = {0x00000000, 0x1DB71064, 0x3B6E20C8,
	    0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
	    0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0,
	    0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};
	uint32_t crc = 0xFFFFFFFF;

	for (size_t i = 0; i < len; i++) {
		crc ^= (uint8_t)text[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

char
base62_digit(unsigned value)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz";

	return digits[value % 62];
}

/* Sixteen characters at once, as every target's compiler can. */
typedef uint8_t characters __attribute__((vector_size(16)));

/* All bits set where a character is a digit of base 62. */
static inline characters
base62_digits(const void *text)
{
	characters c;

	memcpy(&c, text, sizeof c);
	return (characters)(c - '0' < 10) | (characters)((c | 0x20) - 'a' < 26);
}

static inline bool
all_set(characters good)
{
	uint64_t halves[2];

	memcpy(halves, &good, sizeof halves);
	return (halves[0] & halves[1]) == UINT64_MAX;
}

/* Without branches on the characters: they are random, and often secret. */
bool
base62_valid(const char *text, size_t len)
{
	uint8_t few[sizeof(characters)];
	characters good;

	if (len < sizeof few) {
		memset(few, '0', sizeof few);
		memcpy(few, text, len);
		good = base62_digits(few);
	} else {
		/* The last ones may be looked at twice. */
		good = base62_digits(text + len - sizeof good);
		for (; len > sizeof good;
		     len -= sizeof good, text += sizeof good)
			good &= base62_digits(text);
	}
	return all_set(good);
}

void
token_checksum(const char *text, size_t len, char out[TOKEN_CHECK_LEN])
{
	uint32_t crc = crc32_ieee(text, len);

	for (size_t i = TOKEN_CHECK_LEN; i-- > 0; crc /= 62)
		out[i] = base62_digit(crc % 62);
}

bool
token_prefix_valid(const char *text, size_t len)
{
	if (len < 1 || len > TOKEN_PREFIX_MAX)
		return false;
	if (text[0] < 'a' || text[0] > 'z')
		return false;
	for (size_t i = 1; i < len; i++) {
		char c = text[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			c == '_'))
			return false;
	}
	return true;
}

bool
key_id_parse(const char *text, size_t len, const char **id, size_t *prefix_len)
{
	size_t prefix;

	if (len < 1 + 1 + TOKEN_ID_LEN || len > KEY_ID_MAX)
		return false;
	prefix = len - TOKEN_ID_LEN - 1;
	if (text[prefix] != '_' || !token_prefix_valid(text, prefix) ||
	    !base62_valid(text + prefix + 1, TOKEN_ID_LEN))
		return false;
	*id = text + prefix + 1;
	*prefix_len = prefix;
	return true;
}

/* A whole key ID, then nothing, or '_' and less than a secret and checksum. */
static bool
is_truncated(const char *text, size_t len)
{
	const char *id;
	size_t prefix_len, tail = 0;

	if (key_id_parse(text, len, &id, &prefix_len))
		return true;
	while (tail < len && text[len - 1 - tail] != '_')
		tail++;
	return tail < TAIL_LEN && tail < len &&
	    base62_valid(text + len - tail, tail) &&
	    key_id_parse(text, len - tail - 1, &id, &prefix_len);
}

/* Base 62 in ID_SECRETCHECK, but for the character between the two. */
static inline bool
fixed_part_valid(const char *id)
{
	static const characters between = {
	    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, UINT8_MAX, 0, 0, 0};
	characters good = base62_digits(id) | between;

	_Static_assert(TOKEN_ID_LEN == 12 && FIXED_LEN > 3 * sizeof good &&
		FIXED_LEN <= 4 * sizeof good,
	    "an ID of 12, and four looks are enough");
	good &= base62_digits(id + sizeof good);
	good &= base62_digits(id + 2 * sizeof good);
	good &= base62_digits(id + FIXED_LEN - sizeof good);
	return all_set(good);
}

/*
 * The prefix may hold underscores, the rest may not, so a whole token is taken
 * apart from its end, where the lengths are fixed. Its ID; NULL where it has
 * not the shape of one.
 */
static inline const char *
id_of_token(const char *text, size_t len)
{
	const char *id;

	if (len <= FIXED_LEN + 1 || len > TOKEN_MAX)
		return NULL;
	id = text + len - FIXED_LEN;
	return id[-1] == '_' && id[TOKEN_ID_LEN] == '_' &&
		fixed_part_valid(id) &&
		token_prefix_valid(text, len - FIXED_LEN - 1)
	    ? id
	    : NULL;
}

enum reason
token_shape(const char *text, size_t len, struct token_view *view)
{
	const char *id = id_of_token(text, len);

	if (id == NULL) {
		memset(view, 0, sizeof *view);
		return is_truncated(text, len) ? REASON_TRUNCATED
					       : REASON_SHAPE;
	}
	*view = (struct token_view){.text = text,
	    .len = len,
	    .prefix_len = len - FIXED_LEN - 1,
	    .id = id,
	    .key_id_len = len - FIXED_LEN + TOKEN_ID_LEN};
	return REASON_NONE;
}

bool
token_checksum_right(const struct token_view *view)
{
	size_t len = view->len - TOKEN_CHECK_LEN;
	char check[TOKEN_CHECK_LEN];

	token_checksum(view->text, len, check);
	return memcmp(check, view->text + len, sizeof check) == 0;
}

enum reason
token_parse(const char *text, size_t len, struct token_view *view)
{
	enum reason reason = token_shape(text, len, view);

	if (reason != REASON_NONE || token_checksum_right(view))
		return reason;
	memset(view, 0, sizeof *view);
	return REASON_CHECKSUM;
}

/* 256 bits as 43 digits: 62^43 is just above 2^256, so every value fits. */
static void
base62_secret(const uint8_t secret[TOKEN_SECRET_BYTES], char *out)
{
	enum { WORDS = TOKEN_SECRET_BYTES / 4 };
	uint32_t number[WORDS] = {0};

	for (size_t i = 0; i < TOKEN_SECRET_BYTES; i++)
		number[i / 4] = number[i / 4] << 8 | secret[i];
	for (size_t digit = TOKEN_SECRET_LEN; digit-- > 0;) {
		uint64_t rest = 0;

		for (size_t i = 0; i < WORDS; i++) {
			rest = rest << 32 | number[i];
			number[i] = (uint32_t)(rest / 62);
			rest %= 62;
		}
		out[digit] = base62_digit((unsigned)rest);
	}
	/* By now the division has left nothing but zeros in number. */
}

size_t
token_make(const char *prefix, const char *id,
    const uint8_t secret[TOKEN_SECRET_BYTES], char out[TOKEN_MAX + 1])
{
	size_t len = strlen(prefix);

	memcpy(out, prefix, len);
	out[len++] = '_';
	memcpy(out + len, id, TOKEN_ID_LEN);
	len += TOKEN_ID_LEN;
	out[len++] = '_';
	base62_secret(secret, out + len);
	len += TOKEN_SECRET_LEN;
	token_checksum(out, len, out + len);
	len += TOKEN_CHECK_LEN;
	out[len] = '\0';
	return len;
}
