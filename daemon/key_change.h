/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way of a changed key: from its draft through the store into the index,
 * and to the answer. What all methods that make or change a key share.
 */
#ifndef DAEMON_KEY_CHANGE_H
#define DAEMON_KEY_CHANGE_H

#include "admin_impl.h"
#include "key_draft.h"

/*
 * Begins a change of the key of this ID. NULL where the call waits or has been
 * answered; *key is the key.
 */
struct change *
key_change_begin(struct admin *admin, struct call *call, method_fn *method,
    const char *key_id, const struct operation_id *id, struct key **key);

/*
 * Hands the draft to the store, in the place of existing (NULL: a new key), and
 * answers once it is in force. token: a new secret, told with that answer
 * alone; NULL: the secret stays. The caller wipes it.
 */
void key_change_submit(struct admin *admin, struct change *change,
    struct call *call, struct key *existing, struct key_draft *draft,
    const char *token, const struct operation_id *id);

/* Answers with the key; token NULL: without one. */
void reply_key(struct call *call, const struct key *key, const char *token);

#endif
