/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifications to path and abstract sockets; the watchdog's interval. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/notify.h"
#include "suite.h"

static int
receiver(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, name, strlen(name));
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	ck_assert_int_eq(
	    bind(fd, (struct sockaddr *)&address,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) +
		    strlen(name))),
	    0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void
expect(int fd, const char *text)
{
	char got[64] = "";

	ck_assert_int_eq(
	    recv(fd, got, sizeof got - 1, 0), (ssize_t)strlen(text));
	ck_assert_str_eq(got, text);
	close(fd);
}

START_TEST(sends)
{
	char directory[] = "/tmp/apikeyd-test-XXXXXX", path[64];
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/notify", directory);
	fd = receiver(path);
	notify("READY=1");
	expect(fd, "READY=1");
	unlink(path);
	rmdir(directory);
	notify("READY=1"); /* nobody there: no harm */
	snprintf(path, sizeof path, "@apikeyd-test-%ld", (long)getpid());
	fd = receiver(path);
	notify("RELOADING=1\nMONOTONIC_USEC=12");
	expect(fd, "RELOADING=1\nMONOTONIC_USEC=12");
}
END_TEST

START_TEST(odd_names)
{
	char too_long[300];

	memset(too_long, 'x', sizeof too_long);
	too_long[0] = '/';
	too_long[sizeof too_long - 1] = '\0';
	setenv("NOTIFY_SOCKET", too_long, 1);
	notify("READY=1");
	setenv("NOTIFY_SOCKET", "@", 1);
	notify("READY=1");
	setenv("NOTIFY_SOCKET", "relative", 1);
	notify("READY=1");
	unsetenv("NOTIFY_SOCKET");
	notify("READY=1");
}
END_TEST

START_TEST(watchdog)
{
	char pid[24];

	unsetenv("WATCHDOG_PID");
	unsetenv("WATCHDOG_USEC");
	ck_assert_uint_eq(notify_watchdog_ms(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	ck_assert_uint_eq(notify_watchdog_ms(), 15000);
	snprintf(pid, sizeof pid, "%ld", (long)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	ck_assert_uint_eq(notify_watchdog_ms(), 15000);
	setenv("WATCHDOG_PID", "1", 1);
	ck_assert_uint_eq(notify_watchdog_ms(), 0);
	unsetenv("WATCHDOG_PID");
	setenv("WATCHDOG_USEC", "1", 1);
	ck_assert_uint_eq(notify_watchdog_ms(), 1);
	setenv("WATCHDOG_USEC", "-5", 1);
	ck_assert_uint_eq(notify_watchdog_ms(), 0);
	setenv("WATCHDOG_USEC", "5s", 1);
	ck_assert_uint_eq(notify_watchdog_ms(), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("notify");

	suite_add(suite, "sends", sends);
	suite_add(suite, "odd names", odd_names);
	suite_add(suite, "watchdog", watchdog);
	return suite_run(suite);
}
