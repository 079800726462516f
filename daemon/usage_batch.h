/* SPDX-License-Identifier: BSD-2-Clause */
/* A batch of events on its way into the files: see usage_take.c. */
#ifndef DAEMON_USAGE_BATCH_H
#define DAEMON_USAGE_BATCH_H

#include "usage_impl.h"
#include "usage_rows.h"
#include "usage_sort.h"

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
	bool no_memory;      /* which is the problem */
	bool left;           /* as between() wished */
};

/* Whether the batch goes on; the second asks now and then only. */
bool batch_pause(struct batch *batch);
bool batch_pause_sometimes(struct batch *batch);

/* Both return false. */
bool batch_fail(struct batch *batch, const char *problem);
bool batch_out_of_memory(struct batch *batch);

/* NULL, and the batch's problem set, where it cannot be had. It is looked up
 * after each pause: questions may close it. */
struct usage_file *batch_day_file(struct batch *batch, uint32_t day);

/* A row's name as it lies in an event: to put it together costs more than most
 * of what is done with it. */
struct row_id {
	enum usage_kind kind;
	struct bytes rest;
};
struct row_id
usage_row_id(const struct usage_record *record, enum usage_part part);

/* Fills of_days and of_totals, from so many bytes of the journal, or fewer. */
bool batch_collect(struct batch *batch, uint64_t bytes);

#endif
