/* SPDX-License-Identifier: BSD-2-Clause */
/* Taking records out of the ring, and what becomes of those that are damaged.
 */
#include <string.h>

#include "journal_impl.h"
#include "log.h"

/* Segments */

static bool
segment_sound(const struct journal *journal, uint64_t position,
    struct segment_header *header)
{
	memcpy(header, place(journal, position), sizeof *header);
	return header->magic == SEGMENT_MAGIC && header->position == position &&
	    header->check ==
	    checksum(0, header, offsetof(struct segment_header, check));
}

/* The record of a run at this position, or NULL. */
static const struct record_header *
record_at(const struct journal *journal, uint64_t epoch, uint64_t position)
{
	uint64_t left =
	    journal->segment_bytes - position % journal->segment_bytes;
	const struct record_header *record =
	    (const void *)place(journal, position);

	if (left < sizeof *record || record->len > JOURNAL_PAYLOAD_MAX ||
	    record_size(record->len) > left ||
	    record->check != record_check(epoch, position, record))
		return NULL;
	return record;
}

/*
 * The epoch of the segment that begins at this position. Where its header is
 * damaged, the first record tells whether it is what still stands there, or
 * that of the segment before (near) or behind. False where there is none.
 */
static bool
segment_epoch(const struct journal *journal, uint64_t position, uint64_t near,
    uint64_t *epoch)
{
	struct segment_header header, next;
	uint64_t candidates[3] = {0, near, 0};
	bool sound = segment_sound(journal, position, &header);

	*epoch = header.epoch;
	if (sound)
		return true;
	candidates[0] = header.epoch;
	if (segment_sound(journal, position + journal->segment_bytes, &next))
		candidates[2] = next.epoch;
	for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++) {
		*epoch = candidates[i];
		if (record_at(journal, *epoch, position + sizeof header) !=
		    NULL)
			return true;
	}
	return false;
}

/* Whether something was written there, and it is no header, of whatever turn of
 * the ring. */
static bool
header_damaged(const struct journal *journal, uint64_t position)
{
	static const struct segment_header none;
	struct segment_header header;

	memcpy(&header, place(journal, position), sizeof header);
	return memcmp(&header, &none, sizeof none) != 0 &&
	    !(header.position % journal->ring_bytes ==
		    position % journal->ring_bytes &&
		segment_sound(journal, header.position, &header));
}

/* Once, however often it is read. A power cut leaves the same of what was not
 * yet synced, but never of this run. */
static void
tell_damage(struct journal *journal, uint64_t from, uint64_t to)
{
	static struct log_throttle throttle;
	unsigned long long count;

	if (from < journal->told_to)
		return;
	journal->told_to = to;
	if (from >= journal->opened_at && journal->damaged_at == 0)
		journal->damaged_at = from;
	if (log_throttle(&throttle, &count))
		log_error("usage.journal: %llu bytes at position %llu are not "
			  "as they were written: verifications in them that "
			  "were not yet taken out are not counted (%llu such "
			  "places since the last such line)",
		    (unsigned long long)(to - from), (unsigned long long)from,
		    count);
}

static bool
any_header_damaged(const struct journal *journal)
{
	bool damaged = false;

	for (uint64_t i = 0; i < JOURNAL_SEGMENTS; i++)
		damaged = damaged ||
		    header_damaged(journal, i * journal->segment_bytes);
	return damaged;
}

uint64_t
journal_find_end(struct journal *journal)
{
	uint64_t end = 0, last = 0, epoch;

	for (uint64_t i = 0; i < JOURNAL_SEGMENTS; i++) {
		uint64_t at = i * journal->segment_bytes;
		struct segment_header header;

		memcpy(&header, journal->segments + at, sizeof header);
		if (header.position % journal->ring_bytes == at &&
		    header.position + journal->segment_bytes > end &&
		    segment_epoch(journal, header.position, 0, &epoch)) {
			end = header.position + journal->segment_bytes;
			last = epoch;
		}
	}
	/* Whose own word for where it is was damaged. */
	for (int i = 0; i < JOURNAL_SEGMENTS && end != 0 &&
	     segment_epoch(journal, end, last, &last);
	     i++)
		end += journal->segment_bytes;
	if (end == 0 && any_header_damaged(journal))
		tell_damage(journal, 0, journal->ring_bytes);
	return end;
}

/* Taking */

