/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "key_print.h"
#include "prompt.h"
#include "proto/message.h"

/* Of create and update. */
static const struct option_row setting_options[] = {
    OPTION_ACCOUNT("whose key it is"),
    OPTION_PRODUCT("what it is for"),
    OPTION_NAME,
    {.name = "type",
	.metavar = "bearer|hmac",
	.field = "type",
	.kind = &value_key_type,
	.help = "default bearer"},
    {.name = "permission",
	.metavar = "read|write",
	.field = "permission",
	.kind = &value_permission,
	.help = "write includes read; default read"},
    {.name = "scope",
	.metavar = "S",
	.field = "scopes",
	.kind = &value_scope,
	.max = SCOPES_MAX,
	.clear = "",
	.help = "what it may do besides"},
    {.name = "environment",
	.metavar = "TEXT",
	.field = "environment",
	.kind = &value_environment,
	.clear = "",
	.help = "such as production"},
    {.name = "expires",
	.metavar = "DATE|DUR",
	.field = "expires",
	.kind = &value_expires,
	.clear = "never",
	.help = "when it stops by itself"},
    {.name = "allow",
	.metavar = "CIDR[=LABEL]",
	.field = "allow",
	.kind = &value_allow_entry,
	.max = ALLOW_MAX,
	.clear = "none",
	.help = "only from there; turns the allow-list on"},
    {.name = "rate",
	.metavar = "N/DUR",
	.field = "rate",
	.kind = &value_rate,
	.clear = "none",
	.help = "calls in a time"},
    {.name = "quota",
	.metavar = "N/day|month|total",
	.field = "quota",
	.kind = &value_quota,
	.clear = "none",
	.help = "calls in all"},
    {.name = "user",
	.metavar = "LOGIN",
	.field = "user",
	.kind = &value_login,
	.clear = "",
	.help = "the user it logs in as"},
    {.name = "service",
	.metavar = "NAME",
	.field = "services",
	.kind = &value_service,
	.max = SERVICES_MAX,
	.clear = "",
	.help = "only for this host service, such as httpd"},
    {.name = "caller",
	.metavar = "LOGIN",
	.field = "callers",
	.kind = &value_caller,
	.max = CALLERS_MAX,
	.clear = "",
	.help = "only for host services run as this user"},
    {0},
};

static const char *const create_required[] = {
    "account", "product", "name", NULL};

static const struct option_row list_options[] = {
    OPTION_ACCOUNT("of this account"),
    OPTION_PRODUCT("for this product"),
    {.name = "environment",
	.metavar = "TEXT",
	.field = "environment",
	.kind = &value_environment,
	.help = "of this environment"},
    {.name = "status",
	.metavar = "active|disabled|revoked|expired",
	.field = "status",
	.kind = &value_key_status,
	.help = "only these"},
    {.name = "unused",
	.metavar = "DUR",
	.field = "unused_ms",
	.kind = &value_duration,
	.help = "neither used nor made for so long"},
    {.name = "expiring",
	.metavar = "DUR",
	.field = "expiring_ms",
	.kind = &value_positive_duration,
	.help = "that expire within this time"},
    {0},
};

static const struct option_row revoke_options[] = {
    {.name = "reason",
	.metavar = "TEXT",
	.field = "reason",
	.kind = &value_reason,
	.help = "why, for the records"},
    OPTION_YES,
    {0},
};

static const struct option_row delete_options[] = {
    OPTION_YES,
    {0},
};

static const struct option_row rotate_options[] = {
    {.name = "overlap",
	.metavar = "DUR",
	.field = "overlap_ms",
	.kind = &value_duration,
	.help = "how long the old secret still holds; default 0"},
    {0},
};

/*
 * The key's settings stand together in one parameter, and two of them have
 * another form on the wire than on the command line.
 */
