/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How fast usage is taken out of a full journal, without a daemon around it.
 *
 *     drain DIRECTORY KEYS EVENTS [JOURNAL-MIB]
 *
 * The directory is there and empty. Notes that many events of that many keys
 * in turn, as long as the journal has room, and takes them, in rounds. Prints
 * for each round the events, the seconds they took on the clock and the CPU's,
 * and what the files have grown to; at the end, how long a start takes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "daemon/instant.h"
#include "daemon/secret.h"
#include "daemon/usage_impl.h"

struct drain {
	struct usage_options options;
	struct usage *usage;
	struct index *index;
	struct account account;
	struct product product;
	struct key key;
	unsigned long keys, noted;
};

static void
die(const char *what)
{
	fprintf(stderr, "drain: %s\n", what);
	exit(1);
}

static double
seconds_on(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The next event, of the next key. False where there is no room. */
static bool
note(struct drain *drain, const struct usage_facts *before)
{
	unsigned long number = drain->noted % drain->keys;
	/* Spread as the IDs of real keys are. */
	uint64_t id = (number + 1) * UINT64_C(0x9E3779B97F4A7C15);
	struct address address = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10,
	    1, (uint8_t)(number >> 8), (uint8_t)number}};
	struct usage_event event = {.key = &drain->key,
	    .verdict = VERDICT_VALID,
	    .at = now_ms(),
	    .address = &address,
	    .endpoint = bytes_of("GET /v1/appointments"),
	    .service = bytes_of("httpd")};
	struct usage_facts facts;

	for (size_t i = TOKEN_ID_LEN; i-- > 0; id /= 62)
		drain->key.id[i] = base62_digit((unsigned)(id % 62));
	usage_note(drain->usage, &event);
	usage_facts(drain->usage, &facts);
	if (facts.dropped > before->dropped)
		return false;
	drain->noted++;
	return true;
}

static bool
go_on(struct usage *usage)
{
	(void)usage;
	return true;
}

static void
take(struct drain *drain)
{
	struct usage_facts facts;

	do {
		if (!usage_take(drain->usage, SIZE_MAX, go_on))
			die("cannot take");
		usage_facts(drain->usage, &facts);
	} while (facts.journal_used_bytes > 0);
}

static void
one_round(struct drain *drain, unsigned long events)
{
	unsigned long before = drain->noted;
	double at, used;
	struct usage_facts facts;
	struct rusage rusage;

	usage_facts(drain->usage, &facts);
	while (drain->noted < before + events && note(drain, &facts))
		;
	at = seconds_on(CLOCK_MONOTONIC);
	used = seconds_on(CLOCK_PROCESS_CPUTIME_ID);
	take(drain);
	at = seconds_on(CLOCK_MONOTONIC) - at;
	used = seconds_on(CLOCK_PROCESS_CPUTIME_ID) - used;
	getrusage(RUSAGE_SELF, &rusage);
	printf("events %lu seconds %.3f cpu %.3f files_mb %.1f rss_mb %.1f\n",
	    drain->noted - before, at, used,
	    (double)usage_files_bytes(&drain->usage->files) / 1e6,
	    (double)rusage.ru_maxrss / 1e3);
	fflush(stdout);
}

static void
open_usage(struct drain *drain)
{
	double at = seconds_on(CLOCK_MONOTONIC);

	drain->usage = usage_open(&drain->options, drain->index);
	if (drain->usage == NULL)
		exit(1);
	printf("open_seconds %.3f\n", seconds_on(CLOCK_MONOTONIC) - at);
}

int
main(int argc, char **argv)
{
	struct drain drain = {
	    .account = {.slug = "acme", .usage_id = 1},
	    .product = {.slug = "api", .prefix = "ak", .usage_id = 2},
	};
	unsigned long events;

	if (argc < 4 || !secret_init())
		die("usage: drain DIRECTORY KEYS EVENTS [JOURNAL-MIB]");
	drain.keys = strtoul(argv[2], NULL, 10);
	events = strtoul(argv[3], NULL, 10);
	drain.options = (struct usage_options){.directory = argv[1],
	    .ring = keyring_new(),
	    .expected_keys = 100000,
	    .retention_days = 31,
	    .flush_ms = 2000,
	    .journal_bytes = (argc > 4 ? strtoul(argv[4], NULL, 10) : 64)
		<< 20};
	drain.index = index_new();
	drain.key.account = &drain.account;
	drain.key.product = &drain.product;
	open_usage(&drain);
	for (int i = 0; i < 3; i++)
		one_round(&drain, events);
	usage_free(drain.usage);
	open_usage(&drain);
	usage_free(drain.usage);
	index_free(drain.index);
	return 0;
}
