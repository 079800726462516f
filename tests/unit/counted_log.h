/* SPDX-License-Identifier: BSD-2-Clause */
/* In the place of the log: it counts. */
#ifndef TESTS_UNIT_COUNTED_LOG_H
#define TESTS_UNIT_COUNTED_LOG_H

/* Lines of the log so far, and the last that was an error. */
extern unsigned errors, notices;
extern char last_error[512];

#endif
