/* SPDX-License-Identifier: BSD-2-Clause */
#include "refusals.h"

#include <stddef.h>

/* The user's entry, or a free one, or that of all others. */
static struct refusal_minute *
entry_of(struct refusals *refusals, uint32_t uid)
{
	struct refusal_minute *free = NULL;

	for (size_t i = 0; i < REFUSALS_USERS; i++) {
		struct refusal_minute *entry = &refusals->users[i];

		if (entry->lines > 0 && entry->uid == uid)
			return entry;
		if (entry->lines == 0 && free == NULL)
			free = entry;
	}
	return free != NULL ? free : &refusals->others;
}

static void
begin(struct refusal_minute *entry, uint32_t uid, int64_t now)
{
	*entry = (struct refusal_minute){.uid = uid, .since = now};
}

bool
refusals_note(struct refusals *refusals, uint32_t uid, int64_t now)
{
	struct refusal_minute *entry = entry_of(refusals, uid);

	if (entry->lines == 0)
		begin(entry, uid, now);
	if (entry->lines == REFUSALS_A_MINUTE) {
		entry->more++;
		return false;
	}
	entry->lines++;
	return true;
}

void
refusals_put_back(
    struct refusals *refusals, const struct refusal_sum *sum, int64_t now)
{
	struct refusal_minute *entry =
	    sum->known ? entry_of(refusals, sum->uid) : &refusals->others;

	if (entry->lines == 0) {
		begin(entry, sum->uid, now);
		entry->lines = 1;
	}
	entry->more += sum->count;
}

static bool
is_over(const struct refusal_minute *entry, int64_t now)
{
	return entry->lines > 0 && now - entry->since >= REFUSALS_MINUTE_MS;
}

/* Ends a minute; true where there is something to say of it. */
static bool
end(struct refusal_minute *entry, bool known, struct refusal_sum *sum)
{
	*sum = (struct refusal_sum){known, entry->uid, entry->more};
	entry->lines = 0;
	entry->more = 0;
	return sum->count > 0;
}

bool
refusals_due(
    struct refusals *refusals, int64_t now, bool all, struct refusal_sum *sum)
{
	for (size_t i = 0; i < REFUSALS_USERS; i++) {
		struct refusal_minute *entry = &refusals->users[i];

		if ((all ? entry->lines > 0 : is_over(entry, now)) &&
		    end(entry, true, sum))
			return true;
	}
	if (all || is_over(&refusals->others, now))
		return end(&refusals->others, false, sum);
	return false;
}
