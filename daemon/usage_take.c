/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Out of the journal, into the files.
 *
 * The events of a batch are sorted by the rows that count them, so that each
 * group of rows is read and written once a batch, in the order in which groups
 * lie in their file, and no more than one is in memory, in transactions of
 * limited size. Every row says up to where in the journal it has taken events
 * in, and what it has it does not take again; so wherever a batch is cut off,
 * doing it again from its beginning counts nothing twice. totals.tdb says from
 * where that is, and is written last.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instant.h"
#include "store_tdb.h"
#include "usage_impl.h"
#include "usage_rows.h"
#include "usage_sort.h"

enum {
	BATCH_BYTES = 64 << 20, /* of the journal */
	/* A transaction ends when it has as many: tdb never gives back what its
	 * largest one took, and questions wait for its end. */
	SLICE_BYTES = 4 << 20,
	KEPT_FREE = 64 << 20, /* of a file's 4 GiB */
	PAUSE_EVENTS = 256,   /* between two looks at questions */
	EXPECTED = 8,         /* see expect() */
};

struct batch {
	struct usage *usage;
	bool (*between)(struct usage *usage);
	uint64_t from, end; /* in the journal */
	unsigned events;    /* since its beginning, to pause by */

	uint32_t days[SORT_DAYS_MAX]; /* by their numbers in the entries */
	size_t day_count;
	struct usage_entries of_days, of_totals;

	struct usage_changes changes; /* the transaction's */
	struct arena arena;           /* the group's */
	uint8_t *encoded;             /* a row, before its length is known */
	size_t encoded_room;

	const char *problem; /* NULL: none */
	bool left;           /* as between() wished */
};

/* Whether the batch goes on. */
static bool
pause_batch(struct batch *batch)
{
	if (!batch->between(batch->usage))
		batch->left = true;
	return !batch->left;
}

static bool
pause_sometimes(struct batch *batch)
{
	return ++batch->events % PAUSE_EVENTS != 0 || pause_batch(batch);
}

static bool
fail(struct batch *batch, const char *problem)
{
	batch->problem = problem;
	return false;
}

static bool
out_of_memory(struct batch *batch)
{
	return fail(batch, "out of memory");
}

/* NULL, and the batch's problem set, where it cannot be had. It is looked up
 * after each pause: questions may close it. */
static struct usage_file *
day_file(struct batch *batch, uint32_t day)
{
	bool failed;
	struct usage_file *file =
	    usage_files_day(&batch->usage->files, day, true, &failed);

	if (file == NULL)
		fail(batch, "a usage file cannot be opened");
	return file;
}

static bool
cannot_read(struct batch *batch, const struct usage_file *file)
{
	return file->complaints.io_error
	    ? fail(batch, "a usage file cannot be read")
	    : out_of_memory(batch);
}

/* Collecting */

/* The row that counts a service: its own, or that of all others. */
static enum usage_part
part_of_service(struct usage_file *file, struct bytes service)
{
	struct usage_service *added;

	for (size_t i = 0; i < file->service_count; i++)
		if (bytes_equal(service,
			(struct bytes){
			    file->services[i].text, file->services[i].len}))
			return PART_SERVICE;
	if (service.len == 0)
		return PART_SERVICE;
	if (file->service_count == USAGE_SERVICES_MAX)
		return PART_OTHER_SERVICE;
	added = &file->services[file->service_count++];
	added->len = (uint8_t)service.len;
	memcpy(added->text, service.data, service.len);
	return PART_SERVICE;
}

/* A row's name as it lies in an event: to put it together costs more than most
 * of what is done with it. */
struct row_id {
	enum usage_kind kind;
	struct bytes rest;
};

static struct row_id
row_id_of(const struct usage_record *record, enum usage_part part)
{
	static const uint8_t other[] = "\xff"
				       "other";
	const struct event_head *head = &record->head;

	switch (part) {
	case PART_KEY:
		return (struct row_id){
		    ROW_OF_KEY, {(const uint8_t *)head->id, sizeof head->id}};
	case PART_ACCOUNT:
		return (struct row_id){ROW_OF_ACCOUNT,
		    {(const uint8_t *)&head->account, sizeof head->account}};
	case PART_PRODUCT:
		return (struct row_id){ROW_OF_PRODUCT,
		    {(const uint8_t *)&head->product, sizeof head->product}};
	case PART_SERVICE:
		return (struct row_id){ROW_OF_SERVICE, record->service};
	case PART_OTHER_SERVICE:
		break;
	}
	return (struct row_id){ROW_OF_SERVICE, {other, sizeof other - 1}};
}

