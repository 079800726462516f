/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A key being made or changed: the settings of a request laid over a new key,
 * or over one that is there.
 */
#ifndef DAEMON_KEY_DRAFT_H
#define DAEMON_KEY_DRAFT_H

#include <jansson.h>
#include <stdbool.h>

#include "model.h"
#include "params.h"

/*
 * Not to be copied: it points into itself. account and product are set by
 * whoever knows the index.
 */
struct key_draft {
	struct key key; /* but for details, limits and previous */
	struct key_details details;
	struct key_limits limits;
	struct previous_secret previous; /* until 0: none */
	const char *account, *product;   /* as the settings name them */
	/* What lists and sealed tokens of the draft's own are written to. */
	size_t used;
	uint8_t room[KEY_DETAILS_MAX];
};

/* A bearer key that may read, active, restricted by nothing. */
void key_draft_new(struct key_draft *draft, int64_t now);
/* The key as it is; it has to live as long as the draft. */
void key_draft_from(struct key_draft *draft, const struct key *key);

/*
 * Lays KeySettings over the draft: what is not there stays, null takes away.
 * Reports what is wrong through params, which has to be over settings; ask
 * params_ok() afterwards.
 */
void
key_draft_apply(struct key_draft *draft, struct params *settings, int64_t now);

/* A list of the draft's own, behind those that it has: what the writer took,
 * which is count items. */
struct writer key_draft_list_begin(struct key_draft *draft);
struct list key_draft_list_end(
    struct key_draft *draft, const struct writer *w, size_t count);

/*
 * One entry of the allow-list. To allow a network that is there already gives
 * it the new label. False where the list is full, and where there is no such
 * entry to take away.
 */
bool key_draft_allow(struct key_draft *draft, const struct allow_entry *entry);
bool key_draft_disallow(struct key_draft *draft, const struct cidr *cidr);
void key_draft_set_allowlist(struct key_draft *draft, bool enabled);

/* The secret as it is holds until then, sealed token included, beside the new
 * one that follows; 0: it does not. */
void key_draft_keep_secret(struct key_draft *draft, int64_t until);
/*
 * A new secret for the key, whose ID, type and product are set. Its token is
 * the caller's to tell and to wipe. The key keeps the hash; the token, sealed,
 * where a signature is to be checked with it or its product is recoverable.
 */
void key_draft_new_secret(struct key_draft *draft, const struct keyring *ring,
    char token[TOKEN_MAX + 1]);

/* A key made of it; NULL where there is no memory. */
struct key *key_draft_finish(struct key_draft *draft);

#endif
