/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "command.h"
#include "options.h"

static const struct field product_fields[] = {
    {"slug", "Product", text_plain, ABSENT_NULL, false},
    {"name", "Name", text_plain, ABSENT_NULL, false},
    {"prefix", "Prefix", text_plain, ABSENT_NULL, false},
    {"recoverable", "Recoverable", text_yes_no, ABSENT_NULL, false},
    {"require_pin", "Requires PIN", text_yes_no, ABSENT_NULL, false},
    {"max_lifetime_ms", "Longest lifetime", text_duration, ABSENT_NULL, false},
    {"keys", "Keys", text_plain, ABSENT_NULL, false},
    {"created_at", "Created", text_time, ABSENT_NULL, false},
    {0},
};

static const struct column product_columns[] = {
    {"PRODUCT", "slug", text_plain, COLUMN_WHOLE, 0},
    {"NAME", "name", text_plain, COLUMN_SHRINK, 1},
    {"PREFIX", "prefix", text_plain, COLUMN_WHOLE, 0},
    {"RECOVERABLE", "recoverable", text_yes_no, COLUMN_SHRINK, 1},
    {"PIN", "require_pin", text_yes_no, COLUMN_WHOLE, 3},
    {"KEYS", "keys", text_plain, COLUMN_NUMBER, 2},
    {"CREATED", "created_at", text_when, COLUMN_WHOLE, 2},
    {0},
};

static void
print_enabled(struct invocation *inv, const json_t *account)
{
	(void)account;
	printf("%s %s for account %s.\n", inv->command->done,
	    parameter_text(inv, "slug"), parameter_text(inv, "account"));
}

static const struct option_row create_options[] = {
    OPTION_NAME,
    {.name = "prefix",
	.metavar = "P",
	.field = "prefix",
	.kind = &value_prefix,
	.help = "what its tokens begin with; default ak"},
    {.name = "recoverable",
	.field = "recoverable",
	.help = "keep its tokens sealed, so that they can be revealed"},
    {.name = "require-pin",
	.field = "require_pin",
	.help = "ask the operator's PIN for create, rotate and reveal"},
    {.name = "max-lifetime",
	.metavar = "DUR",
	.field = "max_lifetime_ms",
	.kind = &value_positive_duration,
	.help = "the longest time a key may be valid"},
    {0},
};

static const struct option_row account_option[] = {
    OPTION_ACCOUNT("the account"),
    {0},
};

static const char *const required[] = {"account", NULL};

const struct command product_commands[] = {
    {.noun = "product",
	.verb = "create",
	.summary = "Make a product",
	.example = "apikeyctl product create appointments --prefix dk "
		   "--max-lifetime 365d",
	.exits = "6 it exists already",
	.positionals = product_slug,
	.options = create_options,
	.method = "CreateProduct",
	.changes = true,
	.result = "product",
	.fields = product_fields,
	.done = "Created product"},
    {.noun = "product",
	.verb = "show",
	.summary = "Show a product",
	.example = "apikeyctl product show appointments",
	.positionals = product_slug,
	.method = "GetProduct",
	.result = "product",
	.fields = product_fields},
    {.noun = "product",
	.verb = "delete",
	.summary = "Delete a product that has no keys",
	.example = "apikeyctl product delete appointments",
	.exits = "6 there are keys for it",
	.positionals = product_slug,
	.method = "DeleteProduct",
	.changes = true,
	.done = "Deleted product"},
    {.noun = "product",
	.verb = "list",
	.summary = "List the products",
	.example = "apikeyctl product list",
	.method = "ListProducts",
	.result = "products",
	.fields = product_fields,
	.columns = product_columns},
    {.noun = "product",
	.verb = "enable",
	.summary = "Let an account have keys for a product",
	.example = "apikeyctl product enable appointments --account acme",
	.positionals = product_slug,
	.options = account_option,
	.required = required,
	.method = "EnableProduct",
	.changes = true,
	.result = "account",
	.fields = account_fields,
	.done = "Enabled product",
	.print = print_enabled},
    {.noun = "product",
	.verb = "disable",
	.summary = "Refuse an account's keys for a product",
	.example = "apikeyctl product disable appointments --account acme",
	.positionals = product_slug,
	.options = account_option,
	.required = required,
	.method = "DisableProduct",
	.changes = true,
	.result = "account",
	.fields = account_fields,
	.done = "Disabled product",
	.print = print_enabled},
    {0},
};
