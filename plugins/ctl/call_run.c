/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands that are one call to the daemon, and what they print. */
#include "call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "listing.h"
#include "output.h"

/* Follows the pages to the last. */
static enum ctl_exit
call_pages(const struct invocation *inv, struct listing *listing)
{
	const struct command *command = inv->command;
	struct varlink_client client;
	enum ctl_exit code;
	bool more = true;

	varlink_init(&client, inv->socket);
	do {
		json_t *page, *items, *item, *next;
		size_t i;

		code = call_on(
		    inv, &client, command->method, inv->parameters, &page);
		if (code != CTL_DONE)
			break;
		items = json_object_get(page, command->result);
		next = json_object_get(page, "next");
		more = json_is_string(next);
		/* The page after itself would be asked for for ever. */
		if (!json_is_array(items) ||
		    (more &&
			json_equal(
			    next, json_object_get(inv->parameters, "after"))))
			code = report_silence(&client, VARLINK_PROTOCOL, NULL);
		json_array_foreach (items, i, item) {
			listing_add(listing, item);
		}
		if (more)
			json_object_set(inv->parameters, "after", next);
		json_decref(page);
	} while (more && code == CTL_DONE);
	varlink_close(&client);
	return code;
}

static enum ctl_exit
run_list(const struct invocation *inv)
{
	struct listing listing;
	enum ctl_exit code;

	if (!listing_begin(&listing, inv->command, inv->json)) {
		fputs("apikeyctl: out of memory\n", stderr);
		listing_end(&listing);
		return CTL_REFUSED;
	}
	code = call_pages(inv, &listing);
	if (code == CTL_DONE)
		listing_print(&listing);
	listing_end(&listing);
	return code;
}

static void
print_done(const struct invocation *inv)
{
	const struct positional_row *row = inv->command->positionals;
	const char *name = parameter_text(inv, row->field);

	printf("%s %s.\n", inv->command->done, name);
}

static void
print_result(struct invocation *inv, json_t *object)
{
	if (inv->json)
		output_json(object);
	else if (inv->command->print != NULL)
		inv->command->print(inv, object);
	else if (inv->command->done != NULL)
		print_done(inv);
	else
		output_fields(inv->command->fields, object);
}

/* What is deleted has nothing left to show but its name. */
static json_t *
deleted(const struct invocation *inv)
{
	const char *field = inv->command->positionals->field;

	return json_pack(
	    "{s:O}", "deleted", json_object_get(inv->parameters, field));
}

/*
 * A token that does not reach the caller is lost for good: say what to do
 * then, and say why an answer may be without one.
 */
static void
note_token(struct invocation *inv, const json_t *object)
{
	static const char lost[] =
	    "The token is lost. For a new one: apikeyctl key rotate ";
	const char *id = json_string_value(json_object_get(object, "id"));
	size_t size = sizeof lost + strlen(id != NULL ? id : "ID");

	if (!json_is_string(json_object_get(object, "token"))) {
		fprintf(stderr,
		    "The token was shown the first time only. For a new one: "
		    "apikeyctl key rotate %s\n",
		    id != NULL ? id : "ID");
		return;
	}
	inv->if_unwritten = malloc(size);
	if (inv->if_unwritten != NULL)
		snprintf(inv->if_unwritten, size, "%s%s", lost,
		    id != NULL ? id : "ID");
}

static enum ctl_exit
run_object(struct invocation *inv)
{
	const struct command *command = inv->command;
	json_t *parameters, *member, *object;
	enum ctl_exit code;

	code = call_once(inv, command->method, inv->parameters, &parameters);
	if (code != CTL_DONE)
		return code;
	member = command->result != NULL
	    ? json_object_get(parameters, command->result)
	    : NULL;
	if (command->result != NULL && !json_is_object(member)) {
		fprintf(stderr,
		    "apikeyctl: there is no %s in the daemon's answer\n",
		    command->result);
		json_decref(parameters);
		return CTL_NO_DAEMON;
	}
	if (json_is_true(json_object_get(parameters, "repeated")))
		fputs("This change had been made before: nothing was changed "
		      "now.\n",
		    stderr);
	object = member != NULL ? fields_complete(command->fields, member)
				: deleted(inv);
	inv->secret = json_is_string(json_object_get(object, "token"));
	if (command->token)
		note_token(inv, object);
	print_result(inv, object);
	json_decref(object);
	json_decref(parameters);
	return CTL_DONE;
}

enum ctl_exit
call_run(struct invocation *inv)
{
	const struct command *command = inv->command;

	if (command->before != NULL) {
		enum ctl_exit code = command->before(inv);

		if (code != CTL_DONE)
			return code;
	}
	if (command->shape != NULL)
		command->shape(inv->parameters);
	if (command->changes && !call_add_operation_id(inv))
		return CTL_REFUSED;
	return command->columns != NULL ? run_list(inv) : run_object(inv);
}
