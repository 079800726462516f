/* SPDX-License-Identifier: BSD-2-Clause */
#include "restore.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit_entry.h"
#include "instant.h"
#include "log.h"
#include "rekey.h"
#include "restore_replay.h"
#include "state_file.h"
#include "statedir.h"
#include "store_restore.h"

struct restoring {
	const char *state_directory;
	const struct settings *settings;
	uint8_t master[MASTER_KEY_BYTES];
	struct backup_file *backup;
	struct index *index;
	struct loader *loader;
	struct replay *replay;
	struct store_file file;
	struct audit_head head; /* of audit.log, or of the backup */
	bool has_log;
	unsigned redone;
};

/* audit.log from the backup's head on */

static bool
not_followed(const char *path, unsigned long long sequence)
{
	log_error("%s: line %llu does not follow from the backup, so what was "
		  "taken away after it is not known; nothing was changed. To "
		  "restore without, move audit.log away",
	    path, sequence);
	return false;
}

/* The line is the next one of the chain, or before it. */
static bool
follow(struct restoring *r, const char *path, struct bytes line)
{
	const struct audit_head *backup = &r->backup->root.audit;
	struct audit_head claims;
	bool behind = r->head.sequence > backup->sequence;

	if (!audit_line_parse(line, &claims))
		return !behind || not_followed(path, r->head.sequence + 1);
	if (!behind && claims.sequence < backup->sequence)
		return true;
	if (!behind && claims.sequence == backup->sequence)
		return memcmp(claims.mac, backup->mac, MAC_BYTES) == 0 ||
		    not_followed(path, claims.sequence);
	if (claims.sequence != r->head.sequence + 1 ||
	    !audit_line_is_sealed(r->backup->ring, line, r->head.mac))
		return not_followed(path, r->head.sequence + 1);
	r->head = claims;
	if (replay_line(r->replay, line))
		return true;
	log_error("%s: line %" PRIu64 " cannot be read", path, claims.sequence);
	return false;
}

static bool
follow_lines(struct restoring *r, const char *path, FILE *log)
{
	char *text = NULL;
	size_t size = 0;
	bool followed = true;
	ssize_t len;

	/* What has no end at the end was no line yet. */
	while (followed && (len = getline(&text, &size, log)) > 0 &&
	    text[len - 1] == '\n')
		followed = follow(r, path,
		    (struct bytes){(const uint8_t *)text, (size_t)len - 1});
	free(text);
	if (!ferror(log))
		return followed;
	log_error("%s: %s", path, strerror(errno));
	return false;
}

static bool
follow_log(struct restoring *r)
{
	char path[PATH_MAX];
	bool followed;
	FILE *log;

	r->head = r->backup->root.audit;
	if (!state_path(path, r->state_directory, "audit.log"))
		return false;
	log = fopen(path, "re");
	if (log == NULL && errno == ENOENT)
		return true;
	if (log == NULL) {
		log_error("%s: %s", path, strerror(errno));
		return false;
	}
	r->has_log = true;
	followed = follow_lines(r, path, log);
	fclose(log);
	return followed;
}

/* The store that is there may have lines that audit.log has not yet. Where it
 * cannot be opened, which may be why it is to be replaced, it has said so. */
static void
settle_old_store(const struct restoring *r, enum statedir_content content)
{
	struct store_file old;
	struct keyring *ring;

	if (content != STATEDIR_STORE)
		return;
	if (store_file_open(&old, r->state_directory,
		r->settings->expected_keys, r->master, &ring,
		store_load_nothing, NULL)) {
		store_file_close(&old);
		keyring_free(ring);
	}
}

/* The line of the restore itself */

static char *
line_members(const struct restoring *r)
{
	struct audit_entry entry = {
	    .at = now_ms(),
	    .uid = (int64_t)geteuid(),
	    .method = "Restore",
	    .outcome = "done",
	    .after = json_pack("{s:I, s:I}", "audit_sequence",
		(json_int_t)r->backup->root.audit.sequence, "taken_away",
		(json_int_t)r->redone),
	};
	char *text = audit_entry_text(&entry);

	json_decref(entry.after);
	return text;
}

static bool
add_line(struct restoring *r)
{
	struct store_change change = {.urgent = true};
	char *members = line_members(r);
	enum store_result result = STORE_FAILED;

	change.audit = members;
	if (members != NULL)
		result = store_file_commit(&r->file, &change);
	free(members);
	if (result == STORE_OK && change.result == STORE_OK)
		return true;
	log_error("%s: cannot be written: %s", r->file.path,
	    store_result_text(result));
	return false;
}

/* The steps */

static void
report(const struct restoring *r, const char *aside)
{
	const struct root *root = &r->backup->root;
	char at[TIME_TEXT_MAX];

	time_text(r->backup->head.created_at, at);
	printf("Restored the backup of %s, up to line %" PRIu64
	       " of audit.log; %u things that were taken away after it are so "
	       "again.\n",
	    at, root->audit.sequence, r->redone);
	if (!r->has_log)
		puts("There is no audit.log: what was revoked or deleted after "
		     "the backup is not known.");
	if (aside[0] != '\0')
		printf("The store before is %s.\n", aside);
}

/* As the next start will open it, which files the new line, too. */
static bool
open_once(const struct restoring *r)
{
	struct store_file file;
	struct keyring *ring;

	if (!store_file_open(&file, r->state_directory,
		r->settings->expected_keys, r->master, &ring,
		store_load_nothing, NULL))
		return false;
	store_file_close(&file);
	keyring_free(ring);
	return true;
}

static bool
build_and_publish(struct restoring *r)
{
	char aside[PATH_MAX];
	bool done = store_restore_begin(&r->file, r->state_directory,
			r->settings->expected_keys, r->backup, load_record,
			r->loader) &&
	    load_finish(r->loader) && store_restore_join(&r->file, &r->head) &&
	    replay_apply(r->replay, &r->file, r->index, &r->redone) &&
	    add_line(r) && store_restore_publish(&r->file, aside);

	store_restore_end(&r->file);
	if (!done || !open_once(r))
		return false;
	report(r, aside);
	return true;
}

static bool
restore_from(struct restoring *r, enum statedir_content content)
{
	bool done;

	if (!backup_file_read(r->backup, NULL, NULL))
		return false;
	settle_old_store(r, content);
	r->index = index_new();
	r->loader = r->index != NULL ? loader_new(r->index) : NULL;
	r->replay = replay_new();
	if (r->loader == NULL || r->replay == NULL)
		log_error("out of memory");
	done = r->loader != NULL && r->replay != NULL && follow_log(r) &&
	    build_and_publish(r);
	replay_free(r->replay);
	loader_free(r->loader);
	index_free(r->index);
	return done;
}

bool
restore(const char *state_directory, const struct settings *settings,
    const char *path)
{
	static struct backup_file backup;
	struct restoring r = {.state_directory = state_directory,
	    .settings = settings,
	    .backup = &backup,
	    .file = {.audit = {.fd = -1}}};
	struct master_key_source source;
	enum statedir_content content;
	int dir = statedir_open_to_restore(state_directory, &content);
	bool done;

	if (dir < 0)
		return false;
	/* dir stays open: it holds the lock until the process ends. */
	done = master_key_read(dir, state_directory, settings->master_key_file,
		   false, r.master, &source) &&
	    (content != STATEDIR_STORE ||
		rekey_settle(
		    dir, state_directory, settings, &source, r.master)) &&
	    backup_file_open(&backup, path, r.master);
	if (done) {
		done = restore_from(&r, content);
		backup_file_close(&backup);
	}
	secret_wipe(r.master, sizeof r.master);
	return done;
}
