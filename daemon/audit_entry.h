/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a line of audit.log says: who did what to which object, what changed,
 * and how it ended. Pure: makes text out of values.
 */
#ifndef DAEMON_AUDIT_ENTRY_H
#define DAEMON_AUDIT_ENTRY_H

#include <jansson.h>
#include <stdint.h>

struct audit_entry {
	int64_t at;  /* Unix ms */
	int64_t uid; /* -1: not of one user */
	const char *login, *method;
	/* NULL where there is none. */
	const char *kind, *name, *account, *operation_id, *reason;
	json_t *before, *after; /* borrowed */
	const char *outcome;    /* "done", "unchanged", or an error's name */
	uint64_t count;         /* of calls it stands for; 0: itself */
};

/*
 * The inside of the line's JSON object, at most AUDIT_MEMBERS_MAX: values that
 * would make it longer are replaced by their length. The caller frees it; NULL
 * where there is no memory.
 */
char *audit_entry_text(const struct audit_entry *entry);

/*
 * Of two views of an object, what differs, or all where there is but one;
 * without what identifies it, and without what changes by itself. Takes over
 * both references, which may be NULL, and leaves new ones in their place.
 */
void audit_entry_diff(json_t **before, json_t **after);

#endif
