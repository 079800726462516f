/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions to the person at the terminal, and secrets from them or stdin. */
#ifndef CTL_PROMPT_H
#define CTL_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

/* The terminal, or -1 where nobody sits. Close it after the question. */
int prompt_open(void);

/* Asks; true for "y" or "yes". An end of input is a no. */
bool prompt_confirm(int tty, const char *question);

/*
 * Reads a secret: from standard input, or, where that is a terminal, from a
 * prompt without echo. One newline at its end is not part of it. What is
 * beyond room bytes is read and dropped; room is more than any good secret
 * needs. Returns false, with errno, where it cannot be read (EINTR: the
 * person gave up). The caller wipes secret.
 */
bool
prompt_secret(const char *question, char *secret, size_t room, size_t *len);

/* Whether prompt_secret() asks a person. */
bool prompt_asks(void);
/* The same from a file. */
bool prompt_file(const char *path, char *secret, size_t room, size_t *len);

#endif
