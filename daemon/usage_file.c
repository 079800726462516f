/* SPDX-License-Identifier: BSD-2-Clause */
#include "usage_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "store_tdb.h"
#include "trusted.h"

#define TOTALS UINT32_MAX /* in place of a day */

/* Other than the keys', rows are read from the file all the time: chains as
 * short as that many more keys would make them. */
enum { SHORTER_CHAINS = 8 };

enum { META_MAX = 8 + 1 + USAGE_SERVICES_MAX * (1 + SERVICE_MAX_LEN) };

static const struct usage_name meta_name = {1, {'M'}};

/* Names */

static struct usage_name
name_of(uint8_t kind, const void *data, size_t len)
{
	struct usage_name name = {.len = (uint8_t)(1 + len), .bytes = {kind}};

	if (len > 0)
		memcpy(name.bytes + 1, data, len);
	return name;
}

struct usage_name
usage_name_of_key(const char id[TOKEN_ID_LEN])
{
	return name_of('K', id, TOKEN_ID_LEN);
}

struct usage_name
usage_name_of_subject(enum usage_subject subject, uint64_t id)
{
	return name_of(subject == USAGE_OF_ACCOUNT ? 'A' : 'P', &id, sizeof id);
}

struct usage_name
usage_name_of_service(struct bytes service)
{
	return name_of('S', service.data,
	    service.len < SERVICE_MAX_LEN ? service.len : SERVICE_MAX_LEN);
}

static bool
file_path(char out[PATH_MAX], const struct usage_files *files, uint32_t day)
{
	char date[TIME_TEXT_MAX], name[sizeof "usage-2026-11-21.tdb"];

	if (day == TOTALS)
		return store_path(out, files->directory, "totals.tdb");
	time_text((int64_t)day * USAGE_DAY_MS, date);
	snprintf(name, sizeof name, "usage-%.10s.tdb", date);
	return store_path(out, files->directory, name);
}

/* Rows */

/* The MAC binds a row to its file as well; nothing in keys.tdb is named so. */
static void
row_mac(const struct usage_files *files, const struct usage_file *file,
    struct bytes name, struct bytes data, uint8_t mac[MAC_BYTES])
{
	uint8_t bound[1 + 4 + USAGE_NAME_MAX];
	struct writer w = writer_over(bound, sizeof bound);

	write_u8(&w, 'u');
	write_u32(&w, file->day);
	write_bytes(&w, name.data, name.len);
	secret_mac(files->ring, bound, w.len, data.data, data.len, mac);
}

/* Takes the MAC off; false where it is not the row's. */
static bool
open_row(const struct usage_files *files, const struct usage_file *file,
    struct bytes name, struct bytes *data)
{
	uint8_t mac[MAC_BYTES];

	if (name.len > USAGE_NAME_MAX || data->len < MAC_BYTES)
		return false;
	data->len -= MAC_BYTES;
	row_mac(files, file, name, *data, mac);
	return memcmp(mac, data->data + data->len, MAC_BYTES) == 0;
}

static void
log_damaged_row(const struct usage_file *file, struct bytes name)
{
	static struct log_throttle throttle;
	unsigned long long count;

	if (!log_throttle(&throttle, &count))
		return;
	if (name.len == 1 + TOKEN_ID_LEN && name.data[0] == 'K')
		log_error("%s: the row of key %.*s is damaged (%llu damaged "
			  "rows since the last such line)",
		    file->path, TOKEN_ID_LEN, (const char *)name.data + 1,
		    count);
	else
		log_error("%s: a row is damaged (%llu damaged rows since the "
			  "last such line)",
		    file->path, count);
}

struct copy {
	struct arena *arena;
	struct bytes data;
};

static int
copy_row(TDB_DATA key, TDB_DATA data, void *context)
{
	struct copy *copy = context;
	uint8_t *room = arena_alloc(copy->arena, data.dsize + 1);

	(void)key;
	if (room != NULL && data.dsize > 0)
		memcpy(room, data.dptr, data.dsize);
	copy->data = (struct bytes){room, data.dsize};
	return 0;
}

