/* SPDX-License-Identifier: BSD-2-Clause */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "env.h"
#include "log.h"

enum { FIRST_INHERITED = 3 }; /* SD_LISTEN_FDS_START */

/* The names of what we were passed, NULL without any; how many in *count. */
static const char *
inherited_names(unsigned long long *count)
{
	const char *names = getenv("LISTEN_FDNAMES");
	unsigned long long pid;

	if (!env_number("LISTEN_PID", &pid) ||
	    pid != (unsigned long long)getpid() ||
	    !env_number("LISTEN_FDS", count) || *count == 0)
		return NULL;
	return names != NULL ? names : "";
}

/* The first of names, which end in ":" or with the string. */
static bool
first_is(const char *names, const char *name)
{
	size_t len = strlen(name);

	return strcspn(names, ":") == len && memcmp(names, name, len) == 0;
}

static const char *
next_name(const char *names)
{
	names += strcspn(names, ":");
	return *names == ':' ? names + 1 : NULL;
}

static int
inherited_descriptor(const char *name)
{
	unsigned long long count;
	const char *at = inherited_names(&count);

	for (int i = 0; at != NULL && (unsigned long long)i < count; i++) {
		if (first_is(at, name))
			return FIRST_INHERITED + i;
		at = next_name(at);
	}
	return -1;
}

bool
listen_names_known(void)
{
	unsigned long long count;
	const char *at = inherited_names(&count);

	for (; at != NULL && count > 0; count--, at = next_name(at))
		if (!first_is(at, "verify") && !first_is(at, "admin")) {
			log_error("a socket was passed under the name "
				  "\"%.*s\", expected \"verify\" or "
				  "\"admin\"; see FileDescriptorName= in the "
				  "socket unit",
			    (int)strcspn(at, ":"), at);
			return false;
		}
	return true;
}

static bool
socket_option_is(int fd, int option, int wanted)
{
	int value;
	socklen_t len = sizeof value;

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 &&
	    value == wanted;
}

static bool
prepare(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

int
listen_inherited(const char *name)
{
	int fd = inherited_descriptor(name);

	if (fd < 0)
		return -1;
	if (socket_option_is(fd, SO_DOMAIN, AF_UNIX) &&
	    socket_option_is(fd, SO_TYPE, SOCK_STREAM) &&
	    socket_option_is(fd, SO_ACCEPTCONN, 1) && prepare(fd))
		return fd;
	log_error("the descriptor %d passed as \"%s\" is not a listening UNIX "
		  "stream socket; see ListenStream= in the socket unit",
	    fd, name);
	return -2;
}

static bool
address_of(const char *path, struct sockaddr_un *address)
{
	size_t len = strlen(path);

	if (len >= sizeof address->sun_path) {
		log_error("%s: a socket's path may have %zu bytes, this one "
			  "has %zu; choose a shorter runtime directory",
		    path, sizeof address->sun_path - 1, len);
		return false;
	}
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path, path, len);
	return true;
}

static int
new_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* What connecting says: ECONNREFUSED where nobody listens, 0 or EAGAIN (its
 * queue is full) where somebody does. */
static int
probe(const struct sockaddr_un *address)
{
	int fd = new_socket(), error = 0;

	if (fd < 0)
		return errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof *address) != 0)
		error = errno;
	close(fd);
	return error;
}

/* Makes sure that nothing is at path. */
static bool
clear_path(const char *path, const struct sockaddr_un *address)
{
	struct stat st;
	int error;

	if (lstat(path, &st) != 0) {
		if (errno == ENOENT)
			return true;
		log_error("%s: %s", path, strerror(errno));
		return false;
	}
	if (!S_ISSOCK(st.st_mode)) {
		log_error("%s: exists and is not a socket; move it away", path);
		return false;
	}
	error = probe(address);
	if (error == 0 || error == EAGAIN) {
		log_error("%s: another process serves this socket", path);
		return false;
	}
	if (error != ECONNREFUSED && error != ENOENT) {
		log_error("%s: cannot tell whether this socket is in use: %s",
		    path, strerror(error));
		return false;
	}
	if (unlink(path) != 0 && errno != ENOENT) {
		log_error("%s: cannot replace the stale socket: %s", path,
		    strerror(errno));
		return false;
	}
	return true;
}

static bool
find_group(const char *name, gid_t *gid)
{
	/* Members may make an entry long; ours needs none of them. */
	size_t size = 1 << 16;
	struct group group, *found = NULL;
	char *buffer = malloc(size);
	bool ok;

	ok = buffer != NULL &&
	    getgrnam_r(name, &group, buffer, size, &found) == 0 &&
	    found != NULL;
	if (ok)
		*gid = group.gr_gid;
	free(buffer);
	return ok;
}

/* Before the mode: nobody but the owner may connect until the group is set. */
static void
set_group(const char *path, const char *group)
{
	gid_t gid;

	if (!find_group(group, &gid))
		log_warning("%s: there is no group \"%s\": the socket stays "
			    "with the daemon's own group",
		    path, group);
	else if (fchownat(
		     AT_FDCWD, path, (uid_t)-1, gid, AT_SYMLINK_NOFOLLOW) != 0)
		log_warning("%s: cannot give the socket to group \"%s\": %s",
		    path, group, strerror(errno));
}

static int
bind_private(int fd, const struct sockaddr_un *address)
{
	mode_t before = umask(0177);
	int result =
	    bind(fd, (const struct sockaddr *)address, sizeof *address);

	umask(before);
	return result;
}

int
listen_at(const char *path, mode_t mode, const char *group)
{
	struct sockaddr_un address;
	int fd;

	if (!address_of(path, &address) || !clear_path(path, &address))
		return -1;
	fd = new_socket();
	if (fd < 0 || bind_private(fd, &address) != 0) {
		log_error(
		    "%s: cannot make the socket: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (group != NULL)
		set_group(path, group);
	/* Listening first: a client that may connect is not refused. */
	if (listen(fd, SOMAXCONN) != 0 || chmod(path, mode) != 0) {
		log_error("%s: cannot make the socket ready: %s", path,
		    strerror(errno));
		close(fd);
		unlink(path);
		return -1;
	}
	return fd;
}
