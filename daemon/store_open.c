/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening keys.tdb: every record is looked at before anything is believed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "store_tdb.h"
#include "trusted.h"

enum {
	/* Records a transaction: larger ones swell tdb's recovery area, which
	 * is never given back. */
	COPY_SLICE = 1000,
};

struct scan {
	struct store_file *file;
	store_load_fn *load;
	void *context;
	struct outbox_image *outbox; /* NULL: it is known */
	uint64_t records;
	uint8_t digest[MAC_BYTES];
	const char *problem;
	char where[80]; /* which record the problem is in */
};

/* A record's name for people; it may be anything in a damaged file. */
static void
describe(TDB_DATA name, char *out, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < name.dsize && len + 5 < size; i++) {
		unsigned char c = name.dptr[i];

		if (c > 0x20 && c < 0x7f)
			out[len++] = (char)c;
		else
			len += (size_t)snprintf(out + len, 5, "\\x%02x", c);
		if (i == 0 && name.dsize > 1)
			out[len++] = ' ';
	}
	out[len] = '\0';
}

static bool
load_view(struct scan *scan, struct record_view *view)
{
	if (view->kind != RECORD_OUTBOX)
		return scan->load(scan->context, view, &scan->problem);
	if (scan->outbox == NULL || outbox_load(scan->outbox, view))
		return true;
	scan->problem = "its contents make no sense";
	return false;
}

static int
scan_record(
    struct tdb_context *tdb, TDB_DATA name, TDB_DATA data, void *private_data)
{
	struct scan *scan = private_data;
	struct bytes name_bytes = {name.dptr, name.dsize};
	struct bytes data_bytes = {data.dptr, data.dsize};
	struct record_view view;

	(void)tdb;
	if (name.dsize == 1 && name.dptr[0] == RECORD_ROOT)
		return 0;
	if (!record_open(name_bytes, data_bytes, scan->file->ring, &view,
		&scan->problem) ||
	    !load_view(scan, &view)) {
		describe(name, scan->where, sizeof scan->where);
		return 1;
	}
	store_digest_toggle(
	    scan->digest, scan->file->ring, name_bytes, view.mac.data);
	/* Ends a walk that a damaged chain has made a circle of. */
	if (++scan->records > scan->file->root.records) {
		scan->problem = "more records than the root record counts";
		return 1;
	}
	return 0;
}

static void
log_damage(
    const struct store_file *file, const char *where, const char *problem)
{
	log_error("%s: damaged%s%s: %s; nothing was changed, restore it from a "
		  "backup",
	    file->path, where[0] != '\0' ? " at record " : "", where, problem);
}

bool
store_file_scan(struct store_file *file, store_load_fn *load, void *context,
    struct outbox_image *outbox)
{
	struct scan scan = {
	    .file = file, .load = load, .context = context, .outbox = outbox};
	int walked = -1;

	/* One lock for the whole walk instead of one a record. */
	if (tdb_lockall_read(file->tdb) == 0) {
		walked = tdb_traverse_read(file->tdb, scan_record, &scan);
		tdb_unlockall_read(file->tdb);
	}
	if (scan.problem == NULL) {
		if (walked < 0 || file->complaints.count > 0)
			scan.problem = store_cause(&file->complaints);
		else if (store_file_size(file) < file->root.file_bytes)
			scan.problem = "its end is cut off";
		else if (scan.records != file->root.records)
			scan.problem = "records are missing";
		else if (!store_digest_is(&file->root, file->ring, scan.digest))
			scan.problem = "some records are older than the rest";
	}
	if (scan.problem == NULL) {
		memcpy(file->root.digest, scan.digest, MAC_BYTES);
		return true;
	}
	log_damage(file, scan.where, scan.problem);
	return false;
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
	*ring = keyring_unwrap(file->root.wrapped, master);
	if (*ring == NULL ||
	    !record_open(name_bytes, data, *ring, &view, &problem)) {
		free(found.dptr);
		log_damage(
		    file, "R", problem ? problem : "its keys are damaged");
		return false;
	}
	free(found.dptr);
	file->ring = *ring;
	return true;
}

