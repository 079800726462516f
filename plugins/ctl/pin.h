/* SPDX-License-Identifier: BSD-2-Clause */
/* PINs: from a file, a prompt or standard input; never from argv. */
#ifndef CTL_PIN_H
#define CTL_PIN_H

#include "options.h"

/*
 * Asks for the PIN that the daemon wants beside the command's parameters, and
 * adds it to them as inv->command->pin. The file is the one that the option
 * of that name with "-file" behind it says.
 */
enum ctl_exit pin_add(const struct invocation *inv, json_t *parameters);

/* The same for a new one, as "pin"; at a prompt it is asked for twice. */
enum ctl_exit pin_add_new(const struct invocation *inv, json_t *parameters);

#endif
