/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A record of a usage file that holds many rows: to find, verify, sign and
 * write a record costs many times what a row does. Rows are spread over a
 * file's groups by a hash of their names; a row that has become large lies in a
 * record of its own, and its group says so. Pure.
 */
#ifndef DAEMON_USAGE_GROUP_H
#define DAEMON_USAGE_GROUP_H

#include "usage_row.h"

enum {
	GROUP_ROWS = 32,      /* about, with as many keys as are expected */
	GROUP_ROWS_MAX = 512, /* what comes later lies alone */
	GROUP_ROW_MAX = 512,  /* bytes: of a row that does not lie alone */
};

struct group_row {
	struct bytes name;
	struct bytes row; /* empty: it lies alone */
};

/* Rows are views; the array is an arena's. */
struct usage_group {
	bool others_alone; /* what is not in it may lie alone */
	bool damaged;      /* what it had is not known */
	size_t count, room;
	struct group_row *rows;
};

/* What decides on a name's group, and in what order rows are written: the same
 * on every machine. */
uint32_t usage_order(struct bytes name);
/* The same of a name in two parts. */
uint32_t usage_order_of(uint8_t first, struct bytes rest);

/* NULL: it is not in the group. */
struct group_row *
group_find(const struct usage_group *group, struct bytes name);
/* In the place of there, what group_find() says of the name. Views of both have
 * to last. False where there is no memory. */
bool group_put(struct arena *arena, struct usage_group *group,
    struct group_row *there, struct bytes name, struct bytes row);

size_t group_encoded_len(const struct usage_group *group);
void group_encode(const struct usage_group *group, uint8_t *out);
/* False where that is no group, or there is no memory. */
bool group_decode(
    struct arena *arena, struct bytes encoded, struct usage_group *group);

#endif
