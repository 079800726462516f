/* SPDX-License-Identifier: BSD-2-Clause */
/* Listening sockets, made at a path and handed over; and the log. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/listen.h"
#include "daemon/log.h"
#include "stderr_text.h"
#include "suite.h"

static char directory[] = "/tmp/apikeyd-test-XXXXXX";
static char path[64];

static void
set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/s", directory);
}

static void
tear_down(void)
{
	unlink(path);
	rmdir(directory);
}

static void
expect_refusal(const char *at, const char *says)
{
	struct stderr_text capture;
	const char *said;
	int fd;

	stderr_begin(&capture);
	fd = listen_at(at, 0666, NULL);
	said = stderr_end(&capture);
	ck_assert_int_eq(fd, -1);
	ck_assert_msg(strstr(said, says) != NULL, "said: %s", said);
	ck_assert_ptr_nonnull(strstr(said, at));
}

START_TEST(makes)
{
	struct stat st;
	mode_t mask = umask(0027);
	int fd = listen_at(path, 0666, NULL);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFSOCK | 0666);
	ck_assert_uint_eq(umask(mask), 0027);
	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	expect_refusal(path, "another process serves this socket");
	close(fd);
	/* Now it is stale. */
	fd = listen_at(path, 0600, NULL);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFSOCK | 0600);
	close(fd);
}
END_TEST

START_TEST(missing_group)
{
	struct stderr_text capture;
	const char *said;
	struct stat st;
	int fd;

	stderr_begin(&capture);
	fd = listen_at(path, 0660, "no-such-group-here");
	said = stderr_end(&capture);
	ck_assert_int_ge(fd, 0);
	ck_assert_ptr_nonnull(strstr(said, "warning"));
	ck_assert_ptr_nonnull(strstr(said, "\"no-such-group-here\""));
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFSOCK | 0660);
	close(fd);
}
END_TEST

START_TEST(refuses)
{
	char too_long[200];
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	close(fd);
	expect_refusal(path, "not a socket");
	ck_assert_int_eq(access(path, F_OK), 0);
	unlink(path);
	ck_assert_int_eq(symlink("/nonexistent", path), 0);
	expect_refusal(path, "not a socket");
	unlink(path);
	expect_refusal("/nonexistent/directory/s", "cannot make");
	memset(too_long, 'x', sizeof too_long);
	too_long[0] = '/';
	too_long[sizeof too_long - 1] = '\0';
	expect_refusal(too_long, "107 bytes");
}
END_TEST

/* Runs with descriptors 3 and 4 as if systemd had started us; the exit code
 * is what listen_inherited() returned. */
static int
inherit(int three, int four, const char *names, const char *wanted)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		char text[24];
		int a = fcntl(three, F_DUPFD, 10), b = fcntl(four, F_DUPFD, 10);

		snprintf(text, sizeof text, "%ld", (long)getpid());
		setenv("LISTEN_PID", text, 1);
		setenv("LISTEN_FDS", "2", 1);
		setenv("LISTEN_FDNAMES", names, 1);
		if (dup2(a, 3) != 3 || dup2(b, 4) != 4)
			_exit(99);
		_exit(listen_inherited(wanted) & 0xff);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(inherits)
{
	int fd = listen_at(path, 0600, NULL);
	int other = socket(AF_UNIX, SOCK_STREAM, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(inherit(other, fd, "admin:verify", "verify"), 4);
	ck_assert_int_eq(inherit(fd, other, "verify:admin", "verify"), 3);
	ck_assert_int_eq(inherit(fd, other, "verify:admin", "admin"), 0xfe);
	ck_assert_int_eq(inherit(fd, other, "verify:admin", "veri"), 0xff);
	ck_assert_int_eq(inherit(fd, other, "", "verify"), 0xff);
	unsetenv("LISTEN_PID");
	ck_assert_int_eq(listen_inherited("verify"), -1);
	setenv("LISTEN_PID", "1", 1);
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_FDNAMES", "verify", 1);
	ck_assert_int_eq(listen_inherited("verify"), -1);
	close(fd);
	close(other);
}
END_TEST

static bool
names_known(const char *names, const char *says)
{
	struct stderr_text capture;
	char pid[24];
	bool known;

	snprintf(pid, sizeof pid, "%ld", (long)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "2", 1);
	setenv("LISTEN_FDNAMES", names, 1);
	stderr_begin(&capture);
	known = listen_names_known();
	ck_assert_ptr_nonnull(strstr(stderr_end(&capture), says));
	return known;
}

START_TEST(knows_names)
{
	ck_assert(names_known("admin:verify", ""));
	ck_assert(names_known("verify", ""));
	ck_assert(!names_known("verify:apikeyd-admin.socket",
	    "the name \"apikeyd-admin.socket\", expected \"verify\" or"));
	ck_assert(!names_known("veri:admin", "\"veri\""));
	ck_assert(!names_known("", "\"\""));
	setenv("LISTEN_PID", "1", 1);
	ck_assert(listen_names_known());
	unsetenv("LISTEN_PID");
	ck_assert(listen_names_known());
}
END_TEST

/* A log whose reader has stopped: nobody waits, and the loss is told. */
START_TEST(log_never_waits)
{
	static char text[1 << 16];
	int ends[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	for (int i = 0; i < 10000; i++)
		log_warning("line %d", i);
	ck_assert_int_eq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
	n = read(ends[0], text, sizeof text - 1);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_int_eq(strncmp(text, "apikeyd: warning: line 0\n", 25), 0);
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	while (read(ends[0], text, sizeof text) > 0)
		;
	log_error("after");
	log_error("later");
	n = read(ends[0], text, sizeof text - 1);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[0]);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_ptr_nonnull(strstr(text, " lines were lost"));
	ck_assert_ptr_nonnull(strstr(text,
	    "took no more\napikeyd: error: after\napikeyd: error: later\n"));
}
END_TEST

START_TEST(log_throttles)
{
	struct log_throttle throttle = {0};
	unsigned long long count = 0;

	ck_assert(log_throttle(&throttle, &count));
	ck_assert_uint_eq(count, 1);
	for (int i = 0; i < 5; i++)
		ck_assert(!log_throttle(&throttle, &count));
	throttle.at -= 1000;
	ck_assert(log_throttle(&throttle, &count));
	ck_assert_uint_eq(count, 6);
}
END_TEST

static void
add(Suite *suite, const char *name, const TTest *test)
{
	suite_add_between(suite, name, test, set_up, tear_down);
}

int
main(void)
{
	Suite *suite = suite_create("listen");

	unsetenv("JOURNAL_STREAM");
	add(suite, "makes", makes);
	add(suite, "missing group", missing_group);
	add(suite, "refuses", refuses);
	add(suite, "inherits", inherits);
	add(suite, "names", knows_names);
	add(suite, "log never waits", log_never_waits);
	add(suite, "log throttle", log_throttles);
	return suite_run(suite);
}
