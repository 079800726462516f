/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An operator's PIN: what is kept of it, and what may be decided without
 * looking at it. Pure; the hashing is in secret.h.
 *
 * An attempt is counted, and the count on disk, before the PIN is looked at:
 * neither a kill nor a second attempt at the same time makes five into six.
 */
#ifndef DAEMON_PIN_H
#define DAEMON_PIN_H

#include <stdbool.h>
#include <stdint.h>

#include "secret.h"

enum {
	PIN_MIN_LEN = 4,
	PIN_MAX_LEN = 64,
	PIN_TRIES = 5,
	PIN_LOCK_MS = 15 * 60 * 1000,
};

struct pin {
	uint32_t uid;
	bool deleted; /* a tombstone: on disk only */
	uint8_t salt[PIN_SALT_BYTES];
	uint8_t hash[PIN_HASH_BYTES];
	/* Attempts since the last right one; the one under way is in it. */
	uint8_t attempts;
	int64_t attempted_at; /* the last; Unix ms */
};

/* Until when no attempt is taken; 0 where one is. */
int64_t pin_locked_until(const struct pin *pin, int64_t now);
/* Notes an attempt that is taken now: to be done before it is judged. */
void pin_count(struct pin *pin, int64_t now);
/* What an attempt that turned out wrong leaves. */
unsigned pin_tries_left(const struct pin *pin);

#endif
