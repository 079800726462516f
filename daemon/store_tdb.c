/* SPDX-License-Identifier: BSD-2-Clause */
#include "store_tdb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

enum {
	/* For a new record tdb walks its chain twice, with three reads for two
	 * of what is in it; but each transaction copies all chains' heads. */
	KEYS_PER_CHAIN = 4,
	CHAINS_MIN = 1009,
	/* Most records are keys'; and what tdb adds. */
	RECORD_BYTES = 384,
	/* Of the record that makes room: tdb adds more to a shorter one, and a
	 * longer one would keep changes waiting. */
	ROOM_MIN = 1 << 18,
	ROOM_MAX = 1 << 28,
};

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
	if (error == ENOSPC || error == EDQUOT || error == EFBIG)
		complaints->full = true;
	if (error == EIO)
		complaints->io_error = true;
	if (error == ENOMEM)
		complaints->no_memory = true;
	complaints->count++;
}

/* As tdb's own, which does not tell: that it is the same, tdb verifies when it
 * opens a file. */
static unsigned
hash_of_name(TDB_DATA *name)
{
	uint32_t hash = 0x238F13AF * (uint32_t)name->dsize;

	for (uint32_t i = 0; i < name->dsize; i++)
		hash += (uint32_t)name->dptr[i] << (i * 5 % 24);
	return 1103515243 * hash + 12345;
}

unsigned
store_tdb_chain(struct tdb_context *tdb, const struct record_name *name)
{
	TDB_DATA data = store_data_of_name(name);

	return hash_of_name(&data) % (unsigned)tdb_hash_size(tdb);
}

static struct tdb_context *
open_tdb(const char *path, int chains, int tdb_flags, int flags,
    struct complaints *complaints)
{
	struct tdb_logging_context logging = {on_complaint, complaints};
	struct tdb_context *tdb;

	/* It would turn every sync off. */
	unsetenv("TDB_NO_FSYNC");
	memset(complaints, 0, sizeof *complaints);
	errno = 0;
	tdb = tdb_open_ex(path, chains, tdb_flags, flags | O_CLOEXEC, 0600,
	    &logging, hash_of_name);
	if (tdb == NULL && errno == ENOMEM)
		complaints->no_memory = true;
	return tdb;
}

struct tdb_context *
store_tdb_open(const char *path, unsigned expected_keys, int flags,
    struct complaints *complaints)
{
	/* Odd: the hash's last bit is the same for all names that begin alike,
	 * and half of an even number of chains would stay empty. */
	unsigned chains = expected_keys / KEYS_PER_CHAIN | 1;

	return open_tdb(path, (int)(chains > CHAINS_MIN ? chains : CHAINS_MIN),
	    TDB_NOMMAP, flags, complaints);
}

/*
 * tdb knows no such thing, but to a record for which it has no room it adds two
 * and a half times its length; and what is deleted at the end of a file leaves
 * one piece.
 */
bool
store_tdb_make_room(struct tdb_context *tdb, uint64_t records)
{
	uint64_t len = records * RECORD_BYTES / 5 * 2;
	const TDB_DATA name = store_data("", 1); /* no record's */
	void *zeros;
	bool done;

	if (len < ROOM_MIN)
		return true;
	len = len < ROOM_MAX ? len : ROOM_MAX;
	zeros = calloc(1, len);
	done = zeros != NULL &&
	    tdb_store(tdb, name, store_data(zeros, len), TDB_INSERT) == 0 &&
	    tdb_delete(tdb, name) == 0;
	free(zeros);
	return done;
}

/* In order, and into the page cache: the mapping finds it there. */
static bool
read_through(const char *path)
{
	enum { PART = 1 << 18 };
	uint8_t *part = malloc(PART);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = -1;

	while (part != NULL && fd >= 0 && (got = read(fd, part, PART)) > 0)
		;
	if (fd >= 0)
		close(fd);
	free(part);
	return got == 0;
}

struct tdb_context *
store_tdb_open_mapped(const char *path, struct complaints *complaints)
{
	memset(complaints, 0, sizeof *complaints);
	if (read_through(path))
		return open_tdb(path, 0, 0, O_RDWR, complaints);
	complaints->no_memory = errno == ENOMEM;
	return NULL;
}

void
store_tdb_complain_to(struct tdb_context *tdb, struct complaints *complaints)
{
	struct tdb_logging_context logging = {on_complaint, complaints};

	tdb_set_logging_function(tdb, &logging);
}

