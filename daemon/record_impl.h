/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files that encode records share. */
#ifndef DAEMON_RECORD_IMPL_H
#define DAEMON_RECORD_IMPL_H

#include "record.h"

struct record_name
record_name(enum record_kind kind, const void *rest, size_t len);

/* A record of this name with its header; the writer is over its body. */
struct writer record_begin(
    struct record *record, struct record_name name, enum record_state state);

/* Whether what is left is zeros, which follow the last field. */
bool record_rest_is_zeros(const struct reader *r);

/* Whether every read fitted, too. Inline, so that who sees only one file, as
 * analysers do, sees that what was read is there. */
static inline bool
record_done(const struct reader *r)
{
	return !r->failed && record_rest_is_zeros(r);
}

/* Text into an array of its type, NUL-terminated; false where it is longer or
 * holds a NUL itself, or is no slug. */
bool record_text(struct bytes text, char *out, size_t size);
bool record_slug(struct bytes text, char out[SLUG_MAX_LEN + 1]);

#endif
