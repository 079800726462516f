/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prometheus' text format: families of samples, one a line. Names are given
 * without what the format adds to them (_bucket, _sum, _count).
 */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include <stdint.h>
#include <stdio.h>

#include "histogram.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* Arrays of labels end with a row without a name. Values are UTF-8. */
struct metric_label {
	const char *name, *value;
};

/* Before the samples of each family; help is one line. */
void metric_family(
    FILE *out, const char *name, enum metric_type type, const char *help);
/* labels NULL: none. */
void metric_sample(FILE *out, const char *name,
    const struct metric_label *labels, uint64_t value);
/* A family of one sample. */
void metric_single(FILE *out, const char *name, enum metric_type type,
    const char *help, uint64_t value);
/* A whole family; in seconds. */
void metric_histogram(FILE *out, const char *name, const char *help,
    const struct histogram *histogram);

#endif
