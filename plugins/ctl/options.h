/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From argv to a command with checked parameters. Nothing is sent, opened or
 * read here.
 */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include <jansson.h>
#include <stdbool.h>

#include "command.h"

/* Options of every command; may stand before the noun, too. */
extern const struct option_row global_options[];

/* Where neither option nor variable says so. */
extern const char default_admin_socket[];

struct invocation {
	const struct command *command;
	json_t *parameters; /* what the command's own arguments say */
	json_t *globals;    /* likewise the global options; the texts below
			       live as long as it does */
	const char *socket; /* admin socket */
	const char *verify_socket;
	const char *operation_id; /* NULL: not given */
	bool json;
	bool secret; /* what is printed has a token in it */
	/*
	 * What to tell if standard output cannot be written; NULL: nothing
	 * is lost that a second call does not bring. Malloced.
	 */
	char *if_unwritten;
};

enum options_outcome {
	OPTIONS_RUN,   /* run inv->command */
	OPTIONS_SHOWN, /* help or version was asked for and printed */
	OPTIONS_WRONG, /* said so on stderr; exit 2 */
};

/*
 * Fills *inv. Where an option is given more than once the last one wins, but
 * each is checked. The caller frees with invocation_free(), whatever the
 * outcome.
 */
enum options_outcome
options_parse(int argc, char *const argv[], struct invocation *inv);
void invocation_free(struct invocation *inv);

/* The parameter's text, or NULL. */
const char *parameter_text(const struct invocation *inv, const char *field);

#endif
