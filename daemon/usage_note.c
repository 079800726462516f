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

void
usage_note(struct usage *usage, const struct usage_event *event)
{
	const struct key *key = event->key;
	struct event_head head = {.at = event->at,
	    .verdict = (uint8_t)event->verdict,
	    .endpoint_len = (uint8_t)event->endpoint.len,
	    .address = *event->address};
	size_t len = sizeof head + event->endpoint.len;
	uint8_t *out;

	if (usage == NULL)
		return;
	if (key != NULL) {
		memcpy(head.id, key->id, sizeof head.id);
		head.flags = EVENT_HAS_KEY;
		if (event->by_previous_secret)
			head.flags |= EVENT_BY_PREVIOUS;
		if (key->limits != NULL && key->limits->quota_period != 0) {
			head.flags |= EVENT_HAS_QUOTA;
			len += sizeof(struct event_quota);
		}
		head.account = key->account->usage_id;
		head.product = key->product->usage_id;
	} else {
		head.service_len = (uint8_t)event->service.len;
		len += event->service.len;
	}
	out = journal_begin(&usage->journal, len);
	if (out == NULL) {
		drop(usage);
		return;
	}
	memcpy(out, &head, sizeof head);
	out += sizeof head;
	if ((head.flags & EVENT_HAS_QUOTA) != 0) {
		struct event_quota quota = quota_of(key);

		memcpy(out, &quota, sizeof quota);
		out += sizeof quota;
	}
	if (head.endpoint_len > 0)
		memcpy(out, event->endpoint.data, head.endpoint_len);
	if (head.service_len > 0)
		memcpy(out + head.endpoint_len, event->service.data,
		    head.service_len);
	journal_end(&usage->journal, len);
	atomic_store_explicit(&usage->noted,
	    atomic_load_explicit(&usage->noted, memory_order_relaxed) + 1,
	    memory_order_relaxed);
}
