/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bar chart of counts over time, for a terminal of 80 columns: a bar is two
 * columns wide, with the scale on its left and labels below. Pure: the lines
 * depend on the arguments alone.
 */
#ifndef CTL_CHART_H
#define CTL_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { CHART_BARS_MAX = 32, CHART_LABEL_MAX = 8 };

struct chart_bar {
	uint64_t count;
	/* Begins below the bar; left out where the one before would touch it.
	 * "": none. ASCII. */
	char label[CHART_LABEL_MAX + 1];
};

/* blocks: in eighths of a character (U+2581 to U+2588, UTF-8); else in '#'.
 * A count that is not 0 is seen, however small. */
void
chart_print(FILE *out, const struct chart_bar *bars, size_t count, bool blocks);

/* "1204", "12.0k", "3.4M": at most 6 characters. */
enum { CHART_NUMBER_SIZE = 24 };
void chart_number(uint64_t count, char out[CHART_NUMBER_SIZE]);

#endif
