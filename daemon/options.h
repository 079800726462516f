/* SPDX-License-Identifier: BSD-2-Clause */
/* What apikeyd is told on its command line. */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <limits.h>
#include <stdbool.h>

#include "settings.h"

struct options {
	const char
	    *config_file; /* NULL: the default one, which may be absent */
	char state_directory[PATH_MAX];
	char runtime_directory[PATH_MAX];
	bool check_config;
	const char *rekey_file;   /* NULL: not to rekey, but to serve */
	const char *restore_file; /* likewise, not to restore */
};

/* Prints what was asked for, or what is wrong. -1: go on, else main()'s exit
 * code. Strings stay argv's; the directories are chosen in any case. */
int options_read(int argc, char **argv, struct options *options);

/* The configuration that they name, over what *settings has; false: it said
 * what is wrong. */
bool
options_read_settings(const struct options *options, struct settings *settings);

#endif
