/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening keys.tdb: every record is looked at before anything is believed. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "store_copy.h"
#include "state_file.h"
#include "store_grow.h"
#include "store_tdb.h"
#include "trusted.h"

const char store_no_memory[] = "out of memory";

/* Damage, or memory that was too short to look: who is told to restore a store
 * that is sound loses what is newer than the backup. */
static void
log_damage(
    const struct store_file *file, const char *where, const char *problem)
{
	if (file->complaints.no_memory || problem == store_no_memory)
		log_error("%s: out of memory while it was read: it may well be "
			  "sound; nothing was changed, start again with more "
			  "memory",
		    file->path);
	else
		log_error("%s: damaged%s%s: %s; nothing was changed, restore "
			  "it from a backup",
		    file->path, where[0] != '\0' ? " at record " : "", where,
		    problem);
}

/* Of what failed just now, errno having been 0 before. */
static const char *
unless_no_memory(const char *problem)
{
	return errno == ENOMEM ? store_no_memory : problem;
}

struct scan {
	store_load_fn *load;
	void *context;
	struct outbox_image *outbox; /* NULL: it is known */
};

static bool
load_view(void *context, struct record_view *view, const char **problem)
{
	const struct scan *scan = context;

	if (view->kind != RECORD_OUTBOX)
		return scan->load(scan->context, view, problem);
	if (scan->outbox == NULL || outbox_load(scan->outbox, view))
		return true;
	*problem = "its contents make no sense";
	return false;
}

bool
store_file_scan(struct store_file *file, store_load_fn *load, void *context,
    struct outbox_image *outbox)
{
	struct scan scan = {load, context, outbox};
	struct store_pass pass = {.load = load_view, .context = &scan};
	const char *problem;

	/* One lock for the whole walk instead of one a chain. */
	if (tdb_lockall_read(file->tdb) == 0) {
		while (store_pass_portion(&pass, file, UINT64_MAX))
			;
		tdb_unlockall_read(file->tdb);
	}
	/* What the root was written with, only its MAC says. */
	if (store_digest_is(&file->root, file->ring, pass.sum.digest))
		memcpy(file->root.digest, pass.sum.digest, MAC_BYTES);
	problem = store_pass_verdict(&pass, file);
	if (file->complaints.count > 0 && pass.where[0] == '\0')
		problem = store_cause(&file->complaints);
	if (problem != NULL)
		log_damage(file, pass.where, problem);
	return problem == NULL;
}

/* The root record, and the keyring out of it. */
static bool
read_root(struct store_file *file, const uint8_t *master, struct keyring **ring)
{
	struct record_name name = record_name_root();
	struct bytes name_bytes = {name.bytes, name.len};
	uint8_t check[KEY_CHECK_BYTES];
	struct record_view view;
	TDB_DATA found;
	const char *problem = store_fetch_root(file->tdb, &found, &file->root);
	struct bytes data = {found.dptr, found.dsize};

	if (problem != NULL) {
		free(found.dptr);
		log_damage(file, "R", problem);
		return false;
	}
	master_key_check(master, check);
	if (memcmp(check, file->root.key_check, KEY_CHECK_BYTES) != 0) {
		free(found.dptr);
		log_error("%s: made with another master key than the one "
			  "given; nothing was changed",
		    file->path);
		return false;
	}
	errno = 0;
	*ring = keyring_unwrap(file->root.wrapped, master);
	if (*ring == NULL ||
	    !record_open(name_bytes, data, *ring, &view, &problem)) {
		free(found.dptr);
		log_damage(file, "R",
		    problem != NULL ? problem
				    : unless_no_memory("its keys are damaged"));
		return false;
	}
	free(found.dptr);
	file->ring = *ring;
	return true;
}

bool
store_load_nothing(
    void *context, struct record_view *view, const char **problem)
{
	(void)context;
	(void)view;
	(void)problem;
	return true;
}

static bool
heal(struct store_file *file, unsigned expected_keys)
{
	if (!store_file_rebuild(
		file, expected_keys, "its structure is damaged"))
		return false;
	log_notice("%s: every record is sound but the file's structure was "
		   "not (as a kill can leave it); copied into a new file",
	    file->path);
	return true;
}

static bool
structure_sound(struct store_file *file)
{
	bool sound = tdb_check(file->tdb, NULL, NULL) == 0 &&
	    file->complaints.count == 0;

	memset(&file->complaints, 0, sizeof file->complaints);
	return sound;
}

