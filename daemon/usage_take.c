/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Out of the journal, into the files.
 *
 * A batch of events is added up in memory, row by row, and then written in
 * transactions of limited size. Every row says up to where in the journal it
 * has taken events in, and what it has it does not take again; so wherever a
 * batch is cut off, doing it again from its beginning counts nothing twice.
 * totals.tdb says from where that is, and is written last.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instant.h"
#include "store_tdb.h"
#include "usage_impl.h"

enum {
	/* A batch ends when it has as many, */
	BATCH_ROWS = 65536,
	BATCH_BYTES = 64 << 20,
	/* and a transaction, as tdb never gives back what its largest one
	 * took. */
	SLICE_ROWS = 4000,
	SLICE_BYTES = 4 << 20,
	KEPT_FREE = 64 << 20, /* of a file's 4 GiB */
	PAUSE_EVENTS = 256,   /* collected between two looks at questions */
};

struct batch_row {
	struct batch_row *next;
	uint32_t day;
	bool is_total;
	struct usage_name name;
	union {
		struct usage_row row;
		struct usage_total total;
	};
};

struct batch {
	struct usage *usage;
	bool (*between)(struct usage *usage);
	struct arena arena;
	struct table table;
	struct batch_row *first, **last;
	const char *problem; /* NULL: none */
	bool left;           /* as between() wished */
};

/* Collecting */

static uint32_t
row_hash(uint32_t day, bool is_total, const struct usage_name *name)
{
	return table_hash(name->bytes, name->len) ^ day * 0x9E3779B1U ^
	    (is_total ? 0x85EBCA6BU : 0);
}

static struct batch_row *
find_row(const struct batch *batch, uint32_t hash, uint32_t day, bool is_total,
    const struct usage_name *name)
{
	struct batch_row *row;
	size_t at = 0;

	while ((row = table_next(&batch->table, hash, &at)) != NULL)
		if (row->day == day && row->is_total == is_total &&
		    row->name.len == name->len &&
		    memcmp(row->name.bytes, name->bytes, name->len) == 0)
			break;
	return row;
}

static struct usage_file *
file_of(struct batch *batch, uint32_t day, bool is_total)
{
	struct usage_files *files = &batch->usage->files;
	bool failed;

	if (is_total)
		return files->totals;
	return usage_files_day(files, day, true, &failed);
}

/* What the file has of it. Where that is damaged, counting begins anew: it
 * cannot be read by anybody, and the log has said so. */
static bool
load_row(struct batch *batch, struct usage_file *file, struct batch_row *row)
{
	struct arena *arena = &batch->arena;
	struct bytes data;

	switch (usage_file_read(
	    &batch->usage->files, file, &row->name, arena, &data)) {
	case USAGE_READ:
		break;
	case USAGE_NO_MEMORY:
		return false;
	case USAGE_ABSENT:
	case USAGE_DAMAGED:
		return true;
	}
	if (row->is_total ? !total_decode(data, &row->total)
			  : !row_decode(arena, data, &row->row)) {
		memset(&row->row, 0, sizeof row->row);
		log_error("%s: a row makes no sense", file->path);
	}
	return true;
}

/* The row of this name in the batch; NULL, and the batch's problem set, where
 * it cannot be had. */
static struct batch_row *
batch_row(struct batch *batch, uint32_t day, bool is_total,
    const struct usage_name *name)
{
	uint32_t hash = row_hash(day, is_total, name);
	struct batch_row *row = find_row(batch, hash, day, is_total, name);
	struct usage_file *file;

	if (row != NULL)
		return row;
	file = file_of(batch, day, is_total);
	if (file == NULL) {
		batch->problem = "a usage file cannot be opened";
		return NULL;
	}
	row = arena_alloc(&batch->arena, sizeof *row);
	if (row != NULL) {
		row->day = day;
		row->is_total = is_total;
		row->name = *name;
	}
	if (row == NULL || !load_row(batch, file, row) ||
	    !table_add(&batch->table, hash, row)) {
		batch->problem = "out of memory";
		return NULL;
	}
	*batch->last = row;
	batch->last = &row->next;
	return row;
}

