/* SPDX-License-Identifier: BSD-2-Clause */
#include "complete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "options.h"
#include "varlink_client.h"

/* A person waits for the list, so it is better short than late. */
enum { PATIENCE_MS = 500, OFFERS_MAX = 1000 };

/* The command line as far as it is typed. */
struct typed {
	struct selection selected;
	const struct positional_row *positional; /* that is next; or NULL */
	const struct option_row *option; /* whose value is next; or NULL */
	const char *socket;              /* NULL: not given */
	bool only_positionals;
	bool lost;          /* there is no such command */
	const char *word;   /* the beginning of what is asked for */
	const char *before; /* "--option=", which is offered with the rest */
	size_t before_len;
};

/* The word to be completed begins like this. */
static bool
begins(const struct typed *typed, const char *offer)
{
	return strncmp(offer, typed->word, strlen(typed->word)) == 0;
}

static void
offer(const struct typed *typed, const char *text, const char *meaning)
{
	if (!begins(typed, text))
		return;
	printf("%.*s%s", (int)typed->before_len, typed->before, text);
	if (meaning != NULL)
		printf("\t%s", meaning);
	putchar('\n');
}

/* From the daemon */

/* A method that lists, and where in its answer the names are. */
struct source {
	const struct value_kind *kind;
	const char *method, *list, *member;
};

static const struct source accounts = {
    &value_account, "io.apikeyd.Admin.ListAccounts", "accounts", "slug"};
static const struct source products = {
    &value_product, "io.apikeyd.Admin.ListProducts", "products", "slug"};
static const struct source keys = {
    &value_key_id, "io.apikeyd.Admin.ListKeys", "keys", "id"};

static const char *
socket_path(const struct typed *typed)
{
	const char *variable = getenv("APIKEYD_ADMIN_SOCKET");

	if (typed->socket != NULL)
		return typed->socket;
	return variable != NULL && *variable != '\0' ? variable
						     : default_admin_socket;
}

/*
 * Whether it is what it should be, so that whoever listens at the socket
 * cannot put anything else on somebody's command line.
 */
static bool
is_sound(const struct value_kind *kind, const char *text)
{
	struct problem problem;
	json_t *value = text != NULL ? value_parse(kind, text, &problem) : NULL;
	bool sound = value != NULL;

	json_decref(value);
	return sound;
}

static bool
is_name(const char *text)
{
	return is_sound(&value_name, text);
}

/* A page of it; returns what to continue with, or NULL. */
static json_t *
offer_page(const struct typed *typed, const struct source *source,
    const json_t *page, size_t *offers)
{
	const json_t *item;
	size_t i;

	json_array_foreach (json_object_get(page, source->list), i, item) {
		const char *text =
		    json_string_value(json_object_get(item, source->member));
		const char *name =
		    json_string_value(json_object_get(item, "name"));

		if (is_sound(source->kind, text) && begins(typed, text) &&
		    ++*offers <= OFFERS_MAX)
			offer(typed, text, is_name(name) ? name : NULL);
	}
	return *offers < OFFERS_MAX ? json_object_get(page, "next") : NULL;
}

static void
offer_objects(const struct typed *typed, const struct source *source)
{
	json_t *parameters = json_object(), *reply;
	int64_t until = monotonic_ms() + PATIENCE_MS;
	struct varlink_client client;
	size_t offers = 0;
	bool more = is_sound(&value_socket, socket_path(typed));

	varlink_init(&client, socket_path(typed));
	while (more) {
		int64_t left = until - monotonic_ms();
		json_t *next;

		if (left <= 0 ||
		    varlink_call(&client, source->method, parameters, (int)left,
			&reply) != VARLINK_OK)
			break;
		next = offer_page(typed, source,
		    json_object_get(reply, "parameters"), &offers);
		more = json_is_string(next);
		if (more)
			json_object_set(parameters, "after", next);
		json_decref(reply);
	}
	varlink_close(&client);
	json_decref(parameters);
}

/* From the tables */

/* Words with '|' between two. */
static void
offer_choices(const struct typed *typed, const char *choices)
{
	char word[64];

	for (;; choices++) {
		size_t len = strcspn(choices, "|");

		snprintf(word, sizeof word, "%.*s", (int)len, choices);
		offer(typed, word, NULL);
		choices += len;
		if (*choices == '\0')
			return;
	}
}

static void
offer_values(const struct typed *typed, const struct value_kind *kind)
{
	switch (kind->completion) {
	case COMPLETE_NOTHING:
		return;
	case COMPLETE_CHOICES:
		offer_choices(typed, kind->expected);
		return;
	case COMPLETE_FILES:
		puts(":files");
		return;
	case COMPLETE_LOGINS:
		puts(":logins");
		return;
	case COMPLETE_ACCOUNTS:
		offer_objects(typed, &accounts);
		return;
	case COMPLETE_PRODUCTS:
		offer_objects(typed, &products);
		return;
	case COMPLETE_KEYS:
		offer_objects(typed, &keys);
		return;
	}
}

