/* SPDX-License-Identifier: BSD-2-Clause */
/* A backup's format, and that it is the store at one moment. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/store_backup.h"
#include "daemon/store_tdb.h"
#include "stock.h"

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

/* Portions with changes in between: records that are new, changed before and
 * behind where the walk is, and gone. */
START_TEST(one_moment_while_changes_go_on)
{
	struct store_backup backup = {.finished = false};
	struct sum sum = {.records = 0};
	struct record root;
	struct bytes found;
	uint64_t entries;
	size_t len = 0;
	unsigned portions = 0;
	uint8_t *bytes = NULL;

	for (unsigned i = 0; i < ACCOUNTS / 10; i++)
		put_account(i, "before", false);
	while (!backup.finished) {
		struct writer *out = &backup.writer.out;

		ck_assert_ptr_null(store_backup_portion(&backup, &file));
		bytes = realloc(bytes, len + out->len);
		ck_assert_ptr_nonnull(bytes);
		memcpy(bytes + len, out->start, out->len);
		len += out->len;
		out->len = 0;
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

	restored = tdb_open(NULL, 0, TDB_INTERNAL, O_RDWR, 0);
	ck_assert(is_whole(bytes, len, &entries, restore_entry, &found));
	tdb_traverse(restored, add_up, &sum);
	tdb_close(restored);
	ck_assert_uint_eq(sum.records, backup.root.records);
	ck_assert_mem_eq(sum.digest, backup.root.digest, MAC_BYTES);
	ck_assert_uint_eq(found.len, root.len);
	ck_assert_mem_eq(found.data, root.data, root.len);
	free(bytes);
}
END_TEST

static void
add(Suite *suite, const char *name, const TTest *test)
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, SUITE_TIMEOUT);
	tcase_add_checked_fixture(tcase, with_store, without_store);
	tcase_add_test(tcase, test);
	suite_add_tcase(suite, tcase);
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
	return suite_run(suite);
}
