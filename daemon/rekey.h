/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new master key. What it protects is in keys.tdb's root record: the store's
 * own keys, wrapped. So a new one touches no other record and no token.
 *
 * Where the master key is master.key in the state directory, it is replaced,
 * too. In between, the new one is whole and on disk beside it, as
 * master.key.new; which of the two opens the store is then the store's to say,
 * and the next start, or rekey, asks it. Where the key comes from elsewhere, it
 * is the operator's to be replaced there.
 */
#ifndef DAEMON_REKEY_H
#define DAEMON_REKEY_H

#include <stdbool.h>
#include <stdint.h>

#include "master_key.h"
#include "settings.h"

/*
 * Puts the store in this state directory, which no daemon may use, under the
 * key in new_key_file. Done before is done, too. False after logging.
 */
bool rekey(const char *state_directory, const struct settings *settings,
    const char *new_key_file);

/*
 * Before a store is opened: ends a rekey that was cut off. dir is the locked
 * state directory, master what master_key_read() found; it is the new one
 * afterwards if the store has come that far. False after logging; where
 * neither key is the store's, it is left to the store to say so.
 */
bool rekey_settle(int dir, const char *state_directory,
    const struct settings *settings, const struct master_key_source *source,
    uint8_t master[MASTER_KEY_BYTES]);

#endif
