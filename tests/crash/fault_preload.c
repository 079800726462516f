/* SPDX-License-Identifier: BSD-2-Clause */
/* Comes before the C library in the daemon: see fault.h. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fault.h"

static struct fault_shared *shared;

static void __attribute__((constructor)) map_shared(void)
{
	const char *path = getenv(FAULT_VARIABLE);
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	long address = fd < 0 ? -1
			      : syscall(SYS_mmap, NULL, sizeof *shared,
				    PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (fd >= 0)
		close(fd);
	if (address != -1)
		memcpy(&shared, &address, sizeof shared);
}

static bool
strikes(enum fault_kind kind, int error)
{
	int call;

	if (shared == NULL || atomic_load(&shared->kind) != (int)kind)
		return false;
	call = atomic_fetch_sub(&shared->after, 1);
	if (call > 0 || call <= -atomic_load(&shared->times))
		return false;
	errno = error;
	return true;
}

static bool
fails(enum fault_kind kind, int fd, int error)
{
	struct stat status;

	return shared != NULL && atomic_load(&shared->kind) == (int)kind &&
	    fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	    strikes(kind, error);
}

static bool
cannot_write(int fd)
{
	return fails(FAULT_WRITE, fd, EIO) ||
	    fails(FAULT_DISK_FULL, fd, ENOSPC);
}

/* System calls as such: their wrappers are what we come before. */

int
fdatasync(int fd)
{
	return fails(FAULT_SYNC, fd, EIO) ? -1
					  : (int)syscall(SYS_fdatasync, fd);
}

int
fsync(int fd)
{
	return fails(FAULT_SYNC, fd, EIO) ? -1 : (int)syscall(SYS_fsync, fd);
}

ssize_t
write(int fd, const void *data, size_t len)
{
	return cannot_write(fd) ? -1 : syscall(SYS_write, fd, data, len);
}

ssize_t
pwrite(int fd, const void *data, size_t len, off_t offset)
{
	return cannot_write(fd) ? -1
				: syscall(SYS_pwrite64, fd, data, len, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off_t offset)
    __attribute__((alias("pwrite")));

int
ftruncate(int fd, off_t len)
{
	return cannot_write(fd) ? -1 : (int)syscall(SYS_ftruncate, fd, len);
}

int ftruncate64(int fd, off_t len) __attribute__((alias("ftruncate")));

int
fallocate(int fd, int mode, off_t offset, off_t len)
{
	return cannot_write(fd)
	    ? -1
	    : (int)syscall(SYS_fallocate, fd, mode, offset, len);
}

int fallocate64(int fd, int mode, off_t offset, off_t len)
    __attribute__((alias("fallocate")));

int
posix_fallocate(int fd, off_t offset, off_t len)
{
	return fallocate(fd, 0, offset, len) == 0 ? 0 : errno;
}

int posix_fallocate64(int fd, off_t offset, off_t len)
    __attribute__((alias("posix_fallocate")));

void *
mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
	long mapped = strikes(FAULT_MAP, ENOMEM)
	    ? -1
	    : syscall(SYS_mmap, address, len, protection, flags, fd, offset);
	void *result;

	memcpy(&result, &mapped, sizeof result);
	return result;
}

void *mmap64(void *address, size_t len, int protection, int flags, int fd,
    off_t offset) __attribute__((alias("mmap")));

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

void *
malloc(size_t size)
{
	return strikes(FAULT_MEMORY, ENOMEM) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return strikes(FAULT_MEMORY, ENOMEM) ? NULL
					     : __libc_calloc(count, size);
}

void *
realloc(void *block, size_t size)
{
	return strikes(FAULT_MEMORY, ENOMEM) ? NULL
					     : __libc_realloc(block, size);
}
