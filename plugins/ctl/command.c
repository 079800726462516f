/* SPDX-License-Identifier: BSD-2-Clause */
#include "command.h"

#include <string.h>

const struct command *const command_tables[] = {
    account_commands,
    product_commands,
    key_commands,
    allow_commands,
    verify_commands,
    signature_commands,
    explain_commands,
    operator_commands,
    status_commands,
    NULL,
};

const struct command *
command_next(const struct command *at, const char *noun)
{
	bool reached = at == NULL;

	for (size_t t = 0; command_tables[t] != NULL; t++)
		for (const struct command *c = command_tables[t];
		     c->noun != NULL; c++) {
			if (reached &&
			    (noun == NULL || strcmp(noun, c->noun) == 0))
				return c;
			if (c == at)
				reached = true;
		}
	return NULL;
}

bool
command_noun_exists(const char *noun)
{
	return command_next(NULL, noun) != NULL;
}

const struct command *
command_find(const char *noun, const char *verb)
{
	const struct command *c = NULL;

	while ((c = command_next(c, noun)) != NULL)
		if (c->verb == NULL || (verb != NULL && !strcmp(c->verb, verb)))
			return c;
	return NULL;
}

bool
command_verb_begins(const char *noun, const char *word)
{
	const struct command *c = NULL;
	size_t len = strlen(word);

	while ((c = command_next(c, noun)) != NULL)
		if (c->verb != NULL && strncmp(c->verb, word, len) == 0 &&
		    c->verb[len] == ' ')
			return true;
	return false;
}

bool
command_requires(const struct command *command, const struct option_row *row)
{
	const char *const *name = command->required;

	for (; name != NULL && *name != NULL; name++)
		if (strcmp(*name, row->name) == 0)
			return true;
	return false;
}
