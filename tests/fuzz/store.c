/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A start with keys.tdb and audit.log as they lie there. Input: records (see
 * given.h) up to one without a name, changes to the root record (a byte with
 * their number, each where and by what), and then audit.log.
 *
 * What is refused is left as it was; what is opened is, after another start,
 * what it was after the first.
 */
#include <fcntl.h>

#include "daemon/store_tdb.h"
#include "directory.h"
#include "given.h"
#include "world.h"

static const uint8_t master[SECRET_KEY_BYTES] = {1};
static const char *directory;
static struct given given;
static struct world world; /* for its keys and, in turn, an index */

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	world_init();
	world_make(&world);
	given.ring = world.ring;
	directory = directory_make();
	return 0;
}

/* The root record's MAC is right, and that of the digest in it. */
static struct record
make_root(struct reader *r)
{
	struct root root = given_root(&given, 1000, master);
	struct record record;
	unsigned changes;
	size_t len;

	root.file_bytes = 4096;
	store_encode_root(&record, &root, given.ring);
	len = record.len - (size_t)MAC_BYTES;
	for (changes = read_u8(r); changes > 0 && r->left >= 2; changes--) {
		uint8_t at = read_u8(r);

		record.data[at % len] ^= read_u8(r);
	}
	secret_mac(given.ring, record.name.bytes, record.name.len, record.data,
	    len, record.data + len);
	return record;
}

static void
write_store(const struct record *root)
{
	char path[128];
	struct complaints complaints;
	struct tdb_context *tdb;

	snprintf(path, sizeof path, "%s/keys.tdb", directory);
	tdb = store_tdb_open(path, 1, O_RDWR | O_CREAT | O_TRUNC, &complaints);
	fuzz_require(tdb != NULL, "a store is made");
	for (size_t i = 0; i < given.count; i++)
		fuzz_require(
		    store_write_record(tdb, &given.records[i], TDB_INSERT),
		    "a record is written");
	fuzz_require(
	    store_write_record(tdb, root, TDB_REPLACE) && tdb_close(tdb) == 0,
	    "a store is made");
}

/* As the daemon starts. False where it would end there; *refused: the store
 * itself was. */
static bool
start(struct world_digest *digest, bool *refused)
{
	struct world started = {.ring = world.ring, .index = index_new()};
	struct loader *loader = loader_new(started.index);
	struct store_file file;
	struct keyring *ring;
	bool opened = store_file_open(
	    &file, directory, 1, master, &ring, load_record, loader);
	bool loaded = opened && load_finish(loader);

	*refused = !opened;
	if (opened) {
		store_file_close(&file);
		keyring_free(ring);
	}
	if (loaded) {
		given_check_index(started.index);
		*digest = world_digest(&started);
	}
	loader_free(loader);
	index_free(started.index);
	return loaded;
}

static void
take_bytes(const char *name, struct bytes before)
{
	struct bytes now = directory_read(name);

	fuzz_require(
	    bytes_equal(before, now), "what is refused is left as it was");
	free((void *)now.data);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_over(data, size);
	struct world_digest first, second;
	struct bytes keys, log;
	struct record root;
	bool refused, again;

	given_read(&given, &r);
	root = make_root(&r);
	write_store(&root);
	log = read_bytes(&r, r.left);
	if (log.len > 0)
		directory_write("audit.log", log.data, log.len);
	keys = directory_read("keys.tdb");
	if (start(&first, &refused))
		fuzz_require(
		    start(&second, &again) && world_digest_equal(first, second),
		    "a restart changes nothing");
	else if (refused)
		take_bytes("keys.tdb", keys);
	if (refused)
		take_bytes("audit.log", log);
	free((void *)keys.data);
	directory_empty();
	return 0;
}
