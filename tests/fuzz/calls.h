/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For targets that are calls to the admin plane: one world, and connections to
 * it. Their inputs begin with what becomes of the first changes: a byte with
 * their number, a byte each. LLVMFuzzerInitialize() is here, too.
 */
#ifndef TESTS_FUZZ_CALLS_H
#define TESTS_FUZZ_CALLS_H

#include "world.h"

enum { CALLS_PEERS = 4 };

extern struct world world;
/* Who they are is the target's: see world_connect(). */
extern struct conn conns[CALLS_PEERS];

/* Makes the world. Returns how many bytes of the input were its beginning. */
size_t calls_begin(const uint8_t *data, size_t size);

#endif
