/* SPDX-License-Identifier: BSD-2-Clause */
/* The help, made from the command tables. */
#ifndef CTL_HELP_H
#define CTL_HELP_H

#include <stdio.h>

#include "command.h"

/*
 * Of everything (no noun), of a noun or of the first word of its verbs (no
 * command), or of one command.
 */
void help_print(FILE *out, const struct selection *selection);

/* One line: the nouns, or the verbs of this noun, that begin with the words
 * there are. */
void help_words(FILE *out, const struct selection *selection);

void help_version(FILE *out);

#endif
