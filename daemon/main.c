/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * apikeyd: the order in which its parts come up, and the same backwards.
 */
#include <errno.h>
#include <event2/event.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin_import.h"
#include "config.h"
#include "instant.h"
#include "listen.h"
#include "log.h"
#include "main_impl.h"
#include "notify.h"
#include "rekey.h"
#include "restore.h"
#include "statedir.h"

#include "daemon/admin_description.h"

/* The process */

static void
harden_process(void)
{
	struct rlimit limit = {0, 0};

	umask(077);
	signal(SIGPIPE, SIG_IGN);
	/* A file at its limit is an error like a full disk, not an end. */
	signal(SIGXFSZ, SIG_IGN);
	/* Nobody means them for us, and they would end us. */
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	/* Memory holds secrets: no core, no debugger but root's. */
	setrlimit(RLIMIT_CORE, &limit);
	if (prctl(PR_SET_DUMPABLE, 0) != 0)
		log_warning("core dumps stay possible: %s", strerror(errno));
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* The store */

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

static bool
open_store(struct daemon *daemon)
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

static bool
open_usage(struct daemon *daemon)
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

/* Called on the threads of store, worker and usage: wakes the loop. */
static void
wake_loop(void *context)
{
	const struct daemon *daemon = context;
	uint64_t one = 1;

	if (write(daemon->committed_fd, &one, sizeof one) < 0)
		return; /* EAGAIN: it is awake already */
}

static void
on_committed(evutil_socket_t fd, short what, void *context)
{
	struct daemon *daemon = context;
	uint64_t count;
	bool more;

	(void)what;
	if (read(fd, &count, sizeof count) <= 0)
		return;
	more = store_collect_one(daemon->store);
	worker_collect(daemon->worker);
	worker_collect(daemon->reader);
	admin_collected(&daemon->admin);
	usage_collect(daemon->usage);
	if (admin_import_portion(&daemon->admin))
		more = true;
	if (more)
		wake_loop(daemon); /* again, after what others want now */
}

static bool
prepare_changes(struct daemon *daemon)
{
	daemon->changes = changes_new(daemon->store, daemon->index);
	daemon->committed_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (daemon->changes == NULL || daemon->committed_fd < 0)
		return false;
	daemon->committed = event_new(daemon->base, daemon->committed_fd,
	    EV_READ | EV_PERSIST, on_committed, daemon);
	return daemon->committed != NULL &&
	    event_add(daemon->committed, NULL) == 0;
}

/* The planes */

static void
init_planes(struct daemon *daemon)
{
	struct admin *admin = &daemon->admin;
	const struct passwd *self;

	verifier_init(&daemon->verifier, daemon->index, daemon->ring);
	daemon->verifier.signature_window = daemon->settings.signature_window;
	daemon->verifier.log.mode = daemon->settings.log_verifications;
	daemon->verifier.usage = daemon->usage;
	admin->index = daemon->index;
	admin->changes = daemon->changes;
	admin->store = daemon->store;
	admin->ring = daemon->ring;
	admin->usage = daemon->usage;
	admin->verifier = &daemon->verifier;
	admin->server = daemon->server;
	admin->state_directory = daemon->options.state_directory;
	admin->own_uid = geteuid();
	/* Once, before anybody waits: a name service may take its time. */
	self = getpwuid(admin->own_uid);
	if (self != NULL)
		snprintf(admin->own_login, sizeof admin->own_login, "%s",
		    self->pw_name);
	admin->started_at = monotonic_ms();
	admin->sampled_at = admin->started_at;
	daemon->service = admin_service(admin, admin_description);
}

static bool
open_plane(struct daemon *daemon, const struct plane *plane, void *context,
    mode_t mode, const char *group, char own[PATH_MAX])
{
	int fd = listen_inherited(plane->name);

	if (fd == -2)
		return false;
	if (fd == -1) {
		if (snprintf(own, PATH_MAX, "%s/%s.sock",
			daemon->options.runtime_directory,
			plane->name) >= PATH_MAX) {
			log_error("%s: path too long",
			    daemon->options.runtime_directory);
			own[0] = '\0';
			return false;
		}
		if (!rundir_prepare(daemon->options.runtime_directory) ||
		    (fd = listen_at(own, mode, group)) < 0) {
			own[0] = '\0';
			return false;
		}
	}
	if (server_listen(daemon->server, fd, plane, context) == 0)
		return true;
	log_error("%s socket: %s", plane->name, strerror(errno));
	return false;
}

static bool
open_planes(struct daemon *daemon)
{
	const struct settings *settings = &daemon->settings;

	if (!listen_names_known())
		return false;
	daemon->server = server_new(daemon->base, &settings->limits);
	if (daemon->server == NULL) {
		log_error("cannot set up the server: %s", strerror(errno));
		return false;
	}
	init_planes(daemon);
	return open_plane(daemon, &admin_plane, &daemon->service, 0666, NULL,
		   daemon->sockets[0]) &&
	    open_plane(daemon, &verify_plane, &daemon->verifier, 0660,
		settings->verify_socket_group, daemon->sockets[1]);
}

/* Up and down */

static bool
start(struct daemon *daemon)
{
	if (!open_store(daemon) || !open_usage(daemon))
		return false;
	daemon->base = event_base_new();
	if (daemon->base == NULL || !prepare_changes(daemon) ||
	    !main_watch_signals(daemon)) {
		log_error("cannot make an event loop: %s", strerror(errno));
		return false;
	}
	/* The threads last: making sockets sets the umask for a moment. */
	if (!open_planes(daemon))
		return false;
	daemon->worker = worker_start(wake_loop, daemon);
	daemon->admin.worker = daemon->worker;
	daemon->reader = worker_start(wake_loop, daemon);
	daemon->admin.reader = daemon->reader;
	if (daemon->worker == NULL || daemon->reader == NULL ||
	    !store_start(daemon->store, wake_loop, daemon) ||
	    !usage_start(daemon->usage, wake_loop, daemon))
		return false;
	admin_import_resume(&daemon->admin);
	return true;
}

static void
free_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

static void
stop(struct daemon *daemon)
{
	for (int i = 0; i < SOCKETS; i++)
		if (daemon->sockets[i][0] != '\0')
			unlink(daemon->sockets[i]);
	admin_import_stop(&daemon->admin);
	/* Changes that are still under way reach the disk and the index; who
	 * asked for them has been waited for long enough. */
	if (daemon->server != NULL)
		server_free(daemon->server);
	changes_stop(daemon->changes);
	if (daemon->reader != NULL)
		worker_stop(daemon->reader);
	if (daemon->worker != NULL)
		worker_stop(daemon->worker);
	/* Before the store, which has to do with the answers to questions. */
	usage_free(daemon->usage);
	if (daemon->store != NULL) {
		store_stop(daemon->store);
		store_collect(daemon->store);
		store_free(daemon->store);
	}
	if (daemon->worker != NULL)
		worker_free(daemon->worker);
	if (daemon->reader != NULL)
		worker_free(daemon->reader);
	admin_import_free(&daemon->admin);
	changes_free(daemon->changes);
	timer_close(&daemon->giving_up);
	timer_close(&daemon->tick);
	timer_close(&daemon->watchdog);
	free_event(daemon->reload);
	free_event(daemon->terminate[1]);
	free_event(daemon->terminate[0]);
	free_event(daemon->committed);
	if (daemon->committed_fd >= 0)
		close(daemon->committed_fd);
	if (daemon->base != NULL)
		event_base_free(daemon->base);
	index_free(daemon->index);
	keyring_free(daemon->ring);
	libevent_global_shutdown();
}

static void
run(struct daemon *daemon)
{
	struct index_counts counts = index_counts(daemon->index);

	log_notice("version %s ready: %zu keys of %zu accounts in %s",
	    PACKAGE_VERSION, counts.keys, counts.accounts,
	    daemon->options.state_directory);
	notify("READY=1");
	event_base_dispatch(daemon->base);
}

int
main(int argc, char **argv)
{
	static struct daemon daemon = {.committed_fd = -1};
	int code = options_read(argc, argv, &daemon.options);
	bool started;

	if (code >= 0)
		return code;
	settings_default(&daemon.settings);
	if (!options_read_settings(&daemon.options, &daemon.settings))
		return 1;
	if (daemon.options.check_config)
		return 0;
	log_set_level(daemon.settings.log_level);
	harden_process();
	if (!secret_init())
		return 1;
	if (daemon.options.rekey_file != NULL)
		return rekey(daemon.options.state_directory, &daemon.settings,
			   daemon.options.rekey_file)
		    ? 0
		    : 1;
	if (daemon.options.restore_file != NULL)
		return restore(daemon.options.state_directory, &daemon.settings,
			   daemon.options.restore_file)
		    ? 0
		    : 1;
	varlink_init();
	started = start(&daemon);
	if (started)
		run(&daemon);
	stop(&daemon);
	return started ? 0 : 1;
}