struct journal_reader
journal_read_from(struct journal *journal, uint64_t position)
{
	struct journal_reader reader = {.journal = journal,
	    .position = position,
	    .end = atomic_load_explicit(&journal->head, memory_order_acquire)};

	/* Further back there are no segments any more. */
	if (reader.end - position > journal->ring_bytes)
		reader.position = segment_of(journal,
		    reader.end + journal->segment_bytes - 1 -
			journal->ring_bytes);
	if (reader.position % journal->segment_bytes != 0)
		segment_epoch(journal, segment_of(journal, reader.position), 0,
		    &reader.epoch);
	return reader;
}

/*
 * Whether the run went on behind this segment, or is in it still, so that it is
 * full of records up to where that which begins the next one did not fit; or,
 * where that one is damaged as well, one of any length.
 */
static bool
is_full(const struct journal_reader *reader, uint64_t end)
{
	const struct journal *journal = reader->journal;
	uint64_t fits = record_size(JOURNAL_PAYLOAD_MAX);
	const struct record_header *record;
	struct segment_header next;

	if (end > reader->end)
		return true;
	/* What lies at the end or behind it may be written just now. */
	if (end == reader->end || !segment_sound(journal, end, &next) ||
	    next.epoch != reader->epoch)
		return false;
	record = end + sizeof next < reader->end
	    ? record_at(journal, next.epoch, end + sizeof next)
	    : NULL;
	if (record != NULL)
		fits = record_size(record->len);
	return end - reader->position >= fits;
}

/*
 * There is no record: where a run was ended, the rest of the segment is none of
 * its. Else this one is damaged, and the next one is found by its checksum,
 * which nothing but this run can have left at that position.
 */
static void
pass_over(struct journal_reader *reader)
{
	struct journal *journal = reader->journal;
	uint64_t end =
	    segment_of(journal, reader->position) + journal->segment_bytes;
	uint64_t to = end < reader->end ? end : reader->end;
	uint64_t at = reader->position;

	do
		at += 8;
	while (at < to && record_at(journal, reader->epoch, at) == NULL);
	if (at < to || is_full(reader, end))
		tell_damage(journal, reader->position, at < to ? at : to);
	reader->position = at < to ? at : end;
}

/* False where there is none. */
static bool
enter(struct journal_reader *reader)
{
	struct journal *journal = reader->journal;
	uint64_t start = reader->position, near = reader->epoch;

	if (segment_epoch(journal, start, near, &reader->epoch)) {
		reader->position += sizeof(struct segment_header);
		return true;
	}
	if (header_damaged(journal, start))
		tell_damage(journal, start, start + journal->segment_bytes);
	reader->position += journal->segment_bytes;
	return false;
}

bool
journal_next(
    struct journal_reader *reader, uint64_t *position, struct bytes *payload)
{
	const struct journal *journal = reader->journal;
	const struct record_header *record;

	while (reader->position < reader->end) {
		if (reader->position % journal->segment_bytes == 0 &&
		    !enter(reader))
			continue;
		if (reader->position >= reader->end)
			break;
		record = record_at(journal, reader->epoch, reader->position);
		if (record != NULL) {
			*position = reader->position;
			*payload = (struct bytes){
			    (const uint8_t *)(record + 1), record->len};
			reader->position += record_size(record->len);
			return true;
		}
		pass_over(reader);
	}
	/* Behind the end of a run there may be nothing for a while. */
	reader->position = reader->end;
	return false;
}

struct bytes
journal_record(const struct journal *journal, uint64_t position)
{
	uint64_t left =
	    journal->segment_bytes - position % journal->segment_bytes;
	const struct record_header *record =
	    (const void *)place(journal, position);

	if (record->len > JOURNAL_PAYLOAD_MAX ||
	    record_size(record->len) > left)
		return (struct bytes){NULL, 0};
	return (struct bytes){(const uint8_t *)(record + 1), record->len};
}

void
journal_expect(const struct journal *journal, uint64_t position)
{
	const uint8_t *record = place(journal, position);

	__builtin_prefetch(record);
	__builtin_prefetch(record + 64); /* most end in the next line */
}

bool
journal_sound(struct journal *journal, uint64_t *position)
{
	uint64_t tail =
	    atomic_load_explicit(&journal->tail, memory_order_relaxed);
	struct journal_reader reader = journal_read_from(journal, tail);
	struct bytes payload;

	while (journal_next(&reader, position, &payload))
		;
	*position = journal->damaged_at;
	return journal->damaged_at == 0;
}
