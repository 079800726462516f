/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes to standard output: JSON, tables, and "Label: value" lines. All of
 * it passes through one buffer of ours, so that a secret in it can be wiped
 * and a write that failed is noticed.
 */
#ifndef CTL_OUTPUT_H
#define CTL_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Before anything is printed. */
void output_begin(void);
/* Something could not be printed: output_flush() and output_end() say so. */
void output_fail(int error);
/* Writes everything out. Returns 0, or the errno of what failed. */
int output_flush(void);
/* The same at the end, and wipes the buffer. Nothing is printed after it. */
int output_end(void);

/* Prints text with control characters, and those that the locale lacks, made
 * visible. */
void output_text(FILE *out, const char *text);

/* One document on one line; on a terminal indented. */
void output_json(const json_t *value);
/* jansson's flags for that. */
size_t output_json_style(void);

/*
 * A member as text for people: a new malloced text, or NULL where memory is
 * short. value may be NULL or null.
 */
typedef char *field_text(json_t *value);

/* "-" where there is none; numbers as they are. */
field_text text_plain;
/* "Never" where there is none. */
field_text text_time;
/* The same for a table: on a terminal as "3h ago", "in 12d". */
field_text text_when;
field_text text_yes_no;
/* Words with ", " between two. */
field_text text_list;
/* An object of numbers: "valid 12, expired 1", of those above 0. */
field_text text_counts;
/* Milliseconds, in the form that options take: "30d", "1m30s". */
field_text text_duration;
/* The same of seconds. */
field_text text_seconds;
/* "1.3 MiB" */
field_text text_bytes;

/* What stands in JSON for a member that the daemon left out. */
enum field_absent { ABSENT_NULL, ABSENT_LIST, ABSENT_LEFT_OUT };

/* The members of an object in the documented order; ends with a row without
 * a name. */
struct field {
	const char *name;
	const char *label; /* NULL: in JSON only */
	field_text *text;
	enum field_absent absent;
	bool quiet; /* people are not told of its absence */
};

/*
 * The object with its members in this order and none missing, members not in
 * the table after them; numbers without a fraction become integers. A new
 * reference.
 */
json_t *fields_complete(const struct field *fields, const json_t *object);
void output_fields(const struct field *fields, const json_t *object);

enum column_kind {
	COLUMN_WHOLE,  /* never cut: it is copied and pasted */
	COLUMN_SHRINK, /* cut on a terminal that is too narrow */
	COLUMN_NUMBER,
	COLUMN_STATUS, /* coloured by its word */
};

/* Ends with a row without a head. */
struct column {
	const char *head;
	const char *name; /* member */
	field_text *text;
	enum column_kind kind;
	/*
	 * On a terminal too narrow for all columns, those of one stack
	 * stand below each other, at most two; 0, 1, 2 ... from the left. All
	 * 0: this table has no such form.
	 */
	unsigned stack;
};

/*
 * A table as wide as the terminal, or as wide as it needs to be where there
 * is none.
 */
void output_table(const struct column *columns, const json_t *rows);

/* Whether the terminal has no room for the columns beside each other; never
 * where there is none. */
bool output_is_too_wide(const struct column *columns, const json_t *rows);

#endif
