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
#include "state_file.h"
#include "store_tdb.h"
#include "trusted.h"
#include "usage_rows.h"

#define TOTALS UINT32_MAX /* in place of a day */

/* Names */

struct usage_name
usage_name_of(enum usage_kind kind, struct bytes rest)
{
	struct usage_name name = {
	    .len = (uint8_t)(1 + rest.len), .bytes = {(uint8_t)kind}};

	if (rest.len > 0)
		memcpy(name.bytes + 1, rest.data, rest.len);
	return name;
}

struct usage_name
usage_name_of_key(const char id[TOKEN_ID_LEN])
{
	return usage_name_of(
	    ROW_OF_KEY, (struct bytes){(const uint8_t *)id, TOKEN_ID_LEN});
}

struct usage_name
usage_name_of_subject(enum usage_subject subject, uint64_t id)
{
	return usage_name_of(
	    subject == USAGE_OF_ACCOUNT ? ROW_OF_ACCOUNT : ROW_OF_PRODUCT,
	    (struct bytes){(const uint8_t *)&id, sizeof id});
}

static bool
file_path(char out[PATH_MAX], const struct usage_files *files, uint32_t day)
{
	char date[TIME_TEXT_MAX], name[sizeof "usage-2026-11-21.tdb"];

	if (day == TOTALS)
		return state_path(out, files->directory, "totals.tdb");
	time_text((int64_t)day * USAGE_DAY_MS, date);
	snprintf(name, sizeof name, "usage-%.10s.tdb", date);
	return state_path(out, files->directory, name);
}

/* Opening */

uint32_t
usage_groups_for(const struct usage_files *files)
{
	uint64_t keys = files->keys > files->expected_keys
	    ? files->keys
	    : files->expected_keys;
	uint64_t groups = keys / GROUP_ROWS + 1;

	return groups < USAGE_GROUPS_MAX ? (uint32_t)groups : USAGE_GROUPS_MAX;
}

static bool
make_file(const struct usage_files *files, struct usage_file *file)
{
	static const struct usage_changes nothing;
	char unfinished[PATH_MAX];
	bool made;

	if (snprintf(unfinished, sizeof unfinished, "%s.new", file->path) >=
	    PATH_MAX)
		return false;
	unlink(unfinished);
	if (!usage_file_spread(file, usage_groups_for(files)))
		return false;
	/* Chains as for a record a key: hardly two groups are in one. */
	file->tdb = store_tdb_open(unfinished, file->groups * GROUP_ROWS,
	    O_RDWR | O_CREAT | O_EXCL, &file->complaints);
	made = file->tdb != NULL && usage_file_commit(files, file, &nothing);
	if (!made)
		log_error("%s: %s", unfinished, store_cause(&file->complaints));
	if (file->tdb != NULL && tdb_close(file->tdb) != 0)
		made = false;
	file->tdb = NULL;
	made = made && state_publish(unfinished, files->directory, file->path);
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
	if (file->tdb == NULL) {
		/* EIO is also what tdb calls a wrong header. */
		file->complaints.io_error |= errno == EMFILE || errno == ENFILE;
		return false;
	}
	/* One thread of the one process that has the directory's lock. */
	tdb_add_flags(file->tdb, TDB_NOLOCK);
	errno = 0;
	if (usage_meta_read(files, file))
		return true;
	file->complaints.no_memory |= errno == ENOMEM;
	snprintf(file->complaints.text, sizeof file->complaints.text,
	    "its own row cannot be read");
	file->complaints.count = 1;
	tdb_close(file->tdb);
	file->tdb = NULL;
	return false;
}

static void
close_file(struct usage_file *file)
{
	if (file == NULL)
		return;
	if (file->tdb != NULL)
		tdb_close(file->tdb);
	free(file->present);
	free(file);
}

/* What could not be looked at. */
static bool
may_be_sound(const struct usage_file *file)
{
	return file->complaints.no_memory || file->complaints.io_error;
}

static struct usage_file *
open_file(
    const struct usage_files *files, uint32_t day, bool make, bool *failed)
{
	struct usage_file *file = calloc(1, sizeof *file);
	int there;

	*failed = true;
	if (file == NULL) {
		log_error("out of memory");
		return NULL;
	}
	file->day = day;
	if (!file_path(file->path, files, day) ||
	    (there = look_at(file->path)) < 0)
		goto fail;
	*failed = make || there;
	if (there == 0 && (!make || !make_file(files, file)))
		goto fail;
	if (open_tdb(files, file) ||
	    (make && day != TOTALS && !may_be_sound(file) &&
		put_aside(files, file) && open_tdb(files, file))) {
		*failed = false;
		return file;
	}
	if (file->complaints.no_memory)
		log_error("%s: out of memory while it was opened", file->path);
	else if (file->complaints.io_error)
		log_error("%s: cannot be read: %s", file->path,
		    store_cause(&file->complaints));
	else
		log_error("%s: is damaged (%s); move it away to go on without "
			  "what is in it",
		    file->path, store_cause(&file->complaints));
fail:
	close_file(file);
	return NULL;
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

/* Loading */

struct load {
	struct usage_files *files;
	usage_row_fn *row;
	void *context;
};

static void
load_row(void *context, struct bytes name, struct bytes data)
{
	struct load *load = context;

	load->files->keys++;
	load->row(load->context, name, data);
}

bool
usage_files_load(struct usage_files *files, usage_row_fn *row, void *context,
    uint64_t *damaged)
{
	struct usage_file *totals = files->totals;
	struct load load = {files, row, context};
	bool done, no_memory;

	tdb_close(totals->tdb);
	totals->tdb = store_tdb_open_mapped(totals->path, &totals->complaints);
	done = totals->tdb != NULL &&
	    usage_file_traverse(files, totals, load_row, &load, damaged);
	if (totals->tdb != NULL)
		tdb_close(totals->tdb);
	no_memory = totals->complaints.no_memory;
	done = open_tdb(files, totals) && done;
	totals->complaints.no_memory |= no_memory;
	return done;
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