bool
store_may_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool trusted = fd >= 0 && trusted_file(fd, path);

	if (fd < 0)
		log_error("%s: %s", path,
		    errno == ELOOP
			? "is a symbolic link; move the file itself here"
			: strerror(errno));
	else
		close(fd);
	return trusted;
}

/* Everything that keys.tdb holds, and whether audit.log goes with it: the last
 * look before anything is written. */
static bool
load_records(struct store_file *file, store_load_fn *load, void *context,
    bool *has_outbox)
{
	struct outbox_image *image = calloc(1, sizeof *image);
	bool loaded;

	if (image == NULL) {
		log_error("out of memory");
		return false;
	}
	loaded = store_file_scan(file, load, context, image);
	*has_outbox = image->found > 0;
	errno = 0;
	if (loaded &&
	    !outbox_restore(&file->outbox, image, file->root.audit.sequence)) {
		log_damage(file, "Q",
		    unless_no_memory("the newest line of audit.log is not in "
				     "the outbox"));
		loaded = false;
	}
	free(image);
	return loaded &&
	    audit_file_open(&file->audit, file->directory, file->ring,
		&file->outbox, &file->root.audit);
}

/* audit.log as the store wants it. That lines are missing is remembered: the
 * next start would not see it any more. */
static bool
settle_audit(struct store_file *file)
{
	struct root root = file->root;

	if (file->audit.tail.state == AUDIT_TAIL_GAP && root.audit_gap == 0) {
		root.audit_gap = file->outbox.count > 0
		    ? outbox_line(&file->outbox, 0)->sequence
		    : 1;
		if (!store_commit_root(file->tdb, &root, file->ring)) {
			log_error("%s: %s", file->path,
			    store_cause(&file->complaints));
			return false;
		}
		file->root = root;
	}
	return audit_file_settle(&file->audit, &file->outbox);
}

/* In place of what is open: for a walk, or for everything else. */
static bool
reopen(struct store_file *file, bool for_walk)
{
	tdb_close(file->tdb);
	file->tdb = for_walk
	    ? store_tdb_open_mapped(file->path, &file->complaints)
	    : store_tdb_open(file->path, 0, O_RDWR, &file->complaints);
	if (file->tdb == NULL)
		log_damage(file, "", store_cause(&file->complaints));
	else
		store_tdb_header(file->tdb, file->header);
	return file->tdb != NULL;
}

/* False after logging; *sound is whether the structure of the file is. */
static bool
read_all(struct store_file *file, store_load_fn *load, void *context,
    bool *has_outbox, bool *sound)
{
	if (!reopen(file, true) ||
	    !load_records(file, load, context, has_outbox))
		return false;
	*sound = structure_sound(file);
	return reopen(file, false);
}

bool
store_file_open(struct store_file *file, const char *directory,
    unsigned expected_keys, const uint8_t master[SECRET_KEY_BYTES],
    struct keyring **ring, store_load_fn *load, void *context)
{
	bool has_outbox, sound;

	memset(file, 0, sizeof *file);
	file->audit.fd = -1;
	*ring = NULL;
	if (!state_path(file->directory, directory, ".") ||
	    !state_path(file->path, directory, "keys.tdb") ||
	    !store_may_open(file->path))
		return false;
	/* Never O_CREAT: one wrong byte in the header, and tdb would empty
	 * the file without a word. */
	file->tdb = store_tdb_open(file->path, 0, O_RDWR, &file->complaints);
	if (file->tdb == NULL) {
		log_damage(file, "", store_cause(&file->complaints));
		return false;
	}
	if (read_root(file, master, ring) &&
	    read_all(file, load, context, &has_outbox, &sound) &&
	    (sound || heal(file, expected_keys)) &&
	    (has_outbox || store_make_outbox(file)) && settle_audit(file)) {
		store_copy_tidy(directory);
		return true;
	}
	store_file_close(file);
	keyring_free(*ring);
	*ring = NULL;
	return false;
}

void
store_file_close(struct store_file *file)
{
	store_grow_drop(file);
	if (file->tdb != NULL)
		tdb_close(file->tdb);
	file->tdb = NULL;
	audit_file_close(&file->audit);
	outbox_clear(&file->outbox);
}

uint64_t
store_file_size(const struct store_file *file)
{
	return store_tdb_size(file->tdb);
}
