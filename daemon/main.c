/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * apikeyd: the order in which its parts come up, and the same backwards.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin.h"
#include "admin_import.h"
#include "config.h"
#include "instant.h"
#include "listen.h"
#include "log.h"
#include "notify.h"
#include "proto/text.h"
#include "rekey.h"
#include "restore.h"
#include "settings.h"
#include "statedir.h"
#include "worker.h"

#include "daemon/admin_description.h"

enum {
	/* What is left to answer at the end is answered within this. */
	DRAIN_MS = 5000,
	/* What waits for another's change by then is told so instead. */
	CLAIMS_MS = 4000,
	TICK_S = 5,
	SOCKETS = 2,
};

struct options {
	const char
	    *config_file; /* NULL: the default one, which may be absent */
	char state_directory[PATH_MAX];
	char runtime_directory[PATH_MAX];
	bool check_config;
	const char *rekey_file;   /* NULL: not to rekey, but to serve */
	const char *restore_file; /* likewise, not to restore */
};

struct daemon {
	struct options options;
	struct settings settings;
	struct keyring *ring;
	struct index *index;
	struct store *store;
	struct changes *changes;
	struct worker *worker, *reader;
	struct usage *usage;
	struct verifier verifier;
	struct admin admin;
	struct varlink_service service;
	struct event_base *base;
	struct event *terminate[2], *reload, *committed, *watchdog;
	struct event *tick, *giving_up;
	int committed_fd; /* written by the other threads */
	struct server *server;
	char sockets[SOCKETS][PATH_MAX]; /* ours to remove at the end */
	bool draining;
};

static const char help[] =
    "Usage: apikeyd [OPTION]...\n"
    "Issues and verifies API keys for the programs of this host.\n"
    "\n"
    "  --config FILE             read FILE (default: " DEFAULT_CONFIG_FILE ",\n"
    "                            which may be absent)\n"
    "  --state-directory DIR     where keys are kept (default:\n"
    "                            $STATE_DIRECTORY or /var/lib/apikeyd)\n"
    "  --runtime-directory DIR   where sockets are made (default:\n"
    "                            $RUNTIME_DIRECTORY or /run/apikeyd)\n"
    "  --check-config            say what is wrong with the configuration\n"
    "                            and exit\n"
    "  --rekey NEW-KEY-FILE      put the store under this master key and "
    "exit;\n"
    "                            while no daemon runs\n"
    "  --restore FILE            put the backup in FILE in the store's "
    "place\n"
    "                            and exit; while no daemon runs\n"
    "  --version                 print the version and exit\n"
    "  --help                    print this and exit\n"
    "\n"
    "Runs in the foreground as any user. SIGHUP reads the configuration\n"
    "again, SIGTERM ends it.\n";

/* Options */

/* A directory: as given, else the first of systemd's list, else the default. */
static bool
choose_directory(char out[PATH_MAX], const char *variable, const char *fallback)
{
	const char *list = getenv(variable);
	size_t len;

	if (out[0] != '\0')
		return true;
	if (list == NULL || list[0] == '\0')
		list = fallback;
	len = strcspn(list, ":");
	if (len >= PATH_MAX) {
		log_error("$%s: path too long", variable);
		return false;
	}
	memcpy(out, list, len);
	out[len] = '\0';
	return true;
}

static bool
copy_path(char out[PATH_MAX], const char *path)
{
	if (path[0] != '\0' && text_copy(out, PATH_MAX, path))
		return true;
	log_error("expected a directory, got \"%s\"", path);
	return false;
}

/* -1 to go on, else the exit code. */
static int
read_options(int argc, char **argv, struct options *options)
{
	enum {
		CONFIG = 256,
		STATE,
		RUNTIME,
		CHECK,
		REKEY,
		RESTORE,
		VERSION,
		HELP
	};
	static const struct option names[] = {
	    {"config", required_argument, NULL, CONFIG},
	    {"state-directory", required_argument, NULL, STATE},
	    {"runtime-directory", required_argument, NULL, RUNTIME},
	    {"check-config", no_argument, NULL, CHECK},
	    {"rekey", required_argument, NULL, REKEY},
	    {"restore", required_argument, NULL, RESTORE},
	    {"version", no_argument, NULL, VERSION},
	    {"help", no_argument, NULL, HELP},
	    {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case CONFIG:
			options->config_file = optarg;
			break;
		case STATE:
			if (!copy_path(options->state_directory, optarg))
				return 1;
			break;
		case RUNTIME:
			if (!copy_path(options->runtime_directory, optarg))
				return 1;
			break;
		case CHECK:
			options->check_config = true;
			break;
		case REKEY:
			options->rekey_file = optarg;
			break;
		case RESTORE:
			options->restore_file = optarg;
			break;
		case VERSION:
			puts("apikeyd " PACKAGE_VERSION);
			return 0;
		case HELP:
			fputs(help, stdout);
			return 0;
		default: /* getopt has said what */
			fputs("Try: apikeyd --help\n", stderr);
			return 1;
		}
	}
	if (optind < argc) {
		log_error("unexpected argument: %s; see apikeyd --help",
		    argv[optind]);
		return 1;
	}
	return choose_directory(options->state_directory, "STATE_DIRECTORY",
		   "/var/lib/apikeyd") &&
		choose_directory(options->runtime_directory,
		    "RUNTIME_DIRECTORY", "/run/apikeyd")
	    ? -1
	    : 1;
}

static bool
read_settings(const struct options *options, struct settings *settings)
{
	bool named = options->config_file != NULL;

	return settings_read(settings,
	    named ? options->config_file : DEFAULT_CONFIG_FILE, named);
}

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

	(void)what;
	if (read(fd, &count, sizeof count) <= 0)
		return;
	store_collect(daemon->store);
	worker_collect(daemon->worker);
	worker_collect(daemon->reader);
	admin_collected(&daemon->admin);
	usage_collect(daemon->usage);
	if (admin_import_portion(&daemon->admin))
		wake_loop(daemon); /* again, after what others want now */
}

