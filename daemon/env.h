/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DAEMON_ENV_H
#define DAEMON_ENV_H

#include <stdbool.h>

/* The decimal number in an environment variable; false, with *value 0, where
 * it is not set or anything else. */
bool env_number(const char *name, unsigned long long *value);

#endif
