/* SPDX-License-Identifier: BSD-2-Clause */
#include "usage_sort.h"

#include <stdlib.h>
#include <string.h>

enum {
	FIRST_BIT = 29, /* of what is sorted by: order and day */
	DIGIT_BITS = 12,
	DIGITS = 3,
};

void
entries_free(struct usage_entries *entries)
{
	free(entries->items);
	*entries = (struct usage_entries){NULL, 0, 0};
}

bool
entries_add(struct usage_entries *entries, unsigned day, uint32_t order,
    uint64_t offset, enum usage_part part)
{
	if (entries->count == entries->room) {
		size_t room = entries->room > 0 ? 2 * entries->room : 4096;
		usage_entry *grown =
		    reallocarray(entries->items, room, sizeof *entries->items);

		if (grown == NULL)
			return false;
		entries->items = grown;
		entries->room = room;
	}
	entries->items[entries->count++] = (usage_entry)day << 61 |
	    (usage_entry)order << FIRST_BIT | offset | part;
	return true;
}

/* One pass of a radix sort, which leaves equal digits in their order. */
static void
sort_by_digit(
    const usage_entry *from, usage_entry *to, size_t count, unsigned bit)
{
	enum { VALUES = 1 << DIGIT_BITS };
	size_t places[VALUES + 1] = {0};

	for (size_t i = 0; i < count; i++)
		places[(from[i] >> bit) % VALUES + 1]++;
	for (size_t value = 0; value < VALUES; value++)
		places[value + 1] += places[value];
	for (size_t i = 0; i < count; i++)
		to[places[(from[i] >> bit) % VALUES]++] = from[i];
}

bool
entries_sort(struct usage_entries *entries)
{
	usage_entry *other = malloc(entries->room * sizeof *other + 1);
	usage_entry *sorted = entries->items;

	if (other == NULL)
		return false;
	for (unsigned digit = 0; digit < DIGITS; digit++) {
		usage_entry *from = sorted;

		sort_by_digit(from, other, entries->count,
		    FIRST_BIT + digit * DIGIT_BITS);
		sorted = other;
		other = from;
	}
	entries->items = sorted;
	free(other);
	return true;
}
