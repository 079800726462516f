/* SPDX-License-Identifier: BSD-2-Clause */
#include "text.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "message.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
text_copy(char *out, size_t size, const char *text)
{
	size_t len = strlen(text);

	if (len >= size)
		return false;
	memcpy(out, text, len + 1);
	return true;
}

bool
slug_valid(const char *text)
{
	size_t len = strlen(text);

	if (len < 1 || len > SLUG_MAX_LEN || text[0] == '-')
		return false;
	return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

bool
scope_valid(const char *text)
{
	size_t len = strlen(text);

	return len >= 1 && len <= SCOPE_MAX_LEN &&
	    strspn(text,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789:._/-") == len;
}

/*
 * The length of the UTF-8 sequence at s (RFC 3629: no surrogates, nothing
 * overlong, nothing above U+10FFFF), or 0. Control characters, C1 included,
 * count as invalid: these texts end up in terminals and logs.
 */
static size_t
utf8_printable(const uint8_t *s)
{
	if (s[0] < 0x20 || s[0] == 0x7f)
		return 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		return (s[1] & 0xc0) == 0x80 && !(s[0] == 0xc2 && s[1] < 0xa0)
		    ? 2
		    : 0;
	if ((s[0] & 0xf0) == 0xe0) {
		if ((s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80 ||
		    (s[0] == 0xe0 && s[1] < 0xa0) ||
		    (s[0] == 0xed && s[1] > 0x9f))
			return 0;
		return 3;
	}
	if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		if ((s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80 ||
		    (s[3] & 0xc0) != 0x80 || (s[0] == 0xf0 && s[1] < 0x90) ||
		    (s[0] == 0xf4 && s[1] > 0x8f))
			return 0;
		return 4;
	}
	return 0;
}

bool
label_valid(const char *text, size_t min, size_t max)
{
	const uint8_t *s = (const uint8_t *)text;
	size_t len = strlen(text);

	if (len < min || len > max)
		return false;
	while (*s != '\0') {
		size_t step = utf8_printable(s);

		if (step == 0)
			return false;
		s += step;
	}
	return true;
}

/* Decimal digits at *at; moves past them. False on none, or above max. */
static bool
take_number(const char **at, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (!is_digit(**at))
		return false;
	for (; is_digit(**at); (*at)++) {
		uint64_t digit = (uint64_t)(**at - '0');

		if (value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

static const struct unit {
	const char *name;
	int64_t milliseconds;
} units[] = {
    /* from large to small, "ms" before "m" so that it is found first */
    {"w", 7 * 86400000LL},
    {"d", 86400000LL},
    {"h", 3600000LL},
    {"ms", 1},
    {"m", 60000},
    {"s", 1000},
};

static const struct unit *
take_unit(const char **at)
{
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		size_t len = strlen(units[i].name);

		if (strncmp(*at, units[i].name, len) == 0) {
			*at += len;
			return &units[i];
		}
	}
	return NULL;
}

bool
duration_parse(const char *text, int64_t *milliseconds)
{
	int64_t total = 0, smallest = INT64_MAX;
	const char *at = text;

	if (strcmp(text, "0") == 0) {
		*milliseconds = 0;
		return true;
	}
	do {
		const struct unit *unit;
		uint64_t count;

		if (!take_number(&at, (uint64_t)DURATION_MAX_MS, &count) ||
		    (unit = take_unit(&at)) == NULL ||
		    unit->milliseconds >= smallest ||
		    (int64_t)count >
			(DURATION_MAX_MS - total) / unit->milliseconds)
			return false;
		smallest = unit->milliseconds;
		total += (int64_t)count * unit->milliseconds;
	} while (*at != '\0');
	*milliseconds = total;
	return true;
}

bool
rate_parse(const char *text, uint32_t *limit, int64_t *per_ms)
{
	const char *at = text;
	const struct unit *unit;
	uint64_t count;
	int64_t per;

	if (!take_number(&at, UINT32_MAX, &count) || count == 0 || *at != '/')
		return false;
	at++;
	if (is_digit(*at)) {
		if (!duration_parse(at, &per) || per == 0)
			return false;
	} else { /* 5/m is 5/1m */
		if ((unit = take_unit(&at)) == NULL || *at != '\0')
			return false;
		per = unit->milliseconds;
	}
	*limit = (uint32_t)count;
	*per_ms = per;
	return true;
}

static const char *const periods[] = {
    [QUOTA_NONE] = "none",
    [QUOTA_DAY] = "day",
    [QUOTA_MONTH] = "month",
    [QUOTA_TOTAL] = "total",
};

const char *
quota_period_text(enum quota_period period)
{
	return period <= QUOTA_TOTAL ? periods[period] : periods[QUOTA_NONE];
}

bool
quota_period_parse(const char *text, enum quota_period *period)
{
	for (size_t i = QUOTA_DAY; i <= QUOTA_TOTAL; i++)
		if (strcmp(text, periods[i]) == 0) {
			*period = (enum quota_period)i;
			return true;
		}
	return false;
}

bool
quota_parse(const char *text, uint64_t *limit, enum quota_period *period)
{
	const char *at = text;
	uint64_t count;

	if (!take_number(&at, INT64_MAX, &count) || count == 0 || *at != '/')
		return false;
	if (!quota_period_parse(at + 1, period))
		return false;
	*limit = count;
	return true;
}

/* A number of exactly so many digits. */
static bool
take_digits(const char **at, int digits, int min, int max, int *out)
{
	int value = 0;

	for (int i = 0; i < digits; i++, (*at)++) {
		if (!is_digit(**at))
			return false;
		value = value * 10 + (**at - '0');
	}
	*out = value;
	return value >= min && value <= max;
}

static bool
take_char(const char **at, const char *any_of)
{
	if (**at == '\0' || strchr(any_of, **at) == NULL)
		return false;
	(*at)++;
	return true;
}

/* Days since the epoch of a date that exists, or false. */
static bool
take_date(const char **at, int64_t *days)
{
	static const int before[] = {
	    0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
	int year, month, day, leap, month_len;

	if (!take_digits(at, 4, 1970, 9999, &year) || !take_char(at, "-") ||
	    !take_digits(at, 2, 1, 12, &month) || !take_char(at, "-") ||
	    !take_digits(at, 2, 1, 31, &day))
		return false;
	leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	month_len = before[month] - before[month - 1] + (month == 2 && leap);
	if (day > month_len)
		return false;
	/* Leap days of the years before this one, since 1970. */
	*days = (int64_t)(year - 1970) * 365 + (year - 1) / 4 -
	    (year - 1) / 100 + (year - 1) / 400 - 477 + before[month - 1] +
	    (month > 2 && leap) + day - 1;
	return true;
}

/* 9999-12-31T23:59:59Z, in seconds. */
static const int64_t year_9999_end = 253402300799;

bool
date_parse(const char *text, int64_t *at)
{
	int64_t days;

	if (!take_date(&text, &days) || *text != '\0')
		return false;
	*at = (days + 1) * 86400000 - 1;
	return true;
}

bool
time_parse(const char *text, int64_t *at)
{
	int hour, minute, second, millisecond = 0, weight = 100;
	int off_hour = 0, off_minute = 0, sign = 0;
	int64_t days, value;

	if (!take_date(&text, &days) || !take_char(&text, "Tt ") ||
	    !take_digits(&text, 2, 0, 23, &hour) || !take_char(&text, ":") ||
	    !take_digits(&text, 2, 0, 59, &minute) || !take_char(&text, ":") ||
	    !take_digits(&text, 2, 0, 60, &second))
		return false;
	if (take_char(&text, ".")) {
		if (!is_digit(*text))
			return false;
		for (; is_digit(*text); text++, weight /= 10)
			millisecond += (*text - '0') * weight;
	}
	if (*text == '+' || *text == '-') {
		sign = *text++ == '+' ? 1 : -1;
		if (!take_digits(&text, 2, 0, 23, &off_hour) ||
		    !take_char(&text, ":") ||
		    !take_digits(&text, 2, 0, 59, &off_minute))
			return false;
	} else if (!take_char(&text, "Zz"))
		return false;
	if (*text != '\0')
		return false;
	value = days * 86400 + hour * 3600 + minute * 60 + second -
	    sign * (off_hour * 3600 + off_minute * 60);
	/* An offset may lead out of the years that can be written. */
	if (value < 0 || value > year_9999_end)
		return false;
	*at = value * 1000 + millisecond;
	return true;
}

void
time_text(int64_t at, char out[TIME_TEXT_MAX])
{
	time_t seconds = (time_t)(at / 1000);
	struct tm tm;

	if (at < 0 || gmtime_r(&seconds, &tm) == NULL || tm.tm_year > 8099 ||
	    strftime(out, TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		memcpy(out, "9999-12-31T23:59:59Z", TIME_TEXT_MAX);
}

size_t
timestamp_text(int64_t seconds, char out[TIMESTAMP_TEXT_MAX])
{
	return (size_t)snprintf(
	    out, TIMESTAMP_TEXT_MAX, "%" PRId64 ".", seconds);
}

bool
timestamp_parse(const char *text, int64_t *seconds)
{
	static const size_t digits_max = sizeof "253402300799" - 1;
	size_t len = strspn(text, "0123456789");
	int64_t value = 0;

	/* With a zero in front the text that was signed would be another. */
	if (len < 1 || len > digits_max || text[len] != '\0' ||
	    (len > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++)
		value = value * 10 + (text[i] - '0');
	*seconds = value;
	return true;
}

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool
is_mapped(const struct address *address)
{
	return memcmp(address->bytes, mapped, sizeof mapped) == 0;
}

bool
address_from_bytes(const void *data, size_t len, struct address *out)
{
	if (len == 16) {
		memcpy(out->bytes, data, 16);
		return true;
	}
	if (len != 4)
		return false;
	memcpy(out->bytes, mapped, sizeof mapped);
	memcpy(out->bytes + 12, data, 4);
	return true;
}

bool
address_parse(const char *text, struct address *out)
{
	char numeric[ADDRESS_TEXT_MAX];
	size_t len = strcspn(text, "%");
	uint8_t data[16];

	if (len >= sizeof numeric || (text[len] == '%' && text[len + 1] == 0))
		return false;
	memcpy(numeric, text, len);
	numeric[len] = '\0';
	if (inet_pton(AF_INET, text, data) == 1)
		return address_from_bytes(data, 4, out);
	if (inet_pton(AF_INET6, numeric, data) == 1)
		return address_from_bytes(data, 16, out);
	return false;
}

/* The address with all bits after the first len cleared. */
static struct address
network_of(const struct address *address, unsigned len)
{
	struct address out = *address;

	for (unsigned i = 0; i < 16; i++) {
		unsigned keep = len > i * 8 ? len - i * 8 : 0;

		if (keep < 8)
			out.bytes[i] &= (uint8_t)(0xff00 >> keep);
	}
	return out;
}

bool
cidr_parse(const char *text, struct cidr *out)
{
	size_t len = strcspn(text, "/");
	char address[CIDR_TEXT_MAX];
	struct cidr cidr;
	struct address network;
	uint64_t prefix = 128;
	bool is_ipv4;

	if (len >= sizeof address || memchr(text, '%', len) != NULL)
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	if (!address_parse(address, &cidr.address))
		return false;
	is_ipv4 = strchr(address, ':') == NULL;
	if (text[len] == '/') {
		const char *at = text + len + 1;

		if (!take_number(&at, is_ipv4 ? 32 : 128, &prefix) ||
		    *at != '\0')
			return false;
		if (is_ipv4)
			prefix += 96;
	}
	network = network_of(&cidr.address, (unsigned)prefix);
	if (memcmp(&network, &cidr.address, sizeof network) != 0)
		return false;
	cidr.prefix_len = (uint8_t)prefix;
	*out = cidr;
	return true;
}

bool
cidr_contains(const struct cidr *cidr, const struct address *address)
{
	struct address network = network_of(address, cidr->prefix_len);

	return memcmp(&network, &cidr->address, sizeof network) == 0;
}

void
address_text(const struct address *address, char out[ADDRESS_TEXT_MAX])
{
	const char *text = is_mapped(address)
	    ? inet_ntop(AF_INET, address->bytes + 12, out, ADDRESS_TEXT_MAX)
	    : inet_ntop(AF_INET6, address->bytes, out, ADDRESS_TEXT_MAX);

	if (text == NULL)
		out[0] = '\0';
}

void
cidr_text(const struct cidr *cidr, char out[CIDR_TEXT_MAX])
{
	char address[ADDRESS_TEXT_MAX];
	unsigned len = cidr->prefix_len;

	address_text(&cidr->address, address);
	if (is_mapped(&cidr->address) && len >= 96)
		len -= 96;
	snprintf(out, CIDR_TEXT_MAX, "%s/%u", address, len);
}
