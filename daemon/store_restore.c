/* SPDX-License-Identifier: BSD-2-Clause */
/* A new keys.tdb out of a backup, beside the one that is there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "instant.h"
#include "log.h"
#include "state_file.h"
#include "store_restore.h"
#include "store_tdb.h"

/* As many records in a transaction as when a store is copied. */
enum { SLICE = 1000 };

struct building {
	struct tdb_context *tdb;
	unsigned in_transaction;
	bool failed;
};

static bool
take_entry(void *context, const struct backup_entry *entry)
{
	struct building *building = context;
	TDB_DATA name = store_data(entry->name.data, entry->name.len);

	if (building->in_transaction == SLICE) {
		building->failed = tdb_transaction_commit(building->tdb) != 0 ||
		    tdb_transaction_start(building->tdb) != 0;
		building->in_transaction = 0;
	}
	if (building->failed)
		return false;
	building->in_transaction++;
	/* It may have been gone before it was written the first time. */
	if (entry->data.len == 0)
		building->failed = tdb_delete(building->tdb, name) != 0 &&
		    tdb_error(building->tdb) != TDB_ERR_NOEXIST;
	else
		building->failed =
		    tdb_store(building->tdb, name,
			store_data(entry->data.data, entry->data.len),
			TDB_REPLACE) != 0;
	return !building->failed;
}

static bool
write_records(struct store_file *file, struct backup_file *backup)
{
	struct building building = {.tdb = file->tdb};
	bool read;

	if (tdb_transaction_start(file->tdb) != 0)
		return false;
	read = backup_file_read(backup, take_entry, &building);
	if (read)
		return tdb_transaction_commit(file->tdb) == 0;
	tdb_transaction_cancel(file->tdb);
	return false;
}

bool
store_restore_begin(struct store_file *file, const char *directory,
    unsigned expected_keys, struct backup_file *backup, store_load_fn *load,
    void *context)
{
	uint64_t records = backup->root.records;
	unsigned size = expected_keys;

	memset(file, 0, sizeof *file);
	file->audit.fd = -1; /* its lines stay in the outbox */
	if (!state_path(file->path, directory, "keys.tdb.restore"))
		return false;
	snprintf(file->directory, sizeof file->directory, "%s", directory);
	unlink(file->path);
	if (records > size)
		size = (unsigned)records;
	file->tdb = store_tdb_open(
	    file->path, size, O_RDWR | O_CREAT | O_EXCL, &file->complaints);
	file->ring = backup->ring;
	file->root = backup->root;
	file->root.file_bytes = 0; /* of another file */
	if (file->tdb != NULL && write_records(file, backup) &&
	    file->complaints.count == 0)
		/* This finds out whether these are the records that the root
		 * tells of, and no others. */
		return store_file_scan(file, load, context, NULL) &&
		    store_commit_root(file->tdb, &file->root, file->ring);
	log_error("%s: cannot be made: %s", file->path,
	    store_cause(&file->complaints));
	return false;
}

bool
store_restore_join(struct store_file *file, const struct audit_head *head)
{
	file->root.audit = *head;
	outbox_clear(&file->outbox);
	return store_make_outbox(file);
}

/*
 * The new file gets the name that the old one is to have, and then the two
 * change names at once: there is always a keys.tdb. A kill in between leaves
 * the new one under that name, which then is as good as any copy.
 */
static bool
exchange(struct store_file *file, const char *keys, char aside[PATH_MAX])
{
	char name[64];
	int64_t ms = now_ms();
	time_t now = ms / 1000;
	struct tm tm;

	strftime(name, sizeof name, "keys.tdb.before-restore-%Y%m%dT%H%M%S",
	    gmtime_r(&now, &tm));
	/* Twice in a second is no reason to refuse. */
	snprintf(name + strlen(name), sizeof name - strlen(name), ".%03dZ",
	    (int)(ms % 1000));
	if (!state_path(aside, file->directory, name))
		return false;
	if (access(aside, F_OK) == 0) {
		log_error("%s: exists; try again", aside);
		return false;
	}
	if (!state_publish(file->path, file->directory, aside))
		return false;
	if (renameat2(AT_FDCWD, aside, AT_FDCWD, keys, RENAME_EXCHANGE) == 0)
		return state_publish(keys, file->directory, keys); /* syncs */
	log_error(
	    "%s and %s cannot change names: %s", aside, keys, strerror(errno));
	unlink(aside);
	return false;
}

bool
store_restore_publish(struct store_file *file, char aside[PATH_MAX])
{
	char keys[PATH_MAX];

	aside[0] = '\0';
	if (!state_path(keys, file->directory, "keys.tdb"))
		return false;
	if (tdb_close(file->tdb) != 0) {
		log_error("%s: %s", file->path, strerror(errno));
		return false;
	}
	file->tdb = NULL;
	if (access(keys, F_OK) == 0)
		return exchange(file, keys, aside);
	return state_publish(file->path, file->directory, keys);
}

void
store_restore_end(struct store_file *file)
{
	store_file_close(file);
	if (file->path[0] != '\0')
		unlink(file->path);
}
