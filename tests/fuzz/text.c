/* SPDX-License-Identifier: BSD-2-Clause */
/* What people write: input is one text, given to every parser. */
#include "fuzz.h"
#include "proto/text.h"

static void
check_durations(const char *text)
{
	enum quota_period period;
	uint32_t limit = 0;
	uint64_t quota = 0;
	int64_t ms = -1;

	if (duration_parse(text, &ms))
		fuzz_require(ms >= 0 && ms <= DURATION_MAX_MS,
		    "a duration is within its limits");
	else
		fuzz_require(ms == -1, "a refused duration is left alone");
	if (rate_parse(text, &limit, &ms))
		fuzz_require(limit >= 1 && ms >= 1, "a rate is one");
	if (quota_parse(text, &quota, &period))
		fuzz_require(
		    quota >= 1 && period > QUOTA_NONE && period <= QUOTA_TOTAL,
		    "a quota is one");
	if (quota_period_parse(text, &period))
		fuzz_require(strcmp(quota_period_text(period), text) == 0,
		    "a period is called what it was read from");
}

/* What is written of a time reads as that time, cut to seconds. */
static void
check_time(int64_t at)
{
	char text[TIME_TEXT_MAX];
	int64_t again = -1;

	fuzz_require(at >= 0, "no time is before 1970");
	time_text(at, text);
	fuzz_require(time_parse(text, &again) && again == at - at % 1000,
	    "a time reads as it was written");
}

static void
check_times(const char *text)
{
	char digits[TIMESTAMP_TEXT_MAX];
	int64_t at = -1, seconds;
	size_t len;

	if (time_parse(text, &at) || date_parse(text, &at))
		check_time(at);
	else
		fuzz_require(at == -1, "a refused time is left alone");
	if (timestamp_parse(text, &seconds)) {
		len = timestamp_text(seconds, digits);
		fuzz_require(len == strlen(text) + 1 &&
			memcmp(digits, text, len - 1) == 0,
		    "there is one way to write a timestamp");
	}
}

static void
check_networks(const char *text)
{
	char written[CIDR_TEXT_MAX];
	struct address address, same;
	struct cidr cidr, again;

	if (address_parse(text, &address)) {
		address_text(&address, written);
		fuzz_require(address_parse(written, &same) &&
			memcmp(&address, &same, sizeof same) == 0,
		    "an address reads as it was written");
		fuzz_require(cidr_parse(written, &cidr) &&
			cidr.prefix_len == 128 &&
			cidr_contains(&cidr, &address),
		    "an address is a network of itself");
	}
	if (cidr_parse(text, &cidr)) {
		cidr_text(&cidr, written);
		fuzz_require(cidr_parse(written, &again) &&
			memcmp(&cidr.address, &again.address,
			    sizeof cidr.address) == 0 &&
			cidr.prefix_len == again.prefix_len,
		    "a network reads as it was written");
		fuzz_require(cidr_contains(&cidr, &cidr.address),
		    "a network holds its own address");
	}
}

static void
check_names(const char *text, size_t size)
{
	size_t len = strlen(text);

	if (slug_valid(text))
		fuzz_require(len >= 1 && len <= 63 && label_valid(text, 1, 63),
		    "a slug is a plain label");
	if (scope_valid(text))
		fuzz_require(len >= 1 && len <= 64 && strchr(text, ' ') == NULL,
		    "a scope is a word");
	if (label_valid(text, 1, 128))
		fuzz_require(len >= 1 && len <= 128 && len <= size &&
			strpbrk(text, "\n\r\t\x1b\x7f") == NULL,
		    "a label has no control characters");
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct address address;

	check_durations(text);
	check_times(text);
	check_networks(text);
	check_names(text, size);
	if (address_from_bytes(data, size, &address))
		fuzz_require(
		    size == 4 || size == 16, "an address has 4 or 16 bytes");
	free(text);
	return 0;
}
