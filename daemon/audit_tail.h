/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * At the start: what the end of audit.log has to do with the store it should
 * belong to. Pure: decides, and touches nothing.
 */
#ifndef DAEMON_AUDIT_TAIL_H
#define DAEMON_AUDIT_TAIL_H

#include "outbox.h"

enum audit_tail_state {
	AUDIT_TAIL_JOINS, /* nothing is missing that the outbox does not have */
	AUDIT_TAIL_GAP,   /* lines before those of the outbox are missing */
	AUDIT_TAIL_AHEAD, /* it tells of changes that the store does not know */
};

struct audit_tail {
	enum audit_tail_state state;
	size_t keep;       /* bytes of the tail that stay; the rest is cut */
	unsigned from;     /* the first line of the outbox to append behind */
	uint64_t sequence; /* AHEAD: of the line that is */
	bool foreign;      /* what is cut off is no beginning of a line of
			      ours, which a crash could have left */
};

/* tail: the last bytes of the file; whole: all of them. It has to be longer
 * than all the outbox can hold, where the file is. */
struct audit_tail
audit_tail_judge(const struct keyring *ring, struct bytes tail, bool whole,
    const struct outbox *outbox, const struct audit_head *head);

#endif
