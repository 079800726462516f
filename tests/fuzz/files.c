/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A start with usage's files and its journal as they lie there. Input: records
 * of keys (see given.h) up to one without a name; records of the files up to
 * one without a name, each a byte that says of which file, the name and the
 * data; events in the journal. Names and events have a byte with their length,
 * rows two.
 *
 * What is told of a key's use adds up where a check finds nothing wrong, and is
 * the same after the events were taken into the files.
 */
#include "daemon/log.h"
#include "daemon/store_tdb.h"
#include "daemon/usage_impl.h"
#include "daemon/usage_rows.h"
#include "directory.h"
#include "given.h"

enum {
	FIRST_DAY = 20000,
	DAYS = 3,
	WRONG_MAC = 0x80,
	ROWS_ALONE = 0x40,
	EVENTS_MAX = 200
};

#define BEGINNING (INT64_C(1) * FIRST_DAY * USAGE_DAY_MS)
#define SPAN      (INT64_C(1) * DAYS * USAGE_DAY_MS)

static const char *directory;
static struct given given;
static bool records_given; /* beside those that events come to */

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_set_level((enum log_level)0); /* nobody reads it */
	fuzz_require(secret_init(), "libsodium works");
	given.ring = keyring_new();
	fuzz_require(given.ring != NULL, "there is memory");
	directory = directory_make();
	return 0;
}

/* NULL where the records are of no store. */
static struct index *
load(void)
{
	struct index *index = index_new();
	struct loader *loader = loader_new(index);
	struct record_view view;
	const char *problem;
	bool going = true;

	for (size_t i = 0; going && i < given.count; i++) {
		struct record *record = &given.records[i];

		going = record_open((struct bytes){record->name.bytes,
					record->name.len},
			    (struct bytes){record->data, record->len},
			    given.ring, &view, &problem) &&
		    load_record(loader, &view, &problem);
	}
	going = going && load_finish(loader);
	loader_free(loader);
	if (going)
		return index;
	index_free(index);
	return NULL;
}

static struct usage *
open_usage(struct index *index)
{
	struct usage_options options = {.directory = directory,
	    .ring = given.ring,
	    .expected_keys = 1,
	    .retention_days = 30,
	    .flush_ms = 1000,
	    .journal_bytes = JOURNAL_SIZE_MIN};

	return usage_open(&options, index);
}

static struct usage_file *
file_of(struct usage *usage, uint8_t which)
{
	unsigned day = which % (DAYS + 1);
	bool failed;

	return day == DAYS
	    ? usage->files.totals
	    : usage_files_day(&usage->files, FIRST_DAY + day, true, &failed);
}

/* A record as it is, of a row or a group. */
static void
write_record(
    struct usage *usage, uint8_t which, struct bytes name, struct bytes content)
{
	static const struct usage_changes nothing;
	struct usage_file *file = file_of(usage, which);
	struct usage_name copied = {.len = (uint8_t)name.len};
	uint8_t *data = malloc(content.len + MAC_BYTES);
	bool written;

	fuzz_require(file != NULL && data != NULL, "there are files");
	memcpy(copied.bytes, name.data, name.len);
	if (content.len > 0)
		memcpy(data, content.data, content.len);
	file->rows_alone = file->rows_alone || (which & ROWS_ALONE) != 0;
	fuzz_require(usage_file_commit(&usage->files, file, &nothing) &&
		tdb_transaction_start(file->tdb) == 0,
	    "a file can be written");
	if ((which & WRONG_MAC) != 0)
		written = tdb_store(file->tdb, store_data(name.data, name.len),
			      store_data(data, content.len), TDB_REPLACE) == 0;
	else
		written = usage_tdb_write(
		    &usage->files, file, &copied, data, content.len);
	/* Without the file's own row, which may be this one. */
	fuzz_require(written && tdb_transaction_commit(file->tdb) == 0,
	    "a record is written");
	free(data);
	records_given = true;
}

static void
write_event(struct usage *usage, struct bytes event)
{
	uint8_t *out = journal_begin(&usage->journal, event.len);
	struct event_head head;

	fuzz_require(out != NULL, "there is room");
	memcpy(out, event.data, event.len);
	if (event.len >= sizeof head) {
		/* As many files as there are days. */
		memcpy(&head, out, sizeof head);
		head.at =
		    BEGINNING + (int64_t)((uint64_t)head.at % (uint64_t)SPAN);
		memcpy(out, &head, sizeof head);
	}
	journal_end(&usage->journal, event.len);
}

