/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who sends requests without waiting for answers may be faster than these are
 * counted. What was read of him then waits until the counting is no longer
 * behind: he is slowed down to it, and nobody else is.
 */
#include "verify_plane.h"

enum {
	PIPELINED_BYTES = 1024, /* at once: more than one request */
	BEHIND_MAX = 256,       /* sessions: what waits takes memory */
};

bool
verify_waits(struct verify_session *session, size_t bytes)
{
	struct verifier *verifier = session->verifier;

	if (!usage_is_behind(verifier->usage) || bytes < PIPELINED_BYTES ||
	    verifier->behind_count == BEHIND_MAX || verifier->behind == NULL)
		return false;
	session->waits = true;
	TAILQ_INSERT_TAIL(&verifier->waiting, session, link);
	if (verifier->behind_count++ == 0)
		verifier->behind(verifier->behind_context);
	return true;
}

void
verify_forget(struct verify_session *session)
{
	if (!session->waits)
		return;
	session->waits = false;
	TAILQ_REMOVE(&session->verifier->waiting, session, link);
	session->verifier->behind_count--;
}

bool
verify_go_on(struct verifier *verifier)
{
	struct verify_session *session;

	if (usage_is_behind(verifier->usage))
		return false;
	while ((session = TAILQ_FIRST(&verifier->waiting)) != NULL) {
		verify_forget(session);
		conn_resume(session->conn);
	}
	return true;
}
