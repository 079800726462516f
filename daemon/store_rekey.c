/* SPDX-License-Identifier: BSD-2-Clause */
/* The store's keys, wrapped under another master key. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "state_file.h"
#include "store_tdb.h"

bool
store_is_under(const char *directory, const uint8_t master[SECRET_KEY_BYTES])
{
	uint8_t check[KEY_CHECK_BYTES];
	char path[PATH_MAX];
	struct complaints complaints;
	struct tdb_context *tdb = NULL;
	struct root root;
	TDB_DATA found = {NULL, 0};
	bool is = false;

	master_key_check(master, check);
	if (state_path(path, directory, "keys.tdb") && store_may_open(path))
		tdb = store_tdb_open(path, 0, O_RDWR, &complaints);
	if (tdb == NULL)
		return false;
	if (store_fetch_root(tdb, &found, &root) == NULL)
		is = memcmp(check, root.key_check, KEY_CHECK_BYTES) == 0;
	free(found.dptr);
	tdb_close(tdb);
	return is;
}

/*
 * Into a new file: tdb would keep what it writes over in the old one, and that
 * is the same keys under the old master key, which may be why there is a new
 * one.
 */
static bool
rewrap(struct store_file *file, unsigned expected_keys,
    const uint8_t master[SECRET_KEY_BYTES])
{
	master_key_check(master, file->root.key_check);
	keyring_wrap(file->ring, master, file->root.wrapped);
	file->root.generation++;
	return store_file_rebuild(
	    file, expected_keys, "its master key is to be another");
}

/* Behind the new key: the line of one that fails would be a lie. */
static bool
commit_line(struct store_file *file, const char *line)
{
	struct store_change change = {.audit = line, .urgent = true};
	enum store_result result = store_file_commit(file, &change);

	if (result == STORE_OK)
		return true;
	log_error("%s: the line for audit.log cannot be written: %s",
	    file->path, store_cause(&file->complaints));
	return false;
}

static bool
open_file(struct store_file *file, const char *directory,
    unsigned expected_keys, const uint8_t *master, struct keyring **ring)
{
	return store_file_open(file, directory, expected_keys, master, ring,
	    store_load_nothing, NULL);
}

bool
store_rekey(const char *directory, unsigned expected_keys,
    const uint8_t from[SECRET_KEY_BYTES], const uint8_t to[SECRET_KEY_BYTES],
    const char *line)
{
	struct store_file file;
	struct keyring *ring;
	bool done;

	if (!open_file(&file, directory, expected_keys, from, &ring))
		return false;
	done = rewrap(&file, expected_keys, to) &&
	    (line == NULL || commit_line(&file, line));
	store_file_close(&file);
	keyring_free(ring);
	/* As the next start will: before the old key goes. */
	if (!done || !open_file(&file, directory, expected_keys, to, &ring))
		return false;
	store_file_close(&file);
	keyring_free(ring);
	return true;
}
