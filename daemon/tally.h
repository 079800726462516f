/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was answered since the start, by verdict and host service, and how long
 * it took. A service's name is whatever its program says, so there is room for
 * some; what the rest were answered is counted together.
 */
#ifndef DAEMON_TALLY_H
#define DAEMON_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "histogram.h"
#include "proto/message.h"
#include "proto/verdict.h"

enum { TALLY_SERVICES_MAX = 32 };
/* How those without a place are called; no service with one is. */
#define TALLY_OTHERS "(other)"

struct service_tally {
	uint8_t len;                    /* of the name; 0: none was said */
	char name[SERVICE_MAX_LEN + 1]; /* label_valid() */
	uint64_t verdicts[VERDICT_COUNT];
};

struct tally {
	uint64_t verdicts[VERDICT_COUNT]; /* of all services */
	size_t service_count;
	struct service_tally services[TALLY_SERVICES_MAX];
	uint64_t others[VERDICT_COUNT]; /* of services without a place */
	/* From the end of the read that brought a request to the end of the
	 * write that took its answer. */
	struct histogram latency;
	uint64_t untimed; /* answered since the last tally_time() */
};

void tally_init(struct tally *tally);
/* The service is as the program said it: any bytes. */
void
tally_note(struct tally *tally, enum verdict verdict, struct bytes service);
/* What was noted since the last time took so long, each. */
void tally_time(struct tally *tally, uint64_t ns);

#endif
