/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether audit.log is what was written, line for line. Pure: it is given the
 * lines one after the other.
 */
#ifndef DAEMON_AUDIT_CHECK_H
#define DAEMON_AUDIT_CHECK_H

#include "audit_line.h"

enum audit_fault {
	AUDIT_SOUND,
	AUDIT_BROKEN,    /* not as it was written */
	AUDIT_MISSING,   /* left out: not in the rest, either */
	AUDIT_REORDERED, /* further down, or here once more */
	AUDIT_TRUNCATED, /* the end is missing */
};

/* Begins with ring alone. */
struct audit_check {
	const struct keyring *ring;
	struct audit_head last; /* sound so far */
	uint64_t lines;         /* looked at */
	/* The first fault, the number of its line, and the sequence that was
	 * expected there. */
	enum audit_fault fault;
	uint64_t line, sequence;
};

/* Without its newline. */
void audit_check_line(struct audit_check *check, struct bytes line);
/* After the last: the sequence that it should have, and whether there was a
 * beginning of another one behind it. */
void audit_check_end(struct audit_check *check, uint64_t sequence, bool torn);

/* "broken", "missing", ...; "sound". */
const char *audit_fault_text(enum audit_fault fault);

#endif
