/* SPDX-License-Identifier: BSD-2-Clause */
#include "usage.h"

#include <string.h>

#include "proto/text.h"

#define SAME_WINDOW(number, name, text)                                 \
	_Static_assert((int)APIKEY_WINDOW_##name == (int)WINDOW_##name, \
	    "APIKEY_WINDOW_" #name " is not what the wire has");
WINDOW_LIST(SAME_WINDOW)
#undef SAME_WINDOW

#define COUNT_OF(member)                            \
	(sizeof((struct apikey_usage *)0)->member / \
	    sizeof((struct apikey_usage *)0)->member[0])
_Static_assert(COUNT_OF(endpoints) == USAGE_TOP_MAX &&
	COUNT_OF(addresses) == USAGE_TOP_MAX &&
	COUNT_OF(series) == USAGE_STEPS_MAX &&
	COUNT_OF(verdicts) >= (size_t)VERDICT_COUNT,
    "apikey_usage holds whatever may come");
_Static_assert(
    sizeof((struct apikey_usage_endpoint *)0)->endpoint > ENDPOINT_MAX_LEN &&
	sizeof((struct apikey_usage_address *)0)->address >=
	    (size_t)ADDRESS_TEXT_MAX &&
	sizeof((struct apikey_usage *)0)->id > KEY_ID_MAX,
    "so do its texts");

/* Where the first version of the structure ends. Never to be changed. */
enum {
	USAGE_FIRST_SIZE = offsetof(struct apikey_usage, series) +
	    30 * sizeof(struct apikey_usage_step),
};

bool
usage_size_fits(size_t size)
{
	return size_fits(size, USAGE_FIRST_SIZE, _Alignof(struct apikey_usage));
}

bool
usage_convert(const struct apikey_request *in, enum apikey_window window,
    struct usage_request *out, struct request_scratch *scratch)
{
	memset(out, 0, sizeof *out);
	if ((int)window < WINDOW_24H || (int)window > WINDOW_30D ||
	    !request_convert(in, &out->request, scratch))
		return false;
	out->window = (uint8_t)window;
	return true;
}

void
usage_clear(struct apikey_usage *usage)
{
	memset((char *)usage + offsetof(struct apikey_usage, verdict), 0,
	    USAGE_FIRST_SIZE - offsetof(struct apikey_usage, verdict));
}

/* The lists' counts are within their arrays: the decoder saw to it. */
static void
copy_series(struct list series, struct apikey_usage *out)
{
	struct step_calls step;

	while (step_calls_next(&series, &step)) {
		struct apikey_usage_step *to = &out->series[out->step_count++];

		to->from = step.from;
		to->calls = step.calls;
	}
}

static bool
copy_endpoints(struct list endpoints, struct apikey_usage *out)
{
	struct endpoint_calls item;

	while (endpoint_calls_next(&endpoints, &item)) {
		struct apikey_usage_endpoint *to =
		    &out->endpoints[out->endpoint_count++];

		to->calls = item.calls;
		if (!copy_text(to->endpoint, item.endpoint))
			return false;
	}
	return true;
}

static void
copy_addresses(struct list addresses, struct apikey_usage *out)
{
	struct address_calls item;
	struct address address;

	while (address_calls_next(&addresses, &item)) {
		struct apikey_usage_address *to =
		    &out->addresses[out->address_count++];

		to->calls = item.calls;
		to->last_at = item.last_at;
		if (address_from_bytes(
			item.address.data, item.address.len, &address))
			address_text(&address, to->address);
	}
}

bool
usage_from_reply(struct bytes body, struct apikey_usage *usage)
{
	struct usage_reply reply;

	if (!usage_reply_read(body, &reply))
		return false;
	if (!copy_text(usage->id, reply.id) ||
	    !copy_endpoints(reply.endpoints, usage)) {
		usage_clear(usage);
		return false;
	}
	copy_series(reply.series, usage);
	copy_addresses(reply.addresses, usage);
	usage->verdict = (enum apikey_verdict)reply.verdict;
	usage->reason = (enum apikey_reason)reply.reason;
	usage->told = reply.told == USAGE_TOLD;
	usage->from = reply.from;
	usage->to = reply.to;
	usage->total = reply.total;
	for (int i = VERDICT_VALID; i < VERDICT_COUNT; i++)
		usage->verdicts[i] = reply.verdicts[i];
	usage->other_endpoints = reply.other_endpoints;
	usage->other_addresses = reply.other_addresses;
	return true;
}
