/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Verification: from the bytes of a request to the bytes of a reply. The
 * decision itself is verify_decide(), which touches nothing; what a valid
 * verification spends and leaves behind is done around it.
 *
 * Nothing in here allocates, locks, waits or makes a system call but reading
 * the clock (which the vDSO answers).
 */
#ifndef DAEMON_VERIFY_H
#define DAEMON_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "index.h"
#include "plane.h"
#include "proto/message.h"
#include "secret.h"

struct verifier {
	struct index *index;
	const struct keyring *ring;
	uint64_t verdicts[VERDICT_COUNT]; /* answered since the start */
};

/* The verify plane; its context is a struct verifier. */
extern const struct plane verify_plane;

/*
 * What the table of verdicts says of a key whose secret was right, limits
 * aside. request's permission, scopes, account and so on are what the asker
 * insists on; uid is the asker's.
 */
enum verdict
verify_decide(const struct key *key, const struct key_details *details,
    const struct verify_request *request, uid_t uid, int64_t now);

/* The whole of it, limits and counting included. Views in *reply point into
 * the index and into id. */
void verify(struct verifier *verifier, const struct verify_request *request,
    uid_t uid, struct verify_reply *reply, char id[KEY_ID_SIZE]);

#endif