enum usage_read
usage_file_read(const struct usage_files *files, struct usage_file *file,
    const struct usage_name *name, struct arena *arena, struct bytes *data)
{
	struct copy copy = {.arena = arena};
	struct bytes as_bytes = {name->bytes, name->len};

	if (tdb_parse_record(file->tdb, store_data(name->bytes, name->len),
		copy_row, &copy) != 0)
		return tdb_error(file->tdb) == TDB_ERR_NOEXIST ? USAGE_ABSENT
							       : USAGE_DAMAGED;
	if (copy.data.data == NULL)
		return USAGE_NO_MEMORY;
	*data = copy.data;
	if (open_row(files, file, as_bytes, data))
		return USAGE_READ;
	log_damaged_row(file, as_bytes);
	return USAGE_DAMAGED;
}

bool
usage_file_write(const struct usage_files *files, struct usage_file *file,
    const struct usage_name *name, uint8_t *data, size_t len)
{
	row_mac(files, file, (struct bytes){name->bytes, name->len},
	    (struct bytes){data, len}, data + len);
	return tdb_store(file->tdb, store_data(name->bytes, name->len),
		   store_data(data, len + MAC_BYTES), TDB_REPLACE) == 0;
}

bool
usage_file_begin(struct usage_file *file)
{
	file->complaints.count = 0;
	errno = 0;
	return tdb_transaction_start(file->tdb) == 0;
}

static bool
write_meta(const struct usage_files *files, struct usage_file *file)
{
	uint8_t data[META_MAX + MAC_BYTES];
	struct writer w = writer_over(data, META_MAX);

	write_u64(&w, file->taken);
	write_u8(&w, file->service_count);
	for (size_t i = 0; i < file->service_count; i++)
		write_string8(&w,
		    (struct bytes){
			file->services[i].text, file->services[i].len});
	return !w.failed &&
	    usage_file_write(files, file, &meta_name, data, w.len);
}

bool
usage_file_commit(const struct usage_files *files, struct usage_file *file)
{
	/* Some failures are told of by a complaint alone, also before. */
	if (!write_meta(files, file) || file->complaints.count > 0) {
		usage_file_cancel(file);
		return false;
	}
	return tdb_transaction_commit(file->tdb) == 0 &&
	    file->complaints.count == 0;
}

void
usage_file_cancel(struct usage_file *file)
{
	tdb_transaction_cancel(file->tdb);
}

static bool
read_meta(const struct usage_files *files, struct usage_file *file)
{
	struct arena arena = {NULL, 0};
	struct bytes data;
	struct reader r;
	bool sound = usage_file_read(files, file, &meta_name, &arena, &data) ==
	    USAGE_READ;

	r = reader_over(sound ? data.data : NULL, sound ? data.len : 0);
	file->taken = read_u64(&r);
	file->service_count = read_u8(&r);
	if (file->service_count > USAGE_SERVICES_MAX)
		reader_fail(&r);
	for (size_t i = 0; !r.failed && i < file->service_count; i++) {
		struct bytes text = read_string8(&r, SERVICE_MAX_LEN);

		file->services[i].len = (uint8_t)text.len;
		if (text.len > 0)
			memcpy(file->services[i].text, text.data, text.len);
	}
	sound = reader_done(&r);
	arena_free(&arena);
	return sound;
}

/* Opening */

static bool
make_file(const struct usage_files *files, struct usage_file *file)
{
	char unfinished[PATH_MAX];
	bool made;

	if (snprintf(unfinished, sizeof unfinished, "%s.new", file->path) >=
	    PATH_MAX)
		return false;
	unlink(unfinished);
	file->tdb =
	    store_tdb_open(unfinished, files->expected_keys * SHORTER_CHAINS,
		O_RDWR | O_CREAT | O_EXCL, &file->complaints);
	made = file->tdb != NULL && usage_file_begin(file) &&
	    usage_file_commit(files, file);
	if (!made)
		log_error("%s: %s", unfinished, store_cause(&file->complaints));
	if (file->tdb != NULL && tdb_close(file->tdb) != 0)
		made = false;
	file->tdb = NULL;
	made = made && store_publish(unfinished, files->directory, file->path);
	if (!made)
		unlink(unfinished);
	return made;
}

/* 1: it is there and may be opened; 0: it is not there; -1 after logging. */
static int
look_at(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool trusted;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0) {
		log_error("%s: %s", path, strerror(errno));
		return -1;
	}
	trusted = trusted_file(fd, path);
	close(fd);
	return trusted ? 1 : -1;
}

