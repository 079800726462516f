/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "help.h"
#include "output.h"

const char default_admin_socket[] = "/run/apikeyd/admin.sock";
static const char default_verify_socket[] = "/run/apikeyd/verify.sock";

const struct option_row global_options[] = {
    {.name = "socket",
	.metavar = "PATH",
	.field = "socket",
	.kind = &value_socket,
	.help = "admin socket ($APIKEYD_ADMIN_SOCKET)"},
    {.name = "verify-socket",
	.metavar = "PATH",
	.field = "verify_socket",
	.kind = &value_socket,
	.help = "verify socket ($APIKEYD_VERIFY_SOCKET)"},
    {.name = "json", .field = "json", .help = "print one JSON document"},
    {.name = "pin-file",
	.metavar = "FILE",
	.field = "pin_file",
	.kind = &value_path,
	.help = "read the PIN from FILE, where a command asks for one"},
    {.name = "operation-id",
	.metavar = "ID",
	.field = "operation_id",
	.kind = &value_operation_id,
	.help = "make repeating this change with the same ID harmless"},
    {.name = "help", .field = "help", .help = "show this text"},
    {.name = "version", .field = "version", .help = "show the version"},
    {0},
};

/* One option as given. */
struct given {
	const struct option_row *row;
	const char *text; /* NULL for a flag */
	bool global;
};

struct command_line {
	int argc, at;
	char *const *argv;
	struct selection selected;
	struct given *given; /* room for argc */
	size_t given_count;
	const char **positionals; /* room for argc; noun and verb not in it */
	size_t positional_count;
	bool only_positionals; /* after "--" */
	bool help, version;
};

/* "key create" */
static void
command_words(const struct command_line *line, const char **noun,
    const char **space, const char **verb)
{
	bool has_verb = line->selected.command != NULL &&
	    line->selected.command->verb != NULL;

	*noun = line->selected.noun != NULL ? line->selected.noun : "";
	*space = has_verb ? " " : "";
	*verb = has_verb ? line->selected.command->verb : "";
}

/* Says what is wrong and where the help is. Always false. */
static bool
usage_error(
    const struct command_line *line, const char *problem, const char *subject)
{
	const char *noun, *space, *verb;
	char quoted[QUOTED_MAX] = "";

	command_words(line, &noun, &space, &verb);
	if (subject != NULL)
		value_quote(subject, quoted);
	fprintf(stderr, "apikeyctl: %s%s%s%s%s%s%s\n", noun, space, verb,
	    *noun != '\0' ? ": " : "", problem, subject != NULL ? " " : "",
	    quoted);
	fprintf(stderr, "Try: apikeyctl %s%s%s%s--help\n", noun, space, verb,
	    *noun != '\0' ? " " : "");
	return false;
}

/* Of noun or verb: says what there is instead. Always false. */
static bool
unknown_word(const struct selection *selection, const char *word)
{
	struct selection known = *selection;
	char *last = strrchr(known.verb, ' ');
	char quoted[QUOTED_MAX];

	/* The word itself, not what fitted of it: it may be a token. */
	value_quote(word, quoted);
	*(last != NULL ? last : known.verb) = '\0';
	fprintf(stderr, "apikeyctl: %s%s%s%sno such %s: \"%s\"; there are: ",
	    known.noun != NULL ? known.noun : "",
	    *known.verb != '\0' ? " " : "", known.verb,
	    known.noun != NULL ? ": " : "",
	    known.noun != NULL ? "verb" : "command", quoted);
	help_words(stderr, &known);
	return false;
}

static bool
take_word(struct command_line *line, const char *word)
{
	/* "help key create" is "key create --help". */
	if (line->selected.noun == NULL && strcmp(word, "help") == 0)
		return line->help = true;
	switch (selection_add(&line->selected, word)) {
	case SELECTED_WORD:
		return true;
	case SELECTED_ARGUMENT:
		line->positionals[line->positional_count++] = word;
		return true;
	case SELECTED_NO_NOUN:
	case SELECTED_NO_VERB:
		return unknown_word(&line->selected, word);
	}
	return false;
}

