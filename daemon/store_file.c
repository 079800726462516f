/* SPDX-License-Identifier: BSD-2-Clause */
#include "store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h> /* tdb.h wants sig_atomic_t */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <tdb.h>

#include "log.h"
#include "trusted.h"

enum {
	/* Records a transaction: larger ones swell tdb's recovery area, which
	 * is never given back. */
	COPY_SLICE = 1000,
	/* Verification reads memory, not tdb, so short chains matter less than
	 * the heads each transaction copies. */
	KEYS_PER_CHAIN = 8,
	CHAINS_MIN = 1009,
};

/* tdb's offsets are 32 bits wide and a full file is a broken file: creating
 * ends well before, so that what is in place can still be updated. */
static const uint64_t file_bytes_max = 3800000000;

__attribute__((format(printf, 3, 4))) static void
on_complaint(struct tdb_context *tdb, enum tdb_debug_level level,
    const char *format, ...)
{
	struct complaints *complaints = tdb_get_logging_private(tdb);
	int error = errno;
	va_list args;

	if (level > TDB_DEBUG_WARNING)
		return;
	va_start(args, format);
	vsnprintf(complaints->text, sizeof complaints->text, format, args);
	va_end(args);
	complaints->text[strcspn(complaints->text, "\n")] = '\0';
	complaints->error = error;
	complaints->count++;
}

static struct tdb_context *
open_tdb(const char *path, unsigned expected_keys, int flags,
    struct complaints *complaints)
{
	struct tdb_logging_context logging = {on_complaint, complaints};
	unsigned chains = expected_keys / KEYS_PER_CHAIN;

	/* It would turn every sync off. */
	unsetenv("TDB_NO_FSYNC");
	memset(complaints, 0, sizeof *complaints);
	errno = 0;
	return tdb_open_ex(path,
	    (int)(chains > CHAINS_MIN ? chains : CHAINS_MIN), TDB_NOMMAP,
	    flags | O_CLOEXEC, 0600, &logging, NULL);
}

static TDB_DATA
data_of(const void *bytes, size_t len)
{
	union { /* tdb takes what it only reads as non-const */
		const void *in;
		unsigned char *out;
	} pointer = {bytes};
	TDB_DATA data = {pointer.out, len};

	return data;
}

static TDB_DATA
data_of_name(const struct record_name *name)
{
	return data_of(name->bytes, name->len);
}

/* What is wrong, for people: tdb's own last words where it had any. */
static const char *
cause(const struct complaints *complaints)
{
	if (complaints->count > 0)
		return complaints->text;
	return errno != 0 ? strerror(errno) : "not a tdb file";
}

static bool
path_join(char out[PATH_MAX], const char *directory, const char *name)
{
	int len = snprintf(out, PATH_MAX, "%s/%s", directory, name);

	if (len < PATH_MAX)
		return true;
	log_error("%s: path too long", directory);
	return false;
}

/* Makes a rename in directory last. */
static bool
sync_path(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	bool done;

	if (fd < 0)
		return false;
	done = fsync(fd) == 0;
	close(fd);
	return done;
}

static bool
publish(const char *from, const char *directory, const char *to)
{
	if (sync_path(from, O_RDONLY) && rename(from, to) == 0 &&
	    sync_path(directory, O_RDONLY | O_DIRECTORY))
		return true;
	log_error("%s: %s", to, strerror(errno));
	return false;
}

static bool
write_record(struct tdb_context *tdb, const struct record *record)
{
	return tdb_store(tdb, data_of_name(&record->name),
		   data_of(record->data, record->len), TDB_REPLACE) == 0;
}

/* Creation */

static bool
write_first_root(struct tdb_context *tdb, const uint8_t *master)
{
	struct keyring *ring = keyring_new();
	struct root root = {.created_at = (int64_t)time(NULL) * 1000};
	struct record record;
	bool done;

	if (ring == NULL) {
		errno = ENOMEM;
		return false;
	}
	master_key_check(master, root.key_check);
	keyring_wrap(ring, master, root.wrapped);
	record_from_root(&record, &root);
	record_seal(&record, 0, ring);
	keyring_free(ring);
	if (tdb_transaction_start(tdb) != 0)
		return false;
	done = write_record(tdb, &record);
	if (!done) {
		tdb_transaction_cancel(tdb);
		return false;
	}
	return tdb_transaction_commit(tdb) == 0;
}

