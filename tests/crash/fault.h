/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults for a daemon that runs with fault_preload.so: system calls on files,
 * and memory, fail from a moment on that we choose. What both share is a file
 * that both map.
 */
#ifndef CRASH_FAULT_H
#define CRASH_FAULT_H

#include <stdatomic.h>
#include <stdbool.h>

/* The variable that has the shared file's path. */
#define FAULT_VARIABLE "APIKEYD_TEST_FAULTS"

enum fault_kind {
	FAULT_NONE,
	FAULT_SYNC,      /* EIO */
	FAULT_WRITE,     /* EIO */
	FAULT_DISK_FULL, /* ENOSPC: writes, and what makes files longer */
	FAULT_MAP,       /* ENOMEM */
	FAULT_MEMORY,
	FAULT_SHARED_KINDS,
	/* No more than this long may files be: by the kernel, not by us. */
	FAULT_FILE_SIZE = FAULT_SHARED_KINDS,
	FAULT_KINDS,
};

/* Kind fails from the after-th call on, so many times. */
struct fault_shared {
	_Atomic int kind, after, times;
};

/* The test's side. */

struct apikeyd;

struct faults {
	struct apikeyd *daemon;
	struct fault_shared *shared; /* NULL: faults cannot be had */
	unsigned long armed, struck; /* but for FAULT_FILE_SIZE */
};

/* Before the first start. */
void faults_prepare(struct faults *faults, struct apikeyd *daemon);
void
faults_arm(struct faults *faults, enum fault_kind kind, int after, int times);
void faults_end(struct faults *faults);
const char *fault_text(enum fault_kind kind);

#endif
