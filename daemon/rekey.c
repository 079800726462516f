/* SPDX-License-Identifier: BSD-2-Clause */
#include "rekey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit_entry.h"
#include "instant.h"
#include "log.h"
#include "statedir.h"
#include "store.h"

/*
 * From a key to itself: the store is written once more before the other key
 * goes. After an error of the disk, what is read back need not be what a power
 * cut will leave.
 */
static bool
confirm(const char *state_directory, const struct settings *settings,
    const uint8_t master[MASTER_KEY_BYTES])
{
	return store_rekey(
	    state_directory, settings->expected_keys, master, master, NULL);
}

/*
 * With a line in audit.log, as a restore has one. Also from a key to itself:
 * the rekey that was cut off may have ended before its own.
 */
static bool
put_under(const char *state_directory, const struct settings *settings,
    const uint8_t from[MASTER_KEY_BYTES], const uint8_t to[MASTER_KEY_BYTES])
{
	struct audit_entry entry = {
	    .at = now_ms(),
	    .uid = (int64_t)geteuid(),
	    .method = "Rekey",
	    .outcome = "done",
	};
	char *line = audit_entry_text(&entry);
	bool done = line != NULL &&
	    store_rekey(
		state_directory, settings->expected_keys, from, to, line);

	if (line == NULL)
		log_error("out of memory");
	free(line);
	return done;
}

/* The store is under master.key. */
static bool
undo(int dir, const char *state_directory)
{
	if (!master_key_unstage(dir, state_directory))
		return false;
	log_notice("%s/master.key.new: left by a rekey that was cut off before "
		   "it changed anything; removed",
	    state_directory);
	return true;
}

/* The store may be under master.key.new. */
static bool
finish(int dir, const char *state_directory, const struct settings *settings,
    uint8_t master[MASTER_KEY_BYTES])
{
	uint8_t staged[MASTER_KEY_BYTES];
	bool done;

	if (!master_key_read_staged(dir, state_directory, staged))
		return false;
	if (store_is_under(state_directory, staged)) {
		done = put_under(state_directory, settings, staged, staged) &&
		    master_key_replace(dir, state_directory);
		if (done) {
			memcpy(master, staged, sizeof staged);
			log_notice("%s/master.key: now the new one, of a rekey "
				   "that was cut off",
			    state_directory);
		}
	} else {
		done = true; /* nothing to be done here */
	}
	secret_wipe(staged, sizeof staged);
	return done;
}

bool
rekey_settle(int dir, const char *state_directory,
    const struct settings *settings, const struct master_key_source *source,
    uint8_t master[MASTER_KEY_BYTES])
{
	if (source->origin != MASTER_KEY_OWN || !master_key_is_staged(dir))
		return true;
	/* In this order: a key that was cut off while it was written is none,
	 * and nothing to complain of. */
	if (store_is_under(state_directory, master))
		return confirm(state_directory, settings, master) &&
		    undo(dir, state_directory);
	return finish(dir, state_directory, settings, master);
}

/* What is left to do, for whoever has to do it. */
static void
say_done(const struct master_key_source *source, const char *new_key_file)
{
	switch (source->origin) {
	case MASTER_KEY_OWN:
		log_notice("%s: is the new master key; keep a copy in a safe "
			   "place, and remove %s",
		    source->text, new_key_file);
		return;
	case MASTER_KEY_FILE:
		log_notice("the store is under the new master key: put it into "
			   "%s before apikeyd is started",
		    source->text);
		return;
	case MASTER_KEY_CREDENTIAL:
		log_notice("the store is under the new master key: make it the "
			   "%s before apikeyd is started",
		    source->text);
		return;
	}
}

static bool
exchange(int dir, const char *state_directory, const struct settings *settings,
    const struct master_key_source *source,
    const uint8_t from[MASTER_KEY_BYTES], const uint8_t to[MASTER_KEY_BYTES])
{
	bool own = source->origin == MASTER_KEY_OWN;
	/* By a rekey whose key has not been put in its place, say. */
	bool under_it = store_is_under(state_directory, to);

	return (!own || master_key_stage(dir, state_directory, to)) &&
	    put_under(state_directory, settings, under_it ? to : from, to) &&
	    (!own || master_key_replace(dir, state_directory));
}

/* What would be made elsewhere, by mistake, is not. */
static int
open_existing(const char *path)
{
	int dir;

	if (access(path, F_OK) != 0) {
		log_error("%s: %s", path, strerror(errno));
		return -1;
	}
	dir = statedir_open(path);
	if (dir < 0)
		return -1;
	switch (statedir_look(dir, path)) {
	case STATEDIR_STORE:
		return dir;
	case STATEDIR_FIRST_START:
	case STATEDIR_RESUME:
		log_error("%s: there is no store here", path);
		break;
	case STATEDIR_BROKEN:
		break; /* it said why */
	}
	close(dir);
	return -1;
}

bool
rekey(const char *state_directory, const struct settings *settings,
    const char *new_key_file)
{
	uint8_t from[MASTER_KEY_BYTES], to[MASTER_KEY_BYTES];
	struct master_key_source source;
	int dir = open_existing(state_directory);
	bool done;

	if (dir < 0)
		return false;
	/* dir stays open: it holds the lock until the process ends. */
	done = master_key_read_file(new_key_file, to) &&
	    master_key_read(dir, state_directory, settings->master_key_file,
		false, from, &source) &&
	    rekey_settle(dir, state_directory, settings, &source, from) &&
	    exchange(dir, state_directory, settings, &source, from, to);
	if (done)
		say_done(&source, new_key_file);
	secret_wipe(from, sizeof from);
	secret_wipe(to, sizeof to);
	return done;
}
