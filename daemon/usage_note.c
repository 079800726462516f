/* SPDX-License-Identifier: BSD-2-Clause */
/* Into the journal, on the loop. */
#include <string.h>

#include "journal.h"
#include "log.h"
#include "usage_event.h"
#include "usage_impl.h"

_Static_assert(sizeof(struct event_head) == 56, "no padding");
_Static_assert(sizeof(struct event_head) + sizeof(struct event_quota) +
	    ENDPOINT_MAX_LEN + SERVICE_MAX_LEN <=
	JOURNAL_PAYLOAD_MAX,
    "every event has room");

/* The counter of events that are lost; the log says so now and then. */
static void
drop(struct usage *usage)
{
	unsigned long long count;

	atomic_store_explicit(&usage->dropped,
	    atomic_load_explicit(&usage->dropped, memory_order_relaxed) + 1,
	    memory_order_relaxed);
	if (log_throttle(&usage->drop_throttle, &count))
		log_error("usage.journal is full, since its events cannot be "
			  "written to the usage files: %llu verifications "
			  "were not counted",
		    count);
}

static struct event_quota
quota_of(const struct key *key)
{
	return (struct event_quota){key->limits->quota_start,
	    key->limits->quota_used, key->limits->quota_period};
}

static uint8_t
flags_of(const struct usage_event *event, bool has_quota)
{
	return (uint8_t)(EVENT_HAS_KEY |
	    (event->by_previous_secret ? EVENT_BY_PREVIOUS : 0) |
	    (has_quota ? EVENT_HAS_QUOTA : 0));
}

void
usage_note(struct usage *usage, const struct usage_event *event)
{
	const struct key *key = event->key;
	bool has_quota = key != NULL && key->limits != NULL &&
	    key->limits->quota_period != 0;
	struct bytes service = {NULL, 0};
	struct event_head *head;
	uint8_t *out;
	size_t len;

	if (usage == NULL)
		return;
	if (key == NULL)
		service = event->service;
	len = sizeof *head + (has_quota ? sizeof(struct event_quota) : 0) +
	    event->endpoint.len + service.len;
	head = journal_begin(&usage->journal, len);
	if (head == NULL) {
		drop(usage);
		return;
	}
	*head = (struct event_head){.at = event->at,
	    .verdict = (uint8_t)event->verdict,
	    .endpoint_len = (uint8_t)event->endpoint.len,
	    .service_len = (uint8_t)service.len,
	    .address = *event->address};
	if (key != NULL) {
		memcpy(head->id, key->id, sizeof head->id);
		head->flags = flags_of(event, has_quota);
		head->account = key->account->usage_id;
		head->product = key->product->usage_id;
	}
	out = (uint8_t *)(head + 1);
	if (has_quota) {
		*(struct event_quota *)(void *)out = quota_of(key);
		out += sizeof(struct event_quota);
	}
	if (event->endpoint.len > 0)
		memcpy(out, event->endpoint.data, event->endpoint.len);
	if (service.len > 0)
		memcpy(out + event->endpoint.len, service.data, service.len);
	journal_end(&usage->journal, len);
	atomic_store_explicit(&usage->noted,
	    atomic_load_explicit(&usage->noted, memory_order_relaxed) + 1,
	    memory_order_relaxed);
}
