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

/* Whether nothing but zeros is left. */
bool record_done(const struct reader *r);

/* Text into an array of its type, NUL-terminated; false where it is longer or
 * holds a NUL itself, or is no slug. */
bool record_text(struct bytes text, char *out, size_t size);
bool record_slug(struct bytes text, char out[SLUG_MAX_LEN + 1]);

#endif