static void
offer_options(const struct typed *typed, const struct option_row *row)
{
	char text[64];

	for (; row != NULL && row->name != NULL; row++) {
		snprintf(text, sizeof text, "--%s", row->name);
		offer(typed, text, row->help);
	}
}

static void
offer_nouns(const struct typed *typed)
{
	const struct command *c = NULL;

	offer(typed, "help", "Explain a command");
	while ((c = command_next(c, NULL)) != NULL)
		if (command_next(NULL, c->noun) == c)
			offer(typed, c->noun,
			    c->verb == NULL ? c->summary : NULL);
}

/* The next word of the verbs that go on as this one. */
static void
offer_verbs(const struct typed *typed)
{
	const char *verb = typed->selected.verb;
	const struct command *c = NULL;
	size_t len = strlen(verb);
	char word[VERB_MAX + 1], last[VERB_MAX + 1] = "";

	while ((c = command_next(c, typed->selected.noun)) != NULL) {
		const char *rest = c->verb;

		if (strncmp(rest, verb, len) != 0 ||
		    (len > 0 && rest[len] != ' '))
			continue;
		rest += len > 0 ? len + 1 : 0;
		snprintf(
		    word, sizeof word, "%.*s", (int)strcspn(rest, " "), rest);
		/* "allow add" and "allow on" are one offer at first. */
		if (strcmp(word, last) == 0)
			continue;
		offer(typed, word, strcmp(rest, word) == 0 ? c->summary : NULL);
		memcpy(last, word, sizeof last);
	}
}

/* Words before the one that is asked for */

/* NULL: there is none of this name that takes a value. */
static const struct option_row *
option_with_value(const struct typed *typed, const char *name, size_t len)
{
	const struct command *command = typed->selected.command;
	const struct option_row *option =
	    command != NULL ? option_find(command->options, name, len) : NULL;

	if (option == NULL)
		option = option_find(global_options, name, len);
	return option != NULL && option->metavar != NULL ? option : NULL;
}

static void
skip_option(struct typed *typed, const char *word)
{
	const char *name = word + 2;
	size_t len = strcspn(name, "=");

	typed->option = option_with_value(typed, name, len);
	if (name[len] == '\0')
		return;
	/* The value came in the same word. */
	if (typed->option != NULL && strcmp(typed->option->name, "socket") == 0)
		typed->socket = name + len + 1;
	typed->option = NULL;
}

static void
take_word(struct typed *typed, const char *word)
{
	switch (selection_add(&typed->selected, word)) {
	case SELECTED_WORD:
		if (typed->selected.command != NULL)
			typed->positional =
			    typed->selected.command->positionals;
		break;
	case SELECTED_ARGUMENT:
		if (typed->positional != NULL &&
		    typed->positional->name != NULL)
			typed->positional++;
		break;
	case SELECTED_NO_NOUN:
	case SELECTED_NO_VERB:
		typed->lost = true;
		break;
	}
}

static void
skip_word(struct typed *typed, const char *word)
{
	if (typed->option != NULL) {
		/* bash takes "--name=value" for three words. */
		if (strcmp(word, "=") == 0)
			return;
		if (strcmp(typed->option->name, "socket") == 0)
			typed->socket = word;
		typed->option = NULL;
	} else if (typed->only_positionals || word[0] != '-') {
		if (typed->selected.noun == NULL && !strcmp(word, "help"))
			return;
		take_word(typed, word);
	} else if (strcmp(word, "--") == 0) {
		typed->only_positionals = true;
	} else if (word[1] == '-') {
		skip_option(typed, word);
	}
}

/* "--option=beginning", in one word. */
static void
split_option(struct typed *typed)
{
	const char *equals = strchr(typed->word, '=');

	if (typed->option != NULL || strncmp(typed->word, "--", 2) != 0 ||
	    equals == NULL)
		return;
	typed->option = option_with_value(
	    typed, typed->word + 2, (size_t)(equals - typed->word) - 2);
	typed->before = typed->word;
	typed->before_len = (size_t)(equals - typed->word) + 1;
	typed->word = equals + 1;
}

void
complete(int argc, char *const argv[])
{
	struct typed typed = {.word = argc > 0 ? argv[argc - 1] : ""};

	for (int i = 0; i + 1 < argc; i++)
		skip_word(&typed, argv[i]);
	if (typed.option != NULL && strcmp(typed.word, "=") == 0)
		typed.word = "";
	split_option(&typed);
	if (typed.lost)
		return;
	if (typed.option != NULL)
		offer_values(&typed, typed.option->kind);
	else if (!typed.only_positionals && typed.word[0] == '-') {
		if (typed.selected.command != NULL)
			offer_options(&typed, typed.selected.command->options);
		offer_options(&typed, global_options);
	} else if (typed.selected.noun == NULL)
		offer_nouns(&typed);
	else if (typed.selected.command == NULL)
		offer_verbs(&typed);
	else if (typed.positional != NULL && typed.positional->name != NULL)
		offer_values(&typed, typed.positional->kind);
}
