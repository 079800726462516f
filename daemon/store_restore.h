/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new keys.tdb out of a backup, in steps: made beside the old one, joined to
 * audit.log, changed by the caller, put in its place.
 */
#ifndef DAEMON_STORE_RESTORE_H
#define DAEMON_STORE_RESTORE_H

#include "backup_file.h"
#include "store_file.h"

/*
 * Makes keys.tdb.restore in directory of a backup that was read once, and loads
 * it. *file takes changes then, whose lines wait in its outbox. False after
 * logging; store_restore_end() in any case.
 */
bool store_restore_begin(struct store_file *file, const char *directory,
    unsigned expected_keys, struct backup_file *backup, store_load_fn *load,
    void *context);
/* Its next line is to be the one behind this one. False after logging. */
bool store_restore_join(struct store_file *file, const struct audit_head *head);
/* It becomes keys.tdb; aside is what the old one is called from then on, empty
 * where there was none. False after logging. */
bool store_restore_publish(struct store_file *file, char aside[PATH_MAX]);
void store_restore_end(struct store_file *file);

#endif
