/* SPDX-License-Identifier: BSD-2-Clause */
/* Pointers in the order they were added in. */
#ifndef DAEMON_ORDER_H
#define DAEMON_ORDER_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed: empty. items is malloc'd, and whoever has the order frees it; what
 * was removed leaves a NULL. */
struct order {
	void **items;
	size_t len, capacity;
};

/* Room for count of them; false where there is no memory. */
bool order_reserve(struct order *order, size_t count);
bool order_add(struct order *order, void *item);
void order_remove(struct order *order, const void *item);
/* The first at or after *position, which is moved behind it; NULL at the
 * end. */
void *order_next(const struct order *order, size_t *position);

#endif
