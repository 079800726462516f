/* SPDX-License-Identifier: BSD-2-Clause */
#include "help.h"

#include <stdbool.h>
#include <string.h>

#include "config.h"
#include "options.h"

enum { LEFT_WIDTH = 26, RIGHT_EDGE = 78 };

static const char exit_status[] =
    "\n"
    "Exit status: 0 done; 1 refused or failed; 2 bad usage, nothing sent;\n"
    "3 no such object; 4 not permitted; 5 no answer from the daemon;\n"
    "6 conflict.\n";

/*
 * Words, with a line break and an indentation where one would pass the edge.
 * What is joined by '\t' stays together, with a blank. All help is ASCII.
 */
struct wrapped {
	FILE *out;
	size_t column, indent;
};

static void
wrap(struct wrapped *to, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, " \n");

		if (to->column > to->indent &&
		    to->column + 1 + len > RIGHT_EDGE) {
			fprintf(to->out, "\n%*s", (int)to->indent, "");
			to->column = to->indent;
		} else if (to->column > to->indent) {
			fputc(' ', to->out);
			to->column++;
		}
		for (size_t i = 0; i < len; i++)
			fputc(text[i] == '\t' ? ' ' : text[i], to->out);
		to->column += len;
		text += len;
		while (*text == ' ' || *text == '\n')
			text++;
	}
}

/* Right after the last word; there is room for it. */
static void
punctuate(struct wrapped *to, char mark)
{
	fputc(mark, to->out);
	to->column++;
}

static void
wrap_line(FILE *out, const char *text)
{
	struct wrapped to = {out, 0, 0};

	wrap(&to, text);
	fputc('\n', out);
}

/* Begins the right column, after a left one of this width. */
static struct wrapped
right_column(FILE *out, int width)
{
	struct wrapped to = {out, LEFT_WIDTH, LEFT_WIDTH};

	if (width + 2 > LEFT_WIDTH)
		fprintf(out, "\n%*s", LEFT_WIDTH, "");
	else
		fprintf(out, "%*s", LEFT_WIDTH - width, "");
	return to;
}

/* What a value has to be: units, characters, size. */
static void
wrap_limits(struct wrapped *to, const struct value_kind *kind)
{
	char size[64];

	if (kind == NULL)
		return;
	if (kind->limits != NULL)
		wrap(to, kind->limits);
	if (kind->max == 0)
		return;
	if (kind->limits != NULL)
		punctuate(to, ',');
	snprintf(size, sizeof size, "at most %zu bytes", kind->max);
	wrap(to, size);
}

static bool
has_limits(const struct value_kind *kind)
{
	return kind != NULL && (kind->limits != NULL || kind->max > 0);
}

static void
print_option(FILE *out, const struct option_row *row)
{
	struct wrapped to = right_column(out,
	    fprintf(out, "  --%s%s%s", row->name,
		row->metavar != NULL ? " " : "",
		row->metavar != NULL ? row->metavar : ""));
	char times[64];

	wrap(&to, row->help);
	if (has_limits(row->kind)) {
		punctuate(&to, ';');
		wrap_limits(&to, row->kind);
	}
	if (row->max > 0) {
		snprintf(
		    times, sizeof times, "(repeatable, %u at most)", row->max);
		wrap(&to, times);
	}
	fputc('\n', out);
}

static void
print_options(FILE *out, const char *title, const struct option_row *row)
{
	if (row == NULL || row->name == NULL)
		return;
	fprintf(out, "\n%s:\n", title);
	for (; row->name != NULL; row++)
		print_option(out, row);
}

static void
print_positionals(FILE *out, const struct positional_row *row)
{
	bool any = false;

	for (; row != NULL && row->name != NULL; row++) {
		struct wrapped to;

		if (!has_limits(row->kind))
			continue;
		if (!any)
			fputs("\nArguments:\n", out);
		any = true;
		to = right_column(out, fprintf(out, "  %s", row->name));
		wrap_limits(&to, row->kind);
		fputc('\n', out);
	}
}

