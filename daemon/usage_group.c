/* SPDX-License-Identifier: BSD-2-Clause */
#include "usage_group.h"

#include <string.h>

/* version 1 | flags 1 | rows 2 | of each: name 1+, row 4+ | padding */
enum { GROUP_VERSION = 1, GROUP_HEAD = 1 + 1 + 2, OTHERS_ALONE = 1 };

#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

/* FNV-1a, whose upper half is spread over all groups by a multiplication. */
static inline uint32_t
order_of(uint64_t hash, struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ text.data[i]) * FNV_PRIME;
	return (uint32_t)(hash * UINT64_C(0x9E3779B97F4A7C15) >> 32);
}

uint32_t
usage_order(struct bytes name)
{
	return order_of(FNV_START, name);
}

uint32_t
usage_order_of(uint8_t first, struct bytes rest)
{
	return order_of((FNV_START ^ first) * FNV_PRIME, rest);
}

/* What differs does so in its last byte, mostly. */
static inline bool
names_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len &&
	    (a.len == 0 ||
		(a.data[a.len - 1] == b.data[a.len - 1] &&
		    memcmp(a.data, b.data, a.len) == 0));
}

struct group_row *
group_find(const struct usage_group *group, struct bytes name)
{
	for (size_t i = 0; i < group->count; i++)
		if (names_equal(group->rows[i].name, name))
			return &group->rows[i];
	return NULL;
}

static bool
make_room(struct arena *arena, struct usage_group *group, size_t room)
{
	struct group_row *rows;

	if (room <= group->room)
		return true;
	rows = arena_alloc(arena, room * sizeof *rows);
	if (rows == NULL)
		return false;
	if (group->count > 0)
		memcpy(rows, group->rows, group->count * sizeof *rows);
	group->rows = rows;
	group->room = room;
	return true;
}

bool
group_put(struct arena *arena, struct usage_group *group,
    struct group_row *there, struct bytes name, struct bytes row)
{
	if (there != NULL) {
		there->row = row;
		return true;
	}
	if (group->count == group->room &&
	    !make_room(arena, group, 2 * group->room + 4))
		return false;
	group->rows[group->count++] = (struct group_row){name, row};
	return true;
}

size_t
group_encoded_len(const struct usage_group *group)
{
	size_t len = GROUP_HEAD;

	for (size_t i = 0; i < group->count; i++)
		len += 1 + group->rows[i].name.len + 4 + group->rows[i].row.len;
	return len;
}

void
group_encode(const struct usage_group *group, uint8_t *out)
{
	struct writer w = writer_over(out, group_encoded_len(group));

	write_u8(&w, GROUP_VERSION);
	write_u8(&w, group->others_alone ? OTHERS_ALONE : 0);
	write_u16(&w, (uint16_t)group->count);
	for (size_t i = 0; i < group->count; i++) {
		const struct group_row *row = &group->rows[i];

		write_string8(&w, row->name);
		write_u32(&w, (uint32_t)row->row.len);
		write_bytes(&w, row->row.data, row->row.len);
	}
}

bool
group_decode(
    struct arena *arena, struct bytes encoded, struct usage_group *group)
{
	struct reader r = reader_over(encoded.data, encoded.len);
	bool known = read_u8(&r) == GROUP_VERSION;
	uint8_t flags = read_u8(&r);
	size_t count = read_u16(&r);

	*group =
	    (struct usage_group){.others_alone = (flags & OTHERS_ALONE) != 0};
	/* With room for those that are new in it. */
	if (r.failed || !known || count > GROUP_ROWS_MAX ||
	    !make_room(arena, group, count + 4))
		return false;
	while (group->count < count && !r.failed) {
		struct group_row *row = &group->rows[group->count++];
		size_t len;

		row->name = read_string8(&r, UINT8_MAX);
		len = read_u32(&r);
		row->row = read_bytes(&r, len);
	}
	return !r.failed;
}
