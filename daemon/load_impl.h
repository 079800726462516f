/* SPDX-License-Identifier: BSD-2-Clause */
/* What load.c gathers, record by record, for load_finish.c. */
#ifndef DAEMON_LOAD_IMPL_H
#define DAEMON_LOAD_IMPL_H

#include "index_impl.h"

/*
 * A piece of a key's details that do not fit its K record; the first one, n
 * 0, is what the K record has of them.
 */
struct piece {
	char id[TOKEN_ID_LEN];
	uint64_t sequence;
	uint8_t n;
	uint16_t len;
	uint8_t data[RECORD_MAX];
};

struct loader {
	struct index *index;
	struct piece *pieces;
	size_t piece_count, piece_capacity;
};

#endif
