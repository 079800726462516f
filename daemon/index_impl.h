/* SPDX-License-Identifier: BSD-2-Clause */
/* The index's insides, for index.c and load.c alone. */
#ifndef DAEMON_INDEX_IMPL_H
#define DAEMON_INDEX_IMPL_H

#include "index.h"
#include "table.h"

/* Objects in the order they are listed in; removed ones leave a NULL. */
struct order {
	void **items;
	size_t len, capacity;
};

struct index {
	struct table accounts, products, keys, operations;
	struct table operators, pins;
	struct order account_order, product_order, key_order, operator_order;
	struct operation *slots; /* OPERATIONS_KEPT of them, by sequence */
};

void index_free_operators(struct index *index);

/* Into a table and at the end of its list; false where there is no memory,
 * and then nothing has changed. */
bool
index_add(struct table *table, struct order *order, uint32_t hash, void *item);
void *order_next(const struct order *order, size_t *position);
void order_remove(struct order *order, const void *item);

/* Uids follow one another; their products with this do not. */
static inline uint32_t
uid_hash(uint32_t uid)
{
	return uid * 0x9E3779B1U;
}

/* IDs are random, so any 32 of their bits are a hash. */
static inline uint32_t
key_hash(const char id[TOKEN_ID_LEN])
{
	uint64_t head;
	uint32_t tail;

	memcpy(&head, id, sizeof head);
	memcpy(&tail, id + sizeof head, sizeof tail);
	head = (head ^ (uint64_t)tail << 17) * 0x9E3779B97F4A7C15ULL;
	return (uint32_t)(head >> 32);
}

#endif
