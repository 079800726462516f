/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the pages of a list have brought. A store may hold a hundred thousand
 * keys, so of each only what will be printed is kept.
 */
#ifndef CTL_LISTING_H
#define CTL_LISTING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "command.h"

struct listing {
	const struct command *command;
	json_t *rows; /* for a table */
	FILE *json;   /* else: the objects, with commas between */
	char *text;   /* what went to json */
	size_t len, count;
};

/* False where memory is short; listing_end() even then. */
bool listing_begin(
    struct listing *listing, const struct command *command, bool as_json);
void listing_add(struct listing *listing, const json_t *item);
/* To standard output; that there is nothing, to standard error. */
void listing_print(struct listing *listing);
void listing_end(struct listing *listing);

#endif
