/* SPDX-License-Identifier: BSD-2-Clause */
/* Many connections: how many there may be, on which plane, and of whom. */
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/varlink.h"
#include "server_world.h"

START_TEST(refuses_over_limits)
{
	struct server_limits limits = {2, 1000, 100};
	int fds[4];

	server_set_limits(server, &limits);
	for (int i = 0; i < 4; i++)
		fds[i] = client();
	for (int i = 2; i < 4; i++) {
		expect(fds[i], "busy\n");
		expect_end(fds[i]);
	}
	ck_assert_uint_eq(counters().connections, 2);
	ck_assert_uint_eq(counters().accepted, 2);
	ck_assert_uint_eq(counters().refused, 2);
	close(fds[0]);
	while (counters().connections == 2)
		step();
	limits = (struct server_limits){1000, 2, 100};
	server_set_limits(server, &limits);
	fds[2] = client();
	fds[3] = client();
	say(fds[2], "one\n");
	expect(fds[2], "one\n");
	expect(fds[3], "busy\n");
	expect_end(fds[3]);
	close(fds[1]);
	close(fds[2]);
}
END_TEST

START_TEST(no_descriptors)
{
	struct rlimit limit;
	double cpu, wall;
	int fds[4], highest;

	/* All of them connect, then no descriptor is left to accept with. */
	for (int i = 0; i < 4; i++)
		fds[i] = client();
	highest = dup(fds[0]);
	close(highest);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = (rlim_t)highest + 2;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cpu = milliseconds_of(CLOCK_PROCESS_CPUTIME_ID);
	wall = milliseconds_of(CLOCK_MONOTONIC);
	while (milliseconds_of(CLOCK_MONOTONIC) - wall < 350)
		step();
	ck_assert_uint_eq(counters().connections, 2);
	cpu = milliseconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	ck_assert_msg(cpu < 175, "%g ms of CPU time in 350 ms", cpu);
	/* A connection that closes makes room at once. */
	close(fds[0]);
	say(fds[2], "three\n");
	expect(fds[2], "three\n");
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	say(fds[3], "four\n"); /* by the timer */
	expect(fds[3], "four\n");
	for (int i = 1; i < 4; i++)
		close(fds[i]);
}
END_TEST
/*
 * The admin plane. Its sessions are none of ours, so tests that use it look
 * at the other plane's only.
 */
static struct sockaddr_un admin_address = {.sun_family = AF_UNIX};
static char long_description[10001];
static struct varlink_service service = {
    .interface = "test",
    .description = long_description,
};

static void
listen_admin(void)
{
	int fd = listener(&admin_address, "a");

	varlink_init();
	memset(long_description, 'd', sizeof long_description - 1);
	ck_assert_int_eq(chmod(directory, 0711), 0);
	ck_assert_int_eq(chmod(admin_address.sun_path, 0666), 0);
	ck_assert_int_eq(server_listen(server, fd, &admin_plane, &service), 0);
}

/* Sockets made here and connected by a child of this uid; SO_PEERCRED names
 * who connected. */
