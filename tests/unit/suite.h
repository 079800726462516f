/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every unit test needs: a main() that speaks TAP, and random bytes that
 * are the same in every run, so that a failure can be repeated.
 */
#ifndef TESTS_UNIT_SUITE_H
#define TESTS_UNIT_SUITE_H

#include <check.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "tests/random.h"

/* Seconds for one test: a sanitizer on a busy machine is slow. */
enum { SUITE_TIMEOUT = 120 };

/* Runs the suite, TAP to stdout; returns main()'s exit code. */
static inline int
suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* How often to do what takes random bytes: less often where everything is as
 * many times slower as $TEST_SLOWNESS says. */
static inline int
suite_rounds(int count)
{
	const char *text = getenv("TEST_SLOWNESS");
	int slowness = text != NULL ? atoi(text) : 1;

	return slowness > 1 ? count / slowness : count;
}

/* A test case of its own, so that TAP names what failed; with what comes before
 * and after it, where that is not NULL. */
static inline TCase *
suite_add_between(
    Suite *suite, const char *name, const TTest *test, SFun before, SFun after)
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, SUITE_TIMEOUT);
	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, test);
	suite_add_tcase(suite, tcase);
	return tcase;
}

static inline void
suite_add(Suite *suite, const char *name, const TTest *test)
{
	suite_add_between(suite, name, test, NULL, NULL);
}

static inline size_t
suite_below(uint64_t *seed, size_t limit)
{
	return (size_t)(next_random(seed) >> 11) % limit;
}

static inline void
suite_fill(uint64_t *seed, void *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)out)[i] = (uint8_t)(next_random(seed) >> 32);
}

#endif
