/* SPDX-License-Identifier: BSD-2-Clause */
#include "statedir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "trusted.h"

static const char lock_name[] = "lock";

/* A path without slashes at its end: O_NOFOLLOW would follow "link/". */
static bool
trim(const char *path, char out[PATH_MAX])
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	if (len == 0 || len >= PATH_MAX) {
		log_error("%s: not a usable path of a directory", path);
		return false;
	}
	memcpy(out, path, len);
	out[len] = '\0';
	return true;
}

/*
 * Opens a directory of ours, made with this mode where only it is missing. One
 * that is not acceptable is left as it is: it may be somebody else's, named by
 * mistake.
 */
static int
open_directory(const char *path, mode_t mode,
    bool (*acceptable)(int dir, const char *path))
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = open(path, flags);
	bool made = false;

	if (fd < 0 && errno == ENOENT) {
		if (mkdir(path, mode) == 0) {
			made = true;
		} else if (errno != EEXIST) {
			log_error("%s: cannot make the directory: %s", path,
			    strerror(errno));
			return -1;
		}
		fd = open(path, flags);
	}
	if (fd < 0) {
		if (errno == ENOTDIR || errno == ELOOP)
			log_error("%s: must be a directory itself, no symbolic "
				  "link and no other file",
			    path);
		else
			log_error("%s: cannot open the directory: %s", path,
			    strerror(errno));
		return -1;
	}
	/* Whatever the umask took. */
	if (made && fchmod(fd, mode) != 0)
		log_warning(
		    "%s: cannot set its mode: %s", path, strerror(errno));
	if ((acceptable != NULL && !acceptable(fd, path)) ||
	    !trusted_directory(fd, path, mode)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The process named in the lock file, 0 where that cannot be read. */
static long
lock_holder(int fd)
{
	char text[24];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	long pid;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	pid = strtol(text, NULL, 10);
	return pid > 0 ? pid : 0;
}

static bool
take_lock(int fd, const char *path)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char pid[24];
	int len;

	if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
		if (errno == EAGAIN || errno == EACCES)
			log_error("another apikeyd (pid %ld) uses %s",
			    lock_holder(fd), path);
		else
			log_error("%s/%s: cannot lock it: %s", path, lock_name,
			    strerror(errno));
		return false;
	}
	/* Only for the message above: a full disk is no reason to stop. */
	len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)len, 0) != len)
		log_warning("%s/%s: cannot write our pid: %s", path, lock_name,
		    strerror(errno));
	return true;
}

static bool
may_hold_state(int dir, const char *path)
{
	return statedir_look(dir, path) != STATEDIR_BROKEN;
}

static int
open_locked(const char *path, bool (*acceptable)(int dir, const char *path))
{
	char trimmed[PATH_MAX], lock_path[PATH_MAX + sizeof lock_name + 1];
	int dir, lock;

	if (!trim(path, trimmed))
		return -1;
	dir = open_directory(trimmed, 0700, acceptable);
	if (dir < 0)
		return -1;
	snprintf(lock_path, sizeof lock_path, "%s/%s", trimmed, lock_name);
	lock = openat(dir, lock_name,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (lock < 0)
		log_error("%s: cannot open it: %s", lock_path, strerror(errno));
	/* The lock's descriptor stays open; the process's end closes it. */
	if (lock >= 0 && trusted_file(lock, lock_path) &&
	    take_lock(lock, trimmed))
		return dir;
	if (lock >= 0)
		close(lock);
	close(dir);
	return -1;
}

int
statedir_open(const char *path)
{
	return open_locked(path, may_hold_state);
}

bool
rundir_prepare(const char *path)
{
	char trimmed[PATH_MAX];
	int fd;

	if (!trim(path, trimmed))
		return false;
	fd = open_directory(trimmed, 0755, NULL);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* What a name in the state directory says about the store. */
enum trace {
	TRACE_NONE = 0,
	TRACE_STORE = 1,     /* keys.tdb */
	TRACE_NEW_STORE = 2, /* a first start has begun */
	TRACE_FIRST_KEY = 4, /* a first start may have come this far */
	TRACE_SOMETHING = 8, /* there was a store */
	TRACE_LOG = 16,      /* audit.log: there was a store of ours */
};

static enum trace
trace_of(const char *name)
{
	static const struct {
		const char *name;
		enum trace trace;
	} traces[] = {
	    {".", TRACE_NONE},
	    {"..", TRACE_NONE},
	    {lock_name, TRACE_NONE},
	    {"lost+found", TRACE_NONE}, /* a file system of its own */
	    {"keys.tdb", TRACE_STORE},
	    {"keys.tdb.new", TRACE_NEW_STORE},
	    {"master.key", TRACE_FIRST_KEY},
	    {"master.key.new", TRACE_FIRST_KEY},
	    {"audit.log", TRACE_LOG},
	};

	for (size_t i = 0; i < sizeof traces / sizeof traces[0]; i++) {
		if (strcmp(traces[i].name, name) == 0)
			return traces[i].trace;
	}
	return TRACE_SOMETHING;
}

static enum statedir_content
content_of(unsigned traces)
{
	if ((traces & TRACE_STORE) != 0)
		return STATEDIR_STORE;
	if (traces == TRACE_NONE)
		return STATEDIR_FIRST_START;
	if ((traces & TRACE_NEW_STORE) != 0 &&
	    (traces & (TRACE_SOMETHING | TRACE_LOG)) == 0)
		return STATEDIR_RESUME;
	return STATEDIR_BROKEN;
}

/* What the directory's names say together; false after logging. */
static bool
read_traces(int dir, const char *path, unsigned *traces)
{
	/* Not dup(2): that would share the position with the caller's. */
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	int error;

	*traces = 0;
	error = errno;
	if (stream != NULL) {
		errno = 0;
		while ((entry = readdir(stream)) != NULL)
			*traces |= (unsigned)trace_of(entry->d_name);
		error = errno;
		closedir(stream);
	} else if (fd >= 0) {
		close(fd);
	}
	if (stream != NULL && error == 0)
		return true;
	log_error("%s: cannot list the directory: %s", path, strerror(error));
	return false;
}

enum statedir_content
statedir_look(int dir, const char *path)
{
	enum statedir_content content;
	unsigned traces;

	if (!read_traces(dir, path, &traces))
		return STATEDIR_BROKEN;
	content = content_of(traces);
	if (content == STATEDIR_BROKEN)
		log_error(
		    "%s: keys.tdb is missing beside other files: name the "
		    "right state directory, or restore it from a backup",
		    path);
	return content;
}

/* Nothing, or something of a store: it may be named by mistake. */
static bool
may_be_restored_to(int dir, const char *path)
{
	unsigned traces;

	if (!read_traces(dir, path, &traces))
		return false;
	if (traces == TRACE_NONE || (traces & ~(unsigned)TRACE_SOMETHING) != 0)
		return true;
	log_error("%s: holds files, but none of a store: name the right state "
		  "directory, or an empty one",
	    path);
	return false;
}

int
statedir_open_to_restore(const char *path, enum statedir_content *content)
{
	int dir;
	unsigned traces;

	if (access(path, F_OK) != 0) {
		log_error("%s: %s", path, strerror(errno));
		return -1;
	}
	dir = open_locked(path, may_be_restored_to);
	if (dir >= 0 && !read_traces(dir, path, &traces)) {
		close(dir);
		dir = -1;
	}
	if (dir >= 0)
		*content = content_of(traces);
	return dir;
}
