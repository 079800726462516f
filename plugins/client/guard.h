/* SPDX-License-Identifier: BSD-2-Clause */
/* For the modules, which have this library's objects within them: it is not
 * exported. */
#ifndef CLIENT_GUARD_H
#define CLIENT_GUARD_H

#include "apikey.h"

/*
 * For a client that has rested in a program which is not ours: such a program
 * may have closed every descriptor there was, and opened its own. Where the
 * client's is not its socket any more, the client lets go of the number and
 * touches nothing. (A fork the library sees by itself; to look at the
 * descriptor before each call would cost everybody a system call.) Leaves
 * errno alone.
 */
void client_guard(struct apikey_client *client);

#endif
