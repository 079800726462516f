/* SPDX-License-Identifier: BSD-2-Clause */
#include "metrics.h"

#include <inttypes.h>

static const char *
type_text(enum metric_type type)
{
	switch (type) {
	case METRIC_COUNTER:
		return "counter";
	case METRIC_GAUGE:
		return "gauge";
	case METRIC_HISTOGRAM:
		return "histogram";
	}
	return "untyped";
}

void
metric_family(
    FILE *out, const char *name, enum metric_type type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
	    type_text(type));
}

/* The three characters that the format has an escape for. */
static void
put_value(FILE *out, const char *value)
{
	for (; *value != '\0'; value++)
		if (*value == '\n')
			fputs("\\n", out);
		else if (*value == '"' || *value == '\\')
			fprintf(out, "\\%c", *value);
		else
			fputc(*value, out);
}

void
metric_sample(FILE *out, const char *name, const struct metric_label *labels,
    uint64_t value)
{
	const char *before = "{";

	fputs(name, out);
	for (; labels != NULL && labels->name != NULL; labels++) {
		fprintf(out, "%s%s=\"", before, labels->name);
		put_value(out, labels->value);
		fputc('"', out);
		before = ",";
	}
	fprintf(out, "%s %" PRIu64 "\n", *before == ',' ? "}" : "", value);
}

void
metric_single(FILE *out, const char *name, enum metric_type type,
    const char *help, uint64_t value)
{
	metric_family(out, name, type, help);
	metric_sample(out, name, NULL, value);
}

/* Exact: these are decimal fractions of a second. */
static void
put_seconds(FILE *out, uint64_t ns)
{
	fprintf(
	    out, "%" PRIu64 ".%09" PRIu64, ns / 1000000000, ns % 1000000000);
}

void
metric_histogram(FILE *out, const char *name, const char *help,
    const struct histogram *histogram)
{
	uint64_t count = 0;

	metric_family(out, name, METRIC_HISTOGRAM, help);
	for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
		/* A bucket has all that is in those before it. */
		count += histogram->counts[i];
		fprintf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name,
		    (double)histogram_bound_ns(histogram, i) / 1e9, count);
	}
	fprintf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum ", name,
	    histogram->total, name);
	put_seconds(out, histogram->sum_ns);
	fprintf(out, "\n%s_count %" PRIu64 "\n", name, histogram->total);
}
