/* SPDX-License-Identifier: BSD-2-Clause */
#include "usage_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "store_tdb.h"

enum { PADDED_MIN = 128 }; /* of a record */

static const struct usage_name meta_name = {1, {'M'}};

/* Reading */

/* Whether a group was ever written: tdb finds nothing behind a damaged link of
 * a chain, and says nothing either. */
static bool
is_present(const struct usage_file *file, uint32_t number)
{
	return (file->present[number / 8] >> number % 8 & 1) != 0;
}

uint32_t
usage_group_of(uint32_t groups, uint32_t order)
{
	return (uint32_t)((uint64_t)order * groups >> 32);
}

bool
usage_group_read(const struct usage_files *files, struct usage_file *file,
    uint32_t number, struct arena *arena, struct usage_group *group)
{
	struct usage_name name = usage_name_of_group(number);
	struct bytes data;

	*group = (struct usage_group){.others_alone = file->rows_alone};
	switch (usage_tdb_read(files, file, &name, arena, &data)) {
	case USAGE_ABSENT:
		if (!is_present(file, number))
			return true;
		usage_tdb_damaged(file, usage_name_bytes(&name));
		break;
	case USAGE_FAILED:
		return false;
	case USAGE_READ:
		errno = 0;
		if (group_decode(arena, data, group))
			return true;
		if (errno == ENOMEM)
			return false;
		log_error("%s: a group of rows makes no sense", file->path);
		break;
	case USAGE_DAMAGED:
		break;
	}
	/* Its large rows are sound, though it cannot say which those are. */
	*group = (struct usage_group){.others_alone = true, .damaged = true};
	return true;
}

enum usage_read
usage_group_row(const struct usage_files *files, struct usage_file *file,
    const struct usage_group *group, const struct usage_name *name,
    struct arena *arena, struct bytes *data)
{
	const struct group_row *row = group_find(group, usage_name_bytes(name));
	enum usage_read read;

	if (row != NULL && row->row.len > 0) {
		*data = row->row;
		return USAGE_READ;
	}
	if (row == NULL && !group->others_alone)
		return USAGE_ABSENT;
	read = usage_tdb_read(files, file, name, arena, data);
	if (read == USAGE_ABSENT && row != NULL)
		usage_tdb_damaged(file, usage_name_bytes(name));
	return read == USAGE_ABSENT && (row != NULL || group->damaged)
	    ? USAGE_DAMAGED
	    : read;
}

enum usage_read
usage_row_read(const struct usage_files *files, struct usage_file *file,
    const struct usage_name *name, struct arena *arena, struct bytes *data)
{
	uint32_t number =
	    usage_group_of(file->groups, usage_order(usage_name_bytes(name)));
	struct usage_group group;

	if (!usage_group_read(files, file, number, arena, &group))
		return USAGE_FAILED;
	return usage_group_row(files, file, &group, name, arena, data);
}

/* Changing */

struct usage_change {
	struct usage_change *next;
	struct usage_name name;
	size_t len;     /* 0: the record is removed */
	uint8_t data[]; /* with room for the MAC */
};

void
usage_changes_free(struct usage_changes *changes)
{
	arena_free(&changes->arena);
	changes->last = NULL;
	changes->bytes = 0;
}

/* Powers of two, and the numbers halfway between them, the MAC included: so
 * most updates find room where the record lies. */
static size_t
padded_len(size_t len)
{
	size_t step = PADDED_MIN / 2;

	len += MAC_BYTES;
	while (4 * step < len)
		step *= 2;
	for (size_t n = 2; n < 4; n++)
		if (n * step >= len)
			return n * step - MAC_BYTES;
	return 4 * step - MAC_BYTES;
}

/* With zeros, which the caller fills; NULL where there is no memory. */
static struct usage_change *
add_change(
    struct usage_changes *changes, const struct usage_name *name, size_t len)
{
	struct usage_change *change =
	    arena_alloc(&changes->arena, sizeof *change + len + MAC_BYTES);

	if (change == NULL)
		return NULL;
	change->name = *name;
	change->len = len;
	change->next = change;
	if (changes->last != NULL) {
		change->next = changes->last->next;
		changes->last->next = change;
	}
	changes->last = change;
	changes->bytes += len;
	return change;
}

/* A row that is not in its group may lie alone from former times: then it is
 * moved. */
static bool
leave_alone(struct usage_changes *changes, const struct usage_group *group,
    const struct group_row *row, const struct usage_name *name)
{
	return (row != NULL ? row->row.len > 0 : !group->others_alone) ||
	    add_change(changes, name, 0) != NULL;
}

