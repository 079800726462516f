/* SPDX-License-Identifier: BSD-2-Clause */
#include "usage_tdb.h"

#include <errno.h>
#include <string.h>

#include "log.h"
#include "store_tdb.h"

struct bytes
usage_name_bytes(const struct usage_name *name)
{
	return (struct bytes){name->bytes, name->len};
}

/*
 * 'G' and its number, five bits a byte: tdb's hash shifts each byte five bits
 * further than the one before, so no two groups of a file are of one hash.
 */
struct usage_name
usage_name_of_group(uint32_t number)
{
	struct usage_name name = {.len = 5, .bytes = {'G'}};

	for (size_t i = 1; i < name.len; i++, number >>= 5)
		name.bytes[i] = number & 31;
	return name;
}

bool
usage_name_is_group(struct bytes name)
{
	return name.len == 5 && name.data[0] == 'G';
}

uint32_t
usage_group_number(struct bytes name)
{
	uint32_t number = 0;

	for (size_t i = name.len; --i > 0;)
		number = number << 5 | (name.data[i] & 31);
	return number;
}

/* The MAC binds a record to its file as well; nothing in keys.tdb is named
 * so. */
static void
mac_of(const struct usage_files *files, const struct usage_file *file,
    struct bytes name, struct bytes data, uint8_t mac[MAC_BYTES])
{
	uint8_t bound[1 + 4 + USAGE_NAME_MAX];
	struct writer w = writer_over(bound, sizeof bound);

	write_u8(&w, 'u');
	write_u32(&w, file->day);
	write_bytes(&w, name.data, name.len);
	secret_mac(files->ring, bound, w.len, data.data, data.len, mac);
}

bool
usage_tdb_open(const struct usage_files *files, const struct usage_file *file,
    struct bytes name, struct bytes *data)
{
	uint8_t mac[MAC_BYTES];

	if (name.len > USAGE_NAME_MAX || data->len < MAC_BYTES)
		return false;
	data->len -= MAC_BYTES;
	mac_of(files, file, name, *data, mac);
	return memcmp(mac, data->data + data->len, MAC_BYTES) == 0;
}

void
usage_tdb_damaged(const struct usage_file *file, struct bytes name)
{
	static struct log_throttle throttle;
	unsigned long long count;

	if (!log_throttle(&throttle, &count))
		return;
	if (name.len == 1 + TOKEN_ID_LEN && name.data[0] == ROW_OF_KEY)
		log_error("%s: the row of key %.*s is damaged (%llu damaged "
			  "records since the last such line)",
		    file->path, TOKEN_ID_LEN, (const char *)name.data + 1,
		    count);
	else
		log_error("%s: a %s is damaged (%llu damaged records since the "
			  "last such line)",
		    file->path,
		    usage_name_is_group(name) ? "group of rows" : "row", count);
}

struct copy {
	struct arena *arena;
	struct bytes data;
};

static int
copy_record(TDB_DATA key, TDB_DATA data, void *context)
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
usage_tdb_read(const struct usage_files *files, struct usage_file *file,
    const struct usage_name *name, struct arena *arena, struct bytes *data)
{
	struct copy copy = {.arena = arena};
	const struct complaints *complaints = &file->complaints;

	memset(&file->complaints, 0, sizeof file->complaints);
	errno = 0;
	/* A name that tdb could not read, of a record on its way, it takes for
	 * another one: its complaint alone tells. */
	if (tdb_parse_record(file->tdb, store_data(name->bytes, name->len),
		copy_record, &copy) != 0) {
		if (complaints->no_memory || complaints->io_error)
			return USAGE_FAILED;
		if (complaints->count == 0 &&
		    tdb_error(file->tdb) == TDB_ERR_NOEXIST)
			return USAGE_ABSENT;
		usage_tdb_damaged(file, usage_name_bytes(name));
		return USAGE_DAMAGED;
	}
	if (copy.data.data == NULL)
		return USAGE_FAILED;
	*data = copy.data;
	if (usage_tdb_open(files, file, usage_name_bytes(name), data))
		return USAGE_READ;
	usage_tdb_damaged(file, usage_name_bytes(name));
	return USAGE_DAMAGED;
}

bool
usage_tdb_write(const struct usage_files *files, struct usage_file *file,
    const struct usage_name *name, uint8_t *data, size_t len)
{
	mac_of(files, file, usage_name_bytes(name), (struct bytes){data, len},
	    data + len);
	return tdb_store(file->tdb, store_data(name->bytes, name->len),
		   store_data(data, len + MAC_BYTES), TDB_REPLACE) == 0;
}
