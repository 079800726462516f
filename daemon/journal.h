/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ring of records in a shared mapping: one thread appends, another one takes
 * them out. An append is a few stores into the page cache, so a process that is
 * killed loses nothing; journal_sync() is what a power cut is survived by.
 *
 * A position counts the bytes of all that was ever appended, so it says where
 * a record lies and which of two is the later one, and nothing of it is ever
 * used twice. The ring is cut into segments. Each begins with a header that
 * carries its position and the epoch of the run that wrote it; a record is one
 * only if its checksum fits its contents, its position and that epoch. So what
 * a ring's last turn, another run or a power cut left behind is no record.
 *
 * The file is preallocated: a store into a mapping of a file that finds the
 * disk full would end the process.
 */
#ifndef DAEMON_JOURNAL_H
#define DAEMON_JOURNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/cursor.h"

enum {
	JOURNAL_SEGMENTS = 16,
	JOURNAL_PAYLOAD_MAX = 512,
	JOURNAL_SIZE_MIN = 1 << 20, /* bytes, of all segments */
};

struct journal {
	int fd;
	bool made;         /* by journal_open() */
	uint8_t *segments; /* the mapping, behind the file's header */
	uint64_t segment_bytes, ring_bytes;
	uint64_t epoch;     /* of this run */
	uint64_t opened_at; /* from there on it is this run's */

	/* The appending thread's. */
	uint64_t segment_end; /* of the segment that head is in */
	void *begun;          /* by journal_begin() */
	_Atomic uint64_t head;

	/* The taking thread's. */
	_Atomic int renewed_fd; /* see journal_renew(); -1: none */
	_Atomic uint64_t tail;  /* everything before it is done with */
	uint64_t synced, touched;
	uint64_t told_to;    /* of what cannot be read, all before it */
	uint64_t damaged_at; /* the first place of this run's; 0: none */
};

/*
 * Opens usage.journal in directory; a missing one is made, with about this
 * many bytes, and one whose header is damaged is put aside first. New records
 * go behind all that are there. False after logging.
 */
bool journal_open(struct journal *journal, const char *directory, size_t bytes);
void journal_close(struct journal *journal);

/*
 * Whether the file was cut off, or could not be read, under its mapping (see
 * mapping.h). What is appended goes nowhere then, and nothing is to be taken
 * any more. The taking thread makes another file, of which the appending one
 * takes possession: it goes on there, behind everything that was ever
 * appended; what was not taken before is lost. False after logging, and where
 * there is no other file.
 */
bool journal_is_lost(const struct journal *journal);
bool journal_renew(struct journal *journal, const char *directory);
bool journal_adopt(struct journal *journal);

/* Before anything is appended: no position below this one is used any more. */
void journal_skip_to(struct journal *journal, uint64_t position);
/* Everything before position is done with, and its room is free again. Never
 * goes back: what is taken may end behind a journal_adopt() that it began
 * before. */
void journal_release(struct journal *journal, uint64_t position);

/*
 * Appending: room for len bytes, at most JOURNAL_PAYLOAD_MAX, aligned to 8, to
 * be filled and then counted by journal_end() with the same len. NULL where
 * the ring is full.
 */
void *journal_begin(struct journal *journal, size_t len);
void journal_end(struct journal *journal, size_t len);

/*
 * Taking: from a position on, which is where a record ended, to where the head
 * is now. False at its end. Records that another run left unfinished are
 * passed over; those that are damaged as well, after logging, where others
 * follow that show it. Of a run's last record nobody can tell, nor of a
 * segment's last where the next one would not have fitted in its place.
 */
struct journal_reader {
	struct journal *journal;
	uint64_t position; /* of the next record */
	uint64_t end, epoch;
};
struct journal_reader
journal_read_from(struct journal *journal, uint64_t position);
bool journal_next(
    struct journal_reader *reader, uint64_t *position, struct bytes *payload);

/* What journal_next() found at this position, as long as that is not released.
 * Not verified again: empty where there is no record any more. */
struct bytes journal_record(const struct journal *journal, uint64_t position);
/* That journal_record() of it comes soon. */
void journal_expect(const struct journal *journal, uint64_t position);

/* Makes what was appended so far last. False with errno. */
bool journal_sync(struct journal *journal);
/* Has the kernel ready the pages that are written next, so that the appending
 * thread never waits for it; gives up those behind the tail. */
void journal_touch_ahead(struct journal *journal);

/* Whether all that this run has appended could be read so far; else *position
 * is the first place where it could not. Of other runs the log tells. */
bool journal_sound(struct journal *journal, uint64_t *position);

#endif
