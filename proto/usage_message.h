/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bodies of USAGE frames, by the rules of message.h. A token's holder asks
 * what its key was used for; of a token that would not be valid nothing is
 * told but the verdict.
 */
#ifndef PROTO_USAGE_MESSAGE_H
#define PROTO_USAGE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "cursor.h"
#include "frame.h"
#include "message.h"

/* The time that usage is told of. X(number on the wire, NAME, "name") */
#define WINDOW_LIST(X)   \
	X(1, 24H, "24h") \
	X(2, 7D, "7d")   \
	X(3, 30D, "30d")

enum window {
	WINDOW_NONE = 0,
#define WINDOW_NUMBER(number, name, text) WINDOW_##name = (number),
	WINDOW_LIST(WINDOW_NUMBER)
#undef WINDOW_NUMBER
};

/* "none" for a number that is none of the list. */
const char *window_text(enum window window);
/* WINDOW_NONE for a text that is none. */
enum window window_from_text(const char *text);

struct usage_request {
	uint8_t window;                /* enum window */
	struct verify_request request; /* what a verification would ask */
};

enum usage_told {
	USAGE_UNTOLD, /* the verdict is not valid */
	USAGE_TOLD,
	USAGE_BUSY, /* valid, but usage cannot be read now: ask later */
};

enum {
	USAGE_STEPS_MAX = 30,
	USAGE_TOP_MAX = 64, /* endpoints, and addresses */

	USAGE_REQUEST_MAX = 1 + VERIFY_REQUEST_MAX,
	USAGE_REPLY_MAX = FRAME_MAX - FRAME_HEADER_LEN,
	STEP_ITEM_LEN = 8 + 8,
	ADDRESS_ITEM_MAX = 8 + 8 + 1 + ADDRESS_MAX_LEN,
	ENDPOINT_ITEM_MAX = 8 + 1 + ENDPOINT_MAX_LEN,
	/* What is left for all endpoints, whatever else there is. */
	ENDPOINT_ITEMS_MAX = USAGE_REPLY_MAX -
	    (1 + 1 + 1 + (1 + KEY_ID_MAX) + 8 + 8 + 8 +
		8 * (VERDICT_COUNT - 1) + 1 + USAGE_STEPS_MAX * STEP_ITEM_LEN +
		1 + 8 + 1 + USAGE_TOP_MAX * ADDRESS_ITEM_MAX + 8),
};

/* Items of the reply's lists. */
struct step_calls {
	int64_t from;
	uint64_t calls;
};
struct endpoint_calls {
	uint64_t calls;
	struct bytes endpoint; /* empty: of calls that named none */
};
struct address_calls {
	uint64_t calls;
	int64_t last_at;
	struct bytes address; /* 16 bytes, or 0: of calls that named none */
};

/*
 * Times: Unix milliseconds. Where it is not USAGE_TOLD everything after id is
 * zero or empty; id, too, where the verdict is malformed or unknown. total is
 * the sum of verdicts, of series, of endpoints and other_endpoints, and of
 * addresses and other_addresses.
 */
struct usage_reply {
	uint8_t verdict; /* enum verdict, never 0 */
	uint8_t reason;  /* enum reason, for malformed */
	uint8_t told;    /* enum usage_told */
	struct bytes id;
	int64_t from, to;
	uint64_t total;
	uint64_t verdicts[VERDICT_COUNT]; /* [0] is not sent */
	struct list series;               /* struct step_calls */
	struct list endpoints; /* struct endpoint_calls, most called first */
	uint64_t other_endpoints;
	struct list addresses; /* struct address_calls, likewise */
	uint64_t other_addresses;
};

void usage_request_write(struct writer *w, const struct usage_request *in);
bool usage_request_read(struct bytes body, struct usage_request *out);
void usage_reply_write(struct writer *w, const struct usage_reply *in);
bool usage_reply_read(struct bytes body, struct usage_reply *out);

/* For making lists, and taking them apart: false at the end. */
void step_calls_write(struct writer *w, const struct step_calls *in);
void endpoint_calls_write(struct writer *w, const struct endpoint_calls *in);
void address_calls_write(struct writer *w, const struct address_calls *in);
bool step_calls_next(struct list *list, struct step_calls *out);
bool endpoint_calls_next(struct list *list, struct endpoint_calls *out);
bool address_calls_next(struct list *list, struct address_calls *out);

#endif