static bool
add_entry(struct batch *batch, unsigned day, uint64_t offset,
    const struct usage_record *record, enum usage_part part)
{
	struct row_id id = row_id_of(record, part);
	uint32_t order = usage_order_of((uint8_t)id.kind, id.rest);

	return (entries_add(&batch->of_days, day, order, offset, part) &&
		   (part != PART_KEY ||
		       entries_add(
			   &batch->of_totals, 0, order, offset, part))) ||
	    out_of_memory(batch);
}

/* The batch's number of a day; SORT_DAYS_MAX where it has no more. */
static unsigned
number_of_day(struct batch *batch, uint32_t day)
{
	size_t i = 0;

	while (i < batch->day_count && batch->days[i] != day)
		i++;
	if (i == batch->day_count && i < SORT_DAYS_MAX)
		batch->days[batch->day_count++] = day;
	return (unsigned)i;
}

static bool
add_event(struct batch *batch, const struct usage_record *record, unsigned day,
    uint64_t offset)
{
	struct usage_file *file;

	if ((record->head.flags & EVENT_HAS_KEY) != 0)
		return add_entry(batch, day, offset, record, PART_KEY) &&
		    add_entry(batch, day, offset, record, PART_ACCOUNT) &&
		    add_entry(batch, day, offset, record, PART_PRODUCT);
	file = day_file(batch, batch->days[day]);
	return file != NULL &&
	    add_entry(batch, day, offset, record,
		part_of_service(file, record->service));
}

/* As many of bytes of the journal as a batch may have. */
static bool
collect(struct batch *batch, uint64_t bytes)
{
	uint64_t limit =
	    batch->from + (bytes < BATCH_BYTES ? bytes : BATCH_BYTES);
	struct journal_reader reader =
	    journal_read_from(&batch->usage->journal, batch->from);
	struct usage_record record;
	struct bytes payload;
	uint64_t position;

	batch->end = batch->from;
	while (reader.position < limit &&
	    journal_next(&reader, &position, &payload)) {
		unsigned day;

		batch->end = position;
		if (position >= limit) /* behind a gap */
			return true;
		/* Sums that fit what makes no sense: not counted, said. */
		if (!usage_record_read(payload, &record)) {
			log_error("usage.journal: an event makes no sense");
			continue;
		}
		day = number_of_day(
		    batch, (uint32_t)(record.head.at / USAGE_DAY_MS));
		if (day == SORT_DAYS_MAX)
			return true;
		if (!add_event(batch, &record, day, position - batch->from) ||
		    !pause_sometimes(batch))
			return false;
	}
	batch->end = reader.position;
	return true;
}

/* Counting */

/* One of the group's that changes. */
struct batch_row {
	struct batch_row *next;
	struct usage_name name;
	uint32_t order; /* of the name */
	union {
		struct usage_row row;
		struct usage_total total;
	};
};

/* The rows of one file. */
struct target {
	bool is_totals;
	uint32_t day; /* else */
	usage_entry *entries;
	size_t count;
};

static struct usage_file *
target_file(struct batch *batch, const struct target *target)
{
	return target->is_totals ? batch->usage->files.totals
				 : day_file(batch, target->day);
}

/* What the file has of it. Where that is damaged, counting begins anew: it
 * cannot be read by anybody, and the log has said so. */
static bool
load_row(struct batch *batch, const struct target *target,
    const struct usage_group *group, struct batch_row *row)
{
	struct usage_file *file = target_file(batch, target);
	struct arena *arena = &batch->arena;
	struct bytes data;

	if (file == NULL)
		return false;
	switch (usage_group_row(
	    &batch->usage->files, file, group, &row->name, arena, &data)) {
	case USAGE_READ:
		break;
	case USAGE_FAILED:
		return cannot_read(batch, file);
	case USAGE_ABSENT:
	case USAGE_DAMAGED:
		return true;
	}
	errno = 0;
	if (target->is_totals ? !total_decode(data, &row->total)
			      : !row_decode(arena, data, &row->row)) {
		if (errno == ENOMEM)
			return out_of_memory(batch);
		*row =
		    (struct batch_row){.name = row->name, .order = row->order};
		log_error("%s: a row makes no sense", file->path);
	}
	return true;
}

static bool
row_is(const struct batch_row *row, struct row_id id)
{
	return row->name.len == 1 + id.rest.len &&
	    row->name.bytes[0] == id.kind &&
	    (id.rest.len == 0 ||
		memcmp(row->name.bytes + 1, id.rest.data, id.rest.len) == 0);
}

