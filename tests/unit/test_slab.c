/* SPDX-License-Identifier: BSD-2-Clause */
/* Cells of a slab: apart from each other, zeroed, and used again. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/slab.h"
#include "suite.h"

enum { CELLS = 20000, LEN_MAX = SLAB_CELL_MAX + 40 };

struct cell {
	uint8_t *at;
	size_t len;
	uint8_t filled_with;
};

static bool
holds_only(const uint8_t *at, size_t len, uint8_t what)
{
	for (size_t i = 0; i < len; i++)
		if (at[i] != what)
			return false;
	return true;
}

static void
fill_cell(struct slab *slab, struct cell *cell, size_t len, uint8_t with)
{
	*cell = (struct cell){slab_alloc(slab, len), len, with};
	ck_assert_ptr_nonnull(cell->at);
	ck_assert_uint_eq((uintptr_t)cell->at % SLAB_STEP, 0);
	ck_assert(holds_only(cell->at, len, 0));
	memset(cell->at, with, len);
}

static void
empty_cell(struct slab *slab, struct cell *cell)
{
	ck_assert(holds_only(cell->at, cell->len, cell->filled_with));
	slab_free(slab, cell->at, cell->len);
	cell->at = NULL;
}

/* Whoever wrote into another's cell would be found out. */
START_TEST(cells_are_apart)
{
	static struct cell cells[CELLS];
	struct slab slab = {.next = NULL};
	uint64_t seed = 1;

	for (int i = 0; i < 20 * CELLS; i++) {
		struct cell *cell = &cells[suite_below(&seed, CELLS)];

		if (cell->at != NULL)
			empty_cell(&slab, cell);
		else
			fill_cell(&slab, cell, suite_below(&seed, LEN_MAX),
			    (uint8_t)next_random(&seed));
	}
	for (size_t i = 0; i < CELLS; i++)
		if (cells[i].at != NULL)
			empty_cell(&slab, &cells[i]);
}
END_TEST

START_TEST(what_was_given_back_is_used_again)
{
	static struct cell cells[CELLS];
	struct slab slab = {.next = NULL};
	size_t bytes = 0;

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < CELLS; i++)
			fill_cell(&slab, &cells[i], 8 * (i % 40), 'x');
		if (round == 0)
			bytes = slab.bytes;
		ck_assert_uint_eq(slab.bytes, bytes);
		for (size_t i = 0; i < CELLS; i++)
			empty_cell(&slab, &cells[i]);
	}
}
END_TEST

/* An eighth more than is in use, and what a first chunk has; or a huge page. */
START_TEST(little_is_kept_ahead)
{
	struct slab slab = {.next = NULL};
	void **last = NULL, **before;

	for (size_t used = 0; used < (100 << 20); used += 200) {
		void **cell = slab_alloc(&slab, 200);

		ck_assert_ptr_nonnull(cell);
		*cell = last;
		last = cell;
		ck_assert_uint_le(slab.bytes,
		    used / 100 * 114 +
			(size_t)(used < 1 << 20 ? 1 : 34) * (64 << 10));
	}
	for (; last != NULL; last = before) {
		before = *last;
		slab_free(&slab, last, 200);
	}
}
END_TEST

/* Where there is no room for a large chunk, a small one serves. */
START_TEST(short_memory_is_used)
{
	struct slab slab = {.bytes = 256 << 20};
	static void *cells[1000];
	struct rlimit limit;
	unsigned long pages;
	FILE *statm = fopen("/proc/self/statm", "r");

	ck_assert_ptr_nonnull(statm);
	ck_assert_int_eq(fscanf(statm, "%lu", &pages), 1);
	fclose(statm);
	getrlimit(RLIMIT_AS, &limit);
	limit.rlim_cur = pages * (rlim_t)sysconf(_SC_PAGESIZE) + (1 << 20);
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
	for (size_t i = 0; i < 1000; i++) {
		cells[i] = slab_alloc(&slab, 200);
		ck_assert_ptr_nonnull(cells[i]);
	}
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
	ck_assert_uint_lt(slab.bytes, (256 << 20) + (1 << 20));
	for (size_t i = 0; i < 1000; i++)
		slab_free(&slab, cells[i], 200);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("slab");

	suite_add(suite, "cells are apart", cells_are_apart);
	suite_add(suite, "what was given back is used again",
	    what_was_given_back_is_used_again);
	suite_add(suite, "little is kept ahead", little_is_kept_ahead);
	suite_add(suite, "short memory is used", short_memory_is_used);
	return suite_run(suite);
}
