/* SPDX-License-Identifier: BSD-2-Clause */
#include "limits.h"

#include "proto/text.h"

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
rate_left(struct key_limits *limits, int64_t now)
{
	refill(limits, now);
	return limits->level >= (uint64_t)limits->rate_per_ms;
}

bool
rate_take(struct key_limits *limits, int64_t now)
{
	if (!rate_left(limits, now))
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

/* Quota */

enum { DAY_MS = 86400000 };

/* The month that a day since 1970 is in: its first day, and the first one
 * behind it. Years are taken to begin in March, so that a leap day is the last
 * one of its year; 719468 days lie between the first of March of the year 0
 * and 1970, 146097 in 400 years. */
static void
month_around(int64_t day, int64_t *first, int64_t *next)
{
	int64_t since = day + 719468;
	int64_t day_of_era = since % 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 +
				  day_of_era / 36524 - day_of_era / 146096) /
	    365;
	int64_t day_of_year = day_of_era -
	    (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153; /* 0 is March */
	int64_t year_start = day - day_of_year;

	*first = year_start + (153 * month + 2) / 5;
	/* February's end is the year's. */
	*next = month < 11 ? year_start + (153 * (month + 1) + 2) / 5
			   : year_start + 365 +
		((year_of_era + 1) % 4 == 0 &&
		    ((year_of_era + 1) % 100 != 0 ||
			(year_of_era + 1) % 400 == 0));
}

static int64_t
period_start(const struct key_limits *limits, int64_t now)
{
	int64_t day = now / DAY_MS, first = 0, next;

	if (limits->quota_period == QUOTA_DAY)
		first = day;
	else if (limits->quota_period == QUOTA_MONTH)
		month_around(day, &first, &next);
	return first * DAY_MS;
}

bool
quota_left(struct key_limits *limits, int64_t now)
{
	int64_t start = period_start(limits, now);

	if (start > limits->quota_start) {
		limits->quota_start = start;
		limits->quota_used = 0;
	}
	return limits->quota_used < limits->quota_limit;
}

void
quota_take(struct key_limits *limits)
{
	limits->quota_used++;
}

uint64_t
quota_remaining(const struct key_limits *limits)
{
	return limits->quota_used < limits->quota_limit
	    ? limits->quota_limit - limits->quota_used
	    : 0;
}

int64_t
quota_resets_at(const struct key_limits *limits)
{
	int64_t day = limits->quota_start / DAY_MS, first, next = 0;

	if (limits->quota_period == QUOTA_DAY)
		next = day + 1;
	else if (limits->quota_period == QUOTA_MONTH)
		month_around(day, &first, &next);
	return next * DAY_MS;
}

uint64_t
quota_used(const struct key_limits *limits, int64_t now)
{
	return period_start(limits, now) > limits->quota_start
	    ? 0
	    : limits->quota_used;
}
