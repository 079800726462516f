/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys as people see them. */
#ifndef CTL_KEY_PRINT_H
#define CTL_KEY_PRINT_H

#include "options.h"

extern const struct field key_fields[];
extern const struct column key_columns[];

/* The token alone on stdout; on stderr, what it is and that it is all. */
void key_print_token(struct invocation *inv, const json_t *key);

/* The same of a token that is kept. */
void key_print_revealed(struct invocation *inv, const json_t *key);

#endif
