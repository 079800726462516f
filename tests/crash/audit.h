/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kill test knows of the audit log: each acknowledged change has one
 * line. */
#ifndef CRASH_AUDIT_H
#define CRASH_AUDIT_H

#include <stdbool.h>
#include <stddef.h>

/* Operation ids that were acknowledged. Zeroed at first. */
struct acknowledged {
	char (*ids)[40];
	size_t count, room;
};

void acknowledged_add(struct acknowledged *acknowledged, const char *id);
void acknowledged_clear(struct acknowledged *acknowledged);

/* Whether each has exactly one line that says "done"; else text says which has
 * not. path: of audit.log. */
bool acknowledged_has_lines(const struct acknowledged *acknowledged,
    const char *path, char *text, size_t size);

#endif