TDB_DATA
store_data(const void *bytes, size_t len)
{
	union { /* tdb takes what it only reads as non-const */
		const void *in;
		unsigned char *out;
	} pointer = {bytes};
	TDB_DATA data = {pointer.out, len};

	return data;
}

TDB_DATA
store_data_of_name(const struct record_name *name)
{
	return store_data(name->bytes, name->len);
}

const char *
store_cause(const struct complaints *complaints)
{
	if (complaints->count > 0)
		return complaints->text;
	return errno != 0 ? strerror(errno) : "not a tdb file";
}

bool
store_write_record(
    struct tdb_context *tdb, const struct record *record, int flag)
{
	return tdb_store(tdb, store_data_of_name(&record->name),
		   store_data(record->data, record->len), flag) == 0;
}

const char *
store_fetch_root(struct tdb_context *tdb, TDB_DATA *found, struct root *root)
{
	const struct complaints *complaints = tdb_get_logging_private(tdb);
	struct record_name name = record_name_root();
	struct bytes name_bytes = {name.bytes, name.len};
	struct record_view view;
	const char *problem = NULL;

	*found = tdb_fetch(tdb, store_data_of_name(&name));
	if (found->dptr == NULL)
		return complaints->count > 0 ? complaints->text
					     : "no root record";
	/* Its MAC is of a key that is inside it. */
	if (record_open(name_bytes, (struct bytes){found->dptr, found->dsize},
		NULL, &view, &problem) &&
	    !record_to_root(&view, root))
		problem = "the root record makes no sense";
	return problem;
}

uint64_t
store_tdb_size(struct tdb_context *tdb)
{
	struct stat st;

	return fstat(tdb_fd(tdb), &st) == 0 ? (uint64_t)st.st_size : 0;
}

void
store_tdb_header(struct tdb_context *tdb, uint8_t header[STORE_HEADER_BYTES])
{
	/* Where the recovery area is, and how often was written. */
	enum { WRITTEN_FROM = 44, WRITTEN_TO = 52 };

	if (pread(tdb_fd(tdb), header, STORE_HEADER_BYTES, 0) ==
	    STORE_HEADER_BYTES)
		memset(header + WRITTEN_FROM, 0, WRITTEN_TO - WRITTEN_FROM);
	else
		memset(header, 0, STORE_HEADER_BYTES);
}

/* Keyed hashes under names that no record has: their first letter is no kind.
 */
static const char digest_name[] = "digest";
enum { TERM = 't' };

void
store_encode_root(
    struct record *record, const struct root *root, const struct keyring *ring)
{
	struct root sealed = *root;

	secret_mac(ring, digest_name, sizeof digest_name - 1, root->digest,
	    MAC_BYTES, sealed.digest_mac);
	record_from_root(record, &sealed);
	record_seal(record, root->sequence, ring);
}

bool
store_digest_is(const struct root *root, const struct keyring *ring,
    const uint8_t digest[MAC_BYTES])
{
	uint8_t mac[MAC_BYTES];

	secret_mac(
	    ring, digest_name, sizeof digest_name - 1, digest, MAC_BYTES, mac);
	return memcmp(mac, root->digest_mac, MAC_BYTES) == 0;
}

bool
store_write_root(struct tdb_context *tdb, const struct root *root,
    const struct keyring *ring)
{
	struct record record;

	store_encode_root(&record, root, ring);
	return store_write_record(tdb, &record, TDB_REPLACE);
}

bool
store_commit_root(
    struct tdb_context *tdb, struct root *root, const struct keyring *ring)
{
	root->file_bytes = store_tdb_size(tdb);
	if (tdb_transaction_start(tdb) != 0)
		return false;
	if (store_write_root(tdb, root, ring))
		return tdb_transaction_commit(tdb) == 0;
	tdb_transaction_cancel(tdb);
	return false;
}

void
store_digest_toggle(uint8_t digest[MAC_BYTES], const struct keyring *ring,
    struct bytes name, const uint8_t *mac)
{
	uint8_t term_name[1 + RECORD_NAME_MAX] = {TERM};
	uint8_t term[MAC_BYTES];
	size_t len = name.len < RECORD_NAME_MAX ? name.len : RECORD_NAME_MAX;

	memcpy(term_name + 1, name.data, len);
	secret_mac(ring, term_name, 1 + len, mac, MAC_BYTES, term);
	for (size_t i = 0; i < MAC_BYTES; i++)
		digest[i] ^= term[i];
}