bool
usage_change_row(struct usage_changes *changes, struct usage_group *group,
    const struct usage_name *name, struct bytes data, struct arena *arena)
{
	struct group_row *there = group_find(group, usage_name_bytes(name));
	bool is_full = there == NULL && group->count == GROUP_ROWS_MAX;
	struct bytes elsewhere = {NULL, 0};
	struct usage_change *change;

	if (data.len <= GROUP_ROW_MAX && !is_full)
		return leave_alone(changes, group, there, name) &&
		    group_put(
			arena, group, there, usage_name_bytes(name), data);
	change = add_change(changes, name, padded_len(data.len));
	if (change == NULL)
		return false;
	memcpy(change->data, data.data, data.len);
	if (is_full) {
		group->others_alone = true;
		return true;
	}
	return group_put(
	    arena, group, there, usage_name_bytes(name), elsewhere);
}

bool
usage_change_group(struct usage_changes *changes, uint32_t number,
    const struct usage_group *group)
{
	struct usage_name name = usage_name_of_group(number);
	struct usage_change *change =
	    add_change(changes, &name, padded_len(group_encoded_len(group)));

	if (change == NULL)
		return false;
	group_encode(group, change->data);
	return true;
}

static bool
make_change(const struct usage_files *files, struct usage_file *file,
    struct usage_change *change)
{
	struct usage_name *name = &change->name;
	uint32_t number = usage_group_number(usage_name_bytes(name));

	if (usage_name_is_group(usage_name_bytes(name)))
		file->present[number / 8] |= (uint8_t)(1 << number % 8);
	if (change->len > 0)
		return usage_tdb_write(
		    files, file, name, change->data, change->len);
	return tdb_delete(file->tdb, store_data(name->bytes, name->len)) == 0 ||
	    tdb_error(file->tdb) == TDB_ERR_NOEXIST;
}

/* The file's own row: position taken 8 | services 1 and each 1+ | groups 4 |
 * flags 1 | a bit for each group. Former versions end behind the services: all
 * rows lay alone. */

enum { META_ROWS_ALONE = 1 };

bool
usage_file_spread(struct usage_file *file, uint32_t groups)
{
	free(file->present);
	file->groups = groups;
	file->present = calloc(groups / 8 + 1, 1);
	return file->present != NULL;
}

static bool
write_meta(const struct usage_files *files, struct usage_file *file)
{
	size_t max = 8 + 1 + USAGE_SERVICES_MAX * (1 + SERVICE_MAX_LEN) + 4 +
	    1 + file->groups / 8 + 1;
	uint8_t *data = malloc(max + MAC_BYTES);
	struct writer w = writer_over(data, max);
	bool written;

	if (data == NULL)
		return false;
	write_u64(&w, file->taken);
	write_u8(&w, file->service_count);
	for (size_t i = 0; i < file->service_count; i++)
		write_string8(&w,
		    (struct bytes){
			file->services[i].text, file->services[i].len});
	write_u32(&w, file->groups);
	write_u8(&w, file->rows_alone ? META_ROWS_ALONE : 0);
	write_bytes(&w, file->present, file->groups / 8 + 1);
	written =
	    !w.failed && usage_tdb_write(files, file, &meta_name, data, w.len);
	free(data);
	return written;
}

static void
read_groups(struct reader *r, struct usage_file *file)
{
	uint32_t groups = read_u32(r);
	struct bytes present;

	file->rows_alone = (read_u8(r) & META_ROWS_ALONE) != 0;
	if (groups == 0 || groups > USAGE_GROUPS_MAX) {
		reader_fail(r);
		return;
	}
	present = read_bytes(r, groups / 8 + 1);
	if (r->failed || !usage_file_spread(file, groups)) {
		reader_fail(r);
		return;
	}
	memcpy(file->present, present.data, present.len);
}

static void
read_services(struct reader *r, struct usage_file *file)
{
	file->service_count = read_u8(r);
	if (file->service_count > USAGE_SERVICES_MAX)
		reader_fail(r);
	for (size_t i = 0; !r->failed && i < file->service_count; i++) {
		struct bytes text = read_string8(r, SERVICE_MAX_LEN);

		file->services[i].len = (uint8_t)text.len;
		if (text.len > 0)
			memcpy(file->services[i].text, text.data, text.len);
	}
}

bool
usage_meta_read(const struct usage_files *files, struct usage_file *file)
{
	struct arena arena = {0};
	struct bytes data;
	struct reader r;
	bool sound = usage_tdb_read(files, file, &meta_name, &arena, &data) ==
	    USAGE_READ;

	r = reader_over(sound ? data.data : NULL, sound ? data.len : 0);
	file->taken = read_u64(&r);
	read_services(&r, file);
	file->rows_alone = reader_done(&r);
	if (!file->rows_alone)
		read_groups(&r, file);
	else if (!usage_file_spread(file, usage_groups_for(files)))
		reader_fail(&r);
	sound = reader_done(&r);
	arena_free(&arena);
	return sound;
}