/* The row that an entry is of, among those of the group that change. Entries
 * come in their order, so it is the first one, or new: unless another name has
 * the same order, and then they take turns. NULL, and the batch's problem set,
 * where it cannot be had. */
static struct batch_row *
find_row(struct batch *batch, const struct target *target,
    const struct usage_group *group, struct batch_row **rows, uint32_t order,
    struct row_id id)
{
	struct batch_row **at = rows, *row;

	while (*at != NULL && (*at)->order == order && !row_is(*at, id))
		at = &(*at)->next;
	row = *at != NULL && (*at)->order == order ? *at : NULL;
	if (row != NULL) {
		*at = row->next;
	} else {
		row = arena_alloc(&batch->arena, sizeof *row);
		if (row == NULL) {
			out_of_memory(batch);
			return NULL;
		}
		row->name = usage_name_of(id.kind, id.rest);
		row->order = order;
		if (!load_row(batch, target, group, row))
			return NULL;
	}
	row->next = *rows;
	*rows = row;
	return row;
}

static bool
count_event(struct batch *batch, const struct target *target,
    const struct usage_group *group, struct batch_row **rows, usage_entry entry)
{
	uint64_t position = batch->from + entry_offset(entry);
	struct usage_record record;
	struct batch_row *row;
	struct row_event event;

	if (!usage_record_read(
		journal_record(&batch->usage->journal, position), &record))
		return fail(batch, USAGE_JOURNAL_LOST);
	row = find_row(batch, target, group, rows, entry_order(entry),
	    row_id_of(&record, entry_part(entry)));
	if (row == NULL)
		return false;
	if (target->is_totals) {
		if (position >= row->total.taken)
			usage_total_add(&row->total, &record);
		return true;
	}
	event = (struct row_event){.at = record.head.at,
	    .verdict = record.head.verdict,
	    .endpoint = record.endpoint,
	    .address = &record.head.address};
	return position < row->row.taken ||
	    row_count(&batch->arena, &row->row, &event) || out_of_memory(batch);
}

/* Writing */

static bool
make_room(struct batch *batch, size_t room)
{
	uint8_t *grown;

	if (room <= batch->encoded_room)
		return true;
	grown = realloc(batch->encoded, room);
	if (grown == NULL)
		return out_of_memory(batch);
	batch->encoded = grown;
	batch->encoded_room = room;
	return true;
}

static bool
change_row(struct batch *batch, const struct target *target,
    struct usage_group *group, struct batch_row *row)
{
	size_t max =
	    target->is_totals ? TOTAL_ENCODED_MAX : row_encoded_max(&row->row);
	uint8_t *data;
	size_t len;

	if (!make_room(batch, max))
		return false;
	len = target->is_totals ? total_encode(&row->total, batch->encoded)
				: row_encode(&row->row, batch->encoded);
	data = arena_alloc(&batch->arena, len);
	if (data == NULL)
		return out_of_memory(batch);
	memcpy(data, batch->encoded, len);
	return usage_change_row(&batch->changes, group, &row->name,
		   (struct bytes){data, len}, &batch->arena) ||
	    out_of_memory(batch);
}

static bool
change_rows(struct batch *batch, const struct target *target, uint32_t number,
    struct usage_group *group, struct batch_row *rows)
{
	bool changed = false;

	for (struct batch_row *row = rows; row != NULL; row = row->next) {
		uint64_t *taken =
		    target->is_totals ? &row->total.taken : &row->row.taken;

		/* It is as a larger batch that was left has written it. */
		if (*taken >= batch->end)
			continue;
		*taken = batch->end;
		changed = true;
		if (!change_row(batch, target, group, row))
			return false;
	}
	return !changed || usage_change_group(&batch->changes, number, group) ||
	    out_of_memory(batch);
}

/* Events of one row lie all over the journal, and fetching them is most of the
 * work: it begins a few entries before. */
static void
expect(const struct batch *batch, const struct target *target, size_t at)
{
	if (at < target->count)
		journal_expect(&batch->usage->journal,
		    batch->from + entry_offset(target->entries[at]));
}

/* All entries from *at on that are of its group. */
static bool
take_group(struct batch *batch, const struct target *target, size_t *at)
{
	struct usage_file *file = target_file(batch, target);
	struct batch_row *rows = NULL;
	struct usage_group group;
	uint32_t groups, number;

	if (file == NULL)
		return false;
	groups = file->groups;
	number = usage_group_of(groups, entry_order(target->entries[*at]));
	if (!usage_group_read(
		&batch->usage->files, file, number, &batch->arena, &group))
		return cannot_read(batch, file);
	while (*at < target->count &&
	    usage_group_of(groups, entry_order(target->entries[*at])) ==
		number) {
		expect(batch, target, *at + EXPECTED);
		if (!count_event(batch, target, &group, &rows,
			target->entries[(*at)++]) ||
		    !pause_sometimes(batch))
			return false;
	}
	return change_rows(batch, target, number, &group, rows);
}

