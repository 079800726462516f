/* SPDX-License-Identifier: BSD-2-Clause */
#include "mapping.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

/* Where a signal's handler finds it. Start and length are written before other
 * threads touch the mapping, and when none does any more. */
static struct {
	void *start;
	size_t bytes;
	_Atomic unsigned losses;
	_Atomic unsigned replaced; /* of those */
} guarded;

static bool
is_guarded(const siginfo_t *info)
{
	/* From kill(2) there is no address. */
	return info->si_code > 0 && guarded.start != NULL &&
	    (uintptr_t)info->si_addr - (uintptr_t)guarded.start < guarded.bytes;
}

/* On whichever thread has touched it. mmap(2) is a system call and nothing
 * else, and takes the place of what was mapped there in one step. */
static void
on_bus_error(int number, siginfo_t *info, void *context)
{
	int error = errno;

	(void)context;
	if (is_guarded(info) &&
	    /* cppcheck-suppress leakReturnValNotUsed ; where it was */
	    mmap(guarded.start, guarded.bytes, PROT_READ | PROT_WRITE,
		MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED) {
		atomic_fetch_add(&guarded.losses, 1);
	} else {
		signal(number, SIG_DFL);
		raise(number); /* takes effect on return */
	}
	errno = error;
}

bool
mapping_guard(void *start, size_t bytes)
{
	struct sigaction action = {
	    .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};

	guarded.start = start;
	guarded.bytes = bytes;
	mapping_replaced(mapping_losses());
	sigemptyset(&action.sa_mask);
	return sigaction(SIGBUS, &action, NULL) == 0;
}

bool
mapping_is_lost(const void *start)
{
	return guarded.start == start &&
	    atomic_load(&guarded.losses) != atomic_load(&guarded.replaced);
}

unsigned
mapping_losses(void)
{
	return atomic_load(&guarded.losses);
}

void
mapping_replaced(unsigned losses)
{
	atomic_store(&guarded.replaced, losses);
}

void
mapping_unguard(const void *start)
{
	if (guarded.start == start)
		guarded.start = NULL;
}
