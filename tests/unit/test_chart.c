/* SPDX-License-Identifier: BSD-2-Clause */
/* Charts of apikeyctl, as they are read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/ctl/chart.h"
#include "suite.h"

static char *
draw(const struct chart_bar *bars, size_t count, bool blocks)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	chart_print(out, bars, count, blocks);
	fclose(out);
	return text;
}

START_TEST(plain)
{
	static const struct chart_bar bars[] = {{0, "08:00"}, {1, "no room"},
	    {60, "or here"}, {120, "11:00"}, {20, ""}};
	char *text = draw(bars, 5, false);

	ck_assert_str_eq(text,
	    "   120 |      ##\n"
	    "       |      ##\n"
	    "       |      ##\n"
	    "       |    ####\n"
	    "       |    ####\n"
	    "       |  ########\n"
	    "     0 +----------\n"
	    "        08:00 11:00\n");
	free(text);
}
END_TEST

START_TEST(blocks)
{
	static const struct chart_bar bars[] = {
	    {48, "a"}, {1, ""}, {0, ""}, {9, ""}, {1000000, "b"}, {24, ""}};
	struct chart_bar small[6];
	char *text;

	memcpy(small, bars, sizeof bars);
	small[4].count = 0;
	text = draw(small, 6, true);
	ck_assert_str_eq(text,
	    "    48 \u2502\u2588\u2588\n"
	    "       \u2502\u2588\u2588\n"
	    "       \u2502\u2588\u2588\n"
	    "       \u2502\u2588\u2588        \u2588\u2588\n"
	    "       \u2502\u2588\u2588    \u2581\u2581  \u2588\u2588\n"
	    "       \u2502\u2588\u2588\u2581\u2581  \u2588\u2588  "
	    "\u2588\u2588\n"
	    "     0 \u2514\u2500\u2500\u2500\u2500\u2500\u2500"
	    "\u2500\u2500\u2500\u2500\u2500\u2500\n"
	    "        a       b\n");
	free(text);
	/* Beside a million the others are still seen. */
	text = draw(bars, 6, true);
	ck_assert_ptr_nonnull(strstr(text,
	    "\u2502\u2581\u2581\u2581\u2581  \u2581\u2581\u2588\u2588"
	    "\u2581\u2581\n"));
	free(text);
}
END_TEST

/* Nothing, nothing at all, and as much as there can be. */
START_TEST(extremes)
{
	struct chart_bar bars[CHART_BARS_MAX];
	char *text = draw(NULL, 0, false), *line, *rest;

	ck_assert_ptr_nonnull(strstr(text, "     0 +\n"));
	free(text);
	memset(bars, 0, sizeof bars);
	text = draw(bars, 3, false);
	ck_assert_ptr_null(strchr(text, '#'));
	free(text);
	for (size_t i = 0; i < CHART_BARS_MAX; i++) {
		bars[i].count = UINT64_MAX;
		strcpy(bars[i].label, "12345678");
	}
	rest = text = draw(bars, CHART_BARS_MAX, false);
	while ((line = strsep(&rest, "\n")) != NULL)
		ck_assert_uint_lt(strlen(line), 80);
	free(text);
}
END_TEST

START_TEST(numbers)
{
	static const struct {
		uint64_t count;
		const char *text;
	} cases[] = {{0, "0"}, {9999, "9999"}, {10000, "10.0k"},
	    {123456, "123.5k"}, {999949, "999.9k"}, {999950, "1.0M"},
	    {1500000000, "1.5G"}, {UINT64_MAX, "18.4E"}};
	char text[CHART_NUMBER_SIZE];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		chart_number(cases[i].count, text);
		ck_assert_str_eq(text, cases[i].text);
		ck_assert_uint_le(strlen(text), 6);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("chart");

	suite_add(suite, "plain", plain);
	suite_add(suite, "blocks", blocks);
	suite_add(suite, "extremes", extremes);
	suite_add(suite, "numbers", numbers);
	return suite_run(suite);
}
