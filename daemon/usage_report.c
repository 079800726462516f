/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers: the rows of a subject out of the files of the days, what the journal
 * has beyond each of them, and all of it added up for the window.
 */
#include <stdlib.h>
#include <string.h>

#include "usage_impl.h"
#include "usage_rows.h"

enum { DAYS_MAX = 32 };

/* Whole hours since 1970. */
struct window {
	int64_t from, to; /* to is the first one behind it */
	int64_t step;
};

static struct window
window_of(enum usage_window kind, int64_t now)
{
	static const struct {
		int64_t hours, step;
	} lengths[] = {
	    [USAGE_24H] = {24, 1},
	    [USAGE_7D] = {7 * 24, 6},
	    [USAGE_30D] = {30 * 24, 24},
	};
	int64_t to = now / USAGE_HOUR_MS + 1;

	return (struct window){
	    to - lengths[kind].hours, to, lengths[kind].step};
}

struct days {
	struct arena arena;
	uint32_t first;
	size_t count;
	struct usage_row rows[DAYS_MAX];
};

static bool
read_day(struct usage *usage, const struct usage_name *name, uint32_t day,
    struct days *days)
{
	struct usage_row *row = &days->rows[day - days->first];
	struct usage_file *file;
	struct bytes data;
	bool failed;

	file = usage_files_day(&usage->files, day, false, &failed);
	if (file == NULL)
		return !failed;
	switch (
	    usage_row_read(&usage->files, file, name, &days->arena, &data)) {
	case USAGE_ABSENT:
		return true;
	case USAGE_READ:
		return row_decode(&days->arena, data, row);
	case USAGE_DAMAGED:
	case USAGE_FAILED:
		break;
	}
	return false;
}

static bool
concerns(const struct usage_record *record, const struct usage_name *name)
{
	const struct event_head *head = &record->head;
	const void *own = head->id;
	size_t len = sizeof head->id;

	if ((head->flags & EVENT_HAS_KEY) == 0)
		return false;
	if (name->bytes[0] != ROW_OF_KEY) {
		own = name->bytes[0] == ROW_OF_ACCOUNT ? &head->account
						       : &head->product;
		len = sizeof head->account;
	}
	return name->len == 1 + len && memcmp(name->bytes + 1, own, len) == 0;
}

/* What the files do not have yet. */
static bool
add_journal(
    struct usage *usage, const struct usage_name *name, struct days *days)
{
	uint64_t tail =
	    atomic_load_explicit(&usage->journal.tail, memory_order_relaxed);
	struct journal_reader reader = journal_read_from(&usage->journal, tail);
	struct usage_record record;
	struct bytes payload;
	uint64_t position;

	while (journal_next(&reader, &position, &payload)) {
		struct row_event event;
		struct usage_row *row;
		uint64_t day;

		if (!usage_record_read(payload, &record) ||
		    !concerns(&record, name))
			continue;
		day = (uint64_t)record.head.at / USAGE_DAY_MS;
		if (day - days->first >= days->count)
			continue;
		row = &days->rows[day - days->first];
		event = (struct row_event){record.head.at, record.head.verdict,
		    record.endpoint, &record.head.address};
		if (position >= row->taken &&
		    !row_count(&days->arena, row, &event))
			return false;
	}
	return true;
}

/* Adding up */

struct merge {
	struct window window;
	uint32_t day;
	struct arena arena; /* of what is not yet in the report */
	struct table endpoints, addresses;
	struct usage_report *report;
};

/* Calls of a day's series that lie within the window. */
static uint64_t
calls_of(const struct merge *merge, const struct usage_series *series)
{
	int64_t first = (int64_t)merge->day * USAGE_HOURS;
	uint64_t calls = 0;

	for (int64_t i = 0; series->hours != NULL && i < USAGE_HOURS; i++)
		if (first + i >= merge->window.from &&
		    first + i < merge->window.to)
			calls += series->hours[i];
	return calls;
}

