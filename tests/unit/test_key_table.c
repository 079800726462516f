/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys come and go, and those that are there are found, and no others. */
#include <ctype.h>

#include "daemon/key_table.h"
#include "suite.h"

enum { KEYS = 5000 };

static struct key keys[KEYS];
static bool present[KEYS];

/* Random ones: so many that searches meet others. */
static void
make_ids(void)
{
	uint64_t seed = 7;

	for (size_t i = 0; i < KEYS; i++)
		for (size_t j = 0; j < TOKEN_ID_LEN; j++)
			keys[i].id[j] =
			    base62_digit((unsigned)suite_below(&seed, 62));
}

static size_t
count_wrong(const struct key_table *table)
{
	size_t wrong = 0;

	for (size_t i = 0; i < KEYS; i++)
		wrong += key_table_find(table, keys[i].id) !=
		    (present[i] ? &keys[i] : NULL);
	return wrong;
}

START_TEST(finds_what_is_there)
{
	struct key_table table = {.slots = NULL};
	uint64_t seed = 3;
	size_t count = 0;

	make_ids();
	ck_assert_uint_eq(count_wrong(&table), 0);
	for (unsigned step = 0; step < 100000; step++) {
		size_t i = suite_below(&seed, KEYS);

		if (present[i])
			key_table_remove(&table, &keys[i]);
		else
			ck_assert(key_table_add(&table, &keys[i]));
		present[i] = !present[i];
		count += present[i] ? 1 : (size_t)-1;
		if (step % 2000 == 0)
			ck_assert_uint_eq(count_wrong(&table), 0);
	}
	ck_assert_uint_eq(table.count, count);
	ck_assert_uint_eq(count_wrong(&table), 0);
	key_table_free(&table);
}
END_TEST

START_TEST(reserved_room_is_there)
{
	struct key_table table = {.slots = NULL};
	const uint64_t *slots;

	make_ids();
	ck_assert(key_table_reserve(&table, KEYS));
	slots = table.slots;
	for (size_t i = 0; i < KEYS; i++)
		ck_assert(key_table_add(&table, &keys[i]));
	ck_assert_ptr_eq(table.slots, slots);
	ck_assert_uint_le(table.count, table.capacity / 2);
	key_table_free(&table);
}
END_TEST

/* An address that leaves no room for a mark is refused, not cut off. */
START_TEST(no_address_is_cut_off)
{
	struct key_table table = {.slots = NULL};
	uint64_t address = UINT64_C(1) << 48;

	if (sizeof(void *) == 8) {
		ck_assert(
		    !key_table_add(&table, (struct key *)(uintptr_t)address));
		ck_assert_uint_eq(table.count, 0);
	}
	key_table_free(&table);
}
END_TEST

/* IDs that somebody has chosen, so that a hash without a secret would be the
 * same: in each, the bits of the tail are taken back in the head. */
static size_t
make_chosen(char (*ids)[TOKEN_ID_LEN], size_t max)
{
	size_t count = 0, len;

	for (unsigned i = 0; i < 62 * 62 * 62 && count < max; i++) {
		const char first[4] = {'0', '0', '0', '0'};
		const char chosen[4] = {base62_digit(i % 62),
		    base62_digit(i / 62 % 62), base62_digit(i / 62 / 62), '0'};
		uint32_t from, to;
		uint64_t head;

		memcpy(&from, first, sizeof from);
		memcpy(&to, chosen, sizeof to);
		memcpy(&head, "PPPPPPPP", sizeof head);
		head ^= (uint64_t)(from ^ to) << 17;
		memcpy(ids[count], &head, sizeof head);
		memcpy(ids[count] + sizeof head, &to, sizeof to);
		for (len = 0; len < TOKEN_ID_LEN; len++)
			if (!isalnum((unsigned char)ids[count][len]))
				break;
		count += len == TOKEN_ID_LEN;
	}
	return count;
}

START_TEST(chosen_ids_do_not_meet)
{
	enum { CHOSEN = 100 };
	static char ids[CHOSEN][TOKEN_ID_LEN];
	struct key_table table = {.slots = NULL}, other = {.slots = NULL};
	size_t met = 0;

	ck_assert_uint_eq(make_chosen(ids, CHOSEN), CHOSEN);
	ck_assert(key_table_reserve(&table, 1) && key_table_reserve(&other, 1));
	for (size_t i = 0; i < CHOSEN; i++) {
		met += key_hash(&table, ids[i]) == key_hash(&other, ids[i]);
		for (size_t j = 0; j < i; j++)
			met += key_table_home(key_hash(&table, ids[i])) ==
			    key_table_home(key_hash(&table, ids[j]));
	}
	ck_assert_uint_le(met, 1); /* 32 bits may meet by chance */
	key_table_free(&table);
	key_table_free(&other);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("key_table");

	suite_add(suite, "finds what is there", finds_what_is_there);
	suite_add(suite, "reserved room is there", reserved_room_is_there);
	suite_add(suite, "chosen IDs do not meet", chosen_ids_do_not_meet);
	suite_add(suite, "no address is cut off", no_address_is_cut_off);
	return suite_run(suite);
}