static void
shape_settings(json_t *parameters)
{
	json_t *settings = json_object(), *value;
	const char *name;
	void *next;

	json_object_foreach_safe(parameters, next, name, value)
	{
		if (strcmp(name, "id") == 0)
			continue;
		if (strcmp(name, "expires") == 0 && json_is_object(value))
			json_object_update(settings, value);
		else if (strcmp(name, "expires") == 0)
			json_object_set(settings, "expires_at", value);
		else if (strcmp(name, "allow") == 0 && json_is_array(value))
			json_object_set_new(settings, "allowlist",
			    json_pack(
				"{s:b,s:O}", "enabled", 1, "entries", value));
		else if (strcmp(name, "allow") == 0)
			json_object_set(settings, "allowlist", value);
		else
			json_object_set(settings, name, value);
		json_object_del(parameters, name);
	}
	json_object_set_new(parameters, "settings", settings);
}

static enum ctl_exit
check_update(struct invocation *inv)
{
	/* The ID alone. */
	if (json_object_size(inv->parameters) > 1)
		return CTL_DONE;
	fputs("apikeyctl: key update: expected something to change, such as "
	      "--expires 30d\n",
	    stderr);
	return CTL_USAGE;
}

/* "Revoke key dk_… (CRM Sync, acme)? …", malloced. */
static char *
question_text(const char *action, const json_t *key, const char *effect)
{
	static const char *const facts[] = {"id", "name", "account"};
	static const char *const before[] = {" key ", " (", ", "};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	fputs(action, out);
	for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
		const char *fact =
		    json_string_value(json_object_get(key, facts[i]));

		fputs(before[i], out);
		output_text(out, fact != NULL ? fact : "?");
	}
	fprintf(out, ")? %s [y/N] ", effect);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static enum ctl_exit
ask(struct invocation *inv, int tty, const char *action, const char *effect)
{
	json_t *parameters =
	    json_pack("{s:O}", "id", json_object_get(inv->parameters, "id"));
	json_t *answer = NULL;
	enum ctl_exit code = call_once(inv, "GetKey", parameters, &answer);
	char *question = NULL;

	if (code == CTL_DONE)
		question = question_text(
		    action, json_object_get(answer, "key"), effect);
	if (code == CTL_DONE &&
	    (question == NULL || !prompt_confirm(tty, question))) {
		fputs("apikeyctl: nothing was changed\n", stderr);
		code = CTL_REFUSED;
	}
	free(question);
	json_decref(answer);
	json_decref(parameters);
	return code;
}

/* Asks whoever sits there, unless --yes was given. */
static enum ctl_exit
confirm(struct invocation *inv, const char *action, const char *effect)
{
	bool yes = json_object_get(inv->parameters, "yes") != NULL;
	enum ctl_exit code;
	int tty;

	json_object_del(inv->parameters, "yes");
	if (yes)
		return CTL_DONE;
	tty = prompt_open();
	if (tty < 0) {
		fprintf(stderr,
		    "apikeyctl: key %s: there is no terminal to ask for a "
		    "confirmation; add --yes\n",
		    inv->command->verb);
		return CTL_USAGE;
	}
	code = ask(inv, tty, action, effect);
	close(tty);
	return code;
}

static enum ctl_exit
confirm_revoke(struct invocation *inv)
{
	return confirm(inv, "Revoke", "Callers get errors at once.");
}

static enum ctl_exit
confirm_delete(struct invocation *inv)
{
	return confirm(inv, "Delete",
	    "Callers get errors at once, and it is off all lists.");
}

