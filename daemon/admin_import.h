/* SPDX-License-Identifier: BSD-2-Clause */
/* What the loop does for imports beside calls. */
#ifndef DAEMON_ADMIN_IMPORT_H
#define DAEMON_ADMIN_IMPORT_H

#include "admin.h"

/* At the start, once the store takes changes: clears away what is left of an
 * import that never came into force. */
void admin_import_resume(struct admin *admin);
/* A portion of work, once a turn; true while there is more. */
bool admin_import_portion(struct admin *admin);
/* Now and then: gives up one that has gone silent where another waits. */
void admin_import_look(struct admin *admin);
/* At the end: no more is begun. What is on its way to the store comes back
 * before admin_import_free(). */
void admin_import_stop(struct admin *admin);
void admin_import_free(struct admin *admin);

#endif
