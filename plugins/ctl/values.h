/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What may stand behind an option, a row a kind: how it is read, what is
 * expected, what the help says of units and limits, and what a shell offers.
 *
 * Which slugs, keys and logins exist is the daemon's to say.
 */
#ifndef CTL_VALUES_H
#define CTL_VALUES_H

#include <jansson.h>

enum { QUOTED_MAX = 96 };

struct problem {
	char text[256];
};

struct value_kind;

/*
 * Takes the text from the command line and returns the value as it goes over
 * the wire (a new reference), or NULL with problem->text saying what is wrong
 * and what was expected, so that nothing is sent that the daemon would refuse
 * for its form.
 */
typedef json_t *value_parser(
    const struct value_kind *kind, const char *text, struct problem *problem);

/* What a shell may complete it with. */
enum completion {
	COMPLETE_NOTHING,
	COMPLETE_CHOICES,
	COMPLETE_FILES,
	COMPLETE_LOGINS,
	COMPLETE_ACCOUNTS,
	COMPLETE_PRODUCTS,
	COMPLETE_KEYS,
};

struct value_kind {
	value_parser *parse;
	/* For error messages; of COMPLETE_CHOICES, the words with '|' between
	 * two. */
	const char *expected;
	/* For the help; NULL: the option's own row says all. */
	const char *limits;
	size_t max; /* bytes; 0: there is no such limit */
	enum completion completion;
};

json_t *value_parse(
    const struct value_kind *kind, const char *text, struct problem *problem);

/*
 * The text in a form fit for an error message: control characters become
 * '?', long texts are cut, and so is whatever could be a token given by
 * mistake.
 */
void value_quote(const char *text, char out[QUOTED_MAX]);

/* Objects */
extern const struct value_kind value_account, value_product, value_key_id,
    value_prefix;
/* Texts for people */
extern const struct value_kind value_name, value_label, value_environment,
    value_reason, value_endpoint;
/* Words */
extern const struct value_kind value_scope, value_service, value_login,
    value_operation_id;
extern const struct value_kind value_permission, value_key_type, value_role,
    value_key_status, value_new_account_status, value_window;
/* Files, and sockets, whose paths the kernel keeps short. */
extern const struct value_kind value_path, value_socket;
/* {"uid": N, "login": "..."}: asked here, since looking a login up can take
 * its time, and the daemon has none to wait. */
extern const struct value_kind value_caller;
/* Durations become whole milliseconds. */
extern const struct value_kind value_duration, value_positive_duration,
    value_rate, value_quota;
/* {"expires_in_ms": N} for a duration, {"expires_at": "…"} for a date. */
extern const struct value_kind value_expires;
extern const struct value_kind value_address;
/* {"cidr": "…", "label": …} */
extern const struct value_kind value_allow_entry;
/* The first of it alone. */
extern const struct value_kind value_cidr;
/* Signatures. A timestamp is Unix seconds. */
extern const struct value_kind value_signature, value_timestamp;

#endif
