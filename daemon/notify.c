/* SPDX-License-Identifier: BSD-2-Clause */
#include "notify.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "env.h"

void
notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len;
	int fd;

	if (path == NULL || (path[0] != '/' && path[0] != '@'))
		return;
	len = strlen(path);
	if (len < 2 || len >= sizeof address.sun_path)
		return;
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* The length without a NUL: in an abstract name it would count. */
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL,
	    (const struct sockaddr *)&address,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

unsigned
notify_watchdog_ms(void)
{
	unsigned long long microseconds, half, pid;

	if (getenv("WATCHDOG_PID") != NULL &&
	    (!env_number("WATCHDOG_PID", &pid) ||
		pid != (unsigned long long)getpid()))
		return 0;
	if (!env_number("WATCHDOG_USEC", &microseconds) || microseconds == 0)
		return 0;
	half = microseconds / 2 / 1000;
	if (half == 0)
		return 1;
	return half > UINT_MAX ? UINT_MAX : (unsigned)half;
}
