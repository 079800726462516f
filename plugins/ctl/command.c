/* SPDX-License-Identifier: BSD-2-Clause */
#include "command.h"

#include <stdio.h>
#include <string.h>

const struct command *const command_tables[] = {
    account_commands,
    product_commands,
    key_commands,
    allow_commands,
    verify_commands,
    signature_commands,
    explain_commands,
    usage_commands,
    import_commands,
    export_commands,
    scan_commands,
    operator_commands,
    audit_commands,
    stale_commands,
    store_commands,
    metrics_commands,
    status_commands,
    NULL,
};

const struct positional_row account_slug[] = {
    {.name = "SLUG", .field = "slug", .kind = &value_account},
    {0},
};

const struct positional_row product_slug[] = {
    {.name = "SLUG", .field = "slug", .kind = &value_product},
    {0},
};

const struct positional_row key_id[] = {
    {.name = "ID", .field = "id", .kind = &value_key_id},
    {0},
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

static const struct command *
find(const char *noun, const char *verb)
{
	const struct command *c = NULL;

	while ((c = command_next(c, noun)) != NULL)
		if (c->verb == NULL || strcmp(c->verb, verb) == 0)
			return c;
	return NULL;
}

bool
selection_leads_to(
    const struct selection *selection, const struct command *command)
{
	const char *verb = selection->verb;
	size_t len = strlen(verb);

	if (selection->noun != NULL &&
	    strcmp(selection->noun, command->noun) != 0)
		return false;
	return len == 0 ||
	    (command->verb != NULL && strncmp(command->verb, verb, len) == 0 &&
		(command->verb[len] == ' ' || command->verb[len] == '\0'));
}

/* Whether there is a command that goes on from here. */
static bool
leads_on(const struct selection *selection)
{
	const struct command *c = NULL;

	while ((c = command_next(c, selection->noun)) != NULL)
		if (selection_leads_to(selection, c))
			return true;
	return false;
}

enum selected
selection_add(struct selection *selection, const char *word)
{
	char *verb = selection->verb;
	size_t len = strlen(verb), room = sizeof selection->verb - len;

	if (selection->command != NULL)
		return SELECTED_ARGUMENT;
	if (selection->noun == NULL) {
		if (command_next(NULL, word) == NULL)
			return SELECTED_NO_NOUN;
		selection->noun = word;
	} else {
		snprintf(verb + len, room, "%s%s", len > 0 ? " " : "", word);
	}
	selection->command = find(selection->noun, verb);
	return leads_on(selection) ? SELECTED_WORD : SELECTED_NO_VERB;
}

const struct option_row *
option_find(const struct option_row *rows, const char *name, size_t len)
{
	for (; rows != NULL && rows->name != NULL; rows++)
		if (strlen(rows->name) == len &&
		    memcmp(rows->name, name, len) == 0)
			return rows;
	return NULL;
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
