/* SPDX-License-Identifier: BSD-2-Clause */
/* What key scan does to the keys whose tokens it found. */
#ifndef CTL_SCAN_REVOKE_H
#define CTL_SCAN_REVOKE_H

#include <stddef.h>

#include "options.h"

/* found: an array of sightings, with the key's "id", its "status" and the
 * "file" each. How many keys of theirs are not revoked yet. */
size_t scan_to_revoke(const json_t *found);

/*
 * Asks who sits there, and revokes them, also past one that was refused; the
 * sightings say so from then on. CTL_REFUSED, since there were tokens, or why
 * one could not be revoked.
 */
enum ctl_exit scan_revoke(const struct invocation *inv, json_t *found);

#endif
