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

/* Whether a call is there; takes none. now as for rate_take(). */
bool rate_left(struct key_limits *limits, int64_t now);

/*
 * The quota of a key: so many calls a day, a month (both of UTC) or in all.
 * now is Unix time. A period never goes back: where the clock is set back,
 * what was used stays used until the period that was reached is over.
 */

/* Whether a call is left; begins a new period where it is time. */
bool quota_left(struct key_limits *limits, int64_t now);
/* After quota_left() was true. */
void quota_take(struct key_limits *limits);
/* As of the last of these two. */
uint64_t quota_remaining(const struct key_limits *limits);
/* Unix ms; 0: never. */
int64_t quota_resets_at(const struct key_limits *limits);
/* Of the period that now is in. */
uint64_t quota_used(const struct key_limits *limits, int64_t now);

#endif
