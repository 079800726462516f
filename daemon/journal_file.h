/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage.journal as a file: a header that says how the segments behind it are
 * cut, and room for all of them, preallocated. journal.c maps it.
 */
#ifndef DAEMON_JOURNAL_FILE_H
#define DAEMON_JOURNAL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A page, so that segments begin with one. */
enum { JOURNAL_HEADER_BYTES = 4096 };

/*
 * Opens the file in directory and says how long its segments are. One that is
 * missing is made, with about so many bytes; one whose header or length is
 * wrong is put aside first. The descriptor, or -1 after logging.
 */
int journal_file_open(
    const char *directory, size_t bytes, uint64_t *segment_bytes, bool *made);
/* Makes another one in place of what lies there, which is put aside. */
int journal_file_renew(const char *directory, size_t bytes);

#endif
