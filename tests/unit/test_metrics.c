/* SPDX-License-Identifier: BSD-2-Clause */
/* What is counted and how it is written down. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/histogram.h"
#include "daemon/metrics.h"
#include "daemon/tally.h"
#include "suite.h"

static char *written;
static size_t written_len;

static FILE *
begin(void)
{
	return open_memstream(&written, &written_len);
}

static void
expect(FILE *out, const char *wanted)
{
	fclose(out);
	ck_assert_str_eq(written, wanted);
	free(written);
}

START_TEST(samples)
{
	const struct metric_label labels[] = {
	    {"service", "a \"b\" \\ c\nd\xc3\xa9"}, {"verdict", "valid"}, {0}};
	FILE *out = begin();

	metric_family(out, "x_total", METRIC_COUNTER, "So many.");
	metric_sample(out, "x_total", labels, UINT64_MAX);
	metric_single(out, "y", METRIC_GAUGE, "Now.", 0);
	expect(out,
	    "# HELP x_total So many.\n"
	    "# TYPE x_total counter\n"
	    "x_total{service=\"a \\\"b\\\" \\\\ c\\nd\xc3\xa9\","
	    "verdict=\"valid\"} 18446744073709551615\n"
	    "# HELP y Now.\n"
	    "# TYPE y gauge\n"
	    "y 0\n");
}
END_TEST

START_TEST(buckets)
{
	struct histogram h = HISTOGRAM_FROM(1000);

	histogram_add(&h, 0, 1);
	histogram_add(&h, 1000, 1); /* a bound belongs to its bucket */
	histogram_add(&h, 1001, 1);
	histogram_add(&h, 100000000, 4);
	histogram_add(&h, 100000001, 2);
	histogram_add(&h, 5, 0);
	ck_assert_uint_eq(h.counts[0], 2);
	ck_assert_uint_eq(h.counts[1], 1);
	ck_assert_uint_eq(h.counts[HISTOGRAM_BOUNDS - 1], 4);
	ck_assert_uint_eq(h.counts[HISTOGRAM_BOUNDS], 2);
	ck_assert_uint_eq(h.total, 9);
	ck_assert_uint_eq(
	    h.sum_ns, 2001 + UINT64_C(400000000) + UINT64_C(200000002));
	for (size_t i = 1; i < HISTOGRAM_BOUNDS; i++)
		ck_assert_uint_lt(
		    histogram_bound_ns(&h, i - 1), histogram_bound_ns(&h, i));
}
END_TEST

START_TEST(histogram_text)
{
	struct histogram h = HISTOGRAM_FROM(1000);
	FILE *out = begin();

	histogram_add(&h, 1500, 2);
	histogram_add(&h, 3000000000, 1);
	metric_histogram(out, "t_seconds", "Time.", &h);
	expect(out,
	    "# HELP t_seconds Time.\n"
	    "# TYPE t_seconds histogram\n"
	    "t_seconds_bucket{le=\"1e-06\"} 0\n"
	    "t_seconds_bucket{le=\"2e-06\"} 2\n"
	    "t_seconds_bucket{le=\"5e-06\"} 2\n"
	    "t_seconds_bucket{le=\"1e-05\"} 2\n"
	    "t_seconds_bucket{le=\"2e-05\"} 2\n"
	    "t_seconds_bucket{le=\"5e-05\"} 2\n"
	    "t_seconds_bucket{le=\"0.0001\"} 2\n"
	    "t_seconds_bucket{le=\"0.0002\"} 2\n"
	    "t_seconds_bucket{le=\"0.0005\"} 2\n"
	    "t_seconds_bucket{le=\"0.001\"} 2\n"
	    "t_seconds_bucket{le=\"0.002\"} 2\n"
	    "t_seconds_bucket{le=\"0.005\"} 2\n"
	    "t_seconds_bucket{le=\"0.01\"} 2\n"
	    "t_seconds_bucket{le=\"0.02\"} 2\n"
	    "t_seconds_bucket{le=\"0.05\"} 2\n"
	    "t_seconds_bucket{le=\"0.1\"} 2\n"
	    "t_seconds_bucket{le=\"+Inf\"} 3\n"
	    "t_seconds_sum 3.000003000\n"
	    "t_seconds_count 3\n");
}
END_TEST

static int
about(double got, double wanted)
{
	return got > wanted * 0.999 && got < wanted * 1.001;
}

