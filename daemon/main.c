/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * apikeyd: the order in which its parts come up, and the same backwards.
 */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin_import.h"
#include "config.h"
#include "log.h"
#include "main_impl.h"
#include "notify.h"
#include "proto/descriptors.h"
#include "rekey.h"
#include "restore.h"

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

/* Store, usage, sockets and loop have about twenty open before anybody
 * connects; where they run out, libevent ends the process without our having a
 * word. */
static bool
enough_descriptors(void)
{
	enum { DESCRIPTORS_MIN = 32 };
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    limit.rlim_cur >= DESCRIPTORS_MIN)
		return true;
	log_error("too few descriptors: the limit is %llu, apikeyd takes %d at "
		  "least; raise LimitNOFILE= of its unit, or ulimit -n",
	    (unsigned long long)limit.rlim_cur, DESCRIPTORS_MIN);
	return false;
}

/* The loop */

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

/* Up and down */

static bool
start(struct daemon *daemon)
{
	if (!main_open_store(daemon) || !main_open_usage(daemon))
		return false;
	daemon->base = event_base_new();
	if (daemon->base == NULL || !prepare_changes(daemon) ||
	    !main_watch_signals(daemon)) {
		log_error("cannot make an event loop: %s", strerror(errno));
		return false;
	}
	/* The threads last: making sockets sets the umask for a moment. */
	if (!main_open_planes(daemon))
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
	timer_close(&daemon->pace);
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
	bool started;
	int code;

	if (!keep_standard_descriptors())
		return 1;
	code = options_read(argc, argv, &daemon.options);
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
	if (!enough_descriptors())
		return 1;
	varlink_init();
	started = start(&daemon);
	if (started)
		run(&daemon);
	stop(&daemon);
	return started ? 0 : 1;
}