/*
 * A copy of every record in a file whose structure is new. The root is not
 * copied but written, from memory.
 */

struct copy {
	struct tdb_context *to;
	unsigned in_transaction;
	bool failed;
};

static int
copy_record(
    struct tdb_context *tdb, TDB_DATA name, TDB_DATA data, void *private_data)
{
	struct copy *copy = private_data;

	(void)tdb;
	if (name.dsize == 1 && name.dptr[0] == RECORD_ROOT)
		return 0;
	if (copy->in_transaction == COPY_SLICE) {
		copy->failed = tdb_transaction_commit(copy->to) != 0 ||
		    tdb_transaction_start(copy->to) != 0;
		copy->in_transaction = 0;
	}
	if (!copy->failed)
		copy->failed = tdb_store(copy->to, name, data, TDB_INSERT) != 0;
	copy->in_transaction++;
	return copy->failed ? 1 : 0;
}

static bool
copy_records(struct tdb_context *from, struct tdb_context *to)
{
	struct copy copy = {.to = to};
	int walked;

	if (tdb_transaction_start(to) != 0)
		return false;
	if (tdb_lockall_read(from) != 0) {
		tdb_transaction_cancel(to);
		return false;
	}
	walked = tdb_traverse_read(from, copy_record, &copy);
	tdb_unlockall_read(from);
	if (walked < 0 || copy.failed) {
		tdb_transaction_cancel(to);
		return false;
	}
	return tdb_transaction_commit(to) == 0;
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

/* Whether the copy holds what the file does: it is to take its place. */
static bool
copy_is_whole(
    const struct store_file *file, struct tdb_context *copy, const char *path)
{
	struct store_file other = *file;

	other.tdb = copy;
	snprintf(other.path, sizeof other.path, "%s", path);
	memset(&other.complaints, 0, sizeof other.complaints);
	return store_file_scan(&other, store_load_nothing, NULL, NULL);
}

bool
store_file_rebuild(
    struct store_file *file, unsigned expected_keys, const char *why)
{
	char path[PATH_MAX];
	struct complaints complaints;
	struct tdb_context *copy;
	unsigned size = expected_keys;

	if (!store_path(path, file->directory, "keys.tdb.rebuild"))
		return false;
	unlink(path);
	if (file->root.records > size)
		size = (unsigned)file->root.records;
	copy =
	    store_tdb_open(path, size, O_RDWR | O_CREAT | O_EXCL, &complaints);
	if (copy == NULL || !copy_records(file->tdb, copy) ||
	    !store_commit_root(copy, &file->root, file->ring) ||
	    complaints.count > 0 || file->complaints.count > 0 ||
	    !copy_is_whole(file, copy, path) ||
	    !store_publish(path, file->directory, file->path)) {
		log_error("%s: %s, and it cannot be copied: %s", file->path,
		    why, store_cause(&complaints));
		if (copy != NULL)
			tdb_close(copy);
		unlink(path);
		return false;
	}
	tdb_close(file->tdb);
	file->tdb = copy;
	/* complaints is this function's; the file's own takes its place. */
	memset(&file->complaints, 0, sizeof file->complaints);
	store_tdb_complain_to(copy, &file->complaints);
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
	if (loaded &&
	    !outbox_restore(&file->outbox, image, file->root.audit.sequence)) {
		log_damage(file, "Q",
		    "the newest line of audit.log is not in "
		    "the outbox");
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
	if (!store_path(file->directory, directory, ".") ||
	    !store_path(file->path, directory, "keys.tdb") ||
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
	    (has_outbox || store_make_outbox(file)) && settle_audit(file))
		return true;
	store_file_close(file);
	keyring_free(*ring);
	*ring = NULL;
	return false;
}

void
store_file_close(struct store_file *file)
{
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
