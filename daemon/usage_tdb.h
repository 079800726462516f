/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records of the usage files: their names, and their MACs, which bind them to
 * name and file. What is in them is usage_rows.h's affair.
 */
#ifndef DAEMON_USAGE_TDB_H
#define DAEMON_USAGE_TDB_H

#include "usage_file.h"

struct bytes usage_name_bytes(const struct usage_name *name);
struct usage_name usage_name_of_group(uint32_t number);
bool usage_name_is_group(struct bytes name);
uint32_t usage_group_number(struct bytes name); /* which is a group's */

/* Data without its MAC, the arena's; damaged ones are logged. */
enum usage_read {
	USAGE_READ,
	USAGE_ABSENT,
	USAGE_DAMAGED,
	USAGE_FAILED, /* for want of memory or, see complaints, of the disk */
};
enum usage_read
usage_tdb_read(const struct usage_files *files, struct usage_file *file,
    const struct usage_name *name, struct arena *arena, struct bytes *data);

/* Takes the MAC off; false where it is not the record's. */
bool usage_tdb_open(const struct usage_files *files,
    const struct usage_file *file, struct bytes name, struct bytes *data);

/* Says so in the log. */
void usage_tdb_damaged(const struct usage_file *file, struct bytes name);

/* In the open transaction, with its MAC: data has room for that behind its len
 * bytes. */
bool usage_tdb_write(const struct usage_files *files, struct usage_file *file,
    const struct usage_name *name, uint8_t *data, size_t len);

#endif