/* word begins with "--"; its value may be the next of argv. */
static bool
take_option(struct command_line *line, const char *word)
{
	const char *name = word + 2, *equals = strchr(name, '=');
	size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
	struct given given = {.text = equals != NULL ? equals + 1 : NULL};

	if (line->selected.command != NULL)
		given.row =
		    option_find(line->selected.command->options, name, len);
	if (given.row == NULL) {
		given.row = option_find(global_options, name, len);
		given.global = true;
	}
	if (given.row == NULL) {
		char shown[QUOTED_MAX];

		snprintf(shown, sizeof shown, "--%.*s",
		    (int)(len < 64 ? len : 64), name);
		return usage_error(line, "unknown option", shown);
	}
	if (given.row->metavar == NULL && given.text != NULL)
		return usage_error(line, "this option takes no value:", word);
	if (given.row->metavar != NULL && given.text == NULL) {
		if (line->at >= line->argc) {
			char problem[128];

			snprintf(problem, sizeof problem,
			    "--%s: expected a value: %s", given.row->name,
			    given.row->metavar);
			return usage_error(line, problem, NULL);
		}
		given.text = line->argv[line->at++];
	}
	line->given[line->given_count++] = given;
	if (given.global && strcmp(given.row->name, "help") == 0)
		line->help = true;
	if (given.global && strcmp(given.row->name, "version") == 0)
		line->version = true;
	return true;
}

/* The form only: which words are options, values, positionals. */
static bool
split(struct command_line *line)
{
	for (line->at = 1; line->at < line->argc;) {
		const char *word = line->argv[line->at++];
		bool good;

		if (line->only_positionals || word[0] != '-' ||
		    word[1] == '\0') {
			good = take_word(line, word);
		} else if (strcmp(word, "--") == 0) {
			good = line->only_positionals = true;
		} else if (strcmp(word, "-h") == 0) {
			good = line->help = true;
		} else if (word[1] == '-') {
			good = take_option(line, word);
		} else {
			good = usage_error(line, "unknown option", word);
		}
		if (!good)
			return false;
	}
	return true;
}

static bool
option_error(const struct option_row *row, const char *problem)
{
	fprintf(stderr, "apikeyctl: --%s: %s\n", row->name, problem);
	return false;
}

static bool
append(json_t *target, const struct option_row *row, json_t *value)
{
	json_t *list = json_object_get(target, row->field);
	char problem[64];

	if (!json_is_array(list)) {
		list = json_array();
		json_object_set_new(target, row->field, list);
	}
	json_array_append_new(list, value);
	if (json_array_size(list) <= row->max)
		return true;
	snprintf(problem, sizeof problem, "at most %u of them", row->max);
	return option_error(row, problem);
}

/* True if this text takes the setting away instead of giving one. */
static bool
says_nothing(const struct option_row *row, const char *text, bool clears)
{
	if (row->clear == NULL)
		return false;
	if (*text == '\0')
		return clears;
	return *row->clear != '\0' &&
	    (strcmp(text, row->clear) == 0 || strcmp(text, "none") == 0);
}

/*
 * Checks one option and puts it into target. A later one of the same name
 * takes the place of an earlier one, unless it is a list.
 */
static bool
store_option(const struct given *given, bool clears, json_t *target)
{
	const struct option_row *row = given->row;
	struct problem problem = {""};
	json_t *value;

	if (row->metavar == NULL) {
		json_object_set_new(target, row->field, json_true());
		return true;
	}
	if (says_nothing(row, given->text, clears)) {
		/* What is made now has nothing yet to take away. */
		if (clears)
			json_object_set_new(target, row->field, json_null());
		else
			json_object_del(target, row->field);
		return true;
	}
	value = value_parse(row->kind, given->text, &problem);
	if (value == NULL)
		return option_error(row, problem.text);
	if (row->max > 0)
		return append(target, row, value);
	json_object_set_new(target, row->field, value);
	return true;
}

static bool
store_options(const struct command_line *line, struct invocation *inv)
{
	for (size_t i = 0; i < line->given_count; i++) {
		const struct given *given = &line->given[i];
		bool clears = !given->global && line->selected.command->clears;

		if (!store_option(given, clears,
			given->global ? inv->globals : inv->parameters))
			return false;
	}
	return true;
}

static bool
option_was_given(const struct command_line *line, const struct option_row *row)
{
	for (size_t i = 0; i < line->given_count; i++)
		if (line->given[i].row == row)
			return true;
	return false;
}

static bool
check_required(const struct command_line *line)
{
	const struct option_row *row = line->selected.command->options;
	char problem[128];

	for (; row != NULL && row->name != NULL; row++) {
		if (!command_requires(line->selected.command, row) ||
		    option_was_given(line, row))
			continue;
		snprintf(problem, sizeof problem, "--%s %s is required",
		    row->name, row->metavar);
		return usage_error(line, problem, NULL);
	}
	return true;
}

