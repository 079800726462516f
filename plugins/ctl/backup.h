/* SPDX-License-Identifier: BSD-2-Clause */
/* store backup. */
#ifndef CTL_BACKUP_H
#define CTL_BACKUP_H

#include "options.h"

enum ctl_exit run_backup(struct invocation *inv);

#endif
