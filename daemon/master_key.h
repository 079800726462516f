/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The master key, which the store's own keys are wrapped with: where it is
 * read from, and how another one takes its place. Its file is opened as
 * statedir.h says of paths.
 */
#ifndef DAEMON_MASTER_KEY_H
#define DAEMON_MASTER_KEY_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "secret.h"

enum { MASTER_KEY_BYTES = SECRET_KEY_BYTES };

/* Where the master key comes from, in the order of their precedence. */
enum master_key_origin {
	MASTER_KEY_CREDENTIAL, /* "apikeyd.master-key" */
	MASTER_KEY_FILE,       /* the one that the configuration names */
	MASTER_KEY_OWN,        /* master.key in the state directory */
};
struct master_key_source {
	enum master_key_origin origin;
	char text[PATH_MAX + 16]; /* for people */
};

/*
 * Reads the master key, 64 hexadecimal digits and white space around them:
 * the credential "apikeyd.master-key" in $CREDENTIALS_DIRECTORY, else file if
 * not empty, else master.key in the directory. may_create: where the last is
 * missing it is made (0400, through master.key.new, synced, renamed); without
 * it, a missing one is an error. False after logging.
 */
bool master_key_read(int dir, const char *state_directory, const char *file,
    bool may_create, uint8_t key[MASTER_KEY_BYTES],
    struct master_key_source *source);

/* As above, from this file and no other. */
bool master_key_read_file(const char *path, uint8_t key[MASTER_KEY_BYTES]);

/*
 * A key that is to take master.key's place: whole and on disk as
 * master.key.new when this returns. False after logging.
 */
bool master_key_stage(
    int dir, const char *state_directory, const uint8_t key[MASTER_KEY_BYTES]);
bool master_key_is_staged(int dir);
/* False after logging: it is not there, or not a key. */
bool master_key_read_staged(
    int dir, const char *state_directory, uint8_t key[MASTER_KEY_BYTES]);
/* What was staged becomes master.key, or goes. False after logging. */
bool master_key_replace(int dir, const char *state_directory);
bool master_key_unstage(int dir, const char *state_directory);

#endif
