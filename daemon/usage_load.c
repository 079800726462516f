/* SPDX-License-Identifier: BSD-2-Clause */
/* At the start: what is known of keys' use, into the index. */
#include <string.h>

#include "usage_impl.h"

/* A secret that was replaced again since is not the one before the present
 * one any more. */
static void
set_previous(struct key *key, int64_t at, const struct address *address)
{
	if (key->previous == NULL || at == 0 ||
	    at < key_details(key).rotated_at)
		return;
	key->previous->last_used_at = at;
	key->previous->last_used_address = *address;
}

/* What was used of another kind of quota is none of this one's. */
static void
set_quota(struct key *key, uint8_t period, int64_t start, uint64_t used)
{
	if (key->limits == NULL || key->limits->quota_period == QUOTA_NONE ||
	    key->limits->quota_period != period)
		return;
	key->limits->quota_start = start;
	key->limits->quota_used = used;
}

struct load {
	struct index *index;
	uint64_t wrong;
};

static void
load_total(void *context, struct bytes name, struct bytes data)
{
	struct load *load = context;
	struct usage_total total;
	struct key *key;

	if (name.len != 1 + TOKEN_ID_LEN || !total_decode(data, &total)) {
		load->wrong++;
		return;
	}
	key = index_key(load->index, (const char *)name.data + 1);
	if (key == NULL)
		return; /* deleted since */
	key->last_used_at = total.last_used_at;
	key->last_used_address = total.last_used_address;
	set_previous(key, total.previous_used_at, &total.previous_used_address);
	set_quota(key, total.quota_period, total.quota_start, total.quota_used);
}

static void
load_event(struct index *index, const struct usage_record *record)
{
	const struct event_head *head = &record->head;
	struct key *key;

	if ((head->flags & EVENT_HAS_KEY) == 0 ||
	    (key = index_key(index, head->id)) == NULL)
		return;
	key->last_used_at = head->at;
	key->last_used_address = head->address;
	if ((head->flags & EVENT_BY_PREVIOUS) != 0)
		set_previous(key, head->at, &head->address);
	if ((head->flags & EVENT_HAS_QUOTA) != 0)
		set_quota(key, (uint8_t)record->quota.period,
		    record->quota.start, record->quota.used);
}

bool
usage_load(struct usage *usage, struct index *index)
{
	struct load load = {.index = index};
	struct journal_reader reader;
	struct usage_record record;
	struct bytes payload;
	uint64_t position, damaged = 0;

	if (!usage_files_load(&usage->files, load_total, &load, &damaged)) {
		log_error(usage->files.totals->complaints.no_memory
			? "%s: out of memory while it was read"
			: "%s: is damaged; move it away to go on without last "
			  "uses and used quotas",
		    usage->files.totals->path);
		return false;
	}
	if (load.wrong > 0)
		log_error("%s: %llu rows make no sense",
		    usage->files.totals->path, (unsigned long long)load.wrong);
	reader = journal_read_from(&usage->journal,
	    atomic_load_explicit(&usage->journal.tail, memory_order_relaxed));
	while (journal_next(&reader, &position, &payload))
		if (usage_record_read(payload, &record))
			load_event(index, &record);
	return true;
}
