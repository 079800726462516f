/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows in the usage files: read one at a time, and changed group by group in
 * transactions.
 */
#ifndef DAEMON_USAGE_ROWS_H
#define DAEMON_USAGE_ROWS_H

#include "usage_group.h"
#include "usage_tdb.h"

/* What was written and is not found any more is damaged as well, and logged. */
enum usage_read
usage_row_read(const struct usage_files *files, struct usage_file *file,
    const struct usage_name *name, struct arena *arena, struct bytes *data);

/* Which of a file's groups a row is in: ascending as orders are. */
uint32_t usage_group_of(uint32_t groups, uint32_t order);

/* A damaged group is as one without rows, which says so. False where it could
 * not be read, as with USAGE_FAILED. */
bool usage_group_read(const struct usage_files *files, struct usage_file *file,
    uint32_t number, struct arena *arena, struct usage_group *group);
/* The same as usage_row_read(), of a group that was read. */
enum usage_read usage_group_row(const struct usage_files *files,
    struct usage_file *file, const struct usage_group *group,
    const struct usage_name *name, struct arena *arena, struct bytes *data);

/* What the next transaction changes. Zeroed at first. */
struct usage_changes {
	struct arena arena;
	struct usage_change *last; /* a ring */
	size_t bytes;
};
void usage_changes_free(struct usage_changes *changes);

/*
 * A row with what it is from now on, put into its group or among the changes;
 * name and data have to last until usage_change_group(), which takes the group
 * as a whole. False where there is no memory.
 */
bool usage_change_row(struct usage_changes *changes, struct usage_group *group,
    const struct usage_name *name, struct bytes data, struct arena *arena);
bool usage_change_group(struct usage_changes *changes, uint32_t number,
    const struct usage_group *group);

/* Makes the changes, and the file's M row as it is in memory, in one
 * transaction. False where it failed, and then nothing is written; see
 * complaints. */
bool usage_file_commit(const struct usage_files *files, struct usage_file *file,
    const struct usage_changes *changes);

/* How many groups a file that is made has. False where there is no memory. */
bool usage_file_spread(struct usage_file *file, uint32_t groups);
/* Of a file that was just opened: whether the M row is there and sound. */
bool usage_meta_read(const struct usage_files *files, struct usage_file *file);

/*
 * Every row of a file but M, data without its MAC; damaged and missing records
 * are counted, logged and left out. False where the file's structure is
 * damaged.
 */
bool
usage_file_traverse(const struct usage_files *files, struct usage_file *file,
    usage_row_fn *row, void *context, uint64_t *damaged);

#endif
