/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * systemd's journal, in its own protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL):
 * a line with fields beside its text, which journalctl finds it by.
 */
#ifndef DAEMON_JOURNALD_H
#define DAEMON_JOURNALD_H

#include <stdbool.h>
#include <stddef.h>

struct log_field {
	const char *name; /* upper-case letters and underscores */
	const char *value;
};

enum { JOURNALD_ENTRY_MAX = 2048 };

/*
 * The entry as it is sent, its length returned; 0 where it would be too long.
 * Bytes of a value that could end it, or are no text, become '?'.
 */
size_t journald_entry(char out[JOURNALD_ENTRY_MAX], int priority,
    const char *text, size_t len, const struct log_field *fields, size_t count);

/* Without waiting. False where the journal does not take it now. From any
 * thread. */
bool journald_send(int priority, const char *text, size_t len,
    const struct log_field *fields, size_t count);

#endif
