/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The outbox: lines of audit.log that are in keys.tdb, committed with the
 * changes they tell of, until the file has them for certain. There it is a
 * ring of OUTBOX_SLOTS records that are always there, so a line takes no room
 * on a full disk; a long line takes several.
 *
 * Here is the same ring in memory. Pure: neither tdb nor files.
 */
#ifndef DAEMON_OUTBOX_H
#define DAEMON_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit_line.h"
#include "record.h"

struct outbox_line {
	uint64_t sequence;
	char *text; /* newline included */
	size_t len;
	unsigned slot, pieces; /* the first, and how many */
};

/* Oldest first. The first in_file of them are in audit.log, though perhaps not
 * yet for certain. */
struct outbox {
	struct outbox_line lines[OUTBOX_SLOTS]; /* a ring */
	unsigned first, count, in_file;
	unsigned next_slot, used; /* slots */
};

/* Zeroed at first. */
void outbox_clear(struct outbox *outbox);

/* Slots that a line of this length takes. */
unsigned outbox_pieces(size_t len);
unsigned outbox_free_slots(const struct outbox *outbox);

/* The i-th oldest. */
const struct outbox_line *outbox_line(const struct outbox *outbox, unsigned i);

/* Adds a line, whose text is the outbox's from then on. There has to be room
 * for it. */
void
outbox_add(struct outbox *outbox, uint64_t sequence, char *text, size_t len);
/* The n-th record of a line. */
void outbox_record(
    struct record *record, const struct outbox_line *line, unsigned n);
/* Takes the newest back until count are left. */
void outbox_take_back(struct outbox *outbox, unsigned count);
/* The lines that are in the file are there for certain. */
void outbox_forget_filed(struct outbox *outbox);

/* What the slots held when the store was opened. */
struct outbox_image {
	unsigned found;
	struct outbox_piece pieces[OUTBOX_SLOTS];
};
/* False where the record is none of an outbox. */
bool outbox_load(struct outbox_image *image, struct record_view *view);
/*
 * Puts the lines up to the chain's head together: the newest, which must be
 * there, and all before it that nothing was written over. False where the
 * slots do not hold what they must, or, with errno ENOMEM, without memory.
 */
bool outbox_restore(struct outbox *outbox, const struct outbox_image *image,
    uint64_t head_sequence);

#endif
