/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether what was opened may be relied on: checks on the open descriptor, so
 * nothing can be exchanged between the look and the use. path is for the log;
 * a refusal is one line that names it and says what to do.
 *
 * "Ours" is what the effective user owns. What is ours and too open is
 * tightened, with a warning.
 */
#ifndef DAEMON_TRUSTED_H
#define DAEMON_TRUSTED_H

#include <stdbool.h>
#include <sys/types.h>

/* A directory owned by us or root with no permission beyond max. A sticky one
 * (/tmp) is shared on purpose: it is refused, not tightened. */
bool trusted_directory(int fd, const char *path, mode_t max);

/* A regular file with one name, owned by us or root, that nobody else may
 * read or write. Root's may be readable for our group: that is how root hands
 * a file to us. */
bool trusted_file(int fd, const char *path);

/* A credential of the service manager, whoever it belongs to: a regular file
 * that others can neither read nor write and our group cannot write. */
bool trusted_credential(int fd, const char *path);

#endif
