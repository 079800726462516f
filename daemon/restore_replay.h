/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a backup does not know: that something was taken away after it was made.
 * The lines of audit.log tell it, though not what anything has become instead:
 * no line has a secret, or all of a key. So what cannot be done once more and
 * would let somebody in again (an old secret, an old allow-list, an operator
 * with an old role) is put out of force and listed, for people to look at.
 */
#ifndef DAEMON_RESTORE_REPLAY_H
#define DAEMON_RESTORE_REPLAY_H

#include "index.h"
#include "store_file.h"

struct replay;

struct replay *replay_new(void); /* NULL: no memory */
void replay_free(struct replay *replay);

/* The next line behind the backup's head, known to be as it was written. False
 * where there is no memory, or it cannot be understood. */
bool replay_line(struct replay *replay, struct bytes line);

/*
 * Does it to the store and the index that it was loaded to, and prints a line
 * for each thing done. *done counts them. False after logging.
 */
bool replay_apply(struct replay *replay, struct store_file *file,
    struct index *index, unsigned *done);

#endif
