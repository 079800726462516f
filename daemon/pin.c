/* SPDX-License-Identifier: BSD-2-Clause */
#include "pin.h"

int64_t
pin_locked_until(const struct pin *pin, int64_t now)
{
	int64_t until = pin->attempted_at + PIN_LOCK_MS;

	return pin->attempts >= PIN_TRIES && now < until ? until : 0;
}

void
pin_count(struct pin *pin, int64_t now)
{
	/* A lock that is over leaves as many tries as there were before it. */
	if (pin->attempts >= PIN_TRIES)
		pin->attempts = 0;
	pin->attempts++;
	pin->attempted_at = now;
}

unsigned
pin_tries_left(const struct pin *pin)
{
	return pin->attempts < PIN_TRIES ? (unsigned)(PIN_TRIES - pin->attempts)
					 : 0;
}
