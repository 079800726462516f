/* SPDX-License-Identifier: BSD-2-Clause */
/* The sockets that are listened at, and who answers there. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "instant.h"
#include "listen.h"
#include "log.h"
#include "main_impl.h"
#include "statedir.h"

#include "daemon/admin_description.h"

static void
init_planes(struct daemon *daemon)
{
	struct admin *admin = &daemon->admin;
	const struct passwd *self;

	verifier_init(&daemon->verifier, daemon->index, daemon->ring);
	daemon->verifier.signature_window = daemon->settings.signature_window;
	daemon->verifier.log.mode = daemon->settings.log_verifications;
	daemon->verifier.usage = daemon->usage;
	daemon->verifier.behind = main_behind;
	daemon->verifier.behind_context = daemon;
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

bool
main_open_planes(struct daemon *daemon)
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
