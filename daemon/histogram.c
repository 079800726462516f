/* SPDX-License-Identifier: BSD-2-Clause */
#include "histogram.h"

static const uint64_t bounds[HISTOGRAM_BOUNDS] = {1, 2, 5, 10, 20, 50, 100, 200,
    500, 1000, 2000, 5000, 10000, 20000, 50000, 100000};

enum { NS_PER_S = 1000000000 };

uint64_t
histogram_bound_ns(const struct histogram *histogram, size_t bucket)
{
	return histogram->first_ns * bounds[bucket];
}

void
histogram_add(struct histogram *histogram, uint64_t ns, uint64_t count)
{
	size_t bucket = 0;

	while (bucket < HISTOGRAM_BOUNDS &&
	    ns > histogram_bound_ns(histogram, bucket))
		bucket++;
	histogram->counts[bucket] += count;
	histogram->total += count;
	histogram->sum_ns += ns * count;
}

double
histogram_quantile(const struct histogram *histogram, double share)
{
	double wanted = share * (double)histogram->total, before = 0;
	double low = 0, high = 0;

	for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
		double count = (double)histogram->counts[i];

		low = high;
		high = (double)histogram_bound_ns(histogram, i);
		if (count > 0 && before + count >= wanted)
			return (low +
				   (high - low) * (wanted - before) / count) /
			    NS_PER_S;
		before += count;
	}
	return histogram->total > 0 ? high / NS_PER_S : 0;
}
