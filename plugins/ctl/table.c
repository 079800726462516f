/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables, by libsmartcols, which also makes control characters visible. */
#include "output.h"

#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
colours_wanted(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	/* no-color.org: set and not empty */
	return isatty(STDOUT_FILENO) &&
	    (no_color == NULL || *no_color == '\0') && term != NULL &&
	    strcmp(term, "dumb") != 0;
}

static const char *
status_colour(const char *word)
{
	static const struct {
		const char *word, *colour;
	} colours[] = {
	    {"active", "green"},
	    {"approved", "green"},
	    {"disabled", "yellow"},
	    {"pending", "yellow"},
	    {"expired", "yellow"},
	    {"revoked", "red"},
	    {"suspended", "red"},
	};

	for (size_t i = 0; i < sizeof colours / sizeof colours[0]; i++)
		if (strcmp(colours[i].word, word) == 0)
			return colours[i].colour;
	return NULL;
}

/* Puts text (freed with the line) into a cell. False without it. */
static bool
put_cell(
    struct libscols_line *line, size_t n, const struct column *c, char *text)
{
	if (line == NULL || text == NULL ||
	    scols_line_refer_data(line, n, text) != 0) {
		free(text);
		return false;
	}
	if (c->kind == COLUMN_STATUS)
		scols_cell_set_color(
		    scols_line_get_cell(line, n), status_colour(text));
	return true;
}

static char *
cell_text(const struct column *c, const json_t *row)
{
	return row == NULL ? strdup(c->head)
			   : c->text(json_object_get(row, c->name));
}

static int
column_flags(const struct column *c)
{
	if (c->kind == COLUMN_NUMBER)
		return SCOLS_FL_RIGHT;
	return c->kind == COLUMN_SHRINK && isatty(STDOUT_FILENO)
	    ? SCOLS_FL_TRUNC
	    : 0;
}

/* Without a share of the width, one long name would starve its neighbours. */
static double
width_hint(const struct column *c)
{
	return c->kind == COLUMN_SHRINK ? 0.18 : 0;
}

/* A column beside the other. */
static bool
fill_flat(struct libscols_table *table, const struct column *columns,
    const json_t *rows)
{
	json_t *row;
	size_t r;

	for (const struct column *c = columns; c->head != NULL; c++)
		if (scols_table_new_column(
			table, c->head, width_hint(c), column_flags(c)) == NULL)
			return false;
	json_array_foreach (rows, r, row) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		for (size_t i = 0; columns[i].head != NULL; i++)
			if (!put_cell(line, i, &columns[i],
				cell_text(&columns[i], row)))
				return false;
	}
	return true;
}

/* The column of this stack at this level, 0 being the upper; or NULL. */
static const struct column *
stacked(const struct column *columns, unsigned stack, unsigned level)
{
	for (const struct column *c = columns; c->head != NULL; c++)
		if (c->stack == stack && level-- == 0)
			return c;
	return NULL;
}

/* The lower line stands in a little, so that rows are told apart. */
static char *
stacked_text(const struct column *c, const json_t *row, bool indent)
{
	char *text = cell_text(c, row), *indented;
	size_t size;

	if (!indent || text == NULL)
		return text;
	size = strlen(text) + sizeof "  ";
	indented = malloc(size);
	if (indented != NULL)
		snprintf(indented, size, "  %s", text);
	free(text);
	return indented;
}

/* One row on two lines; row NULL gives the heads. */
static bool
add_stacked(struct libscols_table *table, const struct column *columns,
    const json_t *row)
{
	for (unsigned level = 0; level < 2; level++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);
		const struct column *c;
		unsigned n = 0;

		for (; stacked(columns, n, 0) != NULL; n++)
			if ((c = stacked(columns, n, level)) != NULL &&
			    !put_cell(line, n, c,
				stacked_text(c, row, level == 1 && n == 0)))
				return false;
	}
	return true;
}

static bool
fill_stacked(struct libscols_table *table, const struct column *columns,
    const json_t *rows)
{
	const struct column *c;
	json_t *row;
	bool good;
	size_t r;

	for (unsigned n = 0; (c = stacked(columns, n, 0)) != NULL; n++)
		if (scols_table_new_column(
			table, c->head, width_hint(c), column_flags(c)) == NULL)
			return false;
	scols_table_enable_noheadings(table, 1);
	good = add_stacked(table, columns, NULL);
	json_array_foreach (rows, r, row) {
		good = good && add_stacked(table, columns, row);
	}
	return good;
}

/*
 * What the table needs beside each other where what may be cut is cut to its
 * head. In bytes, which is enough to choose a layout by.
 */
static size_t
width_needed(const struct column *columns, const json_t *rows)
{
	size_t needed = 0, r;
	json_t *row;

	for (const struct column *c = columns; c->head != NULL; c++) {
		size_t widest = strlen(c->head);

		json_array_foreach (rows, r, row) {
			char *text = cell_text(c, row);

			if (text != NULL && c->kind != COLUMN_SHRINK &&
			    strlen(text) > widest)
				widest = strlen(text);
			free(text);
		}
		needed += widest + 1;
	}
	return needed - 1;
}

bool
output_is_too_wide(const struct column *columns, const json_t *rows)
{
	struct libscols_table *table;
	bool is_too_wide;

	if (!isatty(STDOUT_FILENO))
		return false;
	table = scols_new_table(); /* knows the terminal's width */
	is_too_wide = table != NULL &&
	    width_needed(columns, rows) > scols_table_get_termwidth(table);
	scols_unref_table(table);
	return is_too_wide;
}

void
output_table(const struct column *columns, const json_t *rows)
{
	struct libscols_table *table = scols_new_table();
	bool good = table != NULL;

	/* Without stacks all columns are in the first. */
	if (good && stacked(columns, 1, 0) != NULL &&
	    output_is_too_wide(columns, rows))
		good = fill_stacked(table, columns, rows);
	else if (good)
		good = fill_flat(table, columns, rows);
	if (good) {
		scols_table_enable_colors(table, colours_wanted());
		scols_table_set_stream(table, stdout);
		good = scols_print_table(table) == 0;
	}
	scols_unref_table(table);
	if (!good)
		output_fail(ENOMEM);
}
