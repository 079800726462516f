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

json_t *view_account(const struct account *account);
json_t *view_product(const struct product *product);
json_t *view_key(const struct key *key, int64_t now);

#endif
