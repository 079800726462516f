/* SPDX-License-Identifier: BSD-2-Clause */
/* The sums in usage.journal, of whole words: a few multiplications, against
 * torn and stale records, not against people. */
#ifndef DAEMON_JOURNAL_SUM_H
#define DAEMON_JOURNAL_SUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t
mix(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * UINT64_C(0x9E3779B97F4A7C15);
	return sum ^ sum >> 32;
}

static inline uint64_t
checksum(uint64_t seed, const void *data, size_t len)
{
	const uint8_t *at = data;
	uint64_t two[2];
	size_t left = len;

	/* Two at a time: a verification pays for it. */
	for (; left >= sizeof two; at += sizeof two, left -= sizeof two) {
		memcpy(two, at, sizeof two);
		seed = mix(mix(seed, two[0]), two[1]);
	}
	if (left > 0) {
		memcpy(two, at, sizeof two[0]);
		seed = mix(seed, two[0]);
	}
	return mix(seed, len);
}

#endif