bool
store_mark_creation(const char *directory)
{
	char path[PATH_MAX];
	int fd;

	if (!path_join(path, directory, "keys.tdb.new"))
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
	char unfinished[PATH_MAX], path[PATH_MAX];
	struct complaints complaints;
	struct tdb_context *tdb;
	bool done;

	if (!path_join(unfinished, directory, "keys.tdb.new") ||
	    !path_join(path, directory, "keys.tdb"))
		return false;
	/* Emptied, not made anew: the mark is never missing. */
	tdb = open_tdb(
	    unfinished, expected_keys, O_RDWR | O_CREAT | O_TRUNC, &complaints);
	if (tdb == NULL) {
		log_error("%s: %s", unfinished, cause(&complaints));
		return false;
	}
	done = write_first_root(tdb, master) && complaints.count == 0;
	if (!done)
		log_error("%s: %s", unfinished, cause(&complaints));
	if (tdb_close(tdb) != 0)
		done = false;
	return done && publish(unfinished, directory, path);
}

/* Opening: every record is looked at before anything is believed. */

struct scan {
	struct store_file *file;
	store_load_fn *load;
	void *context;
	uint64_t records;
	uint8_t digest[MAC_BYTES];
	const char *problem;
	char where[80]; /* which record the problem is in */
};

static void
digest_toggle(uint8_t digest[MAC_BYTES], const uint8_t *mac)
{
	for (size_t i = 0; i < MAC_BYTES; i++)
		digest[i] ^= mac[i];
}

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
	    !scan->load(scan->context, &view, &scan->problem)) {
		describe(name, scan->where, sizeof scan->where);
		return 1;
	}
	digest_toggle(scan->digest, view.mac.data);
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

/* All records, against their MACs and against the root. */
static bool
scan_records(struct store_file *file, store_load_fn *load, void *context)
{
	struct scan scan = {.file = file, .load = load, .context = context};
	int walked = -1;

	/* One lock for the whole walk instead of one a record. */
	if (tdb_lockall_read(file->tdb) == 0) {
		walked = tdb_traverse_read(file->tdb, scan_record, &scan);
		tdb_unlockall_read(file->tdb);
	}
	if (scan.problem == NULL) {
		if (walked < 0 || file->complaints.count > 0)
			scan.problem = cause(&file->complaints);
		else if (scan.records != file->root.records)
			scan.problem = "records are missing";
		else if (memcmp(scan.digest, file->root.digest, MAC_BYTES) != 0)
			scan.problem = "some records are older than the rest";
	}
	if (scan.problem == NULL)
		return true;
	log_damage(file, scan.where, scan.problem);
	return false;
}

