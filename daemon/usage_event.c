/* SPDX-License-Identifier: BSD-2-Clause */
#include "usage_event.h"

#include <string.h>

bool
usage_record_read(struct bytes payload, struct usage_record *record)
{
	struct reader r = reader_over(payload.data, payload.len);
	struct event_head *head = &record->head;
	struct bytes bytes = read_bytes(&r, sizeof *head);

	if (r.failed)
		return false;
	memcpy(head, bytes.data, sizeof *head);
	record->quota = (struct event_quota){0};
	if ((head->flags & EVENT_HAS_QUOTA) != 0) {
		bytes = read_bytes(&r, sizeof record->quota);
		if (r.failed)
			return false;
		memcpy(&record->quota, bytes.data, sizeof record->quota);
	}
	record->endpoint = read_bytes(&r, head->endpoint_len);
	record->service = read_bytes(&r, head->service_len);
	return reader_done(&r) && head->at >= 0 &&
	    head->verdict < VERDICT_COUNT &&
	    record->quota.period <= QUOTA_TOTAL &&
	    head->endpoint_len <= ENDPOINT_MAX_LEN &&
	    head->service_len <= SERVICE_MAX_LEN;
}

void
usage_total_add(struct usage_total *total, const struct usage_record *record)
{
	const struct event_head *head = &record->head;

	total->last_used_at = head->at;
	total->last_used_address = head->address;
	if ((head->flags & EVENT_BY_PREVIOUS) != 0) {
		total->previous_used_at = head->at;
		total->previous_used_address = head->address;
	}
	if ((head->flags & EVENT_HAS_QUOTA) != 0) {
		total->quota_period = (uint8_t)record->quota.period;
		total->quota_start = record->quota.start;
		total->quota_used = record->quota.used;
	}
	total->verdicts[head->verdict]++;
}
