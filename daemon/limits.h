/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rate of a key: a bucket that holds limit calls and is refilled with
 * limit calls every per_ms, continuously. The level is kept in calls times
 * per_ms, so that no rounding ever gives or takes a part of a call.
 */
#ifndef DAEMON_LIMITS_H
#define DAEMON_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"

/* Fills the bucket: for a new key, a new rate, and at the start. */
void rate_reset(struct key_limits *limits, int64_t now);

/* Takes one call out of the bucket; false where there is none. now is
 * monotonic. */
bool rate_take(struct key_limits *limits, int64_t now);

/* Whole calls left as of the last take. */
uint32_t rate_remaining(const struct key_limits *limits);
/* Milliseconds from the last take until a call is there, rounded up. */
uint64_t rate_retry_after(const struct key_limits *limits);

#endif
