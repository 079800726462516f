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
	uint64_t word;

	for (size_t i = 0; i < len; i += sizeof word) {
		memcpy(&word, at + i, sizeof word);
		seed = mix(seed, word);
	}
	return mix(seed, len);
}

#endif