/* What is damaged cannot be added to: it is kept for whoever wants to look at
 * it, and the day goes on in a new one. */
static bool
put_aside(const struct usage_files *files, struct usage_file *file)
{
	char aside[PATH_MAX];

	if (snprintf(aside, sizeof aside, "%s.damaged", file->path) >= PATH_MAX)
		return false;
	log_error("%s: is damaged (%s); it is %s now", file->path,
	    store_cause(&file->complaints), aside);
	if (rename(file->path, aside) == 0)
		return make_file(files, file);
	log_error("%s: %s", aside, strerror(errno));
	return false;
}

/*
 * Never O_CREAT: one wrong byte in the header, and tdb would empty the file
 * without a word.
 */
static bool
open_tdb(const struct usage_files *files, struct usage_file *file)
{
	file->tdb = store_tdb_open(file->path, 0, O_RDWR, &file->complaints);
	if (file->tdb == NULL)
		return false;
	/* One thread of the one process that has the directory's lock. */
	tdb_add_flags(file->tdb, TDB_NOLOCK);
	if (read_meta(files, file))
		return true;
	snprintf(file->complaints.text, sizeof file->complaints.text,
	    "its own row cannot be read");
	file->complaints.count = 1;
	tdb_close(file->tdb);
	file->tdb = NULL;
	return false;
}

static struct usage_file *
open_file(
    const struct usage_files *files, uint32_t day, bool make, bool *failed)
{
	struct usage_file *file = calloc(1, sizeof *file);
	int there;

	*failed = true;
	if (file == NULL)
		return NULL;
	file->day = day;
	if (!file_path(file->path, files, day) ||
	    (there = look_at(file->path)) < 0)
		goto fail;
	*failed = make || there;
	if (there == 0 && (!make || !make_file(files, file)))
		goto fail;
	if (open_tdb(files, file) ||
	    (make && day != TOTALS && put_aside(files, file) &&
		open_tdb(files, file))) {
		*failed = false;
		return file;
	}
	log_error("%s: is damaged (%s); move it away to go on without what is "
		  "in it",
	    file->path, store_cause(&file->complaints));
fail:
	free(file);
	return NULL;
}

static void
close_file(struct usage_file *file)
{
	if (file != NULL && file->tdb != NULL)
		tdb_close(file->tdb);
	free(file);
}

bool
usage_files_open(struct usage_files *files, const char *directory,
    const struct keyring *ring, unsigned expected_keys)
{
	*files = (struct usage_files){.directory = directory,
	    .ring = ring,
	    .expected_keys = expected_keys};
	return usage_files_reopen(files);
}

bool
usage_files_reopen(struct usage_files *files)
{
	bool failed;

	if (files->totals == NULL)
		files->totals = open_file(files, TOTALS, true, &failed);
	return files->totals != NULL;
}

void
usage_files_close(struct usage_files *files)
{
	while (files->day_count > 0)
		close_file(files->days[--files->day_count]);
	close_file(files->totals);
	files->totals = NULL;
}

void
usage_files_drop(struct usage_files *files, struct usage_file *file)
{
	if (file == files->totals)
		files->totals = NULL;
	for (size_t i = 0; i < files->day_count; i++)
		if (files->days[i] == file) {
			files->days[i] = files->days[--files->day_count];
			break;
		}
	close_file(file);
}

static void
make_room(struct usage_files *files)
{
	struct usage_file *oldest = files->days[0];

	if (files->day_count < sizeof files->days / sizeof files->days[0])
		return;
	for (size_t i = 1; i < files->day_count; i++)
		if (files->days[i]->used < oldest->used)
			oldest = files->days[i];
	usage_files_drop(files, oldest);
}

struct usage_file *
usage_files_day(
    struct usage_files *files, uint32_t day, bool make, bool *failed)
{
	struct usage_file *file = NULL;

	*failed = false;
	for (size_t i = 0; i < files->day_count && file == NULL; i++)
		if (files->days[i]->day == day)
			file = files->days[i];
	if (file == NULL) {
		file = open_file(files, day, make, failed);
		if (file == NULL)
			return NULL;
		make_room(files);
		files->days[files->day_count++] = file;
	}
	file->used = ++files->clock;
	return file;
}

/* All rows */

struct walk {
	const struct usage_files *files;
	struct usage_file *file;
	usage_row_fn *row;
	void *context;
	uint64_t *damaged;
};

