/* SPDX-License-Identifier: BSD-2-Clause */
/* Fortified, pread and its kin are inline functions, which cannot be replaced.
 */
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/log.h"
#include "store_disk.h"
#include "sanitized.h"

/* The disk's place: tdb's system calls, of which one may fail. */

#define INTERPOSED __attribute__((visibility("default")))

struct fault sync_fault, write_fault, read_fault, memory_fault;
int syncs;

static bool
strikes(struct fault *fault)
{
	if (fault->at == 0 || --fault->at > 0)
		return false;
	if (--fault->times > 0)
		fault->at = 1;
	errno = fault->error;
	return true;
}

INTERPOSED int fdatasync(int fd);
INTERPOSED int
fdatasync(int fd)
{
	(void)fd; /* no test cuts the power */
	syncs++;
	return strikes(&sync_fault) ? -1 : 0;
}

INTERPOSED int fsync(int fd);
INTERPOSED int
fsync(int fd)
{
	(void)fd;
	syncs++;
	return strikes(&sync_fault) ? -1 : 0;
}

typedef ssize_t pwrite_fn(int fd, const void *data, size_t len, off_t at);
typedef ssize_t pread_fn(int fd, void *data, size_t len, off_t at);

static ssize_t
real_pwrite(int fd, const void *data, size_t len, off_t at)
{
	union {
		void *symbol;
		pwrite_fn *function;
	} real = {dlsym(RTLD_NEXT, "pwrite64")};

	return real.function(fd, data, len, at);
}

INTERPOSED ssize_t pwrite64(int fd, const void *data, size_t len, off_t at);
INTERPOSED ssize_t
pwrite64(int fd, const void *data, size_t len, off_t at)
{
	return strikes(&write_fault) ? -1 : real_pwrite(fd, data, len, at);
}

INTERPOSED pwrite_fn pwrite;
INTERPOSED ssize_t
pwrite(int fd, const void *data, size_t len, off_t at)
{
	return strikes(&write_fault) ? -1 : real_pwrite(fd, data, len, at);
}

static ssize_t
real_pread(int fd, void *data, size_t len, off_t at)
{
	union {
		void *symbol;
		pread_fn *function;
	} real = {dlsym(RTLD_NEXT, "pread64")};

	return real.function(fd, data, len, at);
}

INTERPOSED ssize_t pread64(int fd, void *data, size_t len, off_t at);
INTERPOSED ssize_t
pread64(int fd, void *data, size_t len, off_t at)
{
	return strikes(&read_fault) ? -1 : real_pread(fd, data, len, at);
}

INTERPOSED pread_fn pread;
INTERPOSED ssize_t
pread(int fd, void *data, size_t len, off_t at)
{
	return strikes(&read_fault) ? -1 : real_pread(fd, data, len, at);
}

/* Memory */

#ifndef UNDER_SANITIZER

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

static bool
lacks_memory(void)
{
	return memory_fault.at != 0 && gettid() != getpid() &&
	    strikes(&memory_fault);
}

INTERPOSED void *
malloc(size_t size)
{
	return lacks_memory() ? NULL : __libc_malloc(size);
}

INTERPOSED void *
calloc(size_t count, size_t size)
{
	return lacks_memory() ? NULL : __libc_calloc(count, size);
}

INTERPOSED void *
realloc(void *block, size_t size)
{
	return lacks_memory() ? NULL : __libc_realloc(block, size);
}

#endif
