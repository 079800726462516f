/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accounts, products and keys as the JSON of the admin interface. NULL where
 * there is no memory. Absent values are null.
 */
#ifndef DAEMON_VIEW_H
#define DAEMON_VIEW_H

#include <jansson.h>
#include <stdint.h>

#include "model.h"
#include "operator.h"
#include "pin.h"

json_t *view_account(const struct account *account);
json_t *view_product(const struct product *product);
/* pin NULL: none is set. */
json_t *view_operator(
    const struct operator_user *user, const struct pin *pin, int64_t now);
json_t *view_key(const struct key *key, int64_t now);

#endif