const struct command key_commands[] = {
    {.noun = "key",
	.verb = "create",
	.summary = "Make a key and print its token, this once",
	.example =
	    "apikeyctl key create --account acme --product appointments \\\n"
	    "    --name \"CRM Sync\" --expires 90d --rate 100/60s >crm.token",
	.exits = "4 PIN missing, wrong or locked; 6 account not approved, or "
		 "product not enabled for it",
	.options = setting_options,
	.required = create_required,
	.method = "CreateKey",
	.pin = "pin",
	.changes = true,
	.result = "key",
	.fields = key_fields,
	.shape = shape_settings,
	.token = true,
	.done = "Created key",
	.print = key_print_token},
    {.noun = "key",
	.verb = "list",
	.summary = "List keys",
	.example = "apikeyctl key list --account acme --unused 90d",
	.options = list_options,
	.method = "ListKeys",
	.result = "keys",
	.fields = key_fields,
	.columns = key_columns},
    {.noun = "key",
	.verb = "show",
	.summary = "Show a key",
	.example = "apikeyctl key show dk_7Hq2mZx0pLs9",
	.positionals = key_id,
	.method = "GetKey",
	.result = "key",
	.fields = key_fields},
    {.noun = "key",
	.verb = "reveal",
	.summary = "Print the token of a key whose product is recoverable",
	.example = "apikeyctl key reveal dk_7Hq2mZx0pLs9 >crm.token",
	.exits =
	    "4 PIN missing, wrong or locked; 6 the product is not recoverable",
	.positionals = key_id,
	.method = "RevealKey",
	.pin = "pin",
	.result = "key",
	.fields = key_fields,
	.print = key_print_revealed},
    {.noun = "key",
	.verb = "update",
	.summary = "Change settings; an empty value clears",
	.note = "The word none also clears --rate, --quota and --allow; never "
		"clears --expires.",
	.example = "apikeyctl key update dk_7Hq2mZx0pLs9 --permission write "
		   "--rate none",
	.positionals = key_id,
	.options = setting_options,
	.clears = true,
	.method = "UpdateKey",
	.changes = true,
	.result = "key",
	.fields = key_fields,
	.before = check_update,
	.shape = shape_settings,
	.done = "Updated key"},
    {.noun = "key",
	.verb = "disable",
	.summary = "Refuse a key until it is enabled",
	.example = "apikeyctl key disable dk_7Hq2mZx0pLs9",
	.positionals = key_id,
	.method = "DisableKey",
	.changes = true,
	.result = "key",
	.fields = key_fields,
	.done = "Disabled key"},
    {.noun = "key",
	.verb = "enable",
	.summary = "Accept a disabled key again",
	.example = "apikeyctl key enable dk_7Hq2mZx0pLs9",
	.exits = "6 the key is revoked",
	.positionals = key_id,
	.method = "EnableKey",
	.changes = true,
	.result = "key",
	.fields = key_fields,
	.done = "Enabled key"},
    {.noun = "key",
	.verb = "revoke",
	.summary = "Refuse a key for good",
	.example = "apikeyctl key revoke dk_7Hq2mZx0pLs9 --reason \"laptop was "
		   "stolen\"",
	.exits = "1 not confirmed",
	.positionals = key_id,
	.options = revoke_options,
	.method = "RevokeKey",
	.changes = true,
	.result = "key",
	.fields = key_fields,
	.before = confirm_revoke,
	.done = "Revoked key"},
    {.noun = "key",
	.verb = "rotate",
	.summary = "Print a new token for the same key ID, this once",
	.example =
	    "apikeyctl key rotate dk_7Hq2mZx0pLs9 --overlap 24h >crm.token",
	.exits = "4 PIN missing, wrong or locked; 6 the key is revoked",
	.positionals = key_id,
	.options = rotate_options,
	.method = "RotateKey",
	.pin = "pin",
	.changes = true,
	.result = "key",
	.fields = key_fields,
	.token = true,
	.done = "Rotated key",
	.print = key_print_token},
    {.noun = "key",
	.verb = "delete",
	.summary = "Take a key off all lists; its ID is never used again",
	.example = "apikeyctl key delete dk_7Hq2mZx0pLs9",
	.exits = "1 not confirmed",
	.positionals = key_id,
	.options = delete_options,
	.method = "DeleteKey",
	.changes = true,
	.before = confirm_delete,
	.done = "Deleted key"},
    {0},
};
