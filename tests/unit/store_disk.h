/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In the place of what a store writes to, and of what it says: system calls of
 * which one may fail, and a log that counts.
 */
#ifndef TESTS_UNIT_STORE_DISK_H
#define TESTS_UNIT_STORE_DISK_H

#include <stdbool.h>

/* A call that is to fail; .at counts down while they are made. */
struct fault {
	int at;    /* the how-many-th call from now on fails; 0: none */
	int error; /* with this errno */
	bool from; /* and all after it */
};

extern struct fault sync_fault, write_fault, read_fault;
extern int syncs;

/* Lines of the log so far, and the last that was an error. */
extern unsigned errors, notices;
extern char last_error[512];

#endif
