/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "proto/text.h"

enum { TIMEOUT_DEFAULT_MS = 1000, TIMEOUT_MAX_MS = 60000 };

static bool
take_socket(struct options *options, const char *value)
{
	options->socket = value;
	return value[0] == '/' &&
	    strlen(value) < sizeof((struct sockaddr_un *)0)->sun_path;
}

static bool
take_timeout(struct options *options, const char *value)
{
	size_t digits = strspn(value, "0123456789");
	unsigned long ms;

	/* Five digits cannot overflow, and more would be over the limit. */
	if (digits < 1 || digits > 5 || value[digits] != '\0')
		return false;
	ms = strtoul(value, NULL, 10);
	if (ms < 1 || ms > TIMEOUT_MAX_MS)
		return false;
	options->timeout_ms = (int)ms;
	return true;
}

static bool
take_product(struct options *options, const char *value)
{
	options->product = value;
	return slug_valid(value);
}

static bool
take_account(struct options *options, const char *value)
{
	options->account = value;
	return slug_valid(value);
}

static bool
take_permission(struct options *options, const char *value)
{
	if (strcmp(value, "read") == 0)
		options->permission = APIKEY_PERMISSION_READ;
	else if (strcmp(value, "write") == 0)
		options->permission = APIKEY_PERMISSION_WRITE;
	else
		return false;
	return true;
}

static bool
take_scope(struct options *options, const char *value)
{
	if (options->scope_count == SCOPES_MAX || !scope_valid(value))
		return false;
	options->scopes[options->scope_count++] = value;
	return true;
}

static bool
take_prompt(struct options *options, const char *value)
{
	options->prompt = value;
	return value[0] != '\0';
}

/* Options with a value behind the '='. */
static const struct {
	const char *name;
	bool (*take)(struct options *options, const char *value);
} values[] = {
    {"socket", take_socket},
    {"timeout", take_timeout},
    {"product", take_product},
    {"account", take_account},
    {"permission", take_permission},
    {"scope", take_scope},
    {"prompt", take_prompt},
};

/* Options that are there or not. */
static const struct {
	const char *name;
	size_t member; /* offset of the bool */
} flags[] = {
    {"any_user", offsetof(struct options, any_user)},
    {"try_first_pass", offsetof(struct options, try_first_pass)},
    {"use_first_pass", offsetof(struct options, use_first_pass)},
    {"ignore_unknown_user", offsetof(struct options, ignore_unknown_user)},
    {"ignore_authinfo_unavail",
	offsetof(struct options, ignore_authinfo_unavail)},
    {"noenv", offsetof(struct options, noenv)},
    {"debug", offsetof(struct options, debug)},
};

static bool
take_flag(struct options *options, const char *arg)
{
	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
		if (strcmp(arg, flags[i].name) == 0) {
			bool *flag =
			    (bool *)((char *)options + flags[i].member);

			*flag = true;
			return true;
		}
	return false;
}

static bool
take(struct options *options, const char *arg)
{
	size_t len = strcspn(arg, "=");

	if (arg[len] == '\0')
		return take_flag(options, arg);
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
		if (strlen(values[i].name) == len &&
		    strncmp(arg, values[i].name, len) == 0)
			return values[i].take(options, arg + len + 1);
	return false;
}

const char *
options_parse(struct options *options, int argc, const char **argv)
{
	memset(options, 0, sizeof *options);
	options->timeout_ms = TIMEOUT_DEFAULT_MS;
	options->prompt = "API key: ";
	for (int i = 0; i < argc; i++)
		if (!take(options, argv[i]))
			return argv[i];
	return NULL;
}

static bool
is_one_of(const char *word, const char *list)
{
	size_t len = strlen(word);

	while (*list != '\0') {
		size_t next = strcspn(list, " ");

		if (next == len && strncmp(list, word, len) == 0)
			return true;
		list += next + (list[next] == ' ');
	}
	return false;
}

bool
options_met_by(const struct options *options, const struct apikey_result *key)
{
	if (options->account != NULL &&
	    strcmp(options->account, key->account) != 0)
		return false;
	if (options->product != NULL &&
	    strcmp(options->product, key->product) != 0)
		return false;
	for (size_t i = 0; i < options->scope_count; i++)
		if (!is_one_of(options->scopes[i], key->scopes))
			return false;
	return key->permission >= options->permission;
}
