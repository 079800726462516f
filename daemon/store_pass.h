/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pass over all records of keys.tdb, a portion at a time: each is verified
 * against its MAC, and all of them together against the root. The store may go
 * on taking changes between two portions: which chain of tdb's a record is in
 * tells whether the pass has been there, and then it takes the change in.
 *
 * On the way it may hand each record to somebody, and put it into a copy.
 */
#ifndef DAEMON_STORE_PASS_H
#define DAEMON_STORE_PASS_H

#include "store_file.h"

struct store_sum {
	uint64_t records;
	uint8_t digest[MAC_BYTES];
};

struct store_pass {
	struct store_pass *next;  /* of the file's */
	struct tdb_context *copy; /* NULL: none is made */
	store_load_fn *load;      /* NULL: nobody wants them */
	/* What cannot be verified or read, and where, which may be empty: the
	 * pass goes on behind it. NULL: it ends there. */
	void (*damaged)(void *context, const char *where, const char *problem);
	void *context;
	unsigned chain;       /* the next one: all before have been looked at */
	struct store_sum sum; /* of what is in those */
	struct store_sum kept; /* as it was before the open transaction */
	uint64_t taken_in;   /* changes that went into the copy; its owner's */
	bool ended;          /* all, or as far as it could */
	const char *problem; /* NULL, or why not all */
	char where[80];      /* at which record; may be empty */
};

/* Has the pass, zeroed but for what it is to do, take in changes from now on;
 * and no longer. */
void store_pass_begin(struct store_pass *pass, struct store_file *file);
void store_pass_end(struct store_pass *pass, struct store_file *file);

/* Has all that are under way begin again: the file is another one. */
void store_passes_restart(struct store_file *file);

/* Looks at about so many records, or at as many chains where they are empty.
 * False once it has ended. */
bool store_pass_portion(
    struct store_pass *pass, struct store_file *file, uint64_t count);

/* Of a pass that came to its end: NULL where what it saw is what the root in
 * memory tells of, or what is wrong. */
const char *
store_pass_verdict(const struct store_pass *pass, struct store_file *file);

/* A transaction begins, and ends. */
void store_passes_keep(struct store_file *file);
void store_passes_take_back(struct store_file *file);
/* In it a record is written, or erased where data is NULL; mac is the one that
 * it had, NULL where it is new. */
void store_passes_note(struct store_file *file, const struct record_name *name,
    const uint8_t *mac, const struct record *record);

#endif
