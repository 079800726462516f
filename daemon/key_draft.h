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
	size_t used;
	uint8_t room[KEY_DETAILS_MAX]; /* what new lists are written to */
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

/* A key of its own out of it; NULL where there is no memory. */
struct key *key_draft_finish(struct key_draft *draft);

#endif
