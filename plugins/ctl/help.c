/* SPDX-License-Identifier: BSD-2-Clause */
#include "help.h"

#include <stdbool.h>
#include <string.h>

#include "config.h"
#include "options.h"

enum { LEFT_WIDTH = 26 };

static const char footer[] =
    "\n"
    "Exit status: 0 done; 1 refused or failed; 2 bad usage, nothing sent;\n"
    "3 no such object; 4 not permitted; 5 no answer from the daemon;\n"
    "6 conflict.\n";

static void
print_option(FILE *out, const struct option_row *row)
{
	int width = fprintf(out, "  --%s%s%s", row->name,
	    row->metavar != NULL ? " " : "",
	    row->metavar != NULL ? row->metavar : "");

	if (width >= LEFT_WIDTH)
		fprintf(out, "\n%*s", LEFT_WIDTH, "");
	else
		fprintf(out, "%*s", LEFT_WIDTH - width, "");
	fprintf(out, "%s%s\n", row->help, row->max > 0 ? " (repeatable)" : "");
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
print_words(FILE *out, const struct command *command)
{
	const struct positional_row *row = command->positionals;

	fputs(command->noun, out);
	if (command->verb != NULL)
		fprintf(out, " %s", command->verb);
	for (; row != NULL && row->name != NULL; row++)
		fprintf(out, row->optional ? " [%s]" : " %s", row->name);
}

static void
print_command(FILE *out, const struct command *command)
{
	const struct option_row *row = command->options;
	bool optional = false;

	fputs("Usage: apikeyctl [OPTION]... ", out);
	print_words(out, command);
	for (; row != NULL && row->name != NULL; row++)
		if (command_requires(command, row))
			fprintf(out, " --%s %s", row->name, row->metavar);
		else
			optional = true;
	if (optional)
		fputs(" [OPTION]...", out);
	fprintf(out, "\n\n%s.\n", command->summary);
	if (command->note != NULL)
		fprintf(out, "%s\n", command->note);
	print_options(out, "Options", command->options);
	print_options(out, "Options of every command", global_options);
}

static void
print_rows(FILE *out, const char *noun)
{
	const struct command *c = NULL;

	while ((c = command_next(c, noun)) != NULL) {
		const struct positional_row *row = c->positionals;
		int width = fprintf(out, "  %s", c->noun);

		if (c->verb != NULL)
			width += fprintf(out, " %s", c->verb);
		for (; row != NULL && row->name != NULL; row++)
			width += fprintf(
			    out, row->optional ? " [%s]" : " %s", row->name);
		fprintf(out, "%*s%s\n",
		    width < LEFT_WIDTH ? LEFT_WIDTH - width : 1, "",
		    c->summary);
	}
}

void
help_print(FILE *out, const char *noun, const struct command *command)
{
	if (command != NULL) {
		print_command(out, command);
		return;
	}
	if (noun != NULL)
		fprintf(
		    out, "Usage: apikeyctl [OPTION]... %s VERB ...\n\n", noun);
	else
		fputs("Usage: apikeyctl [OPTION]... NOUN VERB ...\n\n"
		      "Administers the API keys of apikeyd.\n\n",
		    out);
	print_rows(out, noun);
	print_options(out, "Options of every command", global_options);
	fprintf(out, "\nOptions of one command: apikeyctl %s VERB --help\n",
	    noun != NULL ? noun : "NOUN");
	if (noun == NULL)
		fputs(footer, out);
}

void
help_words(FILE *out, const char *noun)
{
	const struct command *c = NULL;
	const char *before = "";

	while ((c = command_next(c, noun)) != NULL) {
		const char *word = noun != NULL ? c->verb : c->noun;

		/* The rows of a noun stand together, but in two tables. */
		if (noun == NULL && command_next(NULL, c->noun) != c)
			continue;
		fprintf(out, "%s%s", before, word);
		before = ", ";
	}
	fputc('\n', out);
}

void
help_version(FILE *out)
{
	fputs("apikeyctl (apikeyd) " PACKAGE_VERSION "\n", out);
}
