/* SPDX-License-Identifier: BSD-2-Clause */
#include "chart.h"

#include <inttypes.h>
#include <string.h>

enum { ROWS = 6, EIGHTHS = 8, SCALE_WIDTH = 6, BAR_WIDTH = 2 };

struct style {
	unsigned levels;      /* of a character */
	const char *cells[9]; /* a character filled to a level, 0 to levels */
	const char *side, *corner, *line;
};

static const struct style block_style = {
    .levels = EIGHTHS,
    .cells = {" ", "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586",
	"\u2587", "\u2588"},
    .side = "\u2502",
    .corner = "\u2514",
    .line = "\u2500",
};

static const struct style plain_style = {
    .levels = 1,
    .cells = {" ", "#"},
    .side = "|",
    .corner = "+",
    .line = "-",
};

void
chart_number(uint64_t count, char out[CHART_NUMBER_SIZE])
{
	static const char units[] = "kMGTPE";
	double value = (double)count;
	size_t unit = 0;

	if (count < 10000) {
		snprintf(out, CHART_NUMBER_SIZE, "%" PRIu64, count);
		return;
	}
	/* 999.95 would be rounded up to 1000.0. */
	for (value /= 1000; value >= 999.95; unit++)
		value /= 1000;
	snprintf(out, CHART_NUMBER_SIZE, "%.1f%c", value, units[unit]);
}

static uint64_t
highest(const struct chart_bar *bars, size_t count)
{
	uint64_t peak = 0;

	for (size_t i = 0; i < count; i++)
		if (bars[i].count > peak)
			peak = bars[i].count;
	return peak;
}

/* How high a bar is, in levels; the peak's is all of them. */
static unsigned
height(uint64_t count, uint64_t peak, unsigned levels)
{
	unsigned high;

	if (count == 0)
		return 0;
	high = (unsigned)((double)count / (double)peak * levels + 0.5);
	return high > 0 ? high : 1;
}

/* Row 0 is the lowest. */
static void
print_row(FILE *out, const struct chart_bar *bars, size_t count, unsigned row,
    uint64_t peak, const struct style *style)
{
	char scale[CHART_NUMBER_SIZE] = "";
	size_t blank = 0;

	if (row == ROWS - 1)
		chart_number(peak, scale);
	fprintf(out, "%*s %s", SCALE_WIDTH, scale, style->side);
	for (size_t i = 0; i < count; i++) {
		unsigned high =
		    height(bars[i].count, peak, ROWS * style->levels);
		unsigned below = row * style->levels;
		unsigned fill = high > below ? high - below : 0;

		if (fill == 0) {
			blank += BAR_WIDTH; /* none at the end of a line */
			continue;
		}
		if (fill > style->levels)
			fill = style->levels;
		fprintf(out, "%*s", (int)blank, "");
		blank = 0;
		for (int c = 0; c < BAR_WIDTH; c++)
			fputs(style->cells[fill], out);
	}
	fputc('\n', out);
}

static void
print_labels(FILE *out, const struct chart_bar *bars, size_t count)
{
	size_t at = 0; /* column behind what is written */

	fprintf(out, "%*s", SCALE_WIDTH + 2, "");
	for (size_t i = 0; i < count; i++) {
		size_t wanted = i * BAR_WIDTH;

		if (bars[i].label[0] == '\0' || (at > 0 && wanted < at + 1))
			continue;
		fprintf(out, "%*s%s", (int)(wanted - at), "", bars[i].label);
		at = wanted + strlen(bars[i].label);
	}
	fputc('\n', out);
}

void
chart_print(FILE *out, const struct chart_bar *bars, size_t count, bool blocks)
{
	const struct style *style = blocks ? &block_style : &plain_style;
	uint64_t peak = highest(bars, count);

	if (peak == 0)
		peak = 1; /* an empty chart has a scale, too */
	for (unsigned row = ROWS; row-- > 0;)
		print_row(out, bars, count, row, peak, style);
	fprintf(out, "%*d %s", SCALE_WIDTH, 0, style->corner);
	for (size_t i = 0; i < count * BAR_WIDTH; i++)
		fputs(style->line, out);
	fputc('\n', out);
	print_labels(out, bars, count);
}
