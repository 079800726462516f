/* SPDX-License-Identifier: BSD-2-Clause */
/* Making the outbox's records. */
#include "log.h"
#include "store_tdb.h"

static bool
write_slots(struct store_file *file, struct root *root, uint64_t sequence)
{
	struct store_write write = {.erase = false};
	struct outbox_piece piece = {.of = 0};

	for (unsigned slot = 0; slot < OUTBOX_SLOTS; slot++) {
		piece.slot = (uint8_t)slot;
		record_from_outbox(&write.record, &piece);
		if (!store_apply_write(file, root, &write, sequence))
			return false;
	}
	return store_write_root(file->tdb, root, file->ring);
}

/* sequence: any, but another each time, else nothing would be written. */
static bool
commit_slots(struct store_file *file, uint64_t sequence)
{
	struct root root = file->root;

	root.file_bytes = store_file_size(file);
	if (tdb_transaction_start(file->tdb) != 0)
		return false;
	if (!write_slots(file, &root, sequence)) {
		tdb_transaction_cancel(file->tdb);
		return false;
	}
	if (tdb_transaction_commit(file->tdb) != 0 ||
	    file->complaints.count > 0)
		return false;
	file->root = root;
	return true;
}

/*
 * The second time has something to write over, so tdb sets aside as much as it
 * takes to undo that. Later transactions have that room already when the disk
 * has none.
 */
bool
store_make_outbox(struct store_file *file)
{
	if (commit_slots(file, 0) && commit_slots(file, 1))
		return true;
	log_error("%s: no outbox can be made: %s", file->path,
	    store_cause(&file->complaints));
	return false;
}
