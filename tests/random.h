/* SPDX-License-Identifier: BSD-2-Clause */
/* Random numbers that a seed repeats: xorshift64*. A seed of zero would stay
 * zero. */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <stdint.h>

static inline uint64_t
next_random(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * 0x2545F4914F6CDD1DULL;
}

#endif
