/* SPDX-License-Identifier: BSD-2-Clause */
#include "store_copy.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "state_file.h"
#include "store_tdb.h"

/* Records a transaction: larger ones swell tdb's recovery area, which is never
 * given back. */
enum { PORTION_RECORDS = 1000 };

static const char copy_name[] = "keys.tdb.rebuild";

void
store_copy_tidy(const char *directory)
{
	char path[PATH_MAX];

	if (state_path(path, directory, copy_name))
		unlink(path);
}

const char *
store_copy_cause(const struct store_copy *copy)
{
	if (copy->complaints.count > 0 || copy->pass.problem == NULL)
		return store_cause(&copy->complaints);
	return copy->pass.problem;
}

bool
store_copy_begin(struct store_copy *copy, struct store_file *file,
    uint64_t keys, uint64_t room)
{
	struct tdb_context *tdb;

	memset(copy, 0, sizeof *copy);
	if (!state_path(copy->path, file->directory, copy_name))
		return false;
	unlink(copy->path);
	tdb = store_tdb_open(copy->path, (unsigned)keys,
	    O_RDWR | O_CREAT | O_EXCL, &copy->complaints);
	if (tdb == NULL) {
		unlink(copy->path); /* it may be there by half */
		return false;
	}
	copy->pass.copy = tdb;
	store_pass_begin(&copy->pass, file);
	tdb_add_flags(tdb, TDB_NOSYNC);
	if (store_tdb_make_room(tdb, room) && tdb_transaction_start(tdb) == 0)
		return true;
	store_copy_drop(copy, file);
	return false;
}

bool
store_copy_portion(struct store_copy *copy, struct store_file *file)
{
	if (!store_pass_portion(&copy->pass, file, PORTION_RECORDS))
		return false;
	store_copy_flush(copy);
	return true;
}

bool
store_copy_flush_due(const struct store_copy *copy)
{
	return copy->pass.taken_in >= PORTION_RECORDS;
}

void
store_copy_flush(struct store_copy *copy)
{
	struct store_pass *pass = &copy->pass;

	pass->taken_in = 0;
	if (tdb_transaction_commit(pass->copy) != 0 ||
	    tdb_transaction_start(pass->copy) != 0)
		pass->problem = "its copy cannot be written";
}

void
store_copy_drop(struct store_copy *copy, struct store_file *file)
{
	store_pass_end(&copy->pass, file);
	if (copy->pass.copy == NULL)
		return;
	tdb_close(copy->pass.copy);
	copy->pass.copy = NULL;
	unlink(copy->path);
}

/* As the next start will read it. */
static bool
reads_well(const struct store_copy *copy, const struct store_file *file,
    const struct root *root)
{
	struct store_file other = *file;

	other.tdb = copy->pass.copy;
	other.root = *root;
	other.passes = NULL;
	snprintf(other.path, sizeof other.path, "%s", copy->path);
	memset(&other.complaints, 0, sizeof other.complaints);
	return store_file_scan(&other, store_load_nothing, NULL, NULL);
}

/* It has everything but its name. */
static bool
is_ready(struct store_copy *copy, struct store_file *file, struct root *root,
    bool read_again)
{
	struct tdb_context *tdb = copy->pass.copy;

	copy->pass.problem = store_pass_verdict(&copy->pass, file);
	if (copy->pass.problem != NULL || tdb_transaction_commit(tdb) != 0)
		return false;
	tdb_remove_flags(tdb, TDB_NOSYNC);
	return file->complaints.count == 0 &&
	    store_commit_root(tdb, root, file->ring) &&
	    copy->complaints.count == 0 &&
	    (!read_again || reads_well(copy, file, root)) &&
	    state_sync(copy->path, O_RDONLY);
}

enum store_result
store_copy_publish(
    struct store_copy *copy, struct store_file *file, bool read_again)
{
	struct root root = file->root;

	if (!is_ready(copy, file, &root, read_again) ||
	    rename(copy->path, file->path) != 0) {
		store_copy_drop(copy, file);
		return STORE_FAILED;
	}
	store_pass_end(&copy->pass, file);
	tdb_close(file->tdb);
	file->tdb = copy->pass.copy;
	store_tdb_header(file->tdb, file->header);
	file->root = root;
	copy->pass.copy = NULL;
	store_passes_restart(file);
	/* The complaints so far are the copy's. */
	memset(&file->complaints, 0, sizeof file->complaints);
	store_tdb_complain_to(file->tdb, &file->complaints);
	if (state_sync(file->directory, O_RDONLY | O_DIRECTORY))
		return STORE_OK;
	snprintf(file->complaints.text, sizeof file->complaints.text,
	    "its directory cannot be synced");
	file->complaints.count++;
	return STORE_UNKNOWN;
}

bool
store_file_rebuild(
    struct store_file *file, unsigned expected_keys, const char *why)
{
	struct store_copy copy;
	uint64_t keys = expected_keys;

	if (file->root.records > keys)
		keys = file->root.records;
	if (store_copy_begin(&copy, file, keys, file->root.records)) {
		while (store_copy_portion(&copy, file))
			;
		if (store_copy_publish(&copy, file, true) == STORE_OK)
			return true;
	}
	log_error("%s: %s, and it cannot be copied: %s", file->path, why,
	    store_copy_cause(&copy));
	return false;
}