/* The root record, and the keyring out of it. */
static bool
read_root(struct store_file *file, const uint8_t *master, struct keyring **ring)
{
	struct record_name name = record_name_root();
	TDB_DATA found = tdb_fetch(file->tdb, data_of_name(&name));
	struct bytes name_bytes = {name.bytes, name.len};
	struct bytes data = {found.dptr, found.dsize};
	uint8_t check[KEY_CHECK_BYTES];
	struct record_view view;
	const char *problem = NULL;

	if (found.dptr == NULL)
		problem = file->complaints.count > 0 ? file->complaints.text
						     : "no root record";
	else if (record_open(name_bytes, data, NULL, &view, &problem) &&
	    !record_to_root(&view, &file->root))
		problem = "the root record makes no sense";
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

/* Healing: a copy of every record in a file whose structure is new. */

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

static bool
rebuild(struct store_file *file, unsigned expected_keys)
{
	char path[PATH_MAX];
	struct complaints complaints;
	struct tdb_context *copy;
	unsigned size = expected_keys;

	if (!path_join(path, file->directory, "keys.tdb.rebuild"))
		return false;
	unlink(path);
	if (file->root.records > size)
		size = (unsigned)file->root.records;
	copy = open_tdb(path, size, O_RDWR | O_CREAT | O_EXCL, &complaints);
	if (copy == NULL || !copy_records(file->tdb, copy) ||
	    complaints.count > 0 ||
	    !publish(path, file->directory, file->path)) {
		log_error("%s: its structure is damaged and it cannot be "
			  "copied: %s",
		    file->path, cause(&complaints));
		if (copy != NULL)
			tdb_close(copy);
		unlink(path);
		return false;
	}
	tdb_close(file->tdb);
	file->tdb = copy;
	/* complaints is this function's; the file's own takes its place. */
	memset(&file->complaints, 0, sizeof file->complaints);
	tdb_set_logging_function(copy,
	    &(struct tdb_logging_context){on_complaint, &file->complaints});
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

/* A look before tdb opens it by name: whose it is, and that it is itself. No
 * one else can exchange it in between, in a directory that is ours alone. */
static bool
may_be_opened(const char *path)
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

bool
store_file_open(struct store_file *file, const char *directory,
    unsigned expected_keys, const uint8_t master[SECRET_KEY_BYTES],
    struct keyring **ring, store_load_fn *load, void *context)
{
	memset(file, 0, sizeof *file);
	*ring = NULL;
	if (!path_join(file->directory, directory, ".") ||
	    !path_join(file->path, directory, "keys.tdb") ||
	    !may_be_opened(file->path))
		return false;
	/* Never O_CREAT: one wrong byte in the header, and tdb would empty
	 * the file without a word. */
	file->tdb = open_tdb(file->path, 0, O_RDWR, &file->complaints);
	if (file->tdb == NULL) {
		log_damage(file, "", cause(&file->complaints));
		return false;
	}
	if (read_root(file, master, ring) &&
	    scan_records(file, load, context) &&
	    (structure_sound(file) || rebuild(file, expected_keys)))
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
}

uint64_t
store_file_size(const struct store_file *file)
{
	struct stat st;

	return fstat(tdb_fd(file->tdb), &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* Committing */

struct found_mac {
	bool found;
	uint8_t mac[MAC_BYTES];
};

static int
parse_mac(TDB_DATA name, TDB_DATA data, void *private_data)
{
	struct found_mac *found = private_data;

	(void)name;
	if (data.dsize >= MAC_BYTES) {
		memcpy(
		    found->mac, data.dptr + data.dsize - MAC_BYTES, MAC_BYTES);
		found->found = true;
	}
	return 0;
}

/* One record into the open transaction, and into the root that will go with
 * it. */
static bool
apply_write(struct store_file *file, struct root *root,
    struct store_write *write, uint64_t sequence)
{
	struct record *record = &write->record;
	struct found_mac old = {.found = false};

	tdb_parse_record(
	    file->tdb, data_of_name(&record->name), parse_mac, &old);
	if (old.found) {
		digest_toggle(root->digest, old.mac);
		root->records--;
	}
	if (write->erase)
		return !old.found ||
		    tdb_delete(file->tdb, data_of_name(&record->name)) == 0;
	record_seal(record, sequence, file->ring);
	digest_toggle(root->digest, record->data + record->len - MAC_BYTES);
	root->records++;
	return write_record(file->tdb, record);
}

/* Whether a change may go in at all; asked before any of it is written. */
static enum store_result
admit(struct store_file *file, const struct store_change *change)
{
	for (size_t i = 0; i < change->count; i++) {
		const struct store_write *write = &change->writes[i];

		if (!write->is_new)
			continue;
		if (tdb_exists(file->tdb, data_of_name(&write->record.name)))
			return STORE_EXISTS;
		if (store_file_size(file) > file_bytes_max)
			return STORE_FULL;
	}
	return STORE_OK;
}

static bool
apply_change(
    struct store_file *file, struct root *root, struct store_change *change)
{
	struct store_write operation = {.erase = false};
	uint64_t sequence = root->sequence + 1;

	for (size_t i = 0; i < change->count; i++)
		if (!apply_write(file, root, &change->writes[i], sequence))
			return false;
	change->operation.sequence = sequence;
	record_from_operation(&operation.record, &change->operation);
	if (!apply_write(file, root, &operation, sequence))
		return false;
	root->sequence = sequence;
	change->sequence = sequence;
	return true;
}

static bool
apply_all(
    struct store_file *file, struct root *root, struct store_change *changes)
{
	struct record record;

	for (struct store_change *c = changes; c != NULL; c = c->next) {
		c->sequence = 0;
		c->result = admit(file, c);
		if (c->result == STORE_OK && !apply_change(file, root, c))
			return false;
	}
	root->generation++;
	record_from_root(&record, root);
	record_seal(&record, root->sequence, file->ring);
	return write_record(file->tdb, &record);
}

static bool
is_full(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

/*
 * After a transaction that did not go through. A full disk stops tdb before
 * it touches what is committed; then the root is the one we know, and the
 * store as good as before. Anything else leaves doubt: a failed sync may have
 * lost pages that reading back would still show.
 */
static enum store_result
judge_failure(struct store_file *file)
{
	struct complaints said = file->complaints;
	struct record_name name = record_name_root();
	struct found_mac now = {.found = false};
	struct record expected;

	record_from_root(&expected, &file->root);
	record_seal(&expected, file->root.sequence, file->ring);
	tdb_parse_record(file->tdb, data_of_name(&name), parse_mac, &now);
	if (!is_full(said.error) || !now.found ||
	    memcmp(now.mac, expected.data + expected.len - MAC_BYTES,
		MAC_BYTES) != 0)
		return STORE_SUSPECT;
	memset(&file->complaints, 0, sizeof file->complaints);
	return STORE_FULL;
}

enum store_result
store_file_commit(struct store_file *file, struct store_change *changes)
{
	struct root root = file->root;

	memset(&file->complaints, 0, sizeof file->complaints);
	if (tdb_transaction_start(file->tdb) != 0)
		return judge_failure(file);
	if (!apply_all(file, &root, changes)) {
		tdb_transaction_cancel(file->tdb);
		return judge_failure(file);
	}
	if (tdb_transaction_commit(file->tdb) != 0 ||
	    file->complaints.count > 0)
		return judge_failure(file);
	file->root = root;
	return STORE_OK;
}
