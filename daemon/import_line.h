/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One line of an import: a key as `key export` writes it, or one that was made
 * elsewhere and is known by the SHA-256 of its token. Knows neither the index
 * nor who imports.
 */
#ifndef DAEMON_IMPORT_LINE_H
#define DAEMON_IMPORT_LINE_H

#include "key_draft.h"

/* Not to be copied, as the draft is not. */
struct import_line {
	struct key_draft draft; /* but for account, product and ID */
	const char *key_id;     /* PREFIX_ID; NULL: it is to get one */
};

/*
 * Reads the object that params is over into *line, whose texts are the JSON's.
 * Reports what is wrong through params; ask params_ok() afterwards.
 */
void import_line_read(struct import_line *line, struct params *params,
    const struct keyring *ring, int64_t now);

#endif