/* The calls of each step, by the verdicts' hours. */
static void
add_to_series(struct merge *merge, const struct usage_series *series)
{
	const struct window *window = &merge->window;
	int64_t first = (int64_t)merge->day * USAGE_HOURS;

	for (int64_t i = 0; series->hours != NULL && i < USAGE_HOURS; i++) {
		int64_t hour = first + i;

		if (hour >= window->from && hour < window->to)
			merge->report
			    ->series[(hour - window->from) / window->step]
			    .calls += series->hours[i];
	}
}

static bool
add_endpoint(struct merge *merge, const struct row_endpoint *from)
{
	uint64_t calls = calls_of(merge, &from->series);
	struct usage_endpoint *endpoint;
	size_t at = 0;

	if (calls == 0)
		return true;
	while (
	    (endpoint = table_next(&merge->endpoints, from->hash, &at)) != NULL)
		if (endpoint->len == from->len &&
		    memcmp(endpoint->text, from->text, from->len) == 0) {
			endpoint->calls += calls;
			return true;
		}
	endpoint = arena_alloc(&merge->arena, sizeof *endpoint);
	if (endpoint == NULL)
		return false;
	endpoint->calls = calls;
	endpoint->len = from->len;
	memcpy(endpoint->text, from->text, from->len);
	return table_add(&merge->endpoints, from->hash, endpoint);
}

static bool
add_address(struct merge *merge, const struct row_address *from)
{
	uint32_t hash = table_hash(&from->address, sizeof from->address);
	uint64_t calls = calls_of(merge, &from->series);
	struct usage_address *address;
	size_t at = 0;

	if (calls == 0)
		return true;
	while ((address = table_next(&merge->addresses, hash, &at)) != NULL)
		if (memcmp(&address->address, &from->address,
			sizeof from->address) == 0)
			break;
	if (address == NULL) {
		address = arena_alloc(&merge->arena, sizeof *address);
		if (address == NULL ||
		    !table_add(&merge->addresses, hash, address))
			return false;
		address->address = from->address;
	}
	address->calls += calls;
	if (from->last_at > address->last_at)
		address->last_at = from->last_at;
	return true;
}

static bool
add_day(struct merge *merge, const struct usage_row *row)
{
	struct usage_report *report = merge->report;

	for (size_t i = 0; i < VERDICT_COUNT; i++) {
		report->verdicts[i] += calls_of(merge, &row->verdicts[i]);
		add_to_series(merge, &row->verdicts[i]);
	}
	report->other_endpoints += calls_of(merge, &row->other_endpoints);
	report->other_addresses += calls_of(merge, &row->other_addresses);
	for (size_t i = 0; i < row->endpoint_count; i++)
		if (!add_endpoint(merge, row->endpoints[i]))
			return false;
	for (size_t i = 0; i < row->address_count; i++)
		if (!add_address(merge, row->addresses[i]))
			return false;
	return true;
}

/* The report */

static int
endpoints_by_calls(const void *a, const void *b)
{
	const struct usage_endpoint *left = a, *right = b;

	if (left->calls != right->calls)
		return left->calls > right->calls ? -1 : 1;
	return strcmp(left->text, right->text);
}

static int
addresses_by_calls(const void *a, const void *b)
{
	const struct usage_address *left = a, *right = b;

	if (left->calls != right->calls)
		return left->calls > right->calls ? -1 : 1;
	return memcmp(&left->address, &right->address, sizeof left->address);
}

/* Host services state endpoints; only text gets into a report. */
static void
make_text(struct usage_endpoint *endpoint)
{
	static const char ellipsis[] = "\xe2\x80\xa6";
	size_t len = sizeof ellipsis - 1;

	endpoint->cut = endpoint->len > ENDPOINT_MAX_LEN - len - 3 &&
	    memcmp(endpoint->text + endpoint->len - len, ellipsis, len) == 0;
	if (strlen(endpoint->text) == endpoint->len &&
	    label_valid(endpoint->text, 0, ENDPOINT_MAX_LEN))
		return;
	for (size_t i = 0; i < endpoint->len; i++)
		if (endpoint->text[i] < 0x20 || endpoint->text[i] > 0x7e)
			endpoint->text[i] = '?';
}

