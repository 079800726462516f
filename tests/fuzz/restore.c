/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A backup that comes back. Input: records (see given.h; those without bytes
 * were erased) up to one without a name, changes to the file that holds them (a
 * byte with their number, each where, in two bytes, and by what), and then the
 * lines of audit.log behind it.
 *
 * What comes back can be opened, and what audit.log says was taken away opens
 * nothing.
 */
#include <jansson.h>

#include "daemon/restore_replay.h"
#include "daemon/store_restore.h"
#include "daemon/store_tdb.h"
#include "directory.h"
#include "given.h"
#include "world.h"

enum { FILE_MAX = 1 << 18 };

static const uint8_t master[SECRET_KEY_BYTES] = {1};
static const char *directory;
static char path[128];
static struct given given;
static struct world world; /* for its keys */
static struct backup_file backup;
static FILE *nothing;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	world_init();
	world_make(&world);
	given.ring = world.ring;
	directory = directory_make();
	snprintf(path, sizeof path, "%s/backup", directory);
	nothing = fopen("/dev/null", "we");
	fuzz_require(nothing != NULL, "there is nothing");
	return 0;
}

static void
write_entries(struct backup_writer *w, struct reader *r)
{
	const struct record *record;

	given.count = 0;
	while (r->left > 0 && !r->failed) {
		struct bytes name = read_string8(r, RECORD_NAME_MAX);
		struct bytes data;

		if (name.len == 0)
			break;
		data = read_string16(r, UINT16_MAX);
		if (data.len == 0) {
			given_drop(&given, name);
			backup_write_entry(w, name, data);
		} else if ((record = given_put(&given, name, data)) != NULL) {
			backup_write_entry(
			    w, name, (struct bytes){record->data, record->len});
		}
	}
	backup_end_block(w);
}

static void
write_backup(struct reader *r)
{
	static uint8_t bytes[FILE_MAX];
	struct backup_writer w = {
	    .ring = given.ring, .out = writer_over(bytes, sizeof bytes)};
	struct root root = given_root(&given, 1000, master);
	struct record record;
	unsigned changes;

	backup_write_head(&w, &root, 1);
	write_entries(&w, r);
	root = given_root(&given, 1000, master);
	store_encode_root(&record, &root, given.ring);
	backup_write_end(&w, &record);
	fuzz_require(!w.out.failed, "a backup fits");
	for (changes = read_u8(r); changes > 0 && r->left >= 3; changes--) {
		size_t at = read_u16(r);

		bytes[at % w.out.len] ^= read_u8(r);
	}
	directory_write("backup", bytes, w.out.len);
}

/* A key that audit.log tells this of is not let in any more. */
static void
check_taken(const struct index *index, struct bytes line)
{
	static const char *const methods[] = {
	    "RevokeKey", "DeleteKey", "RotateKey"};
	json_t *entry = json_loadb((const char *)line.data, line.len, 0, NULL);
	const char *kind = "", *name = "", *method = "", *outcome = "";
	const struct key *key;

	json_unpack(entry, "{s?s, s?s, s?s, s?s}", "kind", &kind, "name", &name,
	    "method", &method, "outcome", &outcome);
	key = index_key_by_text(index, name, strlen(name));
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
		fuzz_require(strcmp(kind, "key") != 0 ||
			strcmp(outcome, "done") != 0 ||
			strcmp(method, methods[i]) != 0 || key == NULL ||
			key->state != KEY_ACTIVE,
		    "what was taken away does not come back");
	json_decref(entry);
}

static struct bytes
next_line(struct bytes *lines)
{
	const uint8_t *end = memchr(lines->data, '\n', lines->len);
	struct bytes line = {lines->data,
	    end != NULL ? (size_t)(end - lines->data) : lines->len};
	size_t used = line.len + (end != NULL);

	*lines = (struct bytes){lines->data + used, lines->len - used};
	return line;
}

/* As the next start finds it. */
static void
check_restored(struct bytes lines)
{
	struct index *index = index_new();
	struct loader *loader = loader_new(index);
	struct store_file file;
	struct keyring *ring;

	fuzz_require(store_file_open(&file, directory, 1, master, &ring,
			 load_record, loader) &&
		load_finish(loader),
	    "what was restored can be opened");
	given_check_index(index);
	while (lines.len > 0)
		check_taken(index, next_line(&lines));
	store_file_close(&file);
	keyring_free(ring);
	loader_free(loader);
	index_free(index);
}

/* What is told to who restores is read by nobody. */
static bool
apply(struct replay *replay, struct store_file *file, struct index *index)
{
	FILE *out = stdout;
	unsigned redone;
	bool done;

	stdout = nothing;
	done = replay_apply(replay, file, index, &redone);
	stdout = out;
	return done;
}

/* The steps of restore(), but for the lock and for who wrote audit.log. */
static bool
restore(struct bytes lines)
{
	struct index *index = index_new();
	struct loader *loader = loader_new(index);
	struct replay *replay = replay_new();
	struct store_file file;
	char aside[PATH_MAX];
	bool done = store_restore_begin(
			&file, directory, 1, &backup, load_record, loader) &&
	    load_finish(loader) &&
	    store_restore_join(&file, &backup.root.audit);

	while (done && lines.len > 0)
		done = replay_line(replay, next_line(&lines));
	done = done && apply(replay, &file, index) &&
	    store_restore_publish(&file, aside);
	store_restore_end(&file);
	replay_free(replay);
	loader_free(loader);
	index_free(index);
	return done;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_over(data, size);
	struct bytes lines;

	write_backup(&r);
	lines = read_bytes(&r, r.left);
	if (backup_file_open(&backup, path, master)) {
		if (backup_file_read(&backup, NULL, NULL) && restore(lines))
			check_restored(lines);
		backup_file_close(&backup);
	}
	directory_empty();
	return 0;
}
