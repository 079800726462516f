/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether keys.tdb still is what was written, while it goes on taking changes:
 * every record is read from the file and verified as at a start, a portion at
 * a time, on the store's thread between two commits. Nothing is changed.
 */
#ifndef DAEMON_STORE_CHECK_H
#define DAEMON_STORE_CHECK_H

#include "store_pass.h"

enum { STORE_FINDINGS_TOLD = 100 };

struct store_finding {
	char where[80]; /* "at record ..."; may be empty */
	char problem[128];
};

/* Begins zeroed. */
struct store_check {
	struct store_pass pass;
	struct store_file *file; /* from the first portion to the end */
	/* Behind the last portion: */
	uint64_t records;  /* beside the root and the outbox */
	uint64_t problems; /* the first of which are told */
	/* It ended where there was too little to read something with: what it
	 * has found so far means nothing. */
	bool no_memory;
	struct store_finding told[STORE_FINDINGS_TOLD];
};

/* Makes the next portion. False once there is no more; what is wrong is in the
 * log, too, then. */
bool store_check_portion(struct store_check *check, struct store_file *file);

/* Has to be called at the end, or where there is to be no more; on the store's
 * thread, as long as that runs. */
void store_check_end(struct store_check *check);

#endif