static bool
tell_endpoints(struct merge *merge)
{
	struct usage_report *report = merge->report;
	const struct table *table = &merge->endpoints;
	size_t count = 0;

	report->endpoints = calloc(table->count + 1, sizeof *report->endpoints);
	if (report->endpoints == NULL)
		return false;
	for (size_t i = 0; i < table->capacity; i++) {
		const struct usage_endpoint *endpoint = table->slots[i].item;

		if (endpoint == NULL)
			continue;
		report->endpoints[count] = *endpoint;
		make_text(&report->endpoints[count++]);
	}
	qsort(report->endpoints, count, sizeof *report->endpoints,
	    endpoints_by_calls);
	while (count > USAGE_ENDPOINTS_MAX)
		report->other_endpoints += report->endpoints[--count].calls;
	report->endpoint_count = count;
	return true;
}

static bool
tell_addresses(struct merge *merge)
{
	struct usage_report *report = merge->report;
	const struct table *table = &merge->addresses;
	size_t count = 0;

	report->addresses = calloc(table->count + 1, sizeof *report->addresses);
	if (report->addresses == NULL)
		return false;
	for (size_t i = 0; i < table->capacity; i++) {
		const struct usage_address *address = table->slots[i].item;

		if (address != NULL)
			report->addresses[count++] = *address;
	}
	qsort(report->addresses, count, sizeof *report->addresses,
	    addresses_by_calls);
	while (count > USAGE_ADDRESSES_MAX)
		report->other_addresses += report->addresses[--count].calls;
	report->address_count = count;
	return true;
}

static bool
begin_report(struct usage_report *report, const struct window *window)
{
	size_t count = (size_t)((window->to - window->from) / window->step);

	report->from = window->from * USAGE_HOUR_MS;
	report->to = window->to * USAGE_HOUR_MS;
	report->series = calloc(count, sizeof *report->series);
	if (report->series == NULL)
		return false;
	report->step_count = count;
	for (size_t i = 0; i < count; i++)
		report->series[i].from =
		    report->from + (int64_t)i * window->step * USAGE_HOUR_MS;
	return true;
}

static bool
add_up(struct usage_report *report, const struct window *window,
    const struct days *days)
{
	struct merge merge = {.window = *window, .report = report};
	bool done = begin_report(report, window);

	for (size_t i = 0; done && i < days->count; i++) {
		merge.day = days->first + (uint32_t)i;
		done = add_day(&merge, &days->rows[i]);
	}
	done = done && tell_endpoints(&merge) && tell_addresses(&merge);
	for (size_t i = 0; i < VERDICT_COUNT; i++)
		report->total += report->verdicts[i];
	table_free(&merge.endpoints);
	table_free(&merge.addresses);
	arena_free(&merge.arena);
	return done;
}

bool
usage_report_make(struct usage *usage, struct question *question)
{
	struct window window =
	    window_of(question->query.window, question->query.now);
	struct days *days = calloc(1, sizeof *days);
	bool done = days != NULL;

	question->report = calloc(1, sizeof *question->report);
	if (days == NULL || question->report == NULL) {
		free(days);
		return false;
	}
	days->first = (uint32_t)(window.from / USAGE_HOURS);
	days->count = (size_t)((window.to - 1) / USAGE_HOURS - days->first + 1);
	for (size_t i = 0; done && i < days->count; i++)
		done = read_day(
		    usage, &question->name, days->first + (uint32_t)i, days);
	done = done && add_journal(usage, &question->name, days) &&
	    add_up(question->report, &window, days);
	arena_free(&days->arena);
	free(days);
	return done;
}

void
usage_report_free(struct usage_report *report)
{
	if (report == NULL)
		return;
	free(report->endpoints);
	free(report->addresses);
	free(report->series);
	free(report);
}
