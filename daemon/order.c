/* SPDX-License-Identifier: BSD-2-Clause */
#include "order.h"

#include <stdlib.h>

bool
order_reserve(struct order *order, size_t count)
{
	size_t capacity = order->capacity > 0 ? order->capacity : 16;
	void **items;

	while (capacity < count)
		capacity *= 2;
	if (capacity == order->capacity)
		return true;
	items = reallocarray(order->items, capacity, sizeof *items);
	if (items == NULL)
		return false;
	order->items = items;
	order->capacity = capacity;
	return true;
}

bool
order_add(struct order *order, void *item)
{
	if (!order_reserve(order, order->len + 1))
		return false;
	order->items[order->len++] = item;
	return true;
}

void
order_remove(struct order *order, const void *item)
{
	for (size_t i = 0; i < order->len; i++)
		if (order->items[i] == item) {
			order->items[i] = NULL;
			return;
		}
}

void *
order_next(const struct order *order, size_t *position)
{
	while (*position < order->len) {
		void *item = order->items[(*position)++];

		if (item != NULL)
			return item;
	}
	return NULL;
}
