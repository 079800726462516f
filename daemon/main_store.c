/* SPDX-License-Identifier: BSD-2-Clause */
/* What is in the state directory, opened or made: store, index and usage. */
#include "log.h"
#include "main_impl.h"
#include "master_key.h"
#include "rekey.h"
#include "statedir.h"

static bool
load_store(struct daemon *daemon, const uint8_t *master)
{
	struct loader *loader;
	bool loaded;

	daemon->index = index_new();
	loader = daemon->index != NULL ? loader_new(daemon->index) : NULL;
	if (loader == NULL) {
		log_error("out of memory");
		return false;
	}
	daemon->store = store_open(daemon->options.state_directory,
	    daemon->settings.expected_keys, master, &daemon->ring, load_record,
	    loader);
	loaded = daemon->store != NULL && load_finish(loader);
	loader_free(loader);
	return loaded;
}

bool
main_open_store(struct daemon *daemon)
{
	const char *path = daemon->options.state_directory;
	uint8_t master[MASTER_KEY_BYTES];
	struct master_key_source source;
	enum statedir_content content;
	int dir = statedir_open(path);
	bool opened, first;

	if (dir < 0)
		return false;
	content = statedir_look(dir, path);
	first = content == STATEDIR_FIRST_START || content == STATEDIR_RESUME;
	opened = content != STATEDIR_BROKEN &&
	    (!first || store_mark_creation(path)) &&
	    master_key_read(dir, path, daemon->settings.master_key_file, first,
		master, &source);
	if (opened && !first)
		opened =
		    rekey_settle(dir, path, &daemon->settings, &source, master);
	if (opened && first)
		opened =
		    store_create(path, daemon->settings.expected_keys, master);
	if (opened && first)
		log_notice(
		    "new store in %s, master key in %s", path, source.text);
	opened = opened && load_store(daemon, master);
	secret_wipe(master, sizeof master);
	/* dir stays open: it holds the lock until the process ends. */
	return opened;
}

bool
main_open_usage(struct daemon *daemon)
{
	const struct usage_options options = {
	    .directory = daemon->options.state_directory,
	    .ring = daemon->ring,
	    .expected_keys = daemon->settings.expected_keys,
	    .retention_days = daemon->settings.usage_retention,
	    .flush_ms = daemon->settings.usage_flush_interval,
	    .journal_bytes = (size_t)daemon->settings.usage_journal_size << 20,
	};

	daemon->usage = usage_open(&options, daemon->index);
	return daemon->usage != NULL;
}
