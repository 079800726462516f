/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands of apikeyctl as tables: a new verb is a new row. From a row
 * come the parsing, the checks, the help, the call and what is printed.
 */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include <jansson.h>
#include <stdbool.h>

#include "output.h"
#include "values.h"

/* apikeyctl(1) documents these to scripts. */
enum ctl_exit {
	CTL_DONE = 0,
	CTL_REFUSED = 1,
	CTL_USAGE = 2,
	CTL_NOT_FOUND = 3,
	CTL_NOT_PERMITTED = 4,
	CTL_NO_DAEMON = 5,
	CTL_CONFLICT = 6,
};

/* Arrays of options and positionals end with a row without a name. */
struct option_row {
	const char *name;              /* without the dashes */
	const char *metavar;           /* NULL: a flag, whose value is true */
	const char *field;             /* the parameter it becomes */
	const struct value_kind *kind; /* not for a flag */
	unsigned max;                  /* 0: the last one given wins;
					  else an array of at most so many */
	const char *clear; /* a word that takes the setting away ("none"),
			      as the empty text does in an update */
	const char *help;
};

/* Options that several commands have, with the help of each. */
#define OPTION_ACCOUNT(text)                                              \
	{                                                                 \
		.name = "account", .metavar = "SLUG", .field = "account", \
		.kind = &value_account, .help = text                      \
	}
#define OPTION_PRODUCT(text)                                              \
	{                                                                 \
		.name = "product", .metavar = "SLUG", .field = "product", \
		.kind = &value_product, .help = text                      \
	}
#define OPTION_NAME                                                 \
	{                                                           \
		.name = "name", .metavar = "TEXT", .field = "name", \
		.kind = &value_name, .help = "name for people"      \
	}
#define OPTION_YES                                                  \
	{                                                           \
		.name = "yes", .field = "yes", .help = "do not ask" \
	}

struct positional_row {
	const char *name;
	const char *field;
	const struct value_kind *kind;
	bool optional; /* only the last may be */
};

struct invocation;

struct command {
	const char *noun;
	/* One word or two ("allow add"); NULL: the noun is the whole command.
	 */
	const char *verb;
	const char *summary;
	/* More, for its own help: */
	const char *note;    /* NULL: none */
	const char *example; /* command lines, one a line */
	const char *exits;   /* what its exit codes mean where that is
				special; NULL: it is not */
	const struct positional_row *positionals;
	const struct option_row *options;
	const char *const *required; /* names of options; ends with NULL */
	bool clears; /* an empty value becomes null: takes it away */

	/* Commands that are one call to the daemon: */
	const char *method;           /* of io.apikeyd.Admin */
	bool changes;                 /* takes an operation_id */
	const struct column *columns; /* of a list, which comes in pages */
	/* Prints one of them where there is no room for the columns; NULL:
	 * they are cut. */
	void (*print_line)(const json_t *row);
	const char *result; /* member of the answer that is printed */
	const struct field *fields;
	/* Last questions before anything is sent; NULL: none. */
	enum ctl_exit (*before)(struct invocation *);
	/* Brings the flat parameters into the method's form; NULL: are. */
	void (*shape)(json_t *parameters);
	/* The parameter for the PIN, should the daemon want one; NULL: it
	 * never does. */
	const char *pin;
	bool token;       /* the result has a token, this once */
	const char *done; /* "Revoked key": what to say about success */
	/* Prints the result for people; NULL: the done sentence, or the fields
	 * where there is none. */
	void (*print)(struct invocation *, const json_t *result);

	/* Commands that are something else: */
	bool takes_token; /* from stdin or a prompt */
	enum ctl_exit (*run)(struct invocation *);
};

/* Each ends with a row without a noun. */
extern const struct command account_commands[];
extern const struct command product_commands[];
extern const struct command key_commands[];
extern const struct command allow_commands[];
extern const struct command verify_commands[];
extern const struct command signature_commands[];
extern const struct command explain_commands[];
extern const struct command usage_commands[];
extern const struct command import_commands[];
extern const struct command export_commands[];
extern const struct command scan_commands[];
extern const struct command audit_commands[];
extern const struct command stale_commands[];
extern const struct command operator_commands[];
extern const struct command store_commands[];
extern const struct command metrics_commands[];
extern const struct command status_commands[];

/* What most commands are about. */
extern const struct positional_row account_slug[], product_slug[], key_id[];

/* A member of several nouns' answers. */
extern const struct field account_fields[];

/* All of the above, in the order of the help; ends with NULL. */
extern const struct command *const command_tables[];

bool
command_requires(const struct command *command, const struct option_row *row);

enum { VERB_MAX = 31 };

/* A command as its words come in. */
struct selection {
	const char *noun;              /* NULL: not yet */
	char verb[VERB_MAX + 1];       /* its words so far */
	const struct command *command; /* NULL until noun and verb are known */
};

enum selected {
	SELECTED_WORD, /* it is part of noun or verb */
	SELECTED_ARGUMENT,
	SELECTED_NO_NOUN, /* there is no such noun */
	SELECTED_NO_VERB, /* likewise; the words of it are in verb */
};

/* Takes the next word that is no option. */
enum selected selection_add(struct selection *selection, const char *word);

/* Or NULL; so are rows that there are none of. */
const struct option_row *
option_find(const struct option_row *rows, const char *name, size_t len);

/* Whether a command goes on from these words, or is theirs. */
bool selection_leads_to(
    const struct selection *selection, const struct command *command);

/*
 * For loops over every row: the one after `at` (NULL: the first), of this
 * noun (NULL: of all), or NULL.
 */
const struct command *command_next(const struct command *at, const char *noun);

#endif
