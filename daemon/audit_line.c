/* SPDX-License-Identifier: BSD-2-Clause */
#include "audit_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char front[] = "{\"sequence\":";
static const char mac_member[] = ",\"mac\":\"";
enum {
	FRONT_LEN = sizeof front - 1,
	MAC_MEMBER_LEN = sizeof mac_member - 1,
	TAIL_LEN = MAC_MEMBER_LEN + 2 * MAC_BYTES + 2,
	SEQUENCE_DIGITS_MAX = 20,
	CHAIN = 'a',
};

_Static_assert(
    FRONT_LEN + SEQUENCE_DIGITS_MAX + 1 + TAIL_LEN + 2 <= AUDIT_ENVELOPE,
    "what stands around the members");

static int
digit_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *
audit_line_make(const struct keyring *ring, struct audit_head *head,
    const char *members, size_t *len)
{
	size_t size = strlen(members) + AUDIT_ENVELOPE;
	char *line = malloc(size), digits[2 * MAC_BYTES + 1];
	int text_len;

	if (line == NULL)
		return NULL;
	head->sequence++;
	text_len = snprintf(
	    line, size, "%s%" PRIu64 ",%s", front, head->sequence, members);
	secret_mac_next(
	    ring, CHAIN, head->mac, line, (size_t)text_len, head->mac);
	secret_to_hex(head->mac, MAC_BYTES, digits);
	*len = (size_t)text_len +
	    (size_t)snprintf(line + text_len, size - (size_t)text_len,
		"%s%s\"}\n", mac_member, digits);
	return line;
}

/* From "SEQUENCE,": no sign, no zero in front. */
static bool
parse_sequence(const uint8_t *at, const uint8_t *end, uint64_t *sequence)
{
	const uint8_t *start = at;

	*sequence = 0;
	for (; at < end && *at >= '0' && *at <= '9'; at++) {
		if (at - start == SEQUENCE_DIGITS_MAX - 1)
			return false;
		*sequence = *sequence * 10 + (uint64_t)(*at - '0');
	}
	return at > start && *start != '0' && at < end && *at == ',';
}

bool
audit_line_parse(struct bytes line, struct audit_head *claims)
{
	const uint8_t *tail;

	*claims = (struct audit_head){.sequence = 0};
	if (line.len < FRONT_LEN + TAIL_LEN ||
	    memcmp(line.data, front, FRONT_LEN) != 0)
		return false;
	tail = line.data + line.len - TAIL_LEN;
	if (memcmp(tail, mac_member, MAC_MEMBER_LEN) != 0 ||
	    memcmp(tail + TAIL_LEN - 2, "\"}", 2) != 0 ||
	    !parse_sequence(line.data + FRONT_LEN, tail, &claims->sequence))
		return false;
	tail += MAC_MEMBER_LEN;
	for (size_t i = 0; i < MAC_BYTES; i++) {
		int high = digit_of(tail[2 * i]);
		int low = digit_of(tail[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		claims->mac[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

bool
audit_line_is_sealed(const struct keyring *ring, struct bytes line,
    const uint8_t previous[MAC_BYTES])
{
	struct audit_head claims;
	uint8_t mac[MAC_BYTES];

	if (!audit_line_parse(line, &claims))
		return false;
	secret_mac_next(
	    ring, CHAIN, previous, line.data, line.len - TAIL_LEN, mac);
	return memcmp(mac, claims.mac, MAC_BYTES) == 0;
}

bool
audit_line_next(struct bytes *text, struct bytes *line)
{
	const uint8_t *end =
	    text->len > 0 ? memchr(text->data, '\n', text->len) : NULL;

	if (end == NULL)
		return false;
	line->data = text->data;
	line->len = (size_t)(end - text->data);
	text->data = end + 1;
	text->len -= line->len + 1;
	return true;
}