START_TEST(quantiles)
{
	struct histogram h = HISTOGRAM_FROM(1000);

	ck_assert(!(histogram_quantile(&h, 0.5) > 0));
	histogram_add(&h, 1500, 100);
	ck_assert(about(histogram_quantile(&h, 0.5), 1.5e-6));
	ck_assert(about(histogram_quantile(&h, 1), 2e-6));
	histogram_add(&h, 10000, 100);
	ck_assert(about(histogram_quantile(&h, 0.5), 2e-6));
	ck_assert(about(histogram_quantile(&h, 0.75), 7.5e-6));
	/* Of what is beyond the last bound nothing more is known. */
	histogram_add(&h, 1000000000, 10000);
	ck_assert(about(histogram_quantile(&h, 0.99), 0.1));
}
END_TEST

static struct tally tally;

static uint64_t
all_of(const struct tally *t, enum verdict verdict)
{
	uint64_t sum = t->others[verdict];

	for (size_t i = 0; i < t->service_count; i++)
		sum += t->services[i].verdicts[verdict];
	return sum;
}

START_TEST(services)
{
	tally_init(&tally);
	tally_note(&tally, VERDICT_VALID, bytes_of("httpd"));
	tally_note(&tally, VERDICT_VALID, bytes_of(""));
	tally_note(&tally, VERDICT_EXPIRED, bytes_of("httpd"));
	/* One that begins like another, and one with a NUL in it. */
	tally_note(&tally, VERDICT_VALID, bytes_of("http"));
	tally_note(&tally, VERDICT_VALID,
	    (struct bytes){(const uint8_t *)"http\0", 5});
	/* Written down, these would be one name twice. */
	tally_note(&tally, VERDICT_VALID, bytes_of("a\xff"));
	tally_note(&tally, VERDICT_VALID, bytes_of("a\n"));
	tally_note(&tally, VERDICT_VALID, bytes_of(TALLY_OTHERS));
	ck_assert_uint_eq(tally.service_count, 3);
	ck_assert_uint_eq(tally.others[VERDICT_VALID], 4);
	ck_assert_uint_eq(tally.services[0].verdicts[VERDICT_VALID], 1);
	ck_assert_uint_eq(tally.services[0].verdicts[VERDICT_EXPIRED], 1);
	ck_assert_uint_eq(tally.services[1].len, 0);
	ck_assert_uint_eq(tally.services[1].verdicts[VERDICT_VALID], 1);
	ck_assert_uint_eq(tally.verdicts[VERDICT_VALID], 7);
	ck_assert_uint_eq(all_of(&tally, VERDICT_VALID), 7);
}
END_TEST

/* A new name each time costs nothing more, and no count is lost. */
START_TEST(many_services)
{
	enum { MANY = 100000 };
	char name[32];

	tally_init(&tally);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "service-%d", i);
		tally_note(&tally, VERDICT_UNKNOWN, bytes_of(name));
	}
	tally_note(&tally, VERDICT_UNKNOWN, bytes_of("service-7"));
	ck_assert_uint_eq(tally.service_count, TALLY_SERVICES_MAX);
	ck_assert_uint_eq(tally.services[7].verdicts[VERDICT_UNKNOWN], 2);
	ck_assert_uint_eq(
	    tally.others[VERDICT_UNKNOWN], MANY - TALLY_SERVICES_MAX);
	ck_assert_uint_eq(all_of(&tally, VERDICT_UNKNOWN), MANY + 1);
	ck_assert_uint_eq(tally.verdicts[VERDICT_UNKNOWN], MANY + 1);
}
END_TEST

/* All that one read brought took as long. */
START_TEST(timing)
{
	tally_init(&tally);
	tally_time(&tally, 5000); /* a read without a verification */
	ck_assert_uint_eq(tally.latency.total, 0);
	for (int i = 0; i < 3; i++)
		tally_note(&tally, VERDICT_VALID, bytes_of("httpd"));
	tally_time(&tally, 5000);
	ck_assert_uint_eq(tally.latency.total, 3);
	ck_assert_uint_eq(tally.latency.sum_ns, 15000);
	tally_time(&tally, 5000);
	ck_assert_uint_eq(tally.latency.total, 3);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("metrics");

	suite_add(suite, "samples", samples);
	suite_add(suite, "buckets", buckets);
	suite_add(suite, "histogram text", histogram_text);
	suite_add(suite, "quantiles", quantiles);
	suite_add(suite, "services", services);
	suite_add(suite, "many services", many_services);
	suite_add(suite, "timing", timing);
	return suite_run(suite);
}
