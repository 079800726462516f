/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SetHandler apikey-usage: the usage of the key that the request was let in
 * with, as JSON. Not a verification: the request itself is the one that
 * counts.
 */
#ifndef APACHE_USAGE_HANDLER_H
#define APACHE_USAGE_HANDLER_H

/* For the register_hooks function. */
void usage_handler_register(void);

#endif
