/* SPDX-License-Identifier: BSD-2-Clause */
#include "store_backup.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "instant.h"
#include "store_tdb.h"

enum {
	/* Bytes after which a portion is enough: a millisecond of reading, and
	 * as much of the loop's for sending it. */
	PORTION = BACKUP_PAYLOAD_MAX,
	/* Chains looked at for one, however empty they are. */
	CHAINS_AT_ONCE = 512,
	/* So many changed records are few enough for the last portion. */
	LAST_RECORDS = 1024,
	/* Names that are kept of those that changed: some 20 MB. */
	CHANGED_MAX = 1 << 18,
	CHANGED_CHAINS = 10007,
};

static const char no_memory[] = "out of memory";

void
store_backup_note(struct store_backup *backup, const struct record_name *name)
{
	TDB_DATA none = {NULL, 0};

	if (backup->changed_count >= CHANGED_MAX)
		backup->failed_to_note = true;
	else if (tdb_store(backup->changed, store_data_of_name(name), none,
		     TDB_INSERT) == 0)
		backup->changed_count++;
	else if (tdb_error(backup->changed) != TDB_ERR_EXISTS)
		backup->failed_to_note = true;
}

/* Room for one block more; what was written stays. */
static bool
has_room(struct store_backup *backup)
{
	struct writer *out = &backup->writer.out;
	size_t capacity = 2 * out->capacity + 2 * (size_t)BACKUP_BLOCK_MAX;
	uint8_t *larger;

	if (out->capacity - out->len >= BACKUP_BLOCK_MAX)
		return true;
	larger = realloc(out->start, capacity);
	if (larger == NULL)
		return false;
	out->start = larger;
	out->capacity = capacity;
	return true;
}

static bool
write_entry(struct store_backup *backup, TDB_DATA name, TDB_DATA data)
{
	struct bytes name_bytes = {name.dptr, name.dsize};
	struct bytes data_bytes = {data.dptr, data.dsize};

	return backup_write_entry(&backup->writer, name_bytes, data_bytes) ||
	    (has_room(backup) &&
		backup_write_entry(&backup->writer, name_bytes, data_bytes));
}

static bool
begin(struct store_backup *backup, struct store_file *file)
{
	backup->changed =
	    tdb_open(NULL, CHANGED_CHAINS, TDB_INTERNAL, O_RDWR, 0);
	if (backup->changed == NULL || !has_room(backup))
		return false;
	file->backup = backup;
	backup->writer.ring = file->ring;
	backup_write_head(&backup->writer, &file->root, now_ms());
	return true;
}

/* Every record in turn */

struct walk {
	struct store_backup *backup;
	bool failed;
};

static int
walk_record(
    struct tdb_context *tdb, TDB_DATA name, TDB_DATA data, void *private_data)
{
	struct walk *walk = private_data;

	(void)tdb;
	/* The root comes last, as it is then. */
	if (name.dsize == 1 && name.dptr[0] == RECORD_ROOT)
		return 0;
	walk->failed = !write_entry(walk->backup, name, data);
	return walk->failed ? 1 : 0;
}

static const char *
walk_chains(struct store_backup *backup, struct store_file *file, int chains)
{
	struct walk walk = {.backup = backup};
	int until = backup->chain + CHAINS_AT_ONCE;

	while (backup->chain < chains && backup->chain < until &&
	    backup->writer.out.len < PORTION) {
		int walked = tdb_traverse_chain(
		    file->tdb, (unsigned)backup->chain, walk_record, &walk);

		if (walk.failed)
			return no_memory;
		if (walked < 0)
			return store_cause(&file->complaints);
		backup->chain++;
	}
	return NULL;
}

/* What has changed meanwhile */

struct rewrite {
	struct store_backup *backup;
	struct store_file *from;
	bool all; /* however long the portion gets */
	const char *problem;
};

static int
rewrite_record(struct tdb_context *changed, TDB_DATA name, TDB_DATA nothing,
    void *private_data)
{
	struct rewrite *rewrite = private_data;
	struct store_backup *backup = rewrite->backup;
	struct store_file *file = rewrite->from;
	TDB_DATA data;

	(void)nothing;
	if (!rewrite->all && backup->writer.out.len >= PORTION)
		return 1;
	/* What tdb cannot read it takes for what is gone: its complaint tells.
	 */
	memset(&file->complaints, 0, sizeof file->complaints);
	data = tdb_fetch(file->tdb, name);
	if (data.dptr == NULL &&
	    (file->complaints.count > 0 ||
		tdb_error(file->tdb) != TDB_ERR_NOEXIST))
		rewrite->problem = "a record cannot be read";
	else if (!write_entry(backup, name, data))
		rewrite->problem = no_memory;
	free(data.dptr);
	if (rewrite->problem != NULL || tdb_delete(changed, name) != 0)
		return 1;
	backup->changed_count--;
	return 0;
}

static const char *
rewrite_changed(struct store_backup *backup, struct store_file *file, bool all)
{
	struct rewrite rewrite = {.backup = backup, .from = file, .all = all};

	tdb_traverse(backup->changed, rewrite_record, &rewrite);
	if (rewrite.problem == NULL && all && backup->changed_count != 0)
		rewrite.problem = no_memory;
	return rewrite.problem;
}

static const char *
finish(struct store_backup *backup, struct store_file *file)
{
	struct record root;
	const char *problem = rewrite_changed(backup, file, true);

	if (problem != NULL)
		return problem;
	backup_end_block(&backup->writer);
	if (!has_room(backup))
		return no_memory;
	store_encode_root(&root, &file->root, file->ring);
	backup_write_end(&backup->writer, &root);
	backup->root = file->root;
	backup->finished = true;
	return NULL;
}

const char *
store_backup_portion(struct store_backup *backup, struct store_file *file)
{
	int chains = tdb_hash_size(file->tdb);
	const char *problem = NULL;

	if (backup->changed == NULL && !begin(backup, file))
		return no_memory;
	if (backup->failed_to_note)
		return "too much has changed while it was read: read it "
		       "faster, or try again when it is quieter";
	if (backup->chain < chains)
		problem = walk_chains(backup, file, chains);
	else if (backup->changed_count > LAST_RECORDS)
		problem = rewrite_changed(backup, file, false);
	else
		problem = finish(backup, file);
	if (problem == NULL)
		backup_end_block(&backup->writer);
	return problem;
}

void
store_backup_end(struct store_backup *backup, struct store_file *file)
{
	if (file != NULL && file->backup == backup)
		file->backup = NULL;
	if (backup->changed != NULL)
		tdb_close(backup->changed);
	free(backup->writer.out.start);
	backup->changed = NULL;
	backup->writer.out = writer_over(NULL, 0);
}
