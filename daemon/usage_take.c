/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Out of the journal, into the files.
 *
 * A batch of events is added up in memory, row by row, and then written in
 * transactions of limited size. Where its rows are more than memory is wanted
 * for, that is done in parts: each goes through the same events, and takes the
 * rows whose hashes are in its range, so that none is written more than once a
 * batch, however many keys there are. Every row says up to where in the journal
 * it has taken events in, and what it has it does not take again; so wherever a
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
	BATCH_BYTES = 256 << 20, /* of the journal */
	PART_BYTES = 64 << 20,   /* of memory */
	PART_MIN = 1 << 12,      /* of 2^32 hashes: not divided any more */
	/* A transaction ends when it has as many: tdb never gives back what its
	 * largest one took, and questions wait for its end. */
	SLICE_ROWS = 4000,
	SLICE_BYTES = 4 << 20,
	KEPT_FREE = 64 << 20, /* of a file's 4 GiB */
	PAUSE_EVENTS = 256,   /* collected between two looks at questions */
};

struct batch_row {
	uint32_t order; /* see order_of() */
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
	uint64_t from, end; /* in the journal */
	bool end_known;     /* else it is one that is wished for */

	/* The part. */
	uint32_t first, last; /* see order_of() */
	struct arena arena;
	struct table table;
	struct batch_row **rows; /* in order */
	bool too_large;

	const char *problem; /* NULL: none */
	bool left;           /* as between() wished */
};

/* Collecting */

/*
 * In what order rows are written: always the same, so that they lie in a file
 * about as they are written, and a transaction changes few of its pages.
 */
static uint32_t
order_of(const struct usage_name *name)
{
	return table_hash(name->bytes, name->len) * 0x9E3779B1U;
}

static uint32_t
row_hash(uint32_t order, uint32_t day, bool is_total)
{
	return order ^ day * 0x9E3779B1U ^ (is_total ? 0x85EBCA6BU : 0);
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
	uint32_t order = order_of(name), hash = row_hash(order, day, is_total);
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
		row->order = order;
		row->day = day;
		row->is_total = is_total;
		row->name = *name;
	}
	if (row == NULL || !load_row(batch, file, row) ||
	    !table_add(&batch->table, hash, row)) {
		batch->problem = "out of memory";
		return NULL;
	}
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
in_part(const struct batch *batch, const struct usage_name *name)
{
	uint32_t order = order_of(name);

	return order >= batch->first && order <= batch->last;
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
		    (!in_part(batch, &name) ||
			count_day(batch, record, position, &name));
	name = usage_name_of_key(head->id);
	if (in_part(batch, &name) &&
	    (!count_day(batch, record, position, &name) ||
		!count_total(batch, record, position, &name)))
		return false;
	name = usage_name_of_subject(USAGE_OF_ACCOUNT, head->account);
	if (in_part(batch, &name) && !count_day(batch, record, position, &name))
		return false;
	name = usage_name_of_subject(USAGE_OF_PRODUCT, head->product);
	return !in_part(batch, &name) ||
	    count_day(batch, record, position, &name);
}

/* Whether the batch goes on. */
static bool
pause_batch(struct batch *batch)
{
	if (!batch->between(batch->usage))
		batch->left = true;
	return !batch->left;
}

/* The part's rows, and where the batch ends. */
static void
collect(struct batch *batch)
{
	struct journal_reader reader =
	    journal_read_from(&batch->usage->journal, batch->from);
	struct usage_record record;
	struct bytes payload;
	uint64_t position;
	unsigned events = 0;

	while (reader.position < batch->end &&
	    journal_next(&reader, &position, &payload)) {
		/* Behind a gap that the end is in. */
		if (batch->end_known && position >= batch->end)
			break;
		/* Sums that fit what makes no sense: not counted, said. */
		if (!usage_record_read(payload, &record))
			log_error("usage.journal: an event makes no sense");
		else if (!count_event(batch, &record, position))
			return;
		if (batch->arena.total >= PART_BYTES &&
		    batch->last - batch->first >= PART_MIN) {
			batch->too_large = true;
			return;
		}
		if (++events % PAUSE_EVENTS == 0 && !pause_batch(batch))
			return;
	}
	if (!batch->end_known)
		batch->end = reader.position;
	batch->end_known = true;
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
    size_t *written)
{
	size_t len = 0;
	uint64_t *taken = row->is_total ? &row->total.taken : &row->row.taken;
	uint8_t *data;
	bool done;

	/* It is as a larger batch that was left has written it. */
	if (*taken >= batch->end)
		return true;
	*taken = batch->end;
	data = encode(row, &len);
	if (data == NULL)
		return false;
	done =
	    usage_file_write(&batch->usage->files, file, &row->name, data, len);
	free(data);
	*written += len;
	return done;
}

/* Writes rows from *at on, which are of one file, in one transaction. */
static bool
write_slice(struct batch *batch, struct usage_file *file, size_t *at, size_t to)
{
	bool is_totals = file == batch->usage->files.totals;
	size_t limit = to - *at < SLICE_ROWS ? to : *at + SLICE_ROWS;
	size_t bytes = 0;

	if (store_tdb_size(file->tdb) > UINT32_MAX - (uint64_t)KEPT_FREE) {
		batch->problem = "a usage file has reached its 4 GiB";
		return false;
	}
	if (!usage_file_begin(file))
		return false;
	for (; *at < limit && bytes < SLICE_BYTES; ++*at)
		if (!write_row(batch, file, batch->rows[*at], &bytes)) {
			usage_file_cancel(file);
			return false;
		}
	/* What is before it is in every file: so it is written last. */
	if ((!is_totals || (*at == to && batch->last == UINT32_MAX)) &&
	    file->taken < batch->end)
		file->taken = batch->end;
	return usage_file_commit(&batch->usage->files, file);
}

