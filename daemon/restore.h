/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A backup back in the place of keys.tdb, while no daemon runs.
 *
 * All of the backup is verified before anything is written. A new store is then
 * made of it beside the old one, and what audit.log tells to have been taken
 * away after the backup is taken away there, too: see restore_replay.h. It
 * becomes keys.tdb by exchanging two names at once, so whatever ends this in
 * between, keys.tdb is the old store or the new one, and the old one stays,
 * under another name.
 */
#ifndef DAEMON_RESTORE_H
#define DAEMON_RESTORE_H

#include <stdbool.h>

#include "settings.h"

/* Says on standard output what was restored, what was taken away again, and
 * what is left to be looked at. False after logging one line. */
bool restore(const char *state_directory, const struct settings *settings,
    const char *backup);

#endif
