/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What may stand behind an option, one function a kind. Each takes the text
 * from the command line and returns the value as it goes over the wire (a new
 * reference), or NULL with problem->text saying what is wrong and what was
 * expected, so that nothing is sent that the daemon would refuse for its form.
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

typedef json_t *value_parser(const char *text, struct problem *problem);

/*
 * The text in a form fit for an error message: control characters become
 * '?', long texts are cut, and so is whatever could be a token given by
 * mistake.
 */
void value_quote(const char *text, char out[QUOTED_MAX]);

/* Signatures. A timestamp is Unix seconds. */
value_parser value_signature, value_timestamp;

/* Objects */
value_parser value_slug, value_key_id, value_prefix;
/* Texts for people */
value_parser value_name, value_environment, value_service, value_reason;
value_parser value_endpoint;
/* Words */
value_parser value_scope, value_login, value_operation_id, value_path;
value_parser value_permission, value_key_type, value_role;
value_parser value_key_status, value_new_account_status;
/* {"uid": N, "login": "..."}: asked here, since looking a login up can take
 * its time, and the daemon has none to wait. */
value_parser value_caller;
/* Numbers, times and addresses. Durations become whole milliseconds. */
value_parser value_duration, value_positive_duration, value_rate, value_quota,
    value_address;
/* {"expires_in_ms": N} for a duration, {"expires_at": "…"} for a date. */
value_parser value_expires;
/* {"cidr": "…", "label": …} */
value_parser value_allow_entry;
/* The two of it alone. */
value_parser value_cidr, value_label;

#endif