static void
write_files(struct usage *usage, struct reader *r)
{
	records_given = false;
	while (r->left > 0 && !r->failed) {
		uint8_t which = read_u8(r);
		struct bytes name = read_string8(r, USAGE_NAME_MAX);
		struct bytes content;

		if (name.len == 0)
			break;
		content = read_string16(r, UINT16_MAX);
		if (!r->failed)
			write_record(usage, which, name, content);
	}
	for (int i = 0; i < EVENTS_MAX && r->left > 0; i++) {
		struct bytes event = read_string8(r, UINT8_MAX);

		if (event.len > 0)
			write_event(usage, event);
	}
}

static void
check_report(const struct usage_report *report)
{
	uint64_t verdicts = 0, series = 0;
	uint64_t endpoints = report->other_endpoints;
	uint64_t addresses = report->other_addresses;

	for (size_t i = 0; i < VERDICT_COUNT; i++)
		verdicts += report->verdicts[i];
	for (size_t i = 0; i < report->step_count; i++)
		series += report->series[i].calls;
	for (size_t i = 0; i < report->endpoint_count; i++)
		endpoints += report->endpoints[i].calls;
	for (size_t i = 0; i < report->address_count; i++)
		addresses += report->addresses[i].calls;
	fuzz_require(report->total == verdicts && report->total == series &&
		report->total == endpoints && report->total == addresses,
	    "a report adds up");
}

/* How many calls are told of; sound: of rows that add up. */
static uint64_t
ask(struct usage *usage, struct usage_name name, enum usage_window window,
    bool sound)
{
	struct question question = {.name = name,
	    .query = {.window = window, .now = BEGINNING + SPAN - 1}};
	uint64_t total = 0;

	if (usage_report_make(usage, &question)) {
		total = question.report->total;
		for (size_t i = 0; i < question.report->endpoint_count; i++)
			fuzz_use(question.report->endpoints[i].text,
			    strlen(question.report->endpoints[i].text));
		if (sound)
			check_report(question.report);
	}
	usage_report_free(question.report);
	return total;
}

struct told {
	uint64_t calls;
	int64_t last_used;
	uint64_t quota_used;
};

/* Of all keys, accounts and products. */
static struct told
ask_all(struct usage *usage, const struct index *index, bool sound)
{
	struct told told = {0, 0, 0};
	const struct account *account;
	const struct key *key;
	size_t position = 0;

	while ((key = index_next_key(index, &position)) != NULL) {
		told.calls +=
		    ask(usage, usage_name_of_key(key->id), USAGE_30D, sound);
		told.last_used ^= key->last_used_at;
		if (key->limits != NULL)
			told.quota_used ^= key->limits->quota_used;
	}
	position = 0;
	while ((account = index_next_account(index, &position)) != NULL)
		ask(usage,
		    usage_name_of_subject(USAGE_OF_ACCOUNT, account->usage_id),
		    USAGE_7D, sound);
	ask(usage, usage_name_of(ROW_OF_SERVICE, (struct bytes){NULL, 0}),
	    USAGE_24H, sound);
	return told;
}

static bool
go_on(struct usage *usage)
{
	(void)usage;
	return true;
}

/* Whether a check finds nothing wrong. */
static bool
is_sound(struct usage *usage)
{
	struct usage_findings findings;

	usage_check_files(usage, &findings, NULL);
	fuzz_require(findings.text != NULL, "there is memory");
	fuzz_use(findings.text, strlen(findings.text));
	free(findings.text);
	return findings.problems == 0;
}

static bool
take_all(struct usage *usage)
{
	while (atomic_load(&usage->journal.tail) <
	    atomic_load(&usage->journal.head))
		if (!usage_take(usage, usage->journal.segment_bytes, go_on))
			return false;
	return true;
}

/* One run of the daemon. False where it does not start. */
static bool
run(struct told *told, bool take)
{
	struct index *index = load();
	struct usage *usage = open_usage(index);
	bool opened = usage != NULL;

	if (opened) {
		bool sound = is_sound(usage);

		*told = ask_all(usage, index, sound);
		if (take && take_all(usage))
			fuzz_require(records_given || is_sound(usage),
			    "what was taken adds up");
	}
	usage_free(usage);
	index_free(index);
	return opened;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_over(data, size);
	struct told before, after;
	struct index *index;
	struct usage *usage;

	given_read(&given, &r);
	index = load();
	if (index == NULL)
		return 0;
	usage = open_usage(index);
	fuzz_require(usage != NULL, "files are made");
	write_files(usage, &r);
	usage_free(usage);
	index_free(index);
	if (run(&before, true) && run(&after, false))
		fuzz_require(records_given ||
			memcmp(&before, &after, sizeof before) == 0,
		    "what was counted stays counted");
	directory_empty();
	return 0;
}
