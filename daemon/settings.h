/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration file, read by libconfuse. Every setting has a default, so
 * an absent default file is fine; an absent file that was named is not.
 */
#ifndef DAEMON_SETTINGS_H
#define DAEMON_SETTINGS_H

#include <limits.h>
#include <stdbool.h>

#include "log.h"
#include "server.h"
#include "verify_log.h"

#define DEFAULT_CONFIG_FILE "/etc/apikeyd/apikeyd.conf"

struct settings {
	char verify_socket_group[64];   /* default "apikey" */
	char master_key_file[PATH_MAX]; /* empty: in the state directory */
	enum log_level log_level;       /* error warning notice info debug */
	enum verify_log_mode log_verifications; /* off sampled all */
	struct server_limits limits;            /* max_connections = 4096,
						   max_connections_per_uid = 1024,
						   request_timeout = 5s */
	unsigned signature_window;              /* seconds; 300s */
	unsigned expected_keys;   /* sizes keys.tdb at its creation: 100000 */
	unsigned usage_retention; /* days; 31d */
	unsigned usage_flush_interval; /* ms; 2s */
	unsigned usage_journal_size;   /* MiB, at its creation; 64 */
};

void settings_default(struct settings *settings);

/*
 * Reads path over the defaults. An unknown setting, a wrong value or a syntax
 * error is logged in one line with file and line number; *settings is then
 * as it was and false is returned. must_exist: a missing file is an error.
 */
bool
settings_read(struct settings *settings, const char *path, bool must_exist);

#endif
