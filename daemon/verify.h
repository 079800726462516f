/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Verification: from the bytes of a request to the bytes of a reply. The
 * decision itself is verify_decide() of decide.h, which touches nothing; what a
 * valid verification spends and leaves behind is done around it.
 *
 * Nothing in here allocates, locks, waits or makes a system call but, of keys
 * with a rate, reading the clock (which the vDSO answers).
 */
#ifndef DAEMON_VERIFY_H
#define DAEMON_VERIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "index.h"
#include "plane.h"
#include "proto/message.h"
#include "secret.h"
#include "tally.h"
#include "usage.h"
#include "verify_log.h"

/* What stands for the token of a key that there is not. */
struct decoy {
	uint8_t sealed[SEALED_MAX];
	size_t sealed_len;
	uint8_t hash[TOKEN_HASH_BYTES];
};

struct verify_session;

struct verifier {
	struct index *index;
	const struct keyring *ring;
	struct usage *usage; /* NULL: nothing is counted */
	struct decoy decoy;
	int64_t signature_window; /* seconds a timestamp may be off */
	struct tally tally;       /* answered since the start */
	struct verify_log log;
	unsigned questions; /* USAGE requests under way */
	/* Sessions that wait for the counting; behind is called when the
	 * first one does, and somebody then calls verify_go_on() every few
	 * milliseconds until it is true. NULL: nobody waits. */
	TAILQ_HEAD(verify_sessions, verify_session) waiting;
	unsigned behind_count;
	int64_t let_go_at; /* monotonic ms: the last one that waited too long */
	void (*behind)(void *context);
	void *behind_context;
};

enum { SIGNATURE_WINDOW_DEFAULT = 300 };
/* index and ring stay the caller's. */
void verifier_init(
    struct verifier *verifier, struct index *index, const struct keyring *ring);

/* The verify plane; its context is a struct verifier. */
extern const struct plane verify_plane;

/* On the loop; whether nobody waits any more. */
bool verify_go_on(struct verifier *verifier);

/* The key whose secret a token holds, be it a bearer of it or not, or NULL;
 * whether it is the one before, which an overlap keeps. */
struct key *verify_secret(const struct verifier *verifier,
    const struct token_view *token, int64_t now, bool *previous_one);
/* Likewise of bearer keys alone: what a token proves. */
struct key *verify_token(const struct verifier *verifier,
    const struct token_view *token, int64_t now, bool *previous_one);

/*
 * The bearer key whose secret a credential is, or NULL: a token of ours, or,
 * only where it has not the shape of one, a token made elsewhere that was
 * imported. *reason says why it is malformed, REASON_NONE where it is not.
 */
struct key *
verify_credential(const struct verifier *verifier, struct bytes credential,
    int64_t now, bool *previous_one, enum reason *reason);

/* The whole of it, limits and counting included; now is Unix ms. Views in
 * *reply point into the index and into id. */
void verify(struct verifier *verifier, const struct verify_request *request,
    uid_t uid, int64_t now, struct verify_reply *reply, char id[KEY_ID_SIZE]);
void verify_signature(struct verifier *verifier,
    const struct signature_request *request, uid_t uid, int64_t now,
    struct verify_reply *reply, char id[KEY_ID_SIZE]);

#endif
