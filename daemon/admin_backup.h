/* SPDX-License-Identifier: BSD-2-Clause */
/* The backup that is being made, if there is one. */
#ifndef DAEMON_ADMIN_BACKUP_H
#define DAEMON_ADMIN_BACKUP_H

#include "admin_impl.h"

/* What was sent to this call has gone. */
void admin_backup_sent(struct admin *admin, struct call *call);
/* One that nobody waits for ends. */
void admin_backup_look(struct admin *admin);
/* One that is not at work is answered; the other one is when it comes back. */
void admin_backup_stop(struct admin *admin);

#endif