/* The rows of one file. It is looked up for each transaction: questions come
 * in between, and what they open may close it. */
static bool
write_file(
    struct batch *batch, uint32_t day, bool is_totals, size_t at, size_t to)
{
	do {
		struct usage_file *file = file_of(batch, day, is_totals);

		if (file == NULL)
			return false;
		if (!write_slice(batch, file, &at, to)) {
			if (batch->problem == NULL)
				snprintf(batch->usage->reason_of_file,
				    sizeof batch->usage->reason_of_file,
				    "%s: %s", strrchr(file->path, '/') + 1,
				    store_cause(&file->complaints));
			/* As it is on disk is what counts. */
			usage_files_drop(&batch->usage->files, file);
			return false;
		}
	} while (pause_batch(batch) && at < to);
	return at == to;
}

static int
by_file_and_order(const void *a, const void *b)
{
	const struct batch_row *const *left = a, *const *right = b;

	if ((*left)->is_total != (*right)->is_total)
		return (*left)->is_total ? 1 : -1;
	if ((*left)->day != (*right)->day)
		return (*left)->day < (*right)->day ? -1 : 1;
	if ((*left)->order != (*right)->order)
		return (*left)->order < (*right)->order ? -1 : 1;
	return 0;
}

static bool
sort_rows(struct batch *batch)
{
	const struct table *table = &batch->table;
	size_t count = 0;

	batch->rows = arena_alloc(
	    &batch->arena, (table->count + 1) * sizeof(struct batch_row *));
	if (batch->rows == NULL) {
		batch->problem = "out of memory";
		return false;
	}
	for (size_t i = 0; i < table->capacity; i++)
		if (table->slots[i].item != NULL)
			batch->rows[count++] = table->slots[i].item;
	qsort(
	    batch->rows, count, sizeof(struct batch_row *), by_file_and_order);
	return true;
}

/* The day files one after the other, totals.tdb last: in the last part also
 * where it has no rows. */
static bool
write_part(struct batch *batch)
{
	size_t count = batch->table.count, at = 0, to;

	if (!sort_rows(batch))
		return false;
	for (; at < count && !batch->rows[at]->is_total; at = to) {
		uint32_t day = batch->rows[at]->day;

		for (to = at; to < count && !batch->rows[to]->is_total &&
		     batch->rows[to]->day == day;
		     to++)
			;
		if (!write_file(batch, day, false, at, to) || batch->left)
			return false;
	}
	if (at == count && batch->last != UINT32_MAX)
		return true;
	return write_file(batch, 0, true, at, count);
}

static bool
take_part(struct batch *batch)
{
	bool is_all = batch->first == 0 && batch->last == UINT32_MAX;

	collect(batch);
	if (journal_is_lost(&batch->usage->journal))
		batch->problem = USAGE_JOURNAL_LOST;
	if (batch->problem != NULL || batch->left || batch->too_large)
		return false;
	if (is_all && batch->table.count == 0)
		return true;
	/* What the files have taken in must not be lost from the journal:
	 * where that ends is where the next run begins. */
	return journal_sync(&batch->usage->journal) && write_part(batch);
}

/* Larger or smaller parts, as it was with this one. */
static void
fit_part(struct batch *batch, uint32_t *part)
{
	if (batch->too_large)
		*part /= 2;
	else if (batch->arena.total < PART_BYTES / 3 &&
	    batch->last - batch->first == *part && *part != UINT32_MAX)
		*part = *part * 2 + 1;
}

static bool
take_parts(struct batch *batch)
{
	uint32_t *part = &batch->usage->part;
	bool done;

	do {
		batch->last = *part < UINT32_MAX - batch->first
		    ? batch->first + *part
		    : UINT32_MAX;
		batch->too_large = false;
		done = take_part(batch);
		fit_part(batch, part);
		table_free(&batch->table);
		arena_free(&batch->arena);
		if (done && batch->last == UINT32_MAX)
			return true;
		if (done)
			batch->first = batch->last + 1;
	} while (done || batch->too_large);
	return false;
}

bool
usage_take(
    struct usage *usage, uint64_t bytes, bool (*between)(struct usage *usage))
{
	/* In this order: what was noted by then is before that head. */
	uint64_t noted = atomic_load(&usage->noted);
	uint64_t head = atomic_load(&usage->journal.head);
	uint64_t from =
	    atomic_load_explicit(&usage->journal.tail, memory_order_relaxed);
	struct batch batch = {.usage = usage,
	    .between = between,
	    .from = from,
	    .end = from + (bytes < BATCH_BYTES ? bytes : BATCH_BYTES)};
	bool done;

	usage->reason_of_file[0] = '\0';
	if (!usage_files_reopen(&usage->files))
		batch.problem = "totals.tdb cannot be opened";
	done = batch.problem == NULL && take_parts(&batch);
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
