/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Refused calls can be made as fast as somebody likes, so they get lines of
 * their own in audit.log only up to a number a minute and user; the rest are
 * summed up. However many users there are, what is remembered has a fixed
 * size: where it is full, the rest are summed up together. Pure.
 */
#ifndef DAEMON_REFUSALS_H
#define DAEMON_REFUSALS_H

#include <stdbool.h>
#include <stdint.h>

enum {
	REFUSALS_A_MINUTE = 10,
	REFUSALS_USERS = 64,
	REFUSALS_MINUTE_MS = 60000,
};

/* A user's minute, from its first refusal on. */
struct refusal_minute {
	uint32_t uid;
	unsigned lines; /* of their own; 0: the entry is free */
	uint64_t more;  /* without one */
	int64_t since;  /* monotonic ms */
};

/* Zeroed at first. */
struct refusals {
	struct refusal_minute users[REFUSALS_USERS];
	struct refusal_minute others;
};

/* A refusal; whether it gets a line of its own. What is due has to be taken
 * before. */
bool refusals_note(struct refusals *refusals, uint32_t uid, int64_t now);
struct refusal_sum {
	bool known; /* of one user; else of several */
	uint32_t uid;
	uint64_t count;
};
/* The line of as many could not be written: they are summed up with the
 * rest. */
void refusals_put_back(
    struct refusals *refusals, const struct refusal_sum *sum, int64_t now);
/* Takes the sum of a minute that is over, if there is one; with all, of any
 * minute. To be called until there is none. */
bool refusals_due(
    struct refusals *refusals, int64_t now, bool all, struct refusal_sum *sum);

#endif
