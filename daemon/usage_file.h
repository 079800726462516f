/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tdb files of usage: usage-YYYY-MM-DD.tdb, one a day, and totals.tdb.
 * They are the usage thread's alone. Records are groups of rows, and large rows
 * that lie alone (usage_rows.h); what a row says is usage_row.h's affair.
 *
 *   K id          of a key          (also in totals.tdb, there what is kept
 *                                    for ever)
 *   A hash        of an account
 *   P hash        of a product
 *   S service     asked with no key; "S" alone for all services that found no
 *                 place
 *   G number      a group of rows
 *   M             of the file: see struct usage_file
 */
#ifndef DAEMON_USAGE_FILE_H
#define DAEMON_USAGE_FILE_H

#include <limits.h>

#include "store_file.h"
#include "usage_row.h"

enum {
	USAGE_SERVICES_MAX = 64, /* with a row of their own, a day */
	USAGE_NAME_MAX = 1 + SERVICE_MAX_LEN,
	USAGE_GROUPS_MAX = 1 << 20,
};

struct usage_name {
	uint8_t len;
	uint8_t bytes[USAGE_NAME_MAX];
};

/* What a row is of, and the first byte of its name. */
enum usage_kind {
	ROW_OF_KEY = 'K',
	ROW_OF_ACCOUNT = 'A',
	ROW_OF_PRODUCT = 'P',
	ROW_OF_SERVICE = 'S',
};

struct usage_name usage_name_of(enum usage_kind kind, struct bytes rest);
struct usage_name usage_name_of_key(const char id[TOKEN_ID_LEN]);
struct usage_name
usage_name_of_subject(enum usage_subject subject, uint64_t id);

struct usage_service {
	uint8_t len;
	uint8_t text[SERVICE_MAX_LEN];
};

struct usage_file {
	struct tdb_context *tdb;
	uint32_t day;  /* since 1970; TOTALS for totals.tdb */
	uint64_t used; /* when last; of the open files */
	struct complaints complaints;
	char path[PATH_MAX];
	/* Of totals.tdb: every event before it is in every file. Of a day: no
	 * row has taken more. */
	uint64_t taken;
	uint32_t groups;  /* that its rows are spread over */
	uint8_t *present; /* a bit for each: it was written */
	bool rows_alone;  /* of a former version, where every row lay alone:
			     those that were not changed since still do */
	uint8_t service_count;
	struct usage_service services[USAGE_SERVICES_MAX];
};

struct usage_files {
	const char *directory;
	const struct keyring *ring;
	unsigned expected_keys;
	uint64_t keys; /* that there are totals of, at the start */
	struct usage_file *totals;
	struct usage_file *days[40]; /* that are open */
	size_t day_count;
	uint64_t clock; /* for struct usage_file's used */
};

/* How many a file that is made now has. */
uint32_t usage_groups_for(const struct usage_files *files);

/* totals.tdb, made where it is missing. False after logging. */
bool usage_files_open(struct usage_files *files, const char *directory,
    const struct keyring *ring, unsigned expected_keys);
void usage_files_close(struct usage_files *files);

/*
 * The file of a day; stays open and usage_files' own. NULL where there is none
 * and none was to be made, or, with *failed set and a line logged, where it
 * cannot be opened.
 */
struct usage_file *usage_files_day(
    struct usage_files *files, uint32_t day, bool make, bool *failed);
/* Closes a file that cannot be trusted to be as it is on disk; opened again
 * when it is next asked for, but totals.tdb by usage_files_reopen(). */
void usage_files_drop(struct usage_files *files, struct usage_file *file);
bool usage_files_reopen(struct usage_files *files);

typedef void usage_row_fn(void *context, struct bytes name, struct bytes data);

/* usage_file_traverse() of totals.tdb, through a mapping of it: before anything
 * else is done with it, see store_tdb_open_mapped(). */
bool usage_files_load(struct usage_files *files, usage_row_fn *row,
    void *context, uint64_t *damaged);

/* The days that there are files of, oldest first: calls day for each. */
typedef void usage_day_fn(void *context, uint32_t day);
bool usage_files_each_day(
    const struct usage_files *files, usage_day_fn *day, void *context);
uint64_t usage_files_bytes(const struct usage_files *files);
/* Removes the oldest day's file where it is before this day; true if it was. */
bool usage_files_expire(struct usage_files *files, uint32_t day);

#endif
