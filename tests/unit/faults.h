/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lets the nth call of a function fail, on the thread that armed it: the
 * definitions here come before the C library's, also for what the program
 * loads. Not under sanitizers, which have definitions of their own.
 */
#ifndef TESTS_UNIT_FAULTS_H
#define TESTS_UNIT_FAULTS_H

#include <stdbool.h>

enum fault {
	FAULT_MALLOC, /* calloc and strdup included */
	FAULT_SOCKET,
	FAULT_CONNECT,
	FAULT_FSTAT,
	FAULT_SEND,
	FAULT_RECV,
	FAULT_PPOLL,
	FAULT_COUNT
};

bool faults_possible(void);

/* nth counts from 1 and from now on. One fault at a time. */
void faults_arm(enum fault fault, int nth);

/* True where it came to that. */
bool faults_disarm(void);

#endif
