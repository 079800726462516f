/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A daemon in memory for fuzz targets: index, verifier and admin interface as
 * they are, with a few keys of each kind, made through the admin interface
 * itself. In the place of the sockets, of the store and of the worker stands
 * what is here. Random numbers are the same in every run, so tokens are too.
 */
#ifndef TESTS_FUZZ_WORLD_H
#define TESTS_FUZZ_WORLD_H

#include "daemon/admin.h"
#include "fuzz.h"

enum {
	WORLD_ADMIN = 700, /* an admin limited to the account acme */
	WORLD_AUDITOR = 800,
	WORLD_STRANGER = 900,
	WORLD_REPLIES_MAX = 1 << 20,
};

/* Indices of tokens: what the keys are. */
enum world_key {
	WORLD_PLAIN, /* valid, and restricted by nothing */
	WORLD_RATED,
	WORLD_BOUND, /* to user, services, callers, scopes, addresses */
	WORLD_DISABLED,
	WORLD_REVOKED,
	WORLD_EXPIRED,
	WORLD_SUSPENDED,   /* its account is */
	WORLD_RECOVERABLE, /* its product is, and asks for PINs */
	WORLD_HMAC,
	WORLD_ROTATED, /* in an overlap; this is the old token */
	WORLD_NEWER,   /* of the same key, the new one */
	WORLD_KEYS,
};

/* The other end of an admin connection. */
struct conn {
	void *session;
	char *replies; /* each ended by a NUL; WORLD_REPLIES_MAX bytes */
	size_t len;
	bool finished;
};

struct world {
	struct index *index;
	const struct keyring *ring;
	struct verifier verifier;
	struct admin admin;
	struct varlink_service service;
	char tokens[WORLD_KEYS][TOKEN_MAX + 1];
	/* What becomes of the changes that the store is given from now on, one
	 * after the other; STORE_OK behind the last. */
	const uint8_t *results;
	size_t results_left;
};

/* Once, before the first world. */
void world_init(void);
void world_make(struct world *world);
void world_free(struct world *world);
/* As the daemon does: the index is loaded from what the store was given. */
void world_restart(struct world *world);
/* Full buckets again. */
void world_reset_rates(struct world *world);

/* True where the key's token is accepted if the request asks for nothing. */
bool world_accepts(enum world_key key);

/* Of all objects, as they would be written: what is in memory after a restart
 * has to have the digest of what was there before. */
struct world_digest {
	uint8_t sum[MAC_BYTES];
	size_t records;
};
struct world_digest world_digest(const struct world *world);
bool world_digest_equal(struct world_digest a, struct world_digest b);
/* Restarts it, without connections: what was answered is what is found again.
 */
void world_check_restart(struct world *world);

/* The key ID that its token begins with. */
struct bytes world_key_id(const struct world *world, enum world_key key);
/* What the hmac key makes of these two, in hexadecimal. */
void world_sign(const struct world *world, const void *first, size_t first_len,
    struct bytes payload, char hex[SIGNATURE_LEN + 1]);

void world_connect(struct world *world, struct conn *conn, uid_t uid);
void world_disconnect(struct conn *conn);
/* Hands in one message with its NUL. */
enum plane_status
world_send(struct conn *conn, const char *message, size_t len);
/* For who is to ask such: it knows nothing. */
struct usage *world_usage(void);
/* One question about usage; false: there was none. For world_settle(). */
bool world_answer_usage(void);
/* Until nothing is under way any more. */
void world_settle(struct world *world);

#endif
