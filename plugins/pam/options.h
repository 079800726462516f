/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words after pam_apikey.so in a PAM configuration. Parsing is pure: what
 * is wrong is reported, not logged, and texts point into the arguments, which
 * PAM keeps for the length of the call.
 */
#ifndef PAM_OPTIONS_H
#define PAM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "plugins/client/apikey.h"
#include "proto/message.h"

struct options {
	const char *socket;  /* NULL: the library's default */
	int timeout_ms;      /* for a whole verification */
	const char *product; /* NULL: any */
	const char *account;
	enum apikey_permission permission;
	const char *scopes[SCOPES_MAX];
	size_t scope_count;
	const char *prompt;
	bool any_user;
	bool try_first_pass;
	bool use_first_pass;
	bool ignore_unknown_user;
	bool ignore_authinfo_unavail;
	bool noenv;
	bool debug;
};

/*
 * Returns NULL, or the first argument that is no option of ours or has a bad
 * value: a mistyped restriction must not open a door.
 */
const char *options_parse(struct options *options, int argc, const char **argv);

/* Whether a key that came in by another line has what this line asks for. */
bool
options_met_by(const struct options *options, const struct apikey_result *key);

#endif
