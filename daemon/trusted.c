/* SPDX-License-Identifier: BSD-2-Clause */
#include "trusted.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

static bool
look(int fd, const char *path, mode_t type, struct stat *st)
{
	if (fstat(fd, st) != 0) {
		log_error("%s: %s", path, strerror(errno));
		return false;
	}
	if ((st->st_mode & S_IFMT) != type) {
		log_error("%s: is not a %s; move it away", path,
		    type == S_IFDIR ? "directory" : "regular file");
		return false;
	}
	return true;
}

static bool
owner_trusted(const struct stat *st, const char *path)
{
	if (st->st_uid == geteuid() || st->st_uid == 0)
		return true;
	log_error("%s: belongs to uid %lu, not to us (uid %lu) or root; "
		  "change its owner, or run as that user",
	    path, (unsigned long)st->st_uid, (unsigned long)geteuid());
	return false;
}

/* Takes away what is beyond max, or refuses where that is not our right. */
static bool
tighten(int fd, const struct stat *st, const char *path, mode_t max)
{
	mode_t mode = st->st_mode & 07777;

	if ((mode & 0777 & ~max) == 0)
		return true;
	if (st->st_uid != geteuid() || fchmod(fd, mode & max) != 0) {
		log_error("%s: mode %04o is too open; chmod it to %04o", path,
		    (unsigned)mode, (unsigned)(mode & max));
		return false;
	}
	log_warning("%s: mode was %04o, too open: changed to %04o", path,
	    (unsigned)mode, (unsigned)(mode & max));
	return true;
}

bool
trusted_directory(int fd, const char *path, mode_t max)
{
	struct stat st;

	if (!look(fd, path, S_IFDIR, &st) || !owner_trusted(&st, path))
		return false;
	if ((st.st_mode & S_ISVTX) != 0 && (st.st_mode & 022) != 0) {
		log_error("%s: is shared by all users; name a directory of "
			  "the daemon's own",
		    path);
		return false;
	}
	return tighten(fd, &st, path, max);
}

bool
trusted_file(int fd, const char *path)
{
	struct stat st;

	if (!look(fd, path, S_IFREG, &st) || !owner_trusted(&st, path))
		return false;
	if (st.st_nlink > 1) {
		log_error("%s: has another name (hard link); make it a file "
			  "of its own",
		    path);
		return false;
	}
	return tighten(fd, &st, path, st.st_uid == geteuid() ? 0600 : 0640);
}

bool
trusted_credential(int fd, const char *path)
{
	struct stat st;

	if (!look(fd, path, S_IFREG, &st))
		return false;
	if ((st.st_mode & 027) == 0)
		return true;
	log_error("%s: mode %04o is too open for a credential; 0440 at most",
	    path, (unsigned)(st.st_mode & 07777));
	return false;
}
