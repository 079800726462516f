/* SPDX-License-Identifier: BSD-2-Clause */
/* libapikey: connections that are lost, renewed, inherited and closed. */
#include "client_peer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(restarted_daemon)
{
	struct fake_daemon daemon = {.serve = serve_one_request};
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;

	client = start_client(&daemon);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(verify(client, &result, LONG_MS), APIKEY_OK);
		ck_assert_int_eq(result.verdict, APIKEY_VALID);
	}
	ck_assert_int_eq(atomic_load(&daemon.connections), 20);
	fake_stop(&daemon);
	ck_assert_int_eq(verify(client, &result, LONG_MS), APIKEY_UNAVAILABLE);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(result.verdict, APIKEY_NO_ANSWER);
	apikey_client_close(client);
}
END_TEST

/* The first connection answers too late, and "valid". */
static void
serve_late(struct fake_daemon *daemon, int fd, int nth)
{
	struct fake_request request;

	while (fake_read(daemon, fd, &request)) {
		uint8_t data[FRAME_MAX];
		struct writer w = writer_over(data, sizeof data);

		if (nth == 0) {
			fake_linger(daemon, fd); /* the client has gone */
			fake_verdict(&w, request.frame.id, VERDICT_VALID);
		} else
			fake_verdict(&w, request.frame.id, VERDICT_UNKNOWN);
		fake_write(daemon, fd, data, w.len);
	}
}

START_TEST(late_answer_is_nobodys)
{
	struct fake_daemon daemon = {.serve = serve_late};
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;

	client = start_client(&daemon);
	ck_assert_int_eq(verify(client, &result, SHORT_MS), APIKEY_TIMEOUT);
	ck_assert_int_eq(verify(client, &result, LONG_MS), APIKEY_OK);
	ck_assert_int_eq(result.verdict, APIKEY_UNKNOWN);
	ck_assert_int_eq(atomic_load(&daemon.connections), 2);
	stop_client(client, &daemon);
}
END_TEST

START_TEST(no_daemon)
{
	struct fake_daemon daemon = {.serve = fake_serve_valid};
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct apikey_client *client;
	int fd;

	fake_prepare(&daemon);
	client = open_client(&daemon);
	ck_assert_int_eq(verify(client, &result, LONG_MS), APIKEY_UNAVAILABLE);
	ck_assert_int_eq(errno, ENOENT);
	/* The socket of a daemon that was killed. */
	memcpy(address.sun_path, daemon.path, sizeof address.sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(
	    bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	close(fd);
	ck_assert_int_eq(verify(client, &result, LONG_MS), APIKEY_UNAVAILABLE);
	ck_assert_int_eq(errno, ECONNREFUSED);
	apikey_client_close(client);
	fake_remove(&daemon);
}
END_TEST

/* A queue that is full is waited for, but not beyond the deadline. */
START_TEST(full_queue)
{
	struct fake_daemon daemon = {.serve = fake_serve_valid};
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct apikey_client *client;
	int listener, filler[8], filled = 0;
	int64_t start;

	fake_prepare(&daemon);
	memcpy(address.sun_path, daemon.path, sizeof address.sun_path);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(
	    bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(listener, 0), 0);
	while (filled < 8) {
		filler[filled] =
		    socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(filler[filled++], (struct sockaddr *)&address,
			sizeof address) != 0)
			break;
	}
	client = open_client(&daemon);
	start = now_ms();
	ck_assert_int_eq(verify(client, &result, SHORT_MS), APIKEY_TIMEOUT);
	ck_assert_int_ge(now_ms() - start, SHORT_MS);
	apikey_client_close(client);
	while (filled > 0)
		close(filler[--filled]);
	close(listener);
	fake_remove(&daemon);
}
END_TEST

/* In a child: a verification must work, by a connection of its own. */
static int
child_status(struct apikey_client *client)
{
	struct apikey_result result = APIKEY_RESULT_INIT;
	enum apikey_status status = verify(client, &result, LONG_MS);

	apikey_client_close(client);
	return status == APIKEY_OK && result.verdict == APIKEY_VALID ? 0 : 1;
}

static void
wait_ok(pid_t pid)
{
	int status;

	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}

START_TEST(forked_child)
{
	struct fake_daemon daemon = {.serve = fake_serve_valid};
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;

	client = start_client(&daemon);
	ck_assert_int_eq(verify(client, &result, LONG_MS), APIKEY_OK);
	for (int i = 0; i < 3; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(child_status(client));
		wait_ok(pid);
		ck_assert_int_eq(verify(client, &result, LONG_MS), APIKEY_OK);
	}
	/* One of the parent, which was never disturbed, and one a child. */
	ck_assert_int_eq(atomic_load(&daemon.connections), 4);
	stop_client(client, &daemon);
}
END_TEST

/* A child that has put something else where the socket was keeps it. */
START_TEST(forked_child_with_other_descriptors)
{
	struct fake_daemon daemon = {.serve = fake_serve_valid};
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;
	pid_t pid;

	client = start_client(&daemon);
	ck_assert_int_eq(verify(client, &result, LONG_MS), APIKEY_OK);
	pid = fork();
	if (pid == 0) {
		int failed = 0;

		for (int fd = 3; fd < 64; fd++)
			close(fd);
		for (int fd = 3; fd < 64; fd++)
			if (open("/dev/null", O_RDONLY) != fd)
				failed = 1;
		failed |= child_status(client);
		for (int fd = 3; fd < 64; fd++)
			if (fcntl(fd, F_GETFD) < 0)
				failed = 1;
		_exit(failed);
	}
	wait_ok(pid);
	ck_assert_int_eq(verify(client, &result, LONG_MS), APIKEY_OK);
	stop_client(client, &daemon);
}
END_TEST

static int
descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	ck_assert_ptr_nonnull(directory);
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count;
}

