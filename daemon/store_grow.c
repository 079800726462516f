/* SPDX-License-Identifier: BSD-2-Clause */
#include "store_grow.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "log.h"
#include "store_copy.h"
#include "store_tdb.h"

enum {
	/* Twice what it is made for: see KEYS_PER_CHAIN. */
	RECORDS_A_CHAIN = 8,
	/* The new file is for so many times the records there are: twice that,
	 * and it grows again. */
	AHEAD = 2,
	/* After a failure, once there is so much of the records more. */
	RETRY_FRACTION = 8,
	/* More records than a commit may bring (store.c), else it would never
	 * end. */
	PORTIONS = 4,
};

/* Of a larger one the copy might pass what a store may be (store_commit.c). */
static const uint64_t file_bytes_max = 3000000000;

static uint64_t
records_served(const struct store_file *file)
{
	return (uint64_t)tdb_hash_size(file->tdb) * RECORDS_A_CHAIN;
}

bool
store_grow_due(const struct store_file *file)
{
	const struct store_copy *copy = file->growth;

	/* A backup counts the chains of the file that it has begun with. */
	if (copy != NULL)
		return file->backup == NULL || !copy->pass.ended ||
		    store_copy_flush_due(copy);
	return file->root.records > file->grow_from &&
	    file->root.records > records_served(file) &&
	    store_file_size(file) < file_bytes_max;
}

static void
forget(struct store_file *file)
{
	free(file->growth);
	file->growth = NULL;
	file->grow_from =
	    file->root.records + file->root.records / RETRY_FRACTION;
}

bool
store_grow_drop(struct store_file *file)
{
	if (file->growth == NULL)
		return false;
	store_copy_drop(file->growth, file);
	forget(file);
	return true;
}

static void
warn(const struct store_file *file, const char *cause)
{
	log_warning("%s: has outgrown its hash table and cannot be copied into "
		    "a larger file: %s; it goes on as it is, with slower "
		    "changes",
	    file->path, cause);
}

static bool
has_room(const struct store_file *file)
{
	struct statvfs disk;

	return fstatvfs(tdb_fd(file->tdb), &disk) == 0 &&
	    (uint64_t)disk.f_bavail * disk.f_frsize > 3 * store_file_size(file);
}

static bool
begin(struct store_file *file)
{
	uint64_t records = AHEAD * file->root.records;

	file->growth = malloc(sizeof *file->growth);
	if (file->growth == NULL)
		warn(file, "out of memory");
	else if (!has_room(file))
		warn(file,
		    "there is less room on the disk than three times its size");
	else if (!store_copy_begin(file->growth, file, records, records))
		warn(file, store_copy_cause(file->growth));
	else
		return true;
	forget(file);
	return false;
}

static enum store_result
publish(struct store_file *file)
{
	struct store_copy *copy = file->growth;
	enum store_result result = store_copy_publish(copy, file, false);

	if (result == STORE_FAILED) {
		warn(file, store_copy_cause(copy));
		store_grow_drop(file);
		return STORE_OK;
	}
	log_notice("%s: copied into a new file, whose hash table serves up to "
		   "%" PRIu64 " records",
	    file->path, records_served(file));
	free(copy);
	file->growth = NULL;
	return result;
}

enum store_result
store_grow(struct store_file *file)
{
	bool more = true;

	if (file->growth == NULL && !begin(file))
		return STORE_OK;
	for (int i = 0; i < PORTIONS && more; i++)
		more = store_copy_portion(file->growth, file);
	if (!more && file->backup == NULL)
		return publish(file);
	/* However long the backup takes. */
	if (!more)
		store_copy_flush(file->growth);
	/* So that little is left to be synced at the end. */
	sync_file_range(
	    tdb_fd(file->growth->pass.copy), 0, 0, SYNC_FILE_RANGE_WRITE);
	return STORE_OK;
}
