/* SPDX-License-Identifier: BSD-2-Clause */
/* Making an empty keys.tdb. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "instant.h"
#include "log.h"
#include "state_file.h"
#include "store_tdb.h"

/* Records for which there is room from the beginning: few enough for a small
 * disk, and as many as most stores ever have. */
enum { ROOM_FOR = 20000 };

static bool
write_first_records(struct store_file *file, const uint8_t *master)
{
	struct keyring *ring = keyring_new();
	struct root *root = &file->root;
	bool done;

	if (ring == NULL) {
		errno = ENOMEM;
		return false;
	}
	root->created_at = now_ms();
	master_key_check(master, root->key_check);
	keyring_wrap(ring, master, root->wrapped);
	file->ring = ring;
	/* The first ones make the file grow, the last knows how far. */
	done =
	    store_make_outbox(file) && store_commit_root(file->tdb, root, ring);
	keyring_free(ring);
	return done;
}

bool
store_mark_creation(const char *directory)
{
	char path[PATH_MAX];
	int fd;

	if (!state_path(path, directory, "keys.tdb.new"))
		return false;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		log_error("%s: %s", path, strerror(errno));
		return false;
	}
	close(fd);
	return true;
}

bool
store_create(const char *directory, unsigned expected_keys,
    const uint8_t master[SECRET_KEY_BYTES])
{
	struct store_file file = {.audit.fd = -1};
	struct complaints *complaints = &file.complaints;
	char path[PATH_MAX];
	bool done;

	if (!state_path(file.path, directory, "keys.tdb.new") ||
	    !state_path(path, directory, "keys.tdb"))
		return false;
	/* Emptied, not made anew: the mark is never missing. */
	file.tdb = store_tdb_open(
	    file.path, expected_keys, O_RDWR | O_CREAT | O_TRUNC, complaints);
	if (file.tdb == NULL) {
		log_error("%s: %s", file.path, store_cause(complaints));
		return false;
	}
	done = store_tdb_make_room(file.tdb,
		   expected_keys < ROOM_FOR ? expected_keys : ROOM_FOR) &&
	    write_first_records(&file, master) && complaints->count == 0;
	if (!done)
		log_error("%s: %s", file.path, store_cause(complaints));
	if (tdb_close(file.tdb) != 0)
		done = false;
	return done && state_publish(file.path, directory, path);
}
