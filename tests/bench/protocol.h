/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the load speaks: how a request for a token is written, and whether the
 * answer is the right one. A wrong answer fails the whole measurement.
 */
#ifndef BENCH_PROTOCOL_H
#define BENCH_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/cursor.h"

enum answer { ANSWER_SHORT, ANSWER_RIGHT, ANSWER_WRONG };

enum { REQUEST_MAX = 512 };

struct protocol {
	const char *name;
	/* Appends a request to *out. */
	void (*ask)(struct writer *out, const char *token);
	/* Looks at the answer that begins at in; *used is its length. */
	enum answer (*judge)(struct bytes in, const char *token, size_t *used);
	/* Where the protocol is somebody else's library: the whole exchange,
	 * on a connection of its own. */
	bool (*exchange)(const char *socket, const char *token);
	/* The other side closes after each answer. */
	bool once;
};

/* NULL: there is none of that name. */
const struct protocol *protocol_by_name(const char *name);

#endif
