/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room for what is on its way to the disk. Every table and list has room for as
 * many more objects as changes are promised to bring; who adds to one without
 * such a promise, as an import that stages keys, leaves that room.
 */
#include <stdlib.h>

#include "index_impl.h"

static bool
room_in(struct table *table, struct order *order, size_t more)
{
	return table_reserve(table, table->count + more) &&
	    order_reserve(order, order->len + more);
}

/* Keys that are staged come on the list of all later, each of them. */
static bool
room_for_keys(struct index *index, size_t more)
{
	return table_reserve(&index->foreign, index->foreign.count + more) &&
	    key_table_reserve(&index->keys, index->keys.count + more) &&
	    order_reserve(&index->key_order,
		index->key_order.len + index->staged_count + more);
}

static bool
room_for_imports(struct index *index, size_t more)
{
	size_t capacity = index->import_count + more;
	struct import_record *imports;

	if (capacity <= index->import_capacity)
		return true;
	imports =
	    reallocarray(index->imports, capacity, sizeof *index->imports);
	if (imports == NULL)
		return false;
	index->imports = imports;
	index->import_capacity = capacity;
	return true;
}

bool
index_reserve_staged(struct index *index)
{
	return room_for_keys(index, index->promised + 1);
}

bool
index_reserve(struct index *index)
{
	size_t more = index->promised + 1;

	if (!room_in(&index->accounts, &index->account_order, more) ||
	    !room_in(&index->products, &index->product_order, more) ||
	    !room_in(&index->operators, &index->operator_order, more) ||
	    !table_reserve(&index->pins, index->pins.count + more) ||
	    !room_for_keys(index, more) || !room_for_imports(index, more))
		return false;
	index->promised++;
	return true;
}

void
index_release(struct index *index)
{
	index->promised--;
}

bool
index_note_import(struct index *index, const struct import_record *import)
{
	if (!room_for_imports(index, 1))
		return false;
	index->imports[index->import_count++] = *import;
	return true;
}
