/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tdb files of usage: usage-YYYY-MM-DD.tdb, one a day, and totals.tdb.
 * They are the usage thread's alone. Rows have a MAC each, bound to their name
 * and file; what a row says is usage_row.h's affair.
 *
 *   K id          of a key          (also in totals.tdb, there what is kept
 *                                    for ever)
 *   A hash        of an account
 *   P hash        of a product
 *   S service     asked with no key; "S" alone for all services that found no
 *                 place
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
};

struct usage_name {
	uint8_t len;
	uint8_t bytes[USAGE_NAME_MAX];
};

struct usage_name usage_name_of_key(const char id[TOKEN_ID_LEN]);
struct usage_name
usage_name_of_subject(enum usage_subject subject, uint64_t id);
struct usage_name usage_name_of_service(struct bytes service);

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
	uint8_t service_count;
	struct usage_service services[USAGE_SERVICES_MAX];
};

struct usage_files {
	const char *directory;
	const struct keyring *ring;
	unsigned expected_keys;
	struct usage_file *totals;
	struct usage_file *days[40]; /* that are open */
	size_t day_count;
	uint64_t clock; /* for struct usage_file's used */
};

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

/* What lies under a name, copied and without its MAC. */
enum usage_read { USAGE_READ, USAGE_ABSENT, USAGE_DAMAGED, USAGE_NO_MEMORY };
enum usage_read
usage_file_read(const struct usage_files *files, struct usage_file *file,
    const struct usage_name *name, struct arena *arena, struct bytes *data);

/*
 * Transactions. Every step false where it failed, and then nothing is written;
 * see complaints. data has to have MAC_BYTES of room behind its len bytes.
 */
bool usage_file_begin(struct usage_file *file);
bool usage_file_write(const struct usage_files *files, struct usage_file *file,
    const struct usage_name *name, uint8_t *data, size_t len);
/* Writes the M row as well. */
bool
usage_file_commit(const struct usage_files *files, struct usage_file *file);
void usage_file_cancel(struct usage_file *file);

/*
 * Every row of a file but M, data without its MAC; damaged ones are counted,
 * logged and left out. False where the file's structure is damaged.
 */
typedef void usage_row_fn(void *context, struct bytes name, struct bytes data);
bool
usage_file_traverse(const struct usage_files *files, struct usage_file *file,
    usage_row_fn *row, void *context, uint64_t *damaged);

/* The same of totals.tdb, through a mapping of it: before anything else is done
 * with it, see store_tdb_open_mapped(). */
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
