/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In the place of what files are written with: system calls of which one may
 * fail.
 */
#ifndef TESTS_UNIT_STORE_DISK_H
#define TESTS_UNIT_STORE_DISK_H

#include <stdbool.h>

/* A call that is to fail; .at counts down while they are made. */
enum { ONCE = 1, FOR_EVER = 1000000 };

struct fault {
	int at;    /* the how-many-th call from now on fails; 0: none */
	int error; /* with this errno */
	int times; /* and so many after it, itself included */
};

/* Memory: of the store's thread alone, and not under sanitizers. */
extern struct fault sync_fault, write_fault, read_fault, memory_fault;
extern int syncs;

#endif