/* Transactions */

static bool
make_changes(const struct usage_files *files, struct usage_file *file,
    const struct usage_changes *changes)
{
	struct usage_change *change = changes->last;

	if (change != NULL)
		do {
			change = change->next;
			if (!make_change(files, file, change))
				return false;
		} while (change != changes->last);
	/* Some failures are told of by a complaint alone. */
	return write_meta(files, file) && file->complaints.count == 0;
}

static bool
begin(struct usage_file *file)
{
	memset(&file->complaints, 0, sizeof file->complaints);
	errno = 0;
	return tdb_transaction_start(file->tdb) == 0;
}

bool
usage_file_commit(const struct usage_files *files, struct usage_file *file,
    const struct usage_changes *changes)
{
	if (!begin(file))
		return false;
	if (!make_changes(files, file, changes)) {
		tdb_transaction_cancel(file->tdb);
		return false;
	}
	return tdb_transaction_commit(file->tdb) == 0 &&
	    file->complaints.count == 0;
}

/* All rows */

struct walk {
	const struct usage_files *files;
	struct usage_file *file;
	usage_row_fn *row;
	void *context;
	uint64_t *damaged;
	struct arena arena;
	bool no_memory; /* for one of them: it ended there */
	/* Records that lie there, and those that should. */
	uint64_t groups, groups_known, alone, alone_known;
};

/* False where it is no group, or one that has rows of others. */
static bool
walk_group(struct walk *walk, uint32_t number, struct bytes data)
{
	struct usage_group group;
	bool sound = group_decode(&walk->arena, data, &group);

	for (size_t i = 0; sound && i < group.count; i++) {
		const struct group_row *row = &group.rows[i];

		sound = usage_group_of(walk->file->groups,
			    usage_order(row->name)) == number;
		if (sound && row->row.len > 0)
			walk->row(walk->context, row->name, row->row);
		else if (sound)
			walk->alone_known++;
	}
	arena_clear(&walk->arena);
	return sound;
}

static int
walk_record(
    struct tdb_context *tdb, TDB_DATA key, TDB_DATA value, void *context)
{
	struct walk *walk = context;
	struct bytes name = {key.dptr, key.dsize};
	struct bytes data = {value.dptr, value.dsize};

	(void)tdb;
	if (usage_name_is_group(name))
		walk->groups++;
	else
		walk->alone++;
	errno = 0;
	if (!usage_tdb_open(walk->files, walk->file, name, &data) ||
	    (usage_name_is_group(name) &&
		!walk_group(walk, usage_group_number(name), data))) {
		walk->no_memory = errno == ENOMEM;
		if (walk->no_memory)
			return 1;
		usage_tdb_damaged(walk->file, name);
		++*walk->damaged;
	} else if (!usage_name_is_group(name) &&
	    !bytes_equal(name, usage_name_bytes(&meta_name))) {
		walk->row(walk->context, name, data);
	}
	return 0;
}

static void
count_missing(struct walk *walk)
{
	uint64_t missing = 0;

	for (uint32_t i = 0; i < walk->file->groups; i++)
		walk->groups_known += is_present(walk->file, i);
	walk->alone_known++; /* the file's own */
	if (walk->groups < walk->groups_known)
		missing += walk->groups_known - walk->groups;
	if (walk->alone < walk->alone_known)
		missing += walk->alone_known - walk->alone;
	*walk->damaged += missing;
	if (missing > 0)
		log_error("%s: %llu records are missing", walk->file->path,
		    (unsigned long long)missing);
}

bool
usage_file_traverse(const struct usage_files *files, struct usage_file *file,
    usage_row_fn *row, void *context, uint64_t *damaged)
{
	struct walk walk = {.files = files,
	    .file = file,
	    .row = row,
	    .context = context,
	    .damaged = damaged};
	int walked;

	/* A transaction has the heads of the chains in memory: without one,
	 * each is read from the file. */
	if (!begin(file)) {
		file->complaints.no_memory |= errno == ENOMEM;
		return false;
	}
	walked = tdb_traverse_read(file->tdb, walk_record, &walk);
	file->complaints.no_memory |=
	    walk.no_memory || (walked < 0 && errno == ENOMEM);
	tdb_transaction_cancel(file->tdb);
	arena_free(&walk.arena);
	if (walked < 0 || walk.no_memory)
		return false;
	count_missing(&walk);
	return true;
}
