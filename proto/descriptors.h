/* SPDX-License-Identifier: BSD-2-Clause */
/* For programs, before they open anything. */
#ifndef PROTO_DESCRIPTORS_H
#define PROTO_DESCRIPTORS_H

#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

/*
 * With a standard descriptor closed, the next file or socket would take its
 * number and be written to in place of the terminal: a log's lines would end up
 * in a store. The wrong access mode makes using it fail as if it were still
 * closed. False where /dev/null cannot be opened: go no further.
 */
static inline bool
keep_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == -1 &&
		    /* cppcheck-suppress leakReturnValNotUsed ; to stay */
		    open("/dev/null",
			fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			return false;
	return true;
}

#endif
