/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who sends requests without waiting for answers may be faster than these are
 * counted. What was read of him then waits until the counting is no longer
 * behind: he is slowed down to it, and nobody else is. But it may stay behind
 * as long as others keep it so: then one after the other goes on all the same.
 */
#include "instant.h"
#include "verify_plane.h"

enum {
	PIPELINED_BYTES = 1024, /* at once: more than one request */
	BEHIND_MAX = 256,       /* sessions: what waits takes memory */
	/* Clients give up, and those of threads that share a connection are
	 * here, too: httpd's after half a second. */
	PATIENCE_MS = 250,
	/* And so seldom then, that the room which the journal keeps for others
	 * lasts for seconds. */
	GAP_MS = 20,
};

bool
verify_waits(struct verify_session *session, size_t bytes)
{
	struct verifier *verifier = session->verifier;

	if (!usage_is_behind(verifier->usage) || bytes < PIPELINED_BYTES ||
	    session->has_waited || verifier->behind_count == BEHIND_MAX ||
	    verifier->behind == NULL) {
		session->has_waited = false;
		return false;
	}
	session->waits = true;
	session->waits_since = monotonic_ms();
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

static void
go_on(struct verify_session *session)
{
	verify_forget(session);
	conn_resume(session->conn);
}

/* Who has waited for longest, where that is long enough. */
static void
let_one_go_on(struct verifier *verifier)
{
	struct verify_session *first = TAILQ_FIRST(&verifier->waiting);
	int64_t now = monotonic_ms();

	if (first == NULL || now < first->waits_since + PATIENCE_MS ||
	    now < verifier->let_go_at + GAP_MS)
		return;
	verifier->let_go_at = now;
	first->has_waited = true;
	go_on(first);
}

bool
verify_go_on(struct verifier *verifier)
{
	struct verify_session *session;

	if (usage_is_behind(verifier->usage)) {
		let_one_go_on(verifier);
		return false;
	}
	while ((session = TAILQ_FIRST(&verifier->waiting)) != NULL)
		go_on(session);
	return true;
}
