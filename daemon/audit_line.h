/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of audit.log: one JSON object each,
 *
 *   {"sequence":12,"time":"...",...,"mac":"<32 hexadecimal digits>"}
 *
 * mac is keyed BLAKE2b over the mac of the line before and this line's text up
 * to it, so without the master key no line can be made, changed, left out or
 * moved. Before the first line the mac is zeros. Pure: no file is known here.
 */
#ifndef DAEMON_AUDIT_LINE_H
#define DAEMON_AUDIT_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/cursor.h"
#include "secret.h"

enum {
	AUDIT_MEMBERS_MAX = 14000,
	/* What a line is longer than its members, at most. */
	AUDIT_ENVELOPE = 96,
	AUDIT_LINE_MAX = AUDIT_MEMBERS_MAX + AUDIT_ENVELOPE,
};

/* The end of a chain: its last line. Zeroed: there is none yet. */
struct audit_head {
	uint64_t sequence;
	uint8_t mac[MAC_BYTES];
};

/*
 * The next line, newline included, and moves *head to it. members is the inside
 * of a JSON object, on one line. The caller frees it; NULL where there is no
 * memory, and then head has not moved.
 */
char *audit_line_make(const struct keyring *ring, struct audit_head *head,
    const char *members, size_t *len);

/* What a line (without its newline) says that it is; false where it has not
 * the shape of one. */
bool audit_line_parse(struct bytes line, struct audit_head *claims);

/* Whether a line has the mac that it must have after a line with this one. */
bool audit_line_is_sealed(const struct keyring *ring, struct bytes line,
    const uint8_t previous[MAC_BYTES]);

/* Takes the first whole line, without its newline, off the front of text. */
bool audit_line_next(struct bytes *text, struct bytes *line);

#endif
