/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of imports share. */
#ifndef DAEMON_ADMIN_IMPORT_IMPL_H
#define DAEMON_ADMIN_IMPORT_IMPL_H

#include "admin.h"
#include "import.h"

/* Slices on their way to the store beyond which the next lines wait: enough to
 * keep it busy, and little memory. */
enum { IMPORT_SLICES_MAX = 8 };

/*
 * Answers BeginImport: with an import that the connection remembers and ends
 * with. While another one is there, the call waits. native: see struct import.
 */
void admin_import_begin(struct admin *admin, struct call *call, bool native);
/* Somebody has gone on with this import: who waits for its end is told so. */
void admin_import_refuse_next(struct import *import);

struct import_line_error {
	const char *field; /* NULL: none in particular */
	struct refusal why;
};
/* One line to a key, which is the caller's; NULL where it is refused. */
struct key *admin_import_read_line(struct admin *admin, struct call *call,
    const struct import *import, json_t *object,
    struct import_line_error *error);

#endif