static bool
count_day(struct batch *batch, const struct usage_record *record,
    uint64_t position, const struct usage_name *name)
{
	const struct event_head *head = &record->head;
	uint32_t day = (uint32_t)(head->at / USAGE_DAY_MS);
	struct batch_row *row = batch_row(batch, day, false, name);
	struct row_event event = {.at = head->at,
	    .verdict = head->verdict,
	    .endpoint = record->endpoint,
	    .address = &head->address};

	if (row == NULL)
		return false;
	if (position < row->row.taken ||
	    row_count(&batch->arena, &row->row, &event))
		return true;
	batch->problem = "out of memory";
	return false;
}

static bool
count_total(struct batch *batch, const struct usage_record *record,
    uint64_t position, const struct usage_name *name)
{
	struct batch_row *row = batch_row(batch, 0, true, name);

	if (row == NULL)
		return false;
	if (position >= row->total.taken)
		usage_total_add(&row->total, record);
	return true;
}

/* The row that counts a service: its own, or that of all others. */
static bool
service_name(struct batch *batch, uint32_t day, struct bytes service,
    struct usage_name *name)
{
	struct usage_file *file = file_of(batch, day, false);
	struct usage_service *added;

	*name = usage_name_of_service(service);
	if (file == NULL) {
		batch->problem = "a usage file cannot be opened";
		return false;
	}
	for (size_t i = 0; i < file->service_count; i++)
		if (bytes_equal(service,
			(struct bytes){
			    file->services[i].text, file->services[i].len}))
			return true;
	if (service.len == 0)
		return true;
	if (file->service_count == USAGE_SERVICES_MAX) {
		*name = usage_name_of_service(bytes_of("\xff"
						       "other"));
		return true;
	}
	added = &file->services[file->service_count++];
	added->len = (uint8_t)service.len;
	memcpy(added->text, service.data, service.len);
	return true;
}

static bool
count_event(
    struct batch *batch, const struct usage_record *record, uint64_t position)
{
	const struct event_head *head = &record->head;
	uint32_t day = (uint32_t)(head->at / USAGE_DAY_MS);
	struct usage_name name;

	if ((head->flags & EVENT_HAS_KEY) == 0)
		return service_name(batch, day, record->service, &name) &&
		    count_day(batch, record, position, &name);
	name = usage_name_of_key(head->id);
	if (!count_day(batch, record, position, &name) ||
	    !count_total(batch, record, position, &name))
		return false;
	name = usage_name_of_subject(USAGE_OF_ACCOUNT, head->account);
	if (!count_day(batch, record, position, &name))
		return false;
	name = usage_name_of_subject(USAGE_OF_PRODUCT, head->product);
	return count_day(batch, record, position, &name);
}

/* Whether the batch goes on. */
static bool
pause_batch(struct batch *batch)
{
	if (!batch->between(batch->usage))
		batch->left = true;
	return !batch->left;
}

/* Events up to where the batch ends, which is returned. */
static uint64_t
collect(struct batch *batch, uint64_t from, uint64_t bytes)
{
	struct journal_reader reader =
	    journal_read_from(&batch->usage->journal, from);
	struct usage_record record;
	struct bytes payload;
	uint64_t position;
	unsigned events = 0;

	while (batch->table.count < BATCH_ROWS &&
	    batch->arena.total < BATCH_BYTES &&
	    reader.position - from < bytes &&
	    journal_next(&reader, &position, &payload)) {
		/* Sums that fit what makes no sense: not counted, said. */
		if (!usage_record_read(payload, &record))
			log_error("usage.journal: an event makes no sense");
		else if (!count_event(batch, &record, position))
			break;
		if (++events % PAUSE_EVENTS == 0 && !pause_batch(batch))
			break;
	}
	return reader.position;
}

/* Writing */

/* Encoded, in memory of its own that the caller frees. */
static uint8_t *
encode(const struct batch_row *row, size_t *len)
{
	size_t max =
	    row->is_total ? TOTAL_ENCODED_MAX : row_encoded_max(&row->row);
	uint8_t *data = malloc(max + MAC_BYTES);

	if (data != NULL)
		*len = row->is_total ? total_encode(&row->total, data)
				     : row_encode(&row->row, data);
	return data;
}

