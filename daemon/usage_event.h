/* SPDX-License-Identifier: BSD-2-Clause */
/* An event as it lies in the journal. */
#ifndef DAEMON_USAGE_EVENT_H
#define DAEMON_USAGE_EVENT_H

#include "usage.h"
#include "usage_row.h"

enum { EVENT_HAS_KEY = 1, EVENT_BY_PREVIOUS = 2, EVENT_HAS_QUOTA = 4 };

/* What is behind it: where the key has a quota, how it stands; the endpoint;
 * for events without a key, the service. In the machine's own byte order, as
 * the journal is. */
struct event_head {
	int64_t at;
	char id[TOKEN_ID_LEN];
	uint8_t verdict, flags, endpoint_len, service_len;
	uint64_t account, product; /* usage_id */
	struct address address;
};

struct event_quota {
	int64_t start;
	uint64_t used;
	uint64_t period; /* enum quota_period */
};

/* An event that was taken out; views point into the journal. */
struct usage_record {
	struct event_head head;
	struct event_quota quota; /* zeros: none */
	struct bytes endpoint, service;
};

/* False where it makes no sense. */
bool usage_record_read(struct bytes payload, struct usage_record *record);

/* What a key's event changes in what is kept of it for ever. */
void
usage_total_add(struct usage_total *total, const struct usage_record *record);

#endif
