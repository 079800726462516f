/* SPDX-License-Identifier: BSD-2-Clause */
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "sanitized.h"

static _Thread_local enum fault armed = FAULT_COUNT;
static _Thread_local int countdown;

void
faults_arm(enum fault fault, int nth)
{
	countdown = nth;
	armed = fault;
}

bool
faults_disarm(void)
{
	armed = FAULT_COUNT;
	return countdown <= 0;
}

#ifdef UNDER_SANITIZER

bool
faults_possible(void)
{
	return false;
}

#else

bool
faults_possible(void)
{
	return true;
}

static bool
strikes(enum fault fault, int error)
{
	if (armed != fault || --countdown != 0)
		return false;
	errno = error;
	return true;
}

/* The definition that comes after ours. */
static void
next(const char *name, void *function, size_t size)
{
	void *found = dlsym(RTLD_NEXT, name);

	memcpy(function, &found, size);
}

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);

void *
malloc(size_t size)
{
	return strikes(FAULT_MALLOC, ENOMEM) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return strikes(FAULT_MALLOC, ENOMEM) ? NULL
					     : __libc_calloc(count, size);
}

int
socket(int domain, int type, int protocol)
{
	int (*real)(int, int, int);

	next("socket", &real, sizeof real);
	return strikes(FAULT_SOCKET, EMFILE) ? -1
					     : real(domain, type, protocol);
}

int
connect(int fd, const struct sockaddr *address, socklen_t len)
{
	int (*real)(int, const struct sockaddr *, socklen_t);

	next("connect", &real, sizeof real);
	return strikes(FAULT_CONNECT, ECONNREFUSED) ? -1
						    : real(fd, address, len);
}

int
fstat(int fd, struct stat *out)
{
	int (*real)(int, struct stat *);

	next("fstat", &real, sizeof real);
	return strikes(FAULT_FSTAT, EIO) ? -1 : real(fd, out);
}

ssize_t
send(int fd, const void *data, size_t len, int flags)
{
	ssize_t (*real)(int, const void *, size_t, int);

	next("send", &real, sizeof real);
	return strikes(FAULT_SEND, EIO) ? -1 : real(fd, data, len, flags);
}

ssize_t
recv(int fd, void *data, size_t len, int flags)
{
	ssize_t (*real)(int, void *, size_t, int);

	next("recv", &real, sizeof real);
	return strikes(FAULT_RECV, EIO) ? -1 : real(fd, data, len, flags);
}

int
ppoll(struct pollfd *fds, nfds_t count, const struct timespec *limit,
    const sigset_t *mask)
{
	int (*real)(
	    struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);

	next("ppoll", &real, sizeof real);
	return strikes(FAULT_PPOLL, ENOMEM) ? -1
					    : real(fds, count, limit, mask);
}

#endif
