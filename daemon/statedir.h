/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state directory: its lock, its permissions, what is in it.
 *
 * Paths are opened without following a symbolic link in their last part, and
 * checked on the open descriptor: right type, owned by us (or root), not
 * writable or readable by others. What is ours and too open is tightened,
 * with a warning; what is another's is refused. Every refusal is one logged
 * line that names the path and what to do.
 */
#ifndef DAEMON_STATEDIR_H
#define DAEMON_STATEDIR_H

#include <stdbool.h>

/*
 * Opens the directory (making it, 0700, where only it is missing) and takes
 * its lock, "lock" in it, held until the process ends. Returns a directory
 * descriptor, or -1 after logging: another daemon has it (naming its PID),
 * owner, type, what STATEDIR_BROKEN says. Nothing is written before that is
 * known: the name may be a mistake. The lock is an open file description lock
 * (F_OFD_SETLK), which a tdb_close elsewhere in the process cannot drop.
 */
int statedir_open(const char *path);

/* As above for a runtime directory: mode 0755, no lock. */
bool rundir_prepare(const char *path);

enum statedir_content {
	STATEDIR_FIRST_START, /* nothing there: make a store */
	STATEDIR_RESUME,      /* a first start that was cut off: make it anew */
	STATEDIR_STORE,       /* keys.tdb is there */
	STATEDIR_BROKEN,      /* other files but no keys.tdb; logged */
};
/*
 * Looks what is in the directory. keys.tdb.new without a keys.tdb is what a
 * first start leaves when it is cut off (nothing was acknowledged by then).
 * A master.key alone, or any other file without a keys.tdb, is broken: a
 * store that is gone is not a store to be made anew.
 */
enum statedir_content statedir_look(int dir, const char *path);

/*
 * As statedir_open(), where a store is to come back: also without keys.tdb,
 * beside a master.key or an audit.log. The directory has to exist. *content is
 * what is in it; STATEDIR_BROKEN is a store that is gone, and not logged.
 */
int statedir_open_to_restore(const char *path, enum statedir_content *content);

#endif
