/* SPDX-License-Identifier: BSD-2-Clause */
/* A directory for a target's files, in memory where there is such a place; gone
 * when the program ends. */
#ifndef TESTS_FUZZ_DIRECTORY_H
#define TESTS_FUZZ_DIRECTORY_H

#include "fuzz.h"

/* Once. Returns its path. */
const char *directory_make(void);
void directory_empty(void);
/* Writes a whole file of it. */
void directory_write(const char *name, const void *data, size_t len);
/* What is in a file of it, the caller's to free; none where it is not there. */
struct bytes directory_read(const char *name);

#endif