static void
crowd(uid_t uid, int *fds, int count)
{
	int status;
	pid_t pid;

	for (int i = 0; i < count; i++)
		fds[i] = socket(
		    AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (setuid(uid) != 0)
			_exit(1);
		for (int i = 0; i < count; i++)
			if (connect(fds[i], (struct sockaddr *)&admin_address,
				sizeof admin_address) != 0)
				_exit(2);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

static void
expect_both_planes_work(void)
{
	static const char info[] =
	    "{\"method\":\"org.varlink.service.Nothing\"}";
	int fd = client(), admin = client_of(&admin_address);

	say(fd, "one\n");
	expect(fd, "one\n");
	ck_assert_int_eq(
	    send(admin, info, sizeof info, MSG_NOSIGNAL), (int)sizeof info);
	expect(admin, "{\"error\":\"org.varlink.service.MethodNotFound\"");
	close(fd);
	close(admin);
}

START_TEST(budgets)
{
	struct server_limits limits = {2, 2, 100};
	int fds[300];

	listen_admin();
	server_set_limits(server, &limits);
	/* The daemon's own user has 64, whatever the server's limits are. */
	for (int i = 0; i < 65; i++)
		fds[i] = client_of(&admin_address);
	expect_end(fds[64]);
	ck_assert_uint_eq(counters().connections, 64);
	ck_assert_uint_eq(counters().refused, 1);
	fds[64] = client();
	say(fds[64], "one\n");
	expect(fds[64], "one\n");
	for (int i = 0; i < 65; i++)
		close(fds[i]);
	while (counters().connections > 0)
		step();
	if (getuid() != 0) {
		fputs("not root: crowds of other users are left out\n", stderr);
		unlink(admin_address.sun_path);
		return;
	}
	crowd(1001, fds, 44);
	while (counters().refused < 13)
		step();
	ck_assert_uint_eq(counters().connections, 32);
	expect_both_planes_work();
	for (unsigned i = 1; i < 9; i++)
		crowd(1001 + i, fds + i * 32 + 12, 32);
	while (counters().refused < 45)
		step();
	while (counters().connections > 256)
		step();
	ck_assert_uint_eq(counters().connections, 256);
	expect_both_planes_work();
	for (int i = 0; i < 300; i++)
		close(fds[i]);
	while (counters().connections > 0)
		step();
	crowd(1001, fds, 1);
	while (counters().connections == 0)
		step();
	close(fds[0]);
	unlink(admin_address.sun_path);
}
END_TEST

/* One answer with its NUL; returns its length. */
static size_t
hear_answer(int fd, char *answer, size_t size)
{
	size_t got = 0;

	do {
		ssize_t there =
		    recv(fd, answer + got, size - got, MSG_PEEK | MSG_DONTWAIT);
		size_t part = there > 0
		    ? strnlen(answer + got, (size_t)there - 1) + 1
		    : 1;

		part = hear_some(fd, answer + got, part);
		ck_assert_uint_gt(part, 0);
		got += part;
	} while (answer[got - 1] != '\0');
	return got;
}

/* Answers come in order, and are made as fast as they are read. */
START_TEST(pipelined_calls)
{
	static const char described[] =
	    "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
	    "\"parameters\":{\"interface\":\"test\"}}";
	static char requests[65536], answer[16384];
	size_t len = 0, before;
	int fd, count = 0;

	listen_admin();
	while (len + sizeof described + 64 < sizeof requests) {
		memcpy(requests + len, described, sizeof described);
		len += sizeof described;
		len +=
		    (size_t)sprintf(requests + len,
			"{\"method\":\"org.varlink.service.N%d\"}", count++) +
		    1;
	}
	fd = client_of(&admin_address);
	poll_loop();
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	ck_assert_int_eq(send(fd, requests, len, MSG_NOSIGNAL), (int)len);
	for (int i = 0; i < 10; i++)
		poll_loop();
	ck_assert_uint_lt(
	    mallinfo2().uordblks + mallinfo2().hblkhd, before + (1 << 20));
	for (int i = 0; i < 2 * count; i++) {
		char wanted[48];
		size_t got = hear_answer(fd, answer, sizeof answer);

		snprintf(wanted, sizeof wanted, "\"org.varlink.service.N%d\"",
		    i / 2);
		if (i % 2 == 0)
			ck_assert_uint_gt(got, sizeof long_description);
		else
			ck_assert_ptr_nonnull(strstr(answer, wanted));
	}
	close(fd);
	unlink(admin_address.sun_path);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("server_limits");

	log_set_level(LOG_LEVEL_ERROR);
	server_add(suite, "limits", refuses_over_limits);
	/* Beyond valgrind's limit of them, it takes connections and closes
	 * them. */
	tcase_set_tags(
	    server_add(suite, "no descriptors", no_descriptors), "descriptors");
	server_add(suite, "budgets", budgets);
	server_add(suite, "pipelined calls", pipelined_calls);
	return suite_run(suite);
}