static void
wrap_synopsis(struct wrapped *to, const struct command *command)
{
	const struct positional_row *word = command->positionals;
	const struct option_row *row = command->options;
	bool optional = false;
	char text[128];

	wrap(to, command->noun);
	if (command->verb != NULL)
		wrap(to, command->verb);
	for (; word != NULL && word->name != NULL; word++) {
		snprintf(text, sizeof text, word->optional ? "[%s]" : "%s",
		    word->name);
		wrap(to, text);
	}
	for (; row != NULL && row->name != NULL; row++) {
		if (!command_requires(command, row)) {
			optional = true;
			continue;
		}
		snprintf(
		    text, sizeof text, "--%s\t%s", row->name, row->metavar);
		wrap(to, text);
	}
	if (optional)
		wrap(to, "[OPTION]...");
}

static void
print_command(FILE *out, const struct command *command)
{
	struct wrapped to = {out, 0, 0};

	wrap(&to, "Usage: apikeyctl [OPTION]...");
	to.indent = strlen("Usage: ");
	wrap_synopsis(&to, command);
	fprintf(out, "\n\n%s.\n", command->summary);
	if (command->note != NULL)
		wrap_line(out, command->note);
	print_positionals(out, command->positionals);
	print_options(out, "Options", command->options);
	print_options(out, "Options of every command", global_options);
	if (command->exits != NULL) {
		fputc('\n', out);
		to = (struct wrapped){out, 0, 0};
		wrap(&to, "Exit status:");
		wrap(&to, command->exits);
		fputc('\n', out);
	}
	fprintf(out, "\nExample:\n");
	for (const char *at = command->example; at != NULL && *at != '\0';) {
		size_t len = strcspn(at, "\n");

		fprintf(out, "  %.*s\n", (int)len, at);
		at += len + (at[len] != '\0');
	}
}

/* "key create", "key show ID": a line of a list of commands. */
static void
print_row(FILE *out, const struct command *c)
{
	const struct positional_row *row = c->positionals;
	int width = fprintf(out, "  %s", c->noun);
	struct wrapped to;

	if (c->verb != NULL)
		width += fprintf(out, " %s", c->verb);
	for (; row != NULL && row->name != NULL; row++)
		width +=
		    fprintf(out, row->optional ? " [%s]" : " %s", row->name);
	to = right_column(out, width);
	wrap(&to, c->summary);
	fputc('\n', out);
}

void
help_print(FILE *out, const struct selection *selection)
{
	const char *noun = selection->noun != NULL ? selection->noun : "NOUN";
	const char *space = *selection->verb != '\0' ? " " : "";
	const struct command *c = NULL;

	if (selection->command != NULL) {
		print_command(out, selection->command);
		return;
	}
	fprintf(out, "Usage: apikeyctl [OPTION]... %s%s%s VERB ...\n\n", noun,
	    space, selection->verb);
	if (selection->noun == NULL)
		fputs("Administers the API keys of apikeyd.\n\n", out);
	while ((c = command_next(c, selection->noun)) != NULL)
		if (selection_leads_to(selection, c))
			print_row(out, c);
	print_options(out, "Options of every command", global_options);
	fprintf(out,
	    "\nMore, with an example: apikeyctl %s%s%s VERB --help; all of "
	    "it: man apikeyctl\n",
	    noun, space, selection->verb);
	fputs(exit_status, out);
}

void
help_words(FILE *out, const struct selection *selection)
{
	const struct command *c = NULL;
	const char *before = "";

	while ((c = command_next(c, selection->noun)) != NULL) {
		/* The rows of a noun stand together, but in two tables. */
		if (selection->noun == NULL && command_next(NULL, c->noun) != c)
			continue;
		if (!selection_leads_to(selection, c))
			continue;
		fprintf(out, "%s%s", before,
		    selection->noun != NULL ? c->verb : c->noun);
		before = ", ";
	}
	fputc('\n', out);
}

void
help_version(FILE *out)
{
	fputs("apikeyctl (apikeyd) " PACKAGE_VERSION "\n", out);
}
