/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "call.h"
#include "pin.h"

enum { OPERATOR_ACCOUNTS_MAX = 64 };

/* null is all of them, which is not the same as none. */
static char *
text_accounts(json_t *value)
{
	if (!json_is_array(value))
		return strdup("all");
	return json_array_size(value) > 0 ? text_list(value) : strdup("none");
}

static const struct field operator_fields[] = {
    {"login", "Operator", text_plain, ABSENT_NULL, false},
    {"uid", "Uid", text_plain, ABSENT_NULL, false},
    {"role", "Role", text_plain, ABSENT_NULL, false},
    {"accounts", "Accounts", text_accounts, ABSENT_NULL, false},
    {"pin", "PIN", text_plain, ABSENT_NULL, false},
    {"created_at", "Created", text_time, ABSENT_NULL, false},
    {0},
};

static const struct column operator_columns[] = {
    {"OPERATOR", "login", text_plain, COLUMN_WHOLE, 0},
    {"UID", "uid", text_plain, COLUMN_NUMBER, 0},
    {"ROLE", "role", text_plain, COLUMN_WHOLE, 0},
    {"ACCOUNTS", "accounts", text_accounts, COLUMN_SHRINK, 0},
    {"PIN", "pin", text_plain, COLUMN_WHOLE, 0},
    {"CREATED", "created_at", text_when, COLUMN_WHOLE, 0},
    {0},
};

static const struct positional_row new_login[] = {
    {"LOGIN", "operator", &value_caller, false},
    {0},
};

/* As it was added: the user need not be there any more. */
static const struct positional_row login[] = {
    {"LOGIN", "login", &value_login, false},
    {0},
};

static const struct option_row add_options[] = {
    {.name = "role",
	.metavar = "superadmin|admin|auditor",
	.field = "role",
	.kind = &value_role,
	.help = "what the operator may do"},
    {.name = "account",
	.metavar = "SLUG",
	.field = "accounts",
	.kind = &value_account,
	.max = OPERATOR_ACCOUNTS_MAX,
	.help = "only for this account; default all"},
    {0},
};

static const char *const add_required[] = {"role", NULL};

static const struct option_row set_pin_options[] = {
    {.name = "old-pin-file",
	.metavar = "FILE",
	.field = "old_pin_file",
	.kind = &value_path,
	.help = "read the present PIN from FILE; --pin-file has the new one"},
    {0},
};

/* The uid was looked up here, since the daemon asks no name service. */
static void
shape_operator(json_t *parameters)
{
	json_object_update(parameters, json_object_get(parameters, "operator"));
	json_object_del(parameters, "operator");
}

static void
print_added(struct invocation *inv, const json_t *object)
{
	(void)inv;
	printf("%s is %s.\n",
	    json_string_value(json_object_get(object, "login")),
	    json_string_value(json_object_get(object, "role")));
}

static enum ctl_exit
set_pin(struct invocation *inv)
{
	json_t *file = json_object_get(inv->parameters, "old_pin_file");
	json_t *parameters = json_object(), *answer = NULL, *done;
	enum ctl_exit code;

	if (file != NULL)
		json_object_set(inv->globals, "old_pin_file", file);
	if (inv->operation_id != NULL)
		json_object_set_new(
		    parameters, "operation_id", json_string(inv->operation_id));
	code = pin_add_new(inv, parameters);
	if (code == CTL_DONE)
		code = call_once(inv, "SetPin", parameters, &answer);
	if (code == CTL_DONE && inv->json) {
		done = json_pack("{s:s}", "pin", "set");
		output_json(done);
		json_decref(done);
	} else if (code == CTL_DONE) {
		puts("Your PIN is set.");
	}
	json_decref(answer);
	json_decref(parameters);
	return code;
}

const struct command operator_commands[] = {
    {.noun = "operator",
	.verb = "add",
	.summary = "Let a user of this machine administer, or change how",
	.example = "apikeyctl operator add alice --role admin --account acme",
	.positionals = new_login,
	.options = add_options,
	.required = add_required,
	.method = "AddOperator",
	.changes = true,
	.result = "operator",
	.fields = operator_fields,
	.shape = shape_operator,
	.print = print_added},
    {.noun = "operator",
	.verb = "list",
	.summary = "List the operators",
	.example = "apikeyctl operator list",
	.method = "ListOperators",
	.result = "operators",
	.fields = operator_fields,
	.columns = operator_columns},
    {.noun = "operator",
	.verb = "remove",
	.summary = "Let a user administer no more, from now on",
	.example = "apikeyctl operator remove alice",
	.positionals = login,
	.method = "RemoveOperator",
	.changes = true,
	.done = "Removed operator"},
    {.noun = "operator",
	.verb = "set-pin",
	.summary = "Set your own PIN, from a prompt, --pin-file or stdin",
	.example = "apikeyctl operator set-pin",
	.options = set_pin_options,
	.pin = "old_pin",
	.run = set_pin},
    {0},
};
