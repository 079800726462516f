/* SPDX-License-Identifier: BSD-2-Clause */
/* Durations in nanoseconds, and where most of them lie. */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

enum { SAMPLES_MAX = 1 << 20 };

/* Of the monotonic clock. */
static inline uint64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline int
compare_samples(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

static inline void
sort_samples(uint32_t *samples, size_t count)
{
	qsort(samples, count, sizeof *samples, compare_samples);
}

/* Of sorted ones; 0 where there are none. */
static inline uint32_t
percentile(const uint32_t *samples, size_t count, unsigned percent)
{
	return count > 0 ? samples[(count - 1) * percent / 100] : 0;
}

#endif
