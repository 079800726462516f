/* SPDX-License-Identifier: BSD-2-Clause */
/* The help, made from the command tables. */
#ifndef CTL_HELP_H
#define CTL_HELP_H

#include <stdio.h>

#include "command.h"

/*
 * Of everything (noun NULL), of a noun (command NULL), or of one command.
 */
void help_print(FILE *out, const char *noun, const struct command *command);

/* One line: the nouns, or the verbs of this noun. */
void help_words(FILE *out, const char *noun);

void help_version(FILE *out);

#endif
