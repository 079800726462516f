/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Usage: each answered verification is counted once, and stays counted.
 *
 * The loop writes an event into the journal, a shared mapping, before its
 * answer goes out: a process that is killed loses none. A thread of its own
 * takes the journal's events into one tdb file a day and into the totals, and
 * answers questions from them. The two exchange full segments and questions;
 * neither waits for the other; see usage_is_behind().
 */
#ifndef DAEMON_USAGE_H
#define DAEMON_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index.h"
#include "model.h"
#include "proto/verdict.h"
#include "secret.h"

struct usage;

struct usage_options {
	const char *directory; /* the state directory; stays the caller's */
	const struct keyring *ring;
	unsigned expected_keys;  /* sizes the files' hash tables */
	unsigned retention_days; /* days before today that are kept */
	unsigned flush_ms;       /* what a power cut may cost */
	size_t journal_bytes;    /* at its creation */
};

/*
 * Opens the journal and the files, makes those that are missing, and puts last
 * use and used quotas into the index's keys: what the totals say, and what the
 * journal has beyond them. NULL after logging.
 */
struct usage *
usage_open(const struct usage_options *options, struct index *index);
/*
 * Starts the thread. ready is called on it whenever usage_collect() has
 * something to collect: it may only wake the loop.
 */
bool
usage_start(struct usage *usage, void (*ready)(void *context), void *context);
/* Joins the thread, which takes what it can into the files in a second: the
 * rest stays in the journal for the next run. What was asked and not collected
 * is answered NULL by usage_free(). */
void usage_stop(struct usage *usage);
void usage_free(struct usage *usage);

enum {
	USAGE_ENDPOINTS_MAX = 64,  /* a key and day; the rest is "other" */
	USAGE_ADDRESSES_MAX = 256, /* likewise */
};

/* What happened. Views are copied. */
struct usage_event {
	const struct key *key; /* NULL: malformed or unknown */
	enum verdict verdict;
	bool by_previous_secret;
	int64_t at; /* Unix ms */
	const struct address *address;
	struct bytes endpoint, service;
};

/* On the loop: no allocation, no lock, no system call. usage NULL: nothing is
 * counted. */
void usage_note(struct usage *usage, const struct usage_event *event);

/*
 * On the loop, before it verifies what it has read: whether the journal is
 * nearly full and the thread is seen to make room, so that who can wait had
 * better wait a moment. Of a thread that the disk holds up it is false: then
 * the ring fills, and what finds it full is not counted.
 */
bool usage_is_behind(struct usage *usage);

enum usage_subject { USAGE_OF_KEY, USAGE_OF_ACCOUNT, USAGE_OF_PRODUCT };

enum usage_window { USAGE_24H, USAGE_7D, USAGE_30D };

struct usage_query {
	enum usage_subject subject;
	char name[SLUG_MAX_LEN + 1]; /* slug, or a key's 12 characters */
	enum usage_window window;
	int64_t now; /* the window ends with its hour; Unix ms */
};

struct usage_endpoint {
	uint64_t calls;
	uint8_t len;
	bool cut; /* the text was longer than ENDPOINT_MAX_LEN */
	char text[ENDPOINT_MAX_LEN + 1];
};
struct usage_address {
	uint64_t calls;
	int64_t last_at; /* Unix ms */
	struct address address;
};
struct usage_step {
	int64_t from; /* Unix ms */
	uint64_t calls;
};

/*
 * In a report: total = sum of verdicts = of series = of endpoints and other
 * ones = of addresses and other ones. Most called first, no more than the
 * maxima above. Calls without an endpoint or address have an empty one.
 * Endpoints are valid UTF-8 without control characters.
 */
struct usage_report {
	int64_t from, to; /* Unix ms */
	uint64_t total;
	uint64_t verdicts[VERDICT_COUNT];
	size_t endpoint_count, address_count, step_count;
	struct usage_endpoint *endpoints;
	uint64_t other_endpoints;
	struct usage_address *addresses;
	uint64_t other_addresses;
	struct usage_step *series; /* equal steps: 24 hours, 28 times 6 hours,
				      or 30 days */
};

/*
 * Asks; answered later on the loop, everything noted before the question
 * included. The report is freed when answer() returns; NULL: it could not be
 * read, and the log says why. False: too many questions are under way.
 */
typedef void usage_answer_fn(void *context, const struct usage_report *report);
bool usage_ask(struct usage *usage, const struct usage_query *query,
    usage_answer_fn *answer, void *context);

/* What is wrong with what was counted, a line each; files and rows that were
 * looked at. Answered as above, text NULL where there was no memory. */
struct usage_findings {
	uint64_t files, rows, problems;
	char *text; /* a line a problem, at most USAGE_FINDINGS_TOLD */
};
enum { USAGE_FINDINGS_TOLD = 100 };
typedef void
usage_checked_fn(void *context, const struct usage_findings *findings);
bool usage_check(struct usage *usage, usage_checked_fn *checked, void *context);

/* On the loop, when woken: answers what can be. */
void usage_collect(struct usage *usage);

struct usage_facts {
	uint64_t journal_bytes, journal_used_bytes, files_bytes;
	uint64_t noted;   /* events since the start */
	uint64_t dropped; /* not counted: the journal was full */
	bool failing;     /* the files cannot be written now */
	char reason[128];
};
void usage_facts(struct usage *usage, struct usage_facts *facts);

#endif
