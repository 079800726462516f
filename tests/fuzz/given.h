/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records out of an input: each a byte with its name's length, the name, two
 * bytes with its length, and that many bytes. They are as the daemon might have
 * written them: each name once, of its kind's length, its MAC right.
 */
#ifndef TESTS_FUZZ_GIVEN_H
#define TESTS_FUZZ_GIVEN_H

#include "daemon/index.h"
#include "daemon/record.h"
#include "fuzz.h"

enum { GIVEN_MAX = 256 };

struct given {
	const struct keyring *ring;
	size_t count;
	struct record records[GIVEN_MAX];
};

/* Up to one without a name. */
void given_read(struct given *given, struct reader *r);
struct record *given_find(struct given *given, struct bytes name);
/* In the place of one of that name. NULL where no record can be so. */
struct record *
given_put(struct given *given, struct bytes name, struct bytes data);
void given_drop(struct given *given, struct bytes name);
/* The root that goes with these records, their sequences up to this one. */
struct root given_root(const struct given *given, uint64_t sequence,
    const uint8_t master[SECRET_KEY_BYTES]);

/* What holds of every index that was loaded. */
void given_check_index(const struct index *index);

#endif
