/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Usage reports as they are told: to the holder of a token in a frame, to
 * operators as JSON. Pure.
 */
#ifndef DAEMON_USAGE_TELL_H
#define DAEMON_USAGE_TELL_H

#include <jansson.h>
#include <stdint.h>

#include "proto/usage_message.h"
#include "usage.h"

/* WINDOW_NONE is none of them and must not be given. */
enum usage_window usage_window_of(enum window window);

/* What the lists of a reply point to. */
struct usage_lists {
	uint8_t series[USAGE_STEPS_MAX * STEP_ITEM_LEN];
	uint8_t endpoints[ENDPOINT_ITEMS_MAX];
	uint8_t addresses[USAGE_TOP_MAX * ADDRESS_ITEM_MAX];
};

/*
 * Puts a report into a reply, which has its verdict and id already: what is
 * called most, as far as there is room; the rest goes to the others.
 */
void usage_tell(struct usage_reply *reply, const struct usage_report *report,
    struct usage_lists *lists);

/* The same as JSON, name being that of the member for subject: {name: subject,
 * "window": ...}. NULL: no memory. */
json_t *usage_view(const struct usage_report *report, const char *name,
    const char *subject, enum window window);

#endif
