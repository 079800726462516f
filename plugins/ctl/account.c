/* SPDX-License-Identifier: BSD-2-Clause */
#include "command.h"
#include "options.h"

const struct field account_fields[] = {
    {"slug", "Account", text_plain, ABSENT_NULL, false},
    {"name", "Name", text_plain, ABSENT_NULL, false},
    {"status", "Status", text_plain, ABSENT_NULL, false},
    {"products", "Products", text_list, ABSENT_LIST, false},
    {"keys", "Keys", text_plain, ABSENT_NULL, false},
    {"created_at", "Created", text_time, ABSENT_NULL, false},
    {0},
};

static const struct column account_columns[] = {
    {"ACCOUNT", "slug", text_plain, COLUMN_WHOLE, 0},
    {"NAME", "name", text_plain, COLUMN_SHRINK, 0},
    {"STATUS", "status", text_plain, COLUMN_STATUS, 0},
    {"PRODUCTS", "products", text_list, COLUMN_SHRINK, 0},
    {"KEYS", "keys", text_plain, COLUMN_NUMBER, 0},
    {"CREATED", "created_at", text_when, COLUMN_WHOLE, 0},
    {0},
};

static void
print_account(struct invocation *inv, const json_t *account)
{
	(void)inv;
	output_fields(account_fields, account);
}

static const struct positional_row slug[] = {
    {.name = "SLUG", .field = "slug", .parse = value_slug},
    {0},
};

static const struct option_row create_options[] = {
    {.name = "name",
	.metavar = "TEXT",
	.field = "name",
	.parse = value_name,
	.help = "name for people"},
    {.name = "status",
	.metavar = "pending|approved",
	.field = "status",
	.parse = value_new_account_status,
	.help = "approved: may have keys at once; default pending"},
    {0},
};

const struct command account_commands[] = {
    {.noun = "account",
	.verb = "create",
	.summary = "Make an account",
	.positionals = slug,
	.options = create_options,
	.method = "CreateAccount",
	.changes = true,
	.result = "account",
	.fields = account_fields,
	.done = "Created account"},
    {.noun = "account",
	.verb = "approve",
	.summary = "Let an account have keys that are accepted",
	.positionals = slug,
	.method = "ApproveAccount",
	.changes = true,
	.result = "account",
	.fields = account_fields,
	.done = "Approved account"},
    {.noun = "account",
	.verb = "suspend",
	.summary = "Refuse every key of an account until approved",
	.positionals = slug,
	.method = "SuspendAccount",
	.changes = true,
	.result = "account",
	.fields = account_fields,
	.done = "Suspended account"},
    {.noun = "account",
	.verb = "show",
	.summary = "Show an account",
	.positionals = slug,
	.method = "GetAccount",
	.result = "account",
	.fields = account_fields,
	.print = print_account},
    {.noun = "account",
	.verb = "delete",
	.summary = "Delete an account that has no keys",
	.positionals = slug,
	.method = "DeleteAccount",
	.changes = true,
	.done = "Deleted account"},
    {.noun = "account",
	.verb = "list",
	.summary = "List the accounts",
	.method = "ListAccounts",
	.result = "accounts",
	.fields = account_fields,
	.columns = account_columns},
    {0},
};
