/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long something takes, in buckets of 1, 2, 5, 10 ... times the shortest:
 * a count is an addition, and a quantile can be told afterwards.
 */
#ifndef DAEMON_HISTOGRAM_H
#define DAEMON_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

/* Five decades, ends included; one bucket more for all that is longer. */
enum { HISTOGRAM_BOUNDS = 16 };

struct histogram {
	uint64_t first_ns; /* bound of the first bucket */
	uint64_t counts[HISTOGRAM_BOUNDS + 1];
	uint64_t total;
	uint64_t sum_ns;
};

#define HISTOGRAM_FROM(ns)       \
	{                        \
		.first_ns = (ns) \
	}

/* The longest time that still belongs to a bucket. */
uint64_t histogram_bound_ns(const struct histogram *histogram, size_t bucket);

/* count events, each of which took so long. */
void histogram_add(struct histogram *histogram, uint64_t ns, uint64_t count);

/*
 * The time, in seconds, within which this share (0 to 1) of the events was
 * done: estimated by taking a bucket's events to lie evenly in it. 0 where
 * there were none; the last bound for what is longer.
 */
double histogram_quantile(const struct histogram *histogram, double share);

#endif