static bool
write_row(struct batch *batch, struct usage_file *file, struct batch_row *row,
    uint64_t end, size_t *written)
{
	size_t len = 0;
	uint64_t *taken = row->is_total ? &row->total.taken : &row->row.taken;
	uint8_t *data;
	bool done;

	/* It is as a larger batch that was left has written it. */
	if (*taken >= end)
		return true;
	*taken = end;
	data = encode(row, &len);
	if (data == NULL)
		return false;
	done =
	    usage_file_write(&batch->usage->files, file, &row->name, data, len);
	free(data);
	*written += len;
	return done;
}

static bool
belongs(const struct batch_row *row, uint32_t day, bool is_totals)
{
	return row->is_total == is_totals && (is_totals || row->day == day);
}

/* Writes what is next of the rows of one file in one transaction; *next is
 * where to go on, NULL at the end. */
static bool
write_slice(struct batch *batch, struct usage_file *file,
    struct batch_row **next, bool is_totals, uint64_t end)
{
	size_t rows = 0, bytes = 0;

	if (store_tdb_size(file->tdb) > UINT32_MAX - (uint64_t)KEPT_FREE) {
		batch->problem = "a usage file has reached its 4 GiB";
		return false;
	}
	if (!usage_file_begin(file))
		return false;
	while (*next != NULL && rows < SLICE_ROWS && bytes < SLICE_BYTES) {
		struct batch_row *row = *next;

		if (belongs(row, file->day, is_totals)) {
			rows++;
			if (!write_row(batch, file, row, end, &bytes)) {
				usage_file_cancel(file);
				return false;
			}
		}
		*next = row->next;
	}
	if ((!is_totals || *next == NULL) && file->taken < end)
		file->taken = end;
	return usage_file_commit(&batch->usage->files, file);
}

/* All of one file. The file is looked up for each transaction: questions come
 * in between, and what they open may close it. */
static bool
write_file(struct batch *batch, uint32_t day, bool is_totals, uint64_t end)
{
	struct batch_row *next = batch->first;

	do {
		struct usage_file *file = file_of(batch, day, is_totals);

		if (file == NULL)
			return false;
		if (!write_slice(batch, file, &next, is_totals, end)) {
			if (batch->problem == NULL)
				snprintf(batch->usage->reason_of_file,
				    sizeof batch->usage->reason_of_file,
				    "%s: %s", strrchr(file->path, '/') + 1,
				    store_cause(&file->complaints));
			/* As it is on disk is what counts. */
			usage_files_drop(&batch->usage->files, file);
			return false;
		}
	} while (pause_batch(batch) && next != NULL);
	return next == NULL;
}

/* The day files one after the other, totals.tdb last. */
static bool
write_batch(struct batch *batch, uint64_t end)
{
	uint32_t done = 0;
	bool any = false;

	for (;;) {
		const struct batch_row *row = batch->first;
		uint32_t day = UINT32_MAX;

		for (; row != NULL; row = row->next)
			if (!row->is_total && (!any || row->day > done) &&
			    row->day < day)
				day = row->day;
		if (day == UINT32_MAX)
			break;
		if (!write_file(batch, day, false, end) || batch->left)
			return false;
		done = day;
		any = true;
	}
	return write_file(batch, 0, true, end);
}

bool
usage_take(
    struct usage *usage, uint64_t bytes, bool (*between)(struct usage *usage))
{
	uint64_t from =
	    atomic_load_explicit(&usage->journal.tail, memory_order_relaxed);
	struct batch batch = {.usage = usage, .between = between};
	bool done = false;
	uint64_t end;

	batch.last = &batch.first;
	usage->reason_of_file[0] = '\0';
	if (!usage_files_reopen(&usage->files))
		batch.problem = "totals.tdb cannot be opened";
	end = batch.problem == NULL ? collect(&batch, from, bytes) : from;
	/* What the files have taken in must not be lost from the journal:
	 * where that ends is where the next run begins. */
	if (batch.problem == NULL && !batch.left && end != from)
		done = journal_sync(&usage->journal) &&
		    (batch.first == NULL || write_batch(&batch, end));
	else
		done = batch.problem == NULL && !batch.left;
	if (done)
		journal_release(&usage->journal, end);
	if (!batch.left)
		usage_set_failing(usage,
		    done                        ? NULL
			: batch.problem != NULL ? batch.problem
			: usage->reason_of_file[0]
			? usage->reason_of_file
			: "usage.journal: sync failed");
	table_free(&batch.table);
	arena_free(&batch.arena);
	return done;
}
