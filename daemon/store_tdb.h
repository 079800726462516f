/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tdb, as the files that make, open and commit to keys.tdb use it.
 */
#ifndef DAEMON_STORE_TDB_H
#define DAEMON_STORE_TDB_H

#include <signal.h> /* tdb.h wants sig_atomic_t */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <tdb.h>

#include "record.h"
#include "secret.h"
#include "store_file.h"

/*
 * Opens path with these open(2) flags, every complaint counted from then on.
 * expected_keys counts where the file is made. NULL: see store_cause().
 */
struct tdb_context *store_tdb_open(const char *path, unsigned expected_keys,
    int flags, struct complaints *complaints);
/*
 * Gives a file that nobody has yet, and that has no records, the length for
 * about so many, in one go. Where tdb makes a file longer by itself, in steps
 * of a tenth or a quarter, each step leaves a piece in which no record fits,
 * and for every new record tdb looks at all these pieces again, with three
 * reads each. False: see store_cause().
 */
bool store_tdb_make_room(struct tdb_context *tdb, uint64_t records);
/*
 * Opens for a walk over all records what store_tdb_open() opened before: tdb
 * reads through a mapping then, a copy a record and not several system calls.
 * Nothing may be written: a mapping tells of a full disk by a signal. Of a
 * disk that cannot be read it would as well, so the file is read once before.
 */
struct tdb_context *
store_tdb_open_mapped(const char *path, struct complaints *complaints);
/* Has tdb complain elsewhere from now on. */
void
store_tdb_complain_to(struct tdb_context *tdb, struct complaints *complaints);
/* What is wrong, for people: tdb's own last words where it had any. */
const char *store_cause(const struct complaints *complaints);

/* tdb takes what it only reads as non-const. */
TDB_DATA store_data(const void *bytes, size_t len);
TDB_DATA store_data_of_name(const struct record_name *name);

uint64_t store_tdb_size(struct tdb_context *tdb);
/* What is in the header but for where tdb may write to; zeros where it cannot
 * be read. */
void
store_tdb_header(struct tdb_context *tdb, uint8_t header[STORE_HEADER_BYTES]);
/* The hash chain that a record of this name is in. */
unsigned
store_tdb_chain(struct tdb_context *tdb, const struct record_name *name);

/*
 * A look before tdb opens it by name: whose it is, and that it is itself. No
 * one else can exchange it in between, in a directory that is ours alone.
 * False after logging.
 */
bool store_may_open(const char *path);

/*
 * The root record as it lies there, its MAC not looked at. NULL, or what is
 * wrong with it. found is the caller's to free, also then.
 */
const char *
store_fetch_root(struct tdb_context *tdb, TDB_DATA *found, struct root *root);

/* The root record, ready to be written. */
void store_encode_root(
    struct record *record, const struct root *root, const struct keyring *ring);
/* Whether digest is the one that the root record was written with. */
bool store_digest_is(const struct root *root, const struct keyring *ring,
    const uint8_t digest[MAC_BYTES]);

/* Into the open transaction; flag is tdb_store()'s. TDB_INSERT is for what is
 * not there: it walks the record's chain once less than the others. */
bool store_write_record(
    struct tdb_context *tdb, const struct record *record, int flag);
bool store_write_root(struct tdb_context *tdb, const struct root *root,
    const struct keyring *ring);
/* In a transaction of its own, with the file's size as it is by now. */
bool store_commit_root(
    struct tdb_context *tdb, struct root *root, const struct keyring *ring);

/*
 * Takes a record into the digest of all of them, or out again. What is xor-ed
 * is a keyed hash of its name and MAC that stands nowhere in the file: with the
 * MACs themselves, whoever has an old copy could choose among its records until
 * the sum is right again.
 */
void store_digest_toggle(uint8_t digest[MAC_BYTES], const struct keyring *ring,
    struct bytes name, const uint8_t *mac);

#endif
