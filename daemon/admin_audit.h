/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What gets into audit.log from the admin interface: a line with each change
 * and each revealed token, and one for each refusal.
 */
#ifndef DAEMON_ADMIN_AUDIT_H
#define DAEMON_ADMIN_AUDIT_H

#include "admin_impl.h"

/*
 * Gives a change its line, which tells of what is otherwise in after than in
 * before; either may be NULL. Takes over both references. Has to be called
 * before change_submit().
 */
void admin_audit(struct admin *admin, struct change *change, struct call *call,
    json_t *before, json_t *after);
/* The same for a change that found everything as it should be. */
void admin_audit_unchanged(
    struct admin *admin, struct change *change, struct call *call);

/* Gets its line, or is summed up: see refusals.h. */
void admin_audit_refusal(
    struct admin *admin, const struct call *call, const char *error);

/* Writes what refusals came to in the minutes that are over; with all, in those
 * that are not as well. */
void admin_audit_sums(struct admin *admin, bool all);

/* Calls that read the log: those that waited for what may be there now go on,
 * those that nobody waits for end. */
void admin_audit_read_on(struct admin *admin);
/* What this call was sent has gone. */
void admin_audit_sent(struct admin *admin, struct call *call);
/* Answers those that wait for new lines; no other will. */
void admin_audit_stop_following(struct admin *admin);

/* What a change under an operation id is: method and parameters, but for the
 * id itself and PINs. False without memory for it. */
bool admin_digest(const struct admin *admin, const struct call *call,
    uint8_t digest[MAC_BYTES]);

#endif
