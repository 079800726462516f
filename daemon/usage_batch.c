/* SPDX-License-Identifier: BSD-2-Clause */
/* Which events a batch has, and by which rows each of them is counted. */
#include "usage_batch.h"

#include <string.h>

enum { PAUSE_EVENTS = 256 }; /* between two looks at questions */

bool
batch_pause(struct batch *batch)
{
	if (!batch->between(batch->usage))
		batch->left = true;
	return !batch->left;
}

bool
batch_pause_sometimes(struct batch *batch)
{
	return ++batch->events % PAUSE_EVENTS != 0 || batch_pause(batch);
}

bool
batch_fail(struct batch *batch, const char *problem)
{
	batch->problem = problem;
	return false;
}

bool
batch_out_of_memory(struct batch *batch)
{
	batch->no_memory = true;
	return batch_fail(batch, "out of memory");
}

struct usage_file *
batch_day_file(struct batch *batch, uint32_t day)
{
	bool failed;
	struct usage_file *file =
	    usage_files_day(&batch->usage->files, day, true, &failed);

	if (file == NULL)
		batch_fail(batch, "a usage file cannot be opened");
	return file;
}

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

struct row_id
usage_row_id(const struct usage_record *record, enum usage_part part)
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
	struct row_id id = usage_row_id(record, part);
	uint32_t order = usage_order_of((uint8_t)id.kind, id.rest);

	return (entries_add(&batch->of_days, day, order, offset, part) &&
		   (part != PART_KEY ||
		       entries_add(
			   &batch->of_totals, 0, order, offset, part))) ||
	    batch_out_of_memory(batch);
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
	file = batch_day_file(batch, batch->days[day]);
	return file != NULL &&
	    add_entry(batch, day, offset, record,
		part_of_service(file, record->service));
}

bool
batch_collect(struct batch *batch, uint64_t bytes)
{
	uint64_t limit = batch->from + bytes;
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
		    !batch_pause_sometimes(batch))
			return false;
	}
	batch->end = reader.position;
	return true;
}
