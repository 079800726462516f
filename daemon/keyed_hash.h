/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A step of hashes under a secret, for tables whose contents others choose:
 * without the secret nobody can look for values that meet. For memory alone;
 * it takes the same time whatever it is given.
 */
#ifndef DAEMON_KEYED_HASH_H
#define DAEMON_KEYED_HASH_H

#include <stdint.h>

/* Either was combined with 64 secret bits of its own before. */
static inline uint64_t
keyed_hash_fold(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

#endif
