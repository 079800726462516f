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

#include "store_tdb.h"
#include "usage_batch.h"

enum {
	/* A transaction ends when it has as many: tdb never gives back what its
	 * largest one took, and questions wait for its end. */
	SLICE_BYTES = 4 << 20,
	KEPT_FREE = 64 << 20, /* of a file's 4 GiB */
	/* Of the journal: where memory is short a batch becomes no smaller. */
	BATCH_BYTES_MIN = 64 << 10,
	EXPECTED = 8, /* see expect() */
};

static bool
cannot_read(struct batch *batch, const struct usage_file *file)
{
	return file->complaints.io_error
	    ? batch_fail(batch, "a usage file cannot be read")
	    : batch_out_of_memory(batch);
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
				 : batch_day_file(batch, target->day);
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
			return batch_out_of_memory(batch);
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
			batch_out_of_memory(batch);
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
		return batch_fail(batch, USAGE_JOURNAL_LOST);
	row = find_row(batch, target, group, rows, entry_order(entry),
	    usage_row_id(&record, entry_part(entry)));
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
	    row_count(&batch->arena, &row->row, &event) ||
	    batch_out_of_memory(batch);
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
		return batch_out_of_memory(batch);
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
		return batch_out_of_memory(batch);
	memcpy(data, batch->encoded, len);
	return usage_change_row(&batch->changes, group, &row->name,
		   (struct bytes){data, len}, &batch->arena) ||
	    batch_out_of_memory(batch);
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
	    batch_out_of_memory(batch);
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
		    !batch_pause_sometimes(batch))
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
		return batch_fail(batch, USAGE_JOURNAL_LOST);
	if (store_tdb_size(file->tdb) > UINT32_MAX - (uint64_t)KEPT_FREE)
		return batch_fail(batch, "a usage file has reached its 4 GiB");
	/* What is before it is in every file: so it is written last. */
	if ((!target->is_totals || *at == target->count) &&
	    file->taken < batch->end)
		file->taken = batch->end;
	if (usage_file_commit(&batch->usage->files, file, &batch->changes))
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
	} while (done && batch_pause(batch) && at < target->count);
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

static uint64_t
smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool
take_batch(struct batch *batch, uint64_t bytes)
{
	if (!usage_files_reopen(&batch->usage->files))
		return batch_fail(batch, "totals.tdb cannot be opened");
	if (!batch_collect(batch, bytes))
		return false;
	if (journal_is_lost(&batch->usage->journal))
		return batch_fail(batch, USAGE_JOURNAL_LOST);
	if (batch->of_days.count == 0)
		return true;
	if (!entries_sort(&batch->of_days) || !entries_sort(&batch->of_totals))
		return batch_out_of_memory(batch);
	/* What the files have taken in must not be lost from the journal:
	 * where that ends is where the next run begins. */
	return journal_sync(&batch->usage->journal) && take_entries(batch);
}

/* So that the same that there was no memory for is not tried for ever. */
static void
set_batch_max(
    struct usage *usage, const struct batch *batch, bool done, uint64_t tried)
{
	if (done)
		usage->batch_max = smaller(2 * usage->batch_max, BATCH_BYTES);
	else if (batch->no_memory)
		usage->batch_max =
		    tried / 2 > BATCH_BYTES_MIN ? tried / 2 : BATCH_BYTES_MIN;
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
	bytes = smaller(smaller(bytes, usage->batch_max), usage_backlog(usage));
	done = take_batch(&batch, bytes);
	set_batch_max(usage, &batch, done, bytes);
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
