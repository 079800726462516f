/* SPDX-License-Identifier: BSD-2-Clause */
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apikeyd.h"

static void
limit_file_size(pid_t pid, rlim_t size)
{
	struct rlimit limit;

	if (prlimit(pid, RLIMIT_FSIZE, NULL, &limit) != 0)
		return; /* it has just ended */
	limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
	prlimit(pid, RLIMIT_FSIZE, &limit, NULL);
}

void
faults_prepare(struct faults *faults, struct apikeyd *daemon)
{
	char path[APIKEYD_PATH_MAX + 16];
	void *mapped;
	int fd;

	faults->daemon = daemon;
	snprintf(path, sizeof path, "%s/faults", daemon->directory);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof *faults->shared) != 0)
		bail_out("%s: %s", path, strerror(errno));
	mapped = mmap(NULL, sizeof *faults->shared, PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED)
		bail_out("%s: %s", path, strerror(errno));
	close(fd);
	faults->shared = mapped;
	setenv(FAULT_VARIABLE, path, 1);
	daemon->preload = required_variable("FAULT_PRELOAD");
}

void
faults_arm(struct faults *faults, enum fault_kind kind, int after, int times)
{
	struct stat log;
	char path[APIKEYD_PATH_MAX + 16];

	if (kind == FAULT_FILE_SIZE) {
		snprintf(
		    path, sizeof path, "%s/audit.log", faults->daemon->state);
		if (stat(path, &log) == 0)
			limit_file_size(
			    faults->daemon->pid, (rlim_t)log.st_size);
		return;
	}
	atomic_store(&faults->shared->kind, FAULT_NONE);
	atomic_store(&faults->shared->after, after);
	atomic_store(&faults->shared->times, times);
	atomic_store(&faults->shared->kind, (int)kind);
	faults->armed++;
}

void
faults_end(struct faults *faults)
{
	if (faults->shared == NULL)
		return;
	if (atomic_load(&faults->shared->kind) != FAULT_NONE &&
	    atomic_load(&faults->shared->after) < 0)
		faults->struck++;
	atomic_store(&faults->shared->kind, FAULT_NONE);
	if (faults->daemon->pid > 0)
		limit_file_size(faults->daemon->pid, RLIM_INFINITY);
}

const char *
fault_text(enum fault_kind kind)
{
	static const char *const texts[] = {
	    [FAULT_NONE] = "no fault",
	    [FAULT_SYNC] = "syncs fail",
	    [FAULT_WRITE] = "writes fail",
	    [FAULT_DISK_FULL] = "the disk is full",
	    [FAULT_MAP] = "mappings fail",
	    [FAULT_MEMORY] = "no memory",
	    [FAULT_FILE_SIZE] = "files may not grow",
	};

	return texts[kind];
}
