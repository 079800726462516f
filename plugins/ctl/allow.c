/* SPDX-License-Identifier: BSD-2-Clause */
/* A key's allow-list, an entry at a time. */
#include <stdio.h>

#include "key_print.h"
#include "options.h"

static const struct positional_row add_words[] = {
    {.name = "ID", .field = "id", .kind = &value_key_id},
    {.name = "CIDR", .field = "cidr", .kind = &value_cidr},
    {.name = "LABEL", .field = "label", .kind = &value_label, .optional = true},
    {0},
};

static const struct positional_row remove_words[] = {
    {.name = "ID", .field = "id", .kind = &value_key_id},
    {.name = "CIDR", .field = "cidr", .kind = &value_cidr},
    {0},
};

static void
shape_on(json_t *parameters)
{
	json_object_set_new(parameters, "enabled", json_true());
}

static void
shape_off(json_t *parameters)
{
	json_object_set_new(parameters, "enabled", json_false());
}

/* What was done, and what it means: an entry is of no effect while the list is
 * off, and a list without entries lets nobody in. */
static void
print_allowlist(struct invocation *inv, const json_t *key)
{
	const json_t *list = json_object_get(key, "allowlist");
	const char *id = parameter_text(inv, "id");
	bool enabled = json_is_true(json_object_get(list, "enabled"));

	printf("%s %s.\n", inv->command->done, id);
	if (!enabled)
		fprintf(stderr,
		    "Its allow-list is off: every address is let in. To turn "
		    "it on: apikeyctl key allow on %s\n",
		    id);
	else if (json_array_size(json_object_get(list, "entries")) == 0)
		fputs("Its allow-list is on and empty: no address is let in.\n",
		    stderr);
}

const struct command allow_commands[] = {
    {.noun = "key",
	.verb = "allow add",
	.summary = "Put a network on the allow-list, or label it anew",
	.example =
	    "apikeyctl key allow add dk_7Hq2mZx0pLs9 203.0.113.0/24 Office",
	.positionals = add_words,
	.method = "AddAllowed",
	.done = "Added to the allow-list of key",
	.changes = true,
	.result = "key",
	.fields = key_fields,
	.print = print_allowlist},
    {.noun = "key",
	.verb = "allow remove",
	.summary = "Take a network off the allow-list",
	.example = "apikeyctl key allow remove dk_7Hq2mZx0pLs9 203.0.113.0/24",
	.positionals = remove_words,
	.method = "RemoveAllowed",
	.done = "Removed from the allow-list of key",
	.changes = true,
	.result = "key",
	.fields = key_fields,
	.print = print_allowlist},
    {.noun = "key",
	.verb = "allow on",
	.summary = "Let in only addresses of the allow-list",
	.example = "apikeyctl key allow on dk_7Hq2mZx0pLs9",
	.positionals = key_id,
	.method = "SetAllowlist",
	.shape = shape_on,
	.done = "Turned on the allow-list of key",
	.changes = true,
	.result = "key",
	.fields = key_fields,
	.print = print_allowlist},
    {.noun = "key",
	.verb = "allow off",
	.summary = "Let in every address; the entries are kept",
	.example = "apikeyctl key allow off dk_7Hq2mZx0pLs9",
	.positionals = key_id,
	.method = "SetAllowlist",
	.shape = shape_off,
	.done = "Turned off the allow-list of key",
	.changes = true,
	.result = "key",
	.fields = key_fields,
	.print = print_allowlist},
    {0},
};