static bool
store_positionals(const struct command_line *line, struct invocation *inv)
{
	const struct positional_row *row = line->selected.command->positionals;
	struct problem problem = {""};
	char message[128];
	size_t i = 0;

	for (; row != NULL && row->name != NULL; row++, i++) {
		json_t *value;

		if (i >= line->positional_count) {
			if (row->optional)
				return true;
			snprintf(message, sizeof message, "%s is missing",
			    row->name);
			return usage_error(line, message, NULL);
		}
		value = value_parse(row->kind, line->positionals[i], &problem);
		if (value == NULL) {
			fprintf(stderr, "apikeyctl: %s: %s\n", row->name,
			    problem.text);
			return false;
		}
		json_object_set_new(inv->parameters, row->field, value);
	}
	if (i == line->positional_count)
		return true;
	return usage_error(line,
	    line->selected.command->takes_token
		? "the token comes from stdin or a prompt, not as"
		: "unexpected argument",
	    line->positionals[i]);
}

/*
 * Which socket: the option's, the variable's (an empty one is as good as
 * none), or the default. False, and said, where the variable is no path.
 */
static bool
choose_socket(const json_t *globals, const char *field, const char *variable,
    const char *otherwise, const char **out)
{
	struct problem problem;
	const char *value = getenv(variable);
	json_t *path;

	*out = json_string_value(json_object_get(globals, field));
	if (*out != NULL)
		return true;
	*out = value != NULL && *value != '\0' ? value : otherwise;
	path = value_parse(&value_socket, *out, &problem);
	json_decref(path);
	if (path == NULL)
		fprintf(stderr, "apikeyctl: %s: %s\n", variable, problem.text);
	return path != NULL;
}

static bool
store_globals(struct invocation *inv)
{
	const json_t *globals = inv->globals;

	inv->operation_id =
	    json_string_value(json_object_get(globals, "operation_id"));
	inv->json = json_object_get(globals, "json") != NULL;
	return choose_socket(globals, "socket", "APIKEYD_ADMIN_SOCKET",
		   default_admin_socket, &inv->socket) &&
	    choose_socket(globals, "verify_socket", "APIKEYD_VERIFY_SOCKET",
		default_verify_socket, &inv->verify_socket);
}

static enum options_outcome
interpret(const struct command_line *line, struct invocation *inv)
{
	inv->command = line->selected.command;
	if (line->help) {
		help_print(stdout, &line->selected);
		return OPTIONS_SHOWN;
	}
	if (line->version) {
		help_version(stdout);
		return OPTIONS_SHOWN;
	}
	if (line->selected.noun == NULL) {
		help_print(stderr, &line->selected);
		return OPTIONS_WRONG;
	}
	if (line->selected.command == NULL) {
		fprintf(stderr,
		    "apikeyctl: %s: a verb is missing: ", line->selected.noun);
		help_words(stderr, &line->selected);
		return OPTIONS_WRONG;
	}
	if (!store_options(line, inv) || !store_positionals(line, inv) ||
	    !check_required(line) || !store_globals(inv))
		return OPTIONS_WRONG;
	return OPTIONS_RUN;
}

enum options_outcome
options_parse(int argc, char *const argv[], struct invocation *inv)
{
	struct command_line line = {.argc = argc, .argv = argv};
	enum options_outcome outcome = OPTIONS_WRONG;
	size_t room = argc > 0 ? (size_t)argc : 1;

	memset(inv, 0, sizeof *inv);
	inv->parameters = json_object();
	inv->globals = json_object();
	line.given = calloc(room, sizeof *line.given);
	line.positionals = calloc(room, sizeof *line.positionals);
	if (inv->parameters == NULL || inv->globals == NULL ||
	    line.given == NULL || line.positionals == NULL)
		fputs("apikeyctl: out of memory\n", stderr);
	else if (split(&line))
		outcome = interpret(&line, inv);
	free(line.given);
	free(line.positionals);
	return outcome;
}

void
invocation_free(struct invocation *inv)
{
	json_decref(inv->parameters);
	json_decref(inv->globals);
	free(inv->if_unwritten);
}

const char *
parameter_text(const struct invocation *inv, const char *field)
{
	return json_string_value(json_object_get(inv->parameters, field));
}
