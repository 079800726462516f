/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The import under way: its keys are staged in the store and in the index,
 * slice by slice, and come into force with one small record, or are cleared
 * away again. A slice is one change of the store and small, for the file keeps
 * the room of its largest transaction for ever; nothing here takes longer than
 * some hundred keys at a time, so that verifications do not wait.
 *
 * What a crash leaves of an import that was not in force is staged in the
 * index at the next start, and cleared away like one that was given up.
 */
#ifndef DAEMON_IMPORT_H
#define DAEMON_IMPORT_H

#include "index.h"
#include "key_rules.h"
#include "store.h"
#include "table.h"

enum import_stage {
	IMPORT_STAGING,
	IMPORT_COMMITTING, /* its record is on its way */
	IMPORT_SETTLING,   /* in force; see index_settle() */
	IMPORT_CLEARING,   /* given up */
	IMPORT_OVER,       /* nothing is left of it */
};

/* What keys are imported for: asked again before they come into force. */
struct import_pair {
	const struct account *account;
	const struct product *product;
};

struct import {
	struct index *index;
	struct store *store;
	enum import_stage stage;
	uint64_t first, last;   /* sequences of what was staged; 0: nothing */
	uint64_t keys;          /* staged */
	unsigned pending;       /* slices on their way */
	struct refusal failure; /* error NULL: all slices went through */
	bool refused;           /* a line was: only a look at the others */
	bool stopping;          /* nothing more goes to the store */
	bool native;            /* exported keys of this store may come */
	struct import_pair *pairs;
	size_t pair_count, pair_capacity;
	struct table pair_table; /* places in pairs, from 1 */
	uint32_t uid;            /* whose it is */
	int64_t at;              /* when it was committed */
	bool held;               /* remembered by its connection */
	int64_t heard_at;        /* monotonic ms: the last call for it */
	/* To its owner: a slice came back; it is over, and may be freed. */
	void (*eased)(struct import *import);
	void (*ended)(struct import *import);
	void *context;
	/* The owner's: calls that wait for either. */
	struct call *parked, *next;
	bool committing; /* what parked is */
};

/* NULL where there is no memory. */
struct import *import_new(struct index *index, struct store *store);
void import_free(struct import *import);

/* Of one call; freed when it comes back from the store. */
struct import_slice;
enum { SLICE_KEYS_MAX = 500 };
struct import_slice *import_slice_new(struct import *import, uint64_t line);
/* Takes the key over, in any case. False where there is no memory. */
bool import_slice_add(struct import_slice *slice, struct key *key);
/* lines: which it was made of, for messages. */
void import_slice_submit(struct import_slice *slice, uint64_t last_line);

/* Gives it up. ended() is called when nothing is left of it. */
void import_clear(struct import *import);
/* One portion of work; true while more is left for the next turn. */
bool import_portion(struct import *import);

#endif
