/* SPDX-License-Identifier: BSD-2-Clause */
#include "thread.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "log.h"

/* A tenth of what the loop's thread gets, where both want all of a processor.
 */
enum { LOWER_NICE = 10 };

bool
thread_start(pthread_t *thread, const char *name, void *(*run)(void *argument),
    void *argument)
{
	sigset_t all, old;
	int error;

	sigfillset(&all);
	sigdelset(&all, SIGBUS); /* of a mapping that was cut off */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(thread, NULL, run, argument);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error != 0) {
		log_error(
		    "cannot start the %s thread: %s", name, strerror(error));
		return false;
	}
	pthread_setname_np(*thread, name);
	return true;
}

/* Linux has a nice value for each thread. */
void
thread_lower(void)
{
	int before = getpriority(PRIO_PROCESS, 0);

	if (before < LOWER_NICE &&
	    setpriority(PRIO_PROCESS, 0, LOWER_NICE) != 0)
		log_warning("a thread keeps the priority of verifications, "
			    "which it may hold up: %s",
		    strerror(errno));
}
