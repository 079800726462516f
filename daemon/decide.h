/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the table of verdicts says of a key that is proven, limits aside: pure
 * checks in one list, which a verification walks to the first that fails and an
 * explanation to its end. So the two never disagree.
 */
#ifndef DAEMON_DECIDE_H
#define DAEMON_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "model.h"
#include "proto/message.h"

/*
 * The first check that fails; VERDICT_VALID where none does. request's
 * permission, scopes, account and so on are what the asker insists on; uid is
 * the asker's, as the kernel attests it.
 */
enum verdict
verify_decide(const struct key *key, const struct key_details *details,
    const struct verify_request *request, uid_t uid, int64_t now);

/* The same of what does not depend on the request. */
enum verdict verify_standing(const struct key *key, int64_t now);

struct check {
	enum verdict verdict; /* if it fails and none before does */
	const char *asks;     /* "the key is not revoked" */
	bool passed;
};

enum { CHECKS_MAX = VERDICT_COUNT };

/* All of verify_decide()'s checks, in their order; returns how many. */
size_t verify_explain(const struct key *key, const struct key_details *details,
    const struct verify_request *request, uid_t uid, int64_t now,
    struct check checks[CHECKS_MAX]);

#endif