/* Takes entries from *at on in one transaction. */
static bool
take_slice(struct batch *batch, const struct target *target, size_t *at)
{
	struct usage_file *file;
	bool done = true;

	while (
	    done && *at < target->count && batch->changes.bytes < SLICE_BYTES) {
		done = take_group(batch, target, at);
		arena_clear(&batch->arena);
	}
	if (!done || (file = target_file(batch, target)) == NULL)
		return false;
	if (journal_is_lost(&batch->usage->journal))
		return fail(batch, USAGE_JOURNAL_LOST);
	if (store_tdb_size(file->tdb) > UINT32_MAX - (uint64_t)KEPT_FREE)
		return fail(batch, "a usage file has reached its 4 GiB");
	/* What is before it is in every file: so it is written last. */
	if ((!target->is_totals || *at == target->count) &&
	    file->taken < batch->end)
		file->taken = batch->end;
	usage_on_disk(batch->usage, true);
	done = usage_file_commit(&batch->usage->files, file, &batch->changes);
	usage_on_disk(batch->usage, false);
	if (done)
		return true;
	snprintf(batch->usage->reason_of_file,
	    sizeof batch->usage->reason_of_file, "%s: %s",
	    strrchr(file->path, '/') + 1, store_cause(&file->complaints));
	/* As it is on disk is what counts. */
	usage_files_drop(&batch->usage->files, file);
	return false;
}

static bool
take_target(struct batch *batch, const struct target *target)
{
	size_t at = 0;
	bool done;

	do {
		done = take_slice(batch, target, &at);
		usage_changes_free(&batch->changes);
	} while (done && pause_batch(batch) && at < target->count);
	return done && at == target->count;
}

/* The day files one after the other, totals.tdb last. */
static bool
take_entries(struct batch *batch)
{
	struct target totals = {.is_totals = true,
	    .entries = batch->of_totals.items,
	    .count = batch->of_totals.count};
	usage_entry *entries = batch->of_days.items;
	size_t count = batch->of_days.count, at = 0;

	while (at < count) {
		unsigned day = entry_day(entries[at]);
		struct target target = {
		    .day = batch->days[day], .entries = entries + at};

		for (; at < count && entry_day(entries[at]) == day; at++)
			target.count++;
		if (!take_target(batch, &target) || batch->left)
			return false;
	}
	return take_target(batch, &totals);
}

static bool
take_batch(struct batch *batch, uint64_t bytes)
{
	bool synced;

	if (!usage_files_reopen(&batch->usage->files))
		return fail(batch, "totals.tdb cannot be opened");
	if (!collect(batch, bytes))
		return false;
	if (journal_is_lost(&batch->usage->journal))
		return fail(batch, USAGE_JOURNAL_LOST);
	if (batch->of_days.count == 0)
		return true;
	if (!entries_sort(&batch->of_days) || !entries_sort(&batch->of_totals))
		return out_of_memory(batch);
	/* What the files have taken in must not be lost from the journal:
	 * where that ends is where the next run begins. */
	usage_on_disk(batch->usage, true);
	synced = journal_sync(&batch->usage->journal);
	usage_on_disk(batch->usage, false);
	return synced && take_entries(batch);
}

bool
usage_take(
    struct usage *usage, uint64_t bytes, bool (*between)(struct usage *usage))
{
	/* In this order: what was noted by then is before that head. */
	uint64_t noted = atomic_load(&usage->noted);
	uint64_t head = atomic_load(&usage->journal.head);
	struct batch batch = {.usage = usage,
	    .between = between,
	    .from = atomic_load_explicit(
		&usage->journal.tail, memory_order_relaxed)};
	bool done;

	usage->reason_of_file[0] = '\0';
	done = take_batch(&batch, bytes);
	entries_free(&batch.of_days);
	entries_free(&batch.of_totals);
	arena_free(&batch.arena);
	free(batch.encoded);
	if (done)
		journal_release(&usage->journal, batch.end);
	if (done && batch.end >= head)
		atomic_store(&usage->filed, noted);
	if (!batch.left)
		usage_set_failing(usage,
		    done                        ? NULL
			: batch.problem != NULL ? batch.problem
			: usage->reason_of_file[0]
			? usage->reason_of_file
			: "usage.journal: sync failed");
	return done;
}
