/* SPDX-License-Identifier: BSD-2-Clause */
/* A backup's format, and that it is the store at one moment. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/store_backup.h"
#include "daemon/store_tdb.h"
#include "stock.h"
#include "store_disk.h"

enum { EXPECTED_KEYS = 100, ACCOUNTS = 3000, ROOM = 1 << 12 };

static const uint8_t master[SECRET_KEY_BYTES] = {1};
static char directory[32];
static struct store_file file;
static struct keyring *ring;

static void
with_store(void)
{
	strcpy(directory, "/tmp/apikeyd-backup-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert(store_create(directory, EXPECTED_KEYS, master));
	ck_assert(store_file_open(&file, directory, EXPECTED_KEYS, master,
	    &ring, store_load_nothing, NULL));
}

static void
without_store(void)
{
	char path[64];

	store_file_close(&file);
	keyring_free(ring);
	snprintf(path, sizeof path, "%s/keys.tdb", directory);
	unlink(path);
	snprintf(path, sizeof path, "%s/audit.log", directory);
	unlink(path);
	ck_assert_int_eq(rmdir(directory), 0);
}

static void
put_account(unsigned n, const char *name, bool erase)
{
	struct store_write write = {.erase = erase};
	struct store_change change = {.count = 1, .writes = &write};
	char slug[16];
	struct account *account;

	snprintf(slug, sizeof slug, "account%u", n);
	account = stock_account(slug);
	snprintf(account->name, sizeof account->name, "%s", name);
	record_from_account(&write.record, account);
	free(account);
	ck_assert_int_eq(store_file_commit(&file, &change), STORE_OK);
	ck_assert_int_eq(change.result, STORE_OK);
}

/* A backup of nothing but two records, and how many bytes it has. */
static size_t
small_backup(uint8_t bytes[ROOM])
{
	static uint8_t room[2 * BACKUP_BLOCK_MAX];
	struct backup_writer w = {.ring = ring};
	struct record root;

	w.out = writer_over(room, sizeof room);
	store_encode_root(&root, &file.root, ring);
	backup_write_head(&w, &file.root, 1);
	ck_assert(backup_write_entry(&w, bytes_of("Aone"), bytes_of("data")));
	ck_assert(backup_write_entry(&w, bytes_of("Atwo"), bytes_of("")));
	backup_end_block(&w);
	backup_write_end(&w, &root);
	ck_assert(!w.out.failed);
	ck_assert_uint_lt(w.out.len, ROOM);
	memcpy(bytes, room, w.out.len);
	return w.out.len;
}

/* Whether these bytes, and no more, are a whole backup. */
static bool
is_whole(const uint8_t *bytes, size_t len, uint64_t *entries,
    void (*each)(const struct backup_entry *entry), struct bytes *root)
{
	struct backup_head head;
	struct backup_reader r;
	size_t at = BACKUP_HEAD_LEN;

	if (len < BACKUP_HEAD_LEN || !backup_read_head(bytes, &head) ||
	    !backup_head_is_sealed(&r, bytes, ring))
		return false;
	while (len - at >= BACKUP_BLOCK_HEAD_LEN) {
		enum backup_block_type type;
		struct backup_entry entry;
		struct reader payload;
		size_t payload_len, block_len;

		if (!backup_block_head(bytes + at, &type, &payload_len))
			return false;
		block_len = BACKUP_BLOCK_HEAD_LEN + payload_len + MAC_BYTES;
		if (block_len > len - at ||
		    !backup_read_block(
			&r, (struct bytes){bytes + at, block_len}, &payload))
			return false;
		at += block_len;
		if (type == BACKUP_END) {
			*entries = r.entries;
			return backup_read_end(&r, &payload, root) && at == len;
		}
		while (backup_next_entry(&r, &payload, &entry))
			if (each != NULL)
				each(&entry);
		if (!reader_done(&payload))
			return false;
	}
	return false;
}

START_TEST(every_byte_counts)
{
	uint8_t bytes[ROOM];
	size_t len = small_backup(bytes);
	struct bytes root;
	uint64_t entries;

	ck_assert(is_whole(bytes, len, &entries, NULL, &root));
	ck_assert_uint_eq(entries, 2);
	for (size_t i = 0; i < len; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			bytes[i] ^= (uint8_t)(1 << bit);
			ck_assert_msg(
			    !is_whole(bytes, len, &entries, NULL, &root),
			    "bit %u of byte %zu", bit, i);
			bytes[i] ^= (uint8_t)(1 << bit);
		}
	for (size_t cut = 0; cut < len; cut++)
		ck_assert(!is_whole(bytes, cut, &entries, NULL, &root));
	bytes[len] = 0;
	ck_assert(!is_whole(bytes, len + 1, &entries, NULL, &root));
}
END_TEST

/* What a backup comes to, put together in memory. */
static struct tdb_context *restored;

