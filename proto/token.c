/* SPDX-License-Identifier: BSD-2-Clause */
#include "token.h"

#include <endian.h>
#include <string.h>

enum { TAIL_LEN = TOKEN_SECRET_LEN + TOKEN_CHECK_LEN };

/*
 * CRC-32 four bytes at a time ("slicing"): table[n][b] is what a byte b does to
 * the checksum when n more follow it. A CRC is linear, so each entry is the sum
 * of what its bits do.
 */
#define CRC_BYTE(b, b0, b1, b2, b3, b4, b5, b6, b7)                          \
	(((b)&1 ? (b0) : 0) ^ ((b)&2 ? (b1) : 0) ^ ((b)&4 ? (b2) : 0) ^      \
	    ((b)&8 ? (b3) : 0) ^ ((b)&16 ? (b4) : 0) ^ ((b)&32 ? (b5) : 0) ^ \
	    ((b)&64 ? (b6) : 0) ^ ((b)&128 ? (b7) : 0))
#define CRC_0(b)                                                    \
	CRC_BYTE(b, 0x77073096, 0xEE0E612C, 0x076DC419, 0x0EDB8832, \
	    0x1DB71064, 0x3B6E20C8, 0x76DC4190, 0xEDB88320)
#define CRC_1(b)                                                    \
	CRC_BYTE(b, 0x191B3141, 0x32366282, 0x646CC504, 0xC8D98A08, \
	    0x4AC21251, 0x958424A2, 0xF0794F05, 0x3B83984B)
#define CRC_2(b)                                                    \
	CRC_BYTE(b, 0x01C26A37, 0x0384D46E, 0x0709A8DC, 0x0E1351B8, \
	    0x1C26A370, 0x384D46E0, 0x709A8DC0, 0xE1351B80)
#define CRC_3(b)                                                    \
	CRC_BYTE(b, 0xB8BC6765, 0xAA09C88B, 0x8F629757, 0xC5B428EF, \
	    0x5019579F, 0xA032AF3E, 0x9B14583D, 0xED59B63B)
#define CRC_4(of, b) of(b), of((b) + 1), of((b) + 2), of((b) + 3)
#define CRC_16(of, b)                                         \
	CRC_4(of, b), CRC_4(of, (b) + 4), CRC_4(of, (b) + 8), \
	    CRC_4(of, (b) + 12)
#define CRC_64(of, b)                                              \
	CRC_16(of, b), CRC_16(of, (b) + 16), CRC_16(of, (b) + 32), \
	    CRC_16(of, (b) + 48)
#define CRC_256(of)                                             \
	{                                                       \
		CRC_64(of, 0), CRC_64(of, 64), CRC_64(of, 128), \
		    CRC_64(of, 192)                             \
	}
static const uint32_t crc_table[4][256] = {
    CRC_256(CRC_0), CRC_256(CRC_1), CRC_256(CRC_2), CRC_256(CRC_3)};

static uint32_t
crc32_ieee(const char *text, size_t len)
{
	uint32_t crc = 0xFFFFFFFF, four;

	for (; len >= sizeof four; len -= sizeof four, text += sizeof four) {
		memcpy(&four, text, sizeof four);
		crc ^= le32toh(four);
		crc = crc_table[3][crc & 255] ^ crc_table[2][crc >> 8 & 255] ^
		    crc_table[1][crc >> 16 & 255] ^ crc_table[0][crc >> 24];
	}
	for (; len > 0; len--, text++)
		crc = crc >> 8 ^ crc_table[0][(crc ^ (uint8_t)*text) & 255];
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

/* Without branches on the characters: they are random, and often secret. */
bool
base62_valid(const char *text, size_t len)
{
	uint8_t few[sizeof(characters)];
	characters good;
	uint64_t halves[2];

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
	memcpy(halves, &good, sizeof halves);
	return (halves[0] & halves[1]) == UINT64_MAX;
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

enum reason
token_parse(const char *text, size_t len, struct token_view *view)
{
	char check[TOKEN_CHECK_LEN];
	const char *id;
	size_t key_id_len, prefix_len;

	memset(view, 0, sizeof *view);
	/*
	 * The prefix may hold underscores, the rest may not, so a whole token
	 * is taken apart from its end, where the lengths are fixed.
	 */
	if (len <= TAIL_LEN + 1 || len > TOKEN_MAX)
		return is_truncated(text, len) ? REASON_TRUNCATED
					       : REASON_SHAPE;
	key_id_len = len - TAIL_LEN - 1;
	if (text[key_id_len] != '_' ||
	    !base62_valid(text + key_id_len + 1, TAIL_LEN) ||
	    !key_id_parse(text, key_id_len, &id, &prefix_len))
		return is_truncated(text, len) ? REASON_TRUNCATED
					       : REASON_SHAPE;
	token_checksum(text, len - TOKEN_CHECK_LEN, check);
	if (memcmp(check, text + len - TOKEN_CHECK_LEN, TOKEN_CHECK_LEN) != 0)
		return REASON_CHECKSUM;
	view->text = text;
	view->len = len;
	view->prefix_len = prefix_len;
	view->id = id;
	view->key_id_len = key_id_len;
	return REASON_NONE;
}

/* 256 bits as 43 digits: 62^43 is just above 2^256, so every value fits. */
static void
base62_secret(const uint8_t secret[TOKEN_SECRET_BYTES], char *out)
{
	uint8_t number[TOKEN_SECRET_BYTES];

	memcpy(number, secret, sizeof number);
	for (size_t digit = TOKEN_SECRET_LEN; digit-- > 0;) {
		unsigned rest = 0;

		for (size_t i = 0; i < sizeof number; i++) {
			rest = rest << 8 | number[i];
			number[i] = (uint8_t)(rest / 62);
			rest %= 62;
		}
		out[digit] = base62_digit(rest);
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
