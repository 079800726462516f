/* SPDX-License-Identifier: BSD-2-Clause */
#include "state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

bool
state_path(char out[PATH_MAX], const char *directory, const char *name)
{
	int len = snprintf(out, PATH_MAX, "%s/%s", directory, name);

	if (len < PATH_MAX)
		return true;
	log_error("%s: path too long", directory);
	return false;
}

bool
state_sync(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	bool done;

	if (fd < 0)
		return false;
	done = fsync(fd) == 0;
	close(fd);
	return done;
}

bool
state_publish(const char *from, const char *directory, const char *to)
{
	if (state_sync(from, O_RDONLY) && rename(from, to) == 0 &&
	    state_sync(directory, O_RDONLY | O_DIRECTORY))
		return true;
	log_error("%s: %s", to, strerror(errno));
	return false;
}