static bool
prepare_changes(struct daemon *daemon)
{
	daemon->changes = changes_new(daemon->store, daemon->index);
	daemon->committed_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (daemon->changes == NULL || daemon->committed_fd < 0) {
		log_error(
		    "cannot make an event descriptor: %s", strerror(errno));
		return false;
	}
	daemon->committed = event_new(daemon->base, daemon->committed_fd,
	    EV_READ | EV_PERSIST, on_committed, daemon);
	return daemon->committed != NULL &&
	    event_add(daemon->committed, NULL) == 0;
}

/* Signals */

static void
on_drained(void *context)
{
	struct daemon *daemon = context;

	event_base_loopbreak(daemon->base);
}

static void
on_terminate(evutil_socket_t signal_number, short what, void *context)
{
	static const struct timeval give_up = {CLAIMS_MS / 1000, 0};
	struct daemon *daemon = context;

	(void)signal_number;
	(void)what;
	if (daemon->draining)
		return;
	daemon->draining = true;
	log_notice("stopping: what was asked is answered first");
	notify("STOPPING=1");
	admin_stop(&daemon->admin);
	event_add(daemon->giving_up, &give_up);
	server_drain(daemon->server, DRAIN_MS, on_drained, daemon);
}

static void
on_reload(evutil_socket_t signal_number, short what, void *context)
{
	struct daemon *daemon = context;
	struct settings settings;
	char state[64];

	(void)signal_number;
	(void)what;
	snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)monotonic_ms() * 1000);
	notify(state);
	settings_default(&settings);
	if (read_settings(&daemon->options, &settings)) {
		daemon->settings.limits = settings.limits;
		daemon->settings.log_level = settings.log_level;
		daemon->settings.log_verifications = settings.log_verifications;
		daemon->verifier.log.mode = settings.log_verifications;
		daemon->settings.signature_window = settings.signature_window;
		daemon->verifier.signature_window = settings.signature_window;
		log_set_level(settings.log_level);
		server_set_limits(daemon->server, &settings.limits);
		log_notice("configuration read again");
	} else {
		log_error("the configuration stays as it was");
	}
	notify("READY=1");
}

static void
on_tick(evutil_socket_t fd, short what, void *context)
{
	struct daemon *daemon = context;

	(void)fd;
	(void)what;
	admin_tick(&daemon->admin);
}

static void
on_giving_up(evutil_socket_t fd, short what, void *context)
{
	struct daemon *daemon = context;

	(void)fd;
	(void)what;
	changes_stop(daemon->changes);
}

static bool
set_timers(struct daemon *daemon)
{
	static const struct timeval tick = {TICK_S, 0};

	daemon->tick = event_new(daemon->base, -1, EV_PERSIST, on_tick, daemon);
	daemon->giving_up = evtimer_new(daemon->base, on_giving_up, daemon);
	return daemon->tick != NULL && daemon->giving_up != NULL &&
	    event_add(daemon->tick, &tick) == 0;
}

static void
on_watchdog(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	(void)context;
	notify("WATCHDOG=1");
}

static struct event *
add_signal(struct daemon *daemon, int number, event_callback_fn callback)
{
	struct event *event =
	    evsignal_new(daemon->base, number, callback, daemon);

	if (event != NULL)
		evsignal_add(event, NULL);
	return event;
}

static bool
watch_signals(struct daemon *daemon)
{
	unsigned watchdog_ms = notify_watchdog_ms();
	struct timeval interval = {
	    watchdog_ms / 1000, watchdog_ms % 1000 * 1000};

	daemon->terminate[0] = add_signal(daemon, SIGTERM, on_terminate);
	daemon->terminate[1] = add_signal(daemon, SIGINT, on_terminate);
	daemon->reload = add_signal(daemon, SIGHUP, on_reload);
	if (daemon->terminate[0] == NULL || daemon->terminate[1] == NULL ||
	    daemon->reload == NULL)
		return false;
	if (watchdog_ms == 0)
		return true;
	daemon->watchdog =
	    event_new(daemon->base, -1, EV_PERSIST, on_watchdog, daemon);
	return daemon->watchdog != NULL &&
	    event_add(daemon->watchdog, &interval) == 0;
}

/* The planes */

static void
init_planes(struct daemon *daemon)
{
	struct admin *admin = &daemon->admin;
	const struct passwd *self;

	verifier_init(&daemon->verifier, daemon->index, daemon->ring);
	daemon->verifier.signature_window = daemon->settings.signature_window;
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
	if (daemon->base == NULL) {
		log_error("cannot make an event loop");
		return false;
	}
	/* The threads last: making sockets sets the umask for a moment. */
	if (!prepare_changes(daemon) || !watch_signals(daemon) ||
	    !set_timers(daemon) || !open_planes(daemon))
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
	if (daemon->store != NULL) {
		store_stop(daemon->store);
		store_collect(daemon->store);
		store_free(daemon->store);
	}
	if (daemon->worker != NULL)
		worker_free(daemon->worker);
	if (daemon->reader != NULL)
		worker_free(daemon->reader);
	usage_free(daemon->usage);
	admin_import_free(&daemon->admin);
	changes_free(daemon->changes);
	free_event(daemon->giving_up);
	free_event(daemon->tick);
	free_event(daemon->watchdog);
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
	int code = read_options(argc, argv, &daemon.options);
	bool started;

	if (code >= 0)
		return code;
	settings_default(&daemon.settings);
	if (!read_settings(&daemon.options, &daemon.settings))
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
