/* SPDX-License-Identifier: BSD-2-Clause */
/* How a journal's ring is laid out, for what appends and what takes. */
#ifndef DAEMON_JOURNAL_IMPL_H
#define DAEMON_JOURNAL_IMPL_H

#include "journal.h"
#include "journal_sum.h"

#define SEGMENT_MAGIC UINT64_C(0x414b536567656e74) /* "AKSegent" */

struct segment_header {
	uint64_t magic, position, epoch, check;
};
struct record_header {
	uint64_t check;
	uint64_t len; /* of the payload; zeros up to a multiple of 8 follow */
};

static inline uint64_t
record_check(
    uint64_t epoch, uint64_t position, const struct record_header *record)
{
	size_t padded = (record->len + 7) & ~UINT64_C(7);

	return checksum(
	    mix(epoch, position), &record->len, sizeof record->len + padded);
}

static inline uint64_t
record_size(uint64_t len)
{
	return sizeof(struct record_header) + ((len + 7) & ~UINT64_C(7));
}

static inline uint8_t *
place(const struct journal *journal, uint64_t position)
{
	return journal->segments + position % journal->ring_bytes;
}

static inline uint64_t
segment_of(const struct journal *journal, uint64_t position)
{
	return position - position % journal->segment_bytes;
}

/* Behind the last segment that any run has begun; 0: none has, or what there
 * is of them is damaged, which is logged. */
uint64_t journal_find_end(struct journal *journal);

#endif
