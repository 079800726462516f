/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apikeyd.h"

#define INTERFACE "io.apikeyd.Admin."

enum { CTL_FAILED = 1, CTL_NO_DAEMON = 5 };

enum outcome
admin_call(struct varlink_client *client, const char *method,
    json_t *parameters, json_t **answer)
{
	const char *error;
	char name[96];
	json_t *reply;

	snprintf(name, sizeof name, INTERFACE "%s", method);
	*answer = NULL;
	if (varlink_call(client, name, parameters, PATIENCE_MS, &reply) !=
	    VARLINK_OK)
		return LOST;
	error = json_string_value(json_object_get(reply, "error"));
	if (error != NULL) {
		*answer = reply;
		return strcmp(error, INTERFACE "StoreFailed") == 0 ? FAILED
								   : REFUSED;
	}
	*answer = json_incref(json_object_get(reply, "parameters"));
	json_decref(reply);
	return DONE;
}

enum outcome
admin_ctl(char *const words[], json_t **answer)
{
	const char *program = required_variable("APIKEYCTL");
	posix_spawn_file_actions_t actions;
	int out[2], status = 0;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) != 0)
		bail_out("pipe: %s", strerror(errno));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(
	    &actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	errno = posix_spawn(&pid, program, &actions, NULL, words, environ);
	if (errno != 0)
		bail_out("%s: %s", program, strerror(errno));
	posix_spawn_file_actions_destroy(&actions);
	close(out[1]);
	*answer = json_loadfd(out[0], 0, NULL);
	close(out[0]);
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return DONE;
	if (WIFEXITED(status) && WEXITSTATUS(status) == CTL_FAILED)
		return FAILED;
	if (WIFEXITED(status) && WEXITSTATUS(status) == CTL_NO_DAEMON)
		return LOST;
	return REFUSED;
}
