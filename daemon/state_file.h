/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files by their names in the state directory, and how a new one gets onto the
 * disk so that it is whole or not there.
 */
#ifndef DAEMON_STATE_FILE_H
#define DAEMON_STATE_FILE_H

#include <limits.h>
#include <stdbool.h>

/* False after logging that it is too long. */
bool state_path(char out[PATH_MAX], const char *directory, const char *name);
/* A file onto the disk, or a directory's names; flags as of open(2). False with
 * errno. */
bool state_sync(const char *path, int flags);
/* Renames a file once it is on disk, and makes that last. False after
 * logging. */
bool state_publish(const char *from, const char *directory, const char *to);

#endif
