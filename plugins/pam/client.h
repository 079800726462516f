/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connection to apikeyd, kept with a PAM handle: what authenticate has
 * opened serves account, which asks again and as a rule at once. A connection
 * costs more than both questions. It is not kept beyond that, since a handle
 * may live as long as a session.
 *
 * Meanwhile the application may fork or close every descriptor: see
 * plugins/client/guard.h.
 */
#ifndef PAM_CLIENT_H
#define PAM_CLIENT_H

#include <security/pam_modules.h>

#include "plugins/client/apikey.h"

/* The one that was kept, if it leads to this socket, else a new one. It is the
 * caller's, to close or to keep. socket may be NULL: the library's default. */
enum apikey_status client_take(
    pam_handle_t *pamh, const char *socket, struct apikey_client **client);

/* Takes client over. Closes it where it cannot be kept. */
void client_keep(
    pam_handle_t *pamh, const char *socket, struct apikey_client *client);

/* Closes what is kept, if anything. */
void client_drop(const pam_handle_t *pamh);

#endif
