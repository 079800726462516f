/* SPDX-License-Identifier: BSD-2-Clause */
/* audit stale: active keys that nobody uses any more. */
#include <stdio.h>

#include "call.h"
#include "key_print.h"

static const struct option_row stale_options[] = {
    {.name = "unused",
	.metavar = "DUR",
	.field = "unused_ms",
	.kind = &value_duration,
	.help = "neither used nor made for so long, such as 90d"},
    OPTION_ACCOUNT("of this account"),
    OPTION_PRODUCT("for this product"),
    {0},
};

static const char *const stale_required[] = {"unused", NULL};

static const struct column stale_columns[] = {
    {"KEY ID", "id", text_plain, COLUMN_WHOLE, 0},
    {"NAME", "name", text_plain, COLUMN_SHRINK, 0},
    {"ACCOUNT", "account", text_plain, COLUMN_SHRINK, 0},
    {"PRODUCT", "product", text_plain, COLUMN_SHRINK, 0},
    {"CREATED", "created_at", text_when, COLUMN_WHOLE, 0},
    {"LAST USED", "last_used_at", text_when, COLUMN_WHOLE, 0},
    {0},
};

/* What is refused anyway needs no attention. */
static void
shape_stale(json_t *parameters)
{
	json_object_set_new(parameters, "status", json_string("active"));
}

const struct command stale_commands[] = {
    {.noun = "audit",
	.verb = "stale",
	.summary = "List active keys that nobody uses",
	.note = "One that was never used counts from when it was made. Refuse "
		"one for a trial with\n`apikeyctl key disable ID`, for good "
		"with `apikeyctl key revoke ID`.",
	.example = "apikeyctl audit stale --unused 90d",
	.options = stale_options,
	.required = stale_required,
	.method = "ListKeys",
	.result = "keys",
	.fields = key_fields,
	.columns = stale_columns,
	.shape = shape_stale},
    {0},
};
