/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which keys there may be, by their account and product: what creating,
 * changing and importing keys all ask.
 */
#ifndef DAEMON_KEY_RULES_H
#define DAEMON_KEY_RULES_H

#include "key_draft.h"

/* Why not: an error of the interface, and a sentence that says what to do. */
struct refusal {
	const char *error;
	char message[384];
};
void refuse(struct refusal *refusal, const char *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether an account may have a new key for a product. */
bool key_may_be_made(const struct account *account,
    const struct product *product, struct refusal *refusal);

/* Keys of a product with a longest life get it where nothing was said. */
bool key_fit_lifetime(struct key_draft *draft, const struct product *product,
    struct refusal *refusal);

#endif
