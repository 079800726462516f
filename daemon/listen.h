/* SPDX-License-Identifier: BSD-2-Clause */
/* Where listening sockets come from: handed over by systemd, or made here. */
#ifndef DAEMON_LISTEN_H
#define DAEMON_LISTEN_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * The listening UNIX stream socket passed under this FileDescriptorName
 * (sd_listen_fds(3): LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES; the order of
 * descriptors is not fixed). Made non-blocking and close-on-exec. Returns -1
 * where none was passed, -2 where what was passed is not such a socket (it is
 * logged).
 */
int listen_inherited(const char *name);

/* False, and logged, where a socket was passed under a name that is neither
 * "verify" nor "admin" and would be forgotten. */
bool listen_names_known(void);

/*
 * Makes and binds a socket at path with this mode; group is its group's name,
 * NULL for none. A socket nobody answers on is replaced, a live one is
 * refused, and so is anything that is not a socket. A group that does not
 * exist is a warning. Returns -1 after logging path and cause.
 */
int listen_at(const char *path, mode_t mode, const char *group);

#endif