START_TEST(no_descriptor_leaks)
{
	static fake_serve *const scripts[] = {fake_serve_valid, serve_goodbye,
	    serve_nothing, serve_busy, serve_one_request};
	int before = descriptors();

	for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
		struct fake_daemon daemon = {.serve = scripts[i]};
		struct apikey_result result = APIKEY_RESULT_INIT;
		struct apikey_client *client;

		client = start_client(&daemon);
		for (int j = 0; j < 10; j++)
			verify(client, &result, 10);
		stop_client(client, &daemon);
		verify(client = open_client(&daemon), &result, 10);
		apikey_client_close(client);
	}
	ck_assert_int_eq(descriptors(), before);
}
END_TEST

static volatile sig_atomic_t signals;

static void
count_signal(int number)
{
	(void)number;
	signals++;
}

START_TEST(no_sigpipe)
{
	struct fake_daemon daemon = {.serve = serve_one_request};
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;

	signals = 0;
	signal(SIGPIPE, count_signal);
	client = start_client(&daemon);
	for (int i = 0; i < 20; i++)
		verify(client, &result, LONG_MS);
	fake_stop(&daemon);
	verify(client, &result, LONG_MS);
	apikey_client_close(client);
	ck_assert_int_eq(signals, 0);
}
END_TEST

START_TEST(signals_do_not_disturb)
{
	struct sigaction action = {.sa_handler = count_signal};
	struct itimerval often = {{0, 2000}, {0, 2000}}, off = {{0}, {0}};
	struct apikey_result result;
	int64_t start;

	signals = 0;
	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	setitimer(ITIMER_REAL, &often, NULL);
	start = now_ms();
	ck_assert_int_eq(
	    ask_once(serve_nothing, NULL, &result, 3 * SHORT_MS, 1),
	    APIKEY_TIMEOUT);
	ck_assert_int_ge(now_ms() - start, 3 * SHORT_MS);
	ck_assert_int_eq(
	    ask_once(serve_drops, NULL, &result, LONG_MS, 1), APIKEY_OK);
	setitimer(ITIMER_REAL, &off, NULL);
	ck_assert_int_gt(signals, 0);
}
END_TEST

/* Whatever became of the call, the client's memory has no secret in it. */
START_TEST(credentials_are_wiped)
{
	static fake_serve *const scripts[] = {
	    fake_serve_valid, serve_goodbye, serve_nothing, serve_busy};

	for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
		struct fake_daemon daemon = {.serve = scripts[i]};
		struct apikey_result result = APIKEY_RESULT_INIT;
		struct apikey_client *client;

		client = start_client(&daemon);
		verify(client, &result, SHORT_MS);
		ck_assert_ptr_null(memmem(
		    client, malloc_usable_size(client), client_token + 16, 8));
		stop_client(client, &daemon);
	}
}
END_TEST

void
add_connection_cases(Suite *suite)
{
	suite_add(suite, "restarted daemon", restarted_daemon);
	suite_add(suite, "late answer", late_answer_is_nobodys);
	suite_add(suite, "no daemon", no_daemon);
	suite_add(suite, "full queue", full_queue);
	suite_add(suite, "fork", forked_child);
	suite_add(suite, "fork and close", forked_child_with_other_descriptors);
	suite_add(suite, "descriptors", no_descriptor_leaks);
	suite_add(suite, "SIGPIPE", no_sigpipe);
	suite_add(suite, "signals", signals_do_not_disturb);
	suite_add(suite, "wiping", credentials_are_wiped);
}
