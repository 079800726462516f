/* SPDX-License-Identifier: BSD-2-Clause */
#include "limits.h"

__extension__ typedef unsigned __int128 level;

static level
full(const struct key_limits *limits)
{
	return (level)limits->rate_limit * (uint64_t)limits->rate_per_ms;
}

void
rate_reset(struct key_limits *limits, int64_t now)
{
	limits->level = full(limits);
	limits->refilled_at = now;
}

static void
refill(struct key_limits *limits, int64_t now)
{
	if (now <= limits->refilled_at)
		return;
	limits->level +=
	    (level)limits->rate_limit * (uint64_t)(now - limits->refilled_at);
	if (limits->level > full(limits))
		limits->level = full(limits);
	limits->refilled_at = now;
}

bool
rate_take(struct key_limits *limits, int64_t now)
{
	refill(limits, now);
	if (limits->level < (uint64_t)limits->rate_per_ms)
		return false;
	limits->level -= (uint64_t)limits->rate_per_ms;
	return true;
}

uint32_t
rate_remaining(const struct key_limits *limits)
{
	return (uint32_t)(limits->level / (uint64_t)limits->rate_per_ms);
}

uint64_t
rate_retry_after(const struct key_limits *limits)
{
	level call = (uint64_t)limits->rate_per_ms;

	if (limits->level >= call)
		return 0;
	return (uint64_t)((call - limits->level + limits->rate_limit - 1) /
	    limits->rate_limit);
}