static void
restore_entry(const struct backup_entry *entry)
{
	TDB_DATA name = store_data(entry->name.data, entry->name.len);

	if (entry->data.len == 0)
		tdb_delete(restored, name);
	else
		ck_assert_int_eq(
		    tdb_store(restored, name,
			store_data(entry->data.data, entry->data.len),
			TDB_REPLACE),
		    0);
}

struct sum {
	uint64_t records;
	uint8_t digest[MAC_BYTES];
};

static int
add_up(struct tdb_context *tdb, TDB_DATA name, TDB_DATA data, void *context)
{
	struct sum *sum = context;

	(void)tdb;
	sum->records++;
	store_digest_toggle(sum->digest, ring,
	    (struct bytes){name.dptr, name.dsize},
	    data.dptr + data.dsize - MAC_BYTES);
	return 0;
}

struct made {
	uint8_t *bytes;
	size_t len;
};

/* False where it cannot be made. */
static bool
make_portion(struct store_backup *backup, struct made *made)
{
	struct writer *out = &backup->writer.out;

	if (store_backup_portion(backup, &file) != NULL)
		return false;
	made->bytes = realloc(made->bytes, made->len + out->len);
	ck_assert_ptr_nonnull(made->bytes);
	memcpy(made->bytes + made->len, out->start, out->len);
	made->len += out->len;
	out->len = 0;
	return true;
}

/* Whether it is all of the store, as its root is in it. */
static void
check_made(const struct made *made, const struct store_backup *backup,
    const struct record *root)
{
	struct sum sum = {.records = 0};
	struct bytes found;
	uint64_t entries;

	restored = tdb_open(NULL, 0, TDB_INTERNAL, O_RDWR, 0);
	ck_assert(
	    is_whole(made->bytes, made->len, &entries, restore_entry, &found));
	tdb_traverse(restored, add_up, &sum);
	tdb_close(restored);
	ck_assert_uint_eq(sum.records, backup->root.records);
	ck_assert_mem_eq(sum.digest, backup->root.digest, MAC_BYTES);
	ck_assert_uint_eq(found.len, root->len);
	ck_assert_mem_eq(found.data, root->data, root->len);
}

/* Portions with changes in between: records that are new, changed before and
 * behind where the walk is, and gone. */
START_TEST(one_moment_while_changes_go_on)
{
	struct store_backup backup = {.finished = false};
	struct made made = {NULL, 0};
	struct record root;
	unsigned portions = 0;

	for (unsigned i = 0; i < ACCOUNTS / 10; i++)
		put_account(i, "before", false);
	while (!backup.finished) {
		ck_assert(make_portion(&backup, &made));
		if (backup.finished)
			break;
		put_account(portions, "meanwhile", false);
		put_account(ACCOUNTS - portions, "new", false);
		put_account(100 + portions, "", true);
		portions++;
	}
	ck_assert_uint_gt(portions, 2);
	store_encode_root(&root, &file.root, ring);
	store_backup_end(&backup, &file);
	ck_assert_ptr_null(file.backup);
	put_account(0, "afterwards", false);
	check_made(&made, &backup, &root);
	free(made.bytes);
}
END_TEST

/* A backup in which all accounts have changed behind the walk, and the at-th
 * read fails. True where it came to that. */
static bool
read_fails_at(int at)
{
	struct store_backup backup = {.finished = false};
	struct made made = {NULL, 0};
	struct record root;
	bool goes_on = true, struck;

	ck_assert(make_portion(&backup, &made));
	while (!backup.finished && backup.chain < tdb_hash_size(file.tdb))
		ck_assert(make_portion(&backup, &made));
	for (unsigned i = 0; i < 8; i++)
		put_account(i, "changed", false);
	read_fault = (struct fault){at, EIO, ONCE};
	while (goes_on && !backup.finished)
		goes_on = make_portion(&backup, &made);
	struck = read_fault.at == 0;
	read_fault.at = 0;
	store_encode_root(&root, &file.root, ring);
	store_backup_end(&backup, &file);
	if (goes_on)
		check_made(&made, &backup, &root);
	free(made.bytes);
	return struck;
}

/* What could not be read is not left out. */
START_TEST(all_or_none_where_reads_fail)
{
	int at = 1;

	for (unsigned i = 0; i < 8; i++)
		put_account(i, "before", false);
	while (read_fails_at(at))
		at++;
	ck_assert_int_gt(at, 16);
}
END_TEST

static void
add(Suite *suite, const char *name, const TTest *test)
{
	suite_add_between(suite, name, test, with_store, without_store);
}

int
main(void)
{
	Suite *suite = suite_create("backup");

	if (!secret_init())
		return EXIT_FAILURE;
	add(suite, "every_byte_counts", every_byte_counts);
	add(suite, "one_moment_while_changes_go_on",
	    one_moment_while_changes_go_on);
	add(suite, "all_or_none_where_reads_fail",
	    all_or_none_where_reads_fail);
	return suite_run(suite);
}