static int
walk_row(struct tdb_context *tdb, TDB_DATA key, TDB_DATA value, void *context)
{
	struct walk *walk = context;
	struct bytes name = {key.dptr, key.dsize};
	struct bytes data = {value.dptr, value.dsize};

	(void)tdb;
	if (!open_row(walk->files, walk->file, name, &data)) {
		log_damaged_row(walk->file, name);
		++*walk->damaged;
	} else if (name.len != 1 || name.data[0] != 'M') {
		walk->row(walk->context, name, data);
	}
	return 0;
}

bool
usage_file_traverse(const struct usage_files *files, struct usage_file *file,
    usage_row_fn *row, void *context, uint64_t *damaged)
{
	struct walk walk = {files, file, row, context, damaged};
	bool done;

	/* A transaction has the heads of the chains in memory: without one,
	 * each is read from the file. */
	if (!usage_file_begin(file))
		return false;
	done = tdb_traverse_read(file->tdb, walk_row, &walk) >= 0;
	usage_file_cancel(file);
	return done;
}

bool
usage_files_load(struct usage_files *files, usage_row_fn *row, void *context,
    uint64_t *damaged)
{
	struct usage_file *totals = files->totals;
	bool done;

	tdb_close(totals->tdb);
	totals->tdb = store_tdb_open_mapped(totals->path, &totals->complaints);
	done = totals->tdb != NULL &&
	    usage_file_traverse(files, totals, row, context, damaged);
	if (totals->tdb != NULL)
		tdb_close(totals->tdb);
	return open_tdb(files, totals) && done;
}

/* The directory */

/* False where the name is not that of a day's file. */
static bool
day_of(const char *name, uint32_t *day)
{
	char date[sizeof "2026-11-21"];
	int64_t at;

	if (strlen(name) != strlen("usage-2026-11-21.tdb") ||
	    strncmp(name, "usage-", 6) != 0 || strcmp(name + 16, ".tdb") != 0)
		return false;
	memcpy(date, name + 6, 10);
	date[10] = '\0';
	if (!date_parse(date, &at))
		return false;
	*day = (uint32_t)(at / USAGE_DAY_MS);
	return true;
}

static int
is_day_file(const struct dirent *entry)
{
	uint32_t day;

	return day_of(entry->d_name, &day);
}

bool
usage_files_each_day(
    const struct usage_files *files, usage_day_fn *fn, void *context)
{
	struct dirent **entries;
	int count = scandir(files->directory, &entries, is_day_file, alphasort);
	uint32_t day;

	if (count < 0) {
		log_error("%s: cannot list the directory: %s", files->directory,
		    strerror(errno));
		return false;
	}
	for (int i = 0; i < count; i++) {
		if (day_of(entries[i]->d_name, &day))
			fn(context, day);
		free(entries[i]);
	}
	free(entries);
	return true;
}

struct sum {
	const struct usage_files *files;
	uint64_t bytes;
};

static void
add_bytes(void *context, uint32_t day)
{
	struct sum *sum = context;
	char path[PATH_MAX];
	struct stat st;

	if (file_path(path, sum->files, day) && stat(path, &st) == 0)
		sum->bytes += (uint64_t)st.st_size;
}

uint64_t
usage_files_bytes(const struct usage_files *files)
{
	struct sum sum = {files, 0};

	add_bytes(&sum, TOTALS);
	usage_files_each_day(files, add_bytes, &sum);
	return sum.bytes;
}

static void
keep_oldest(void *context, uint32_t day)
{
	uint32_t *oldest = context;

	if (day < *oldest)
		*oldest = day;
}

bool
usage_files_expire(struct usage_files *files, uint32_t before)
{
	uint32_t oldest = UINT32_MAX;
	char path[PATH_MAX];

	if (!usage_files_each_day(files, keep_oldest, &oldest) ||
	    oldest >= before || !file_path(path, files, oldest))
		return false;
	for (size_t i = 0; i < files->day_count; i++)
		if (files->days[i]->day == oldest) {
			usage_files_drop(files, files->days[i]);
			break;
		}
	if (unlink(path) != 0) {
		log_error("%s: cannot be removed: %s", path, strerror(errno));
		return false;
	}
	log_notice("%s: removed, it is older than usage_retention", path);
	return true;
}
