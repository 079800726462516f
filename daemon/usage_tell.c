/* SPDX-License-Identifier: BSD-2-Clause */
#include "usage_tell.h"

#include <string.h>

enum usage_window
usage_window_of(enum window window)
{
	switch (window) {
	case WINDOW_7D:
		return USAGE_7D;
	case WINDOW_30D:
		return USAGE_30D;
	case WINDOW_24H:
	case WINDOW_NONE:
		break;
	}
	return USAGE_24H;
}

static bool
is_nowhere(const struct address *address)
{
	static const struct address nowhere;

	return memcmp(address, &nowhere, sizeof nowhere) == 0;
}

static struct list
tell_series(struct writer *w, const struct usage_report *report)
{
	size_t count = report->step_count;

	if (count > USAGE_STEPS_MAX)
		count = USAGE_STEPS_MAX; /* never so */
	for (size_t i = 0; i < count; i++)
		step_calls_write(w,
		    &(struct step_calls){
			report->series[i].from, report->series[i].calls});
	return (struct list){(uint8_t)count, {w->start, w->len}};
}

static struct list
tell_endpoints(
    struct writer *w, const struct usage_report *report, uint64_t *others)
{
	uint8_t count = 0;

	for (size_t i = 0; i < report->endpoint_count; i++) {
		const struct usage_endpoint *endpoint = &report->endpoints[i];
		size_t before = w->len;

		if (count < USAGE_TOP_MAX && !w->failed)
			endpoint_calls_write(w,
			    &(struct endpoint_calls){
				endpoint->calls, bytes_of(endpoint->text)});
		if (w->failed)
			w->len = before; /* full: so it stays */
		if (w->len > before)
			count++;
		else
			*others += endpoint->calls;
	}
	return (struct list){count, {w->start, w->len}};
}

static struct list
tell_addresses(
    struct writer *w, const struct usage_report *report, uint64_t *others)
{
	uint8_t count = 0;

	for (size_t i = 0; i < report->address_count; i++) {
		const struct usage_address *from = &report->addresses[i];
		struct address_calls item = {from->calls, from->last_at,
		    {from->address.bytes, sizeof from->address.bytes}};

		if (is_nowhere(&from->address))
			item.address.len = 0;
		if (count == USAGE_TOP_MAX) {
			*others += from->calls;
			continue;
		}
		address_calls_write(w, &item);
		count++;
	}
	return (struct list){count, {w->start, w->len}};
}

void
usage_tell(struct usage_reply *reply, const struct usage_report *report,
    struct usage_lists *lists)
{
	struct writer series = writer_over(lists->series, sizeof lists->series);
	struct writer endpoints =
	    writer_over(lists->endpoints, sizeof lists->endpoints);
	struct writer addresses =
	    writer_over(lists->addresses, sizeof lists->addresses);

	reply->told = USAGE_TOLD;
	reply->from = report->from;
	reply->to = report->to;
	reply->total = report->total;
	memcpy(reply->verdicts, report->verdicts, sizeof reply->verdicts);
	reply->series = tell_series(&series, report);
	reply->other_endpoints = report->other_endpoints;
	reply->endpoints =
	    tell_endpoints(&endpoints, report, &reply->other_endpoints);
	reply->other_addresses = report->other_addresses;
	reply->addresses =
	    tell_addresses(&addresses, report, &reply->other_addresses);
}

/* JSON */

static json_t *
integer(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *
time_json(int64_t at)
{
	char text[TIME_TEXT_MAX];

	time_text(at, text);
	return json_string(text);
}

static json_t *
view_verdicts(const uint64_t verdicts[VERDICT_COUNT])
{
	json_t *view = json_object();

	for (int i = VERDICT_VALID; i < VERDICT_COUNT; i++)
		json_object_set_new(
		    view, verdict_text((enum verdict)i), integer(verdicts[i]));
	return view;
}

static json_t *
view_endpoints(const struct usage_report *report)
{
	json_t *view = json_array();

	for (size_t i = 0; i < report->endpoint_count; i++) {
		const struct usage_endpoint *endpoint = &report->endpoints[i];

		json_array_append_new(view,
		    json_pack("{s:o, s:o}", "endpoint",
			endpoint->len > 0 ? json_string(endpoint->text)
					  : json_null(),
			"calls", integer(endpoint->calls)));
	}
	return view;
}

static json_t *
view_address(const struct address *address)
{
	char text[ADDRESS_TEXT_MAX];

	if (is_nowhere(address))
		return json_null();
	address_text(address, text);
	return json_string(text);
}

static json_t *
view_addresses(const struct usage_report *report)
{
	json_t *view = json_array();

	for (size_t i = 0; i < report->address_count; i++) {
		const struct usage_address *from = &report->addresses[i];

		json_array_append_new(view,
		    json_pack("{s:o, s:o, s:o}", "address",
			view_address(&from->address), "calls",
			integer(from->calls), "last_at",
			time_json(from->last_at)));
	}
	return view;
}

static json_t *
view_series(const struct usage_report *report)
{
	json_t *view = json_array();

	for (size_t i = 0; i < report->step_count; i++)
		json_array_append_new(view,
		    json_pack("{s:o, s:o}", "from",
			time_json(report->series[i].from), "calls",
			integer(report->series[i].calls)));
	return view;
}

json_t *
usage_view(const struct usage_report *report, const char *name,
    const char *subject, enum window window)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
			 "s:o}",
	    name, subject, "window", window_text(window), "from",
	    time_json(report->from), "to", time_json(report->to), "total",
	    integer(report->total), "verdicts", view_verdicts(report->verdicts),
	    "endpoints", view_endpoints(report), "other_endpoints",
	    integer(report->other_endpoints), "addresses",
	    view_addresses(report), "other_addresses",
	    integer(report->other_addresses), "series", view_series(report));
}
