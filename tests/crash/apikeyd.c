/* SPDX-License-Identifier: BSD-2-Clause */
#include "apikeyd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

void
bail_out(const char *format, ...)
{
	va_list args;

	printf("Bail out! ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	exit(99);
}

const char *
required_variable(const char *name)
{
	const char *value = getenv(name);

	if (value == NULL || value[0] == '\0')
		bail_out("%s is not set: run this by make check", name);
	return value;
}

unsigned long
number_variable(const char *name, unsigned long fallback)
{
	const char *value = getenv(name);
	unsigned long number;
	char *end;

	if (value == NULL || value[0] == '\0')
		return fallback;
	number = strtoul(value, &end, 10);
	if (*end != '\0')
		bail_out("%s=%s: expected a number", name, value);
	return number;
}

static void
path_in(
    const struct apikeyd *daemon, const char *name, char out[APIKEYD_PATH_MAX])
{
	snprintf(out, APIKEYD_PATH_MAX, "%s/%s", daemon->directory, name);
}

/* At an abstract name of the kernel's choice: nothing to clean up. */
static int
notify_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	socklen_t len = sizeof name.sun_family;

	if (fd < 0 || bind(fd, (struct sockaddr *)&name, len) != 0)
		bail_out("socket: %s", strerror(errno));
	len = sizeof name - 1;
	getsockname(fd, (struct sockaddr *)&name, &len);
	name.sun_path[0] = '@';
	setenv("NOTIFY_SOCKET", name.sun_path, 1);
	return fd;
}

void
apikeyd_prepare(struct apikeyd *daemon)
{
	const char *parent = getenv("TMPDIR");

	*daemon = (struct apikeyd){.pid = 0};
	/* A line from another of our threads is never torn apart by this. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (parent == NULL || strlen(parent) > 20)
		parent = "/tmp";
	snprintf(daemon->directory, sizeof daemon->directory,
	    "%s/apikeyd-crash.XXXXXX", parent);
	if (mkdtemp(daemon->directory) == NULL)
		bail_out("%s: %s", daemon->directory, strerror(errno));
	path_in(daemon, "state", daemon->state);
	path_in(daemon, "run", daemon->run);
	path_in(daemon, "run/admin.sock", daemon->admin);
	path_in(daemon, "run/verify.sock", daemon->verify);
	path_in(daemon, "log", daemon->log);
	if (mkdir(daemon->state, 0700) != 0 || mkdir(daemon->run, 0755) != 0)
		bail_out("%s: %s", daemon->directory, strerror(errno));
	daemon->notify = notify_socket();
}

void
apikeyd_configure(struct apikeyd *daemon, const char *settings)
{
	FILE *file;

	path_in(daemon, "config", daemon->config);
	file = fopen(daemon->config, "we");
	if (file == NULL || fputs(settings, file) < 0 || fclose(file) != 0)
		bail_out("%s: %s", daemon->config, strerror(errno));
}

void
apikeyd_spawn(struct apikeyd *daemon)
{
	const char *program = required_variable("APIKEYD");
	char words[256];

	while (recv(daemon->notify, words, sizeof words, MSG_DONTWAIT) > 0)
		; /* of the one before */
	daemon->pid = fork();
	if (daemon->pid < 0)
		bail_out("fork: %s", strerror(errno));
	if (daemon->pid > 0)
		return;
	/* It must not outlive us, however we end. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int log =
	    open(daemon->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	if (daemon->preload != NULL)
		setenv("LD_PRELOAD", daemon->preload, 1);
	execl(program, program, "--state-directory", daemon->state,
	    "--runtime-directory", daemon->run,
	    daemon->config[0] != '\0' ? "--config" : NULL, daemon->config,
	    (char *)NULL);
	_exit(127);
}

bool
apikeyd_await_ready(struct apikeyd *daemon)
{
	/* Raw, since glibc has no wrapper before 2.36. */
	int process = (int)syscall(SYS_pidfd_open, daemon->pid, 0);
	struct pollfd fds[2] = {
	    {.fd = daemon->notify, .events = POLLIN},
	    {.fd = process, .events = POLLIN},
	};
	bool ready = false;
	char words[256];

	while (!ready && poll(fds, 2, PATIENCE_MS) > 0) {
		ssize_t len =
		    recv(daemon->notify, words, sizeof words - 1, MSG_DONTWAIT);

		words[len > 0 ? len : 0] = '\0';
		ready = strstr(words, "READY=1") != NULL;
		if (len <= 0 && fds[1].revents != 0)
			break;
	}
	close(process);
	return ready;
}

static void
show_log(const struct apikeyd *daemon)
{
	FILE *log = fopen(daemon->log, "re");
	char line[512];

	while (log != NULL && fgets(line, sizeof line, log) != NULL)
		printf("# %s", line);
	if (log != NULL)
		fclose(log);
}

void
apikeyd_start(struct apikeyd *daemon)
{
	apikeyd_spawn(daemon);
	if (apikeyd_await_ready(daemon))
		return;
	show_log(daemon);
	bail_out("apikeyd does not start on %s", daemon->state);
}

int
apikeyd_end(struct apikeyd *daemon, int signal_number)
{
	int status = 0;

	kill(daemon->pid, signal_number);
	while (waitpid(daemon->pid, &status, 0) < 0 && errno == EINTR)
		;
	daemon->pid = 0;
	return status;
}

static void
remove_files(const char *path)
{
	DIR *stream = opendir(path);
	struct dirent *entry;
	char name[512];

	while (stream != NULL && (entry = readdir(stream)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
		unlink(name);
	}
	if (stream != NULL)
		closedir(stream);
	rmdir(path);
}

void
apikeyd_remove(struct apikeyd *daemon)
{
	if (daemon->pid > 0)
		apikeyd_end(daemon, SIGKILL);
	remove_files(daemon->state);
	remove_files(daemon->run);
	remove_files(daemon->directory);
	close(daemon->notify);
}
