/* SPDX-License-Identifier: BSD-2-Clause */
#include "tally.h"

#include <string.h>

#include "proto/text.h"

enum { LATENCY_FIRST_NS = 1000 };

void
tally_init(struct tally *tally)
{
	memset(tally, 0, sizeof *tally);
	tally->latency.first_ns = LATENCY_FIRST_NS;
}

/* False where the service cannot have a row of its own: two names that look
 * alike when written down would be one metric twice. */
static bool
row_named(struct service_tally *row, struct bytes service)
{
	if (service.len > SERVICE_MAX_LEN)
		return false;
	if (service.len > 0)
		memcpy(row->name, service.data, service.len);
	row->name[service.len] = '\0';
	row->len = (uint8_t)service.len;
	return strlen(row->name) == service.len &&
	    label_valid(row->name, 0, SERVICE_MAX_LEN) &&
	    strcmp(row->name, TALLY_OTHERS) != 0;
}

/* Where the service's verdicts are counted. */
static uint64_t *
verdicts_of(struct tally *tally, struct bytes service)
{
	struct service_tally *row;

	for (size_t i = 0; i < tally->service_count; i++) {
		row = &tally->services[i];
		if (row->len == service.len &&
		    (service.len == 0 ||
			memcmp(row->name, service.data, service.len) == 0))
			return row->verdicts;
	}
	if (tally->service_count == TALLY_SERVICES_MAX ||
	    !row_named(&tally->services[tally->service_count], service))
		return tally->others;
	return tally->services[tally->service_count++].verdicts;
}

void
tally_note(struct tally *tally, enum verdict verdict, struct bytes service)
{
	tally->verdicts[verdict]++;
	verdicts_of(tally, service)[verdict]++;
	tally->untimed++;
}

void
tally_time(struct tally *tally, uint64_t ns)
{
	if (tally->untimed == 0)
		return;
	histogram_add(&tally->latency, ns, tally->untimed);
	tally->untimed = 0;
}
