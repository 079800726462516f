/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How fast usage is taken out of a full journal, without a daemon around it.
 *
 *     drain DIRECTORY KEYS EVENTS [ROUNDS [JOURNAL-MIB]]
 *
 * The directory is there and empty. Notes that many events of that many keys
 * in turn, as long as the journal has room, and takes them, in rounds of which
 * each is a day later. Prints for each round the events, the seconds they took
 * on the clock and the CPU's, and what the files have grown to; then how long
 * an end and a start with as many in the journal take; then what questions over
 * 30 days take, with these in the journal and without them, in milliseconds:
 * the first one, and median and maximum of a hundred.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "daemon/instant.h"
#include "daemon/secret.h"
#include "daemon/usage_impl.h"

enum { QUESTIONS = 100, DAY = 86400000 };

struct drain {
	struct usage_options options;
	struct usage *usage;
	struct index *index;
	struct account account;
	struct product product;
	struct key key;
	unsigned long keys, noted;
	int64_t at; /* Unix ms */
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

static void
name_key(struct drain *drain, unsigned long number)
{
	/* Spread as the IDs of real keys are. */
	uint64_t id = (number + 1) * UINT64_C(0x9E3779B97F4A7C15);

	for (size_t i = TOKEN_ID_LEN; i-- > 0; id /= 62)
		drain->key.id[i] = base62_digit((unsigned)(id % 62));
}

/* The next event, of the next key. False where there is no room. */
static bool
note(struct drain *drain, const struct usage_facts *before)
{
	unsigned long number = drain->noted % drain->keys;
	struct address address = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10,
	    1, (uint8_t)(number >> 8), (uint8_t)number}};
	struct usage_event event = {.key = &drain->key,
	    .verdict = VERDICT_VALID,
	    .at = drain->at,
	    .address = &address,
	    .endpoint = bytes_of("GET /v1/appointments"),
	    .service = bytes_of("httpd")};
	struct usage_facts facts;

	name_key(drain, number);
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
note_many(struct drain *drain, unsigned long events)
{
	unsigned long before = drain->noted;
	struct usage_facts facts;

	usage_facts(drain->usage, &facts);
	while (drain->noted < before + events && note(drain, &facts))
		;
}

static void
one_round(struct drain *drain, unsigned long events)
{
	unsigned long before = drain->noted;
	double at, used;
	struct rusage rusage;

	note_many(drain, events);
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
	double at = seconds_on(CLOCK_MONOTONIC),
	       used = seconds_on(CLOCK_PROCESS_CPUTIME_ID);

	drain->usage = usage_open(&drain->options, drain->index);
	if (drain->usage == NULL)
		exit(1);
	printf("start seconds %.3f cpu %.3f\n",
	    seconds_on(CLOCK_MONOTONIC) - at,
	    seconds_on(CLOCK_PROCESS_CPUTIME_ID) - used);
}

static void
wake(void *context)
{
	(void)context;
}

/* How long an end with that much in the journal takes. */
static void
stop(struct drain *drain, unsigned long events)
{
	double at;

	note_many(drain, events);
	if (!usage_start(drain->usage, wake, NULL))
		exit(1);
	at = seconds_on(CLOCK_MONOTONIC);
	usage_free(drain->usage);
	printf("stop seconds %.3f\n", seconds_on(CLOCK_MONOTONIC) - at);
}

static double
ask(struct drain *drain, enum usage_subject subject, unsigned long number)
{
	struct question question = {
	    .query = {
		.subject = subject, .window = USAGE_30D, .now = drain->at}};
	double at = seconds_on(CLOCK_MONOTONIC);

	name_key(drain, number);
	question.name = subject == USAGE_OF_KEY
	    ? usage_name_of_key(drain->key.id)
	    : usage_name_of_subject(subject, drain->account.usage_id);
	if (!usage_report_make(drain->usage, &question) ||
	    question.report->total == 0)
		die("no answer");
	usage_report_free(question.report);
	return (seconds_on(CLOCK_MONOTONIC) - at) * 1e3;
}

static int
by_size(const void *a, const void *b)
{
	const double *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

static void
ask_often(struct drain *drain, enum usage_subject subject, const char *name)
{
	double first = ask(drain, subject, 0), took[QUESTIONS];

	for (unsigned long i = 0; i < QUESTIONS; i++)
		took[i] = ask(drain, subject, i * (drain->keys / QUESTIONS));
	qsort(took, QUESTIONS, sizeof *took, by_size);
	printf("question %s first %.2f median %.2f max %.2f\n", name, first,
	    took[QUESTIONS / 2], took[QUESTIONS - 1]);
}

static void
ask_all(struct drain *drain)
{
	ask_often(drain, USAGE_OF_KEY, "key");
	ask_often(drain, USAGE_OF_ACCOUNT, "account");
	ask_often(drain, USAGE_OF_PRODUCT, "product");
}

int
main(int argc, char **argv)
{
	struct drain drain = {
	    .account = {.slug = "acme", .usage_id = 1},
	    .product = {.slug = "api", .prefix = "ak", .usage_id = 1},
	};
	unsigned long events, rounds;

	if (argc < 4 || !secret_init())
		die("usage: drain DIRECTORY KEYS EVENTS [ROUNDS "
		    "[JOURNAL-MIB]]");
	drain.keys = strtoul(argv[2], NULL, 10);
	events = strtoul(argv[3], NULL, 10);
	rounds = argc > 4 ? strtoul(argv[4], NULL, 10) : 3;
	if (drain.keys == 0)
		die("no keys");
	drain.options = (struct usage_options){.directory = argv[1],
	    .ring = keyring_new(),
	    .expected_keys = 100000,
	    .retention_days = 31,
	    .flush_ms = 2000,
	    .journal_bytes = (argc > 5 ? strtoul(argv[5], NULL, 10) : 64)
		<< 20};
	drain.index = index_new();
	drain.key.account = &drain.account;
	drain.key.product = &drain.product;
	open_usage(&drain);
	drain.at = now_ms() - (int64_t)(rounds - 1) * DAY;
	for (unsigned long i = 0; i < rounds; i++) {
		one_round(&drain, events);
		if (i + 1 < rounds)
			drain.at += DAY;
	}
	stop(&drain, events);
	open_usage(&drain);
	puts("questions with that much in the journal:");
	ask_all(&drain);
	take(&drain);
	puts("questions with nothing in the journal:");
	ask_all(&drain);
	usage_free(drain.usage);
	index_free(drain.index);
	return 0;
}
