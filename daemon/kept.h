/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes kept for later: appended behind, taken in front, and no memory at all
 * while there are none. They may be secret, so no copy is left unwiped.
 */
#ifndef DAEMON_KEPT_H
#define DAEMON_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed at first. The bytes are the len from data + start on. */
struct kept {
	uint8_t *data;
	size_t start, len, size;
};

/* False where memory is short; nothing is changed then. */
bool kept_append(struct kept *kept, const void *data, size_t len);
void kept_take(struct kept *kept, size_t len);
void kept_clear(struct kept *kept);

#endif
