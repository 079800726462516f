/* SPDX-License-Identifier: BSD-2-Clause */
/* libapikey: what a key was used for. */
#include "client_peer.h"

#include <string.h>

/* The peer's script: what it answers, and what it was asked. */
struct script {
	struct fake_request seen;
	struct usage_reply reply;
	uint8_t items[4096];
	struct writer lists;
	bool cut; /* sends a byte too few, but says so in the header */
};

static struct script script;

static struct list
list_from(size_t begin, uint8_t count)
{
	return (struct list){
	    count, {script.items + begin, script.lists.len - begin}};
}

/* As much of everything as there may be; endpoints are short. */
static void
fill_script(void)
{
	struct usage_reply *reply = &script.reply;
	uint8_t address[16] = {[10] = 0xff, [11] = 0xff, 203, 0, 113, 0};
	size_t begin = 0;

	memset(&script, 0, sizeof script);
	script.lists = writer_over(script.items, sizeof script.items);
	reply->verdict = VERDICT_VALID;
	reply->told = USAGE_TOLD;
	reply->id = bytes_of(FAKE_KEY_ID);
	reply->from = 1000;
	reply->to = 2000;
	reply->total = 77;
	for (int i = 1; i < VERDICT_COUNT; i++)
		reply->verdicts[i] = (uint64_t)i;
	for (uint8_t i = 0; i < USAGE_STEPS_MAX; i++)
		step_calls_write(&script.lists, &(struct step_calls){i, 2 * i});
	reply->series = list_from(begin, USAGE_STEPS_MAX);
	begin = script.lists.len;
	for (uint8_t i = 0; i < USAGE_TOP_MAX; i++)
		endpoint_calls_write(&script.lists,
		    &(struct endpoint_calls){
			100 - i, bytes_of(i == 3 ? "" : "GET /")});
	reply->endpoints = list_from(begin, USAGE_TOP_MAX);
	begin = script.lists.len;
	for (uint8_t i = 0; i < USAGE_TOP_MAX; i++) {
		address[15] = i;
		address_calls_write(&script.lists,
		    &(struct address_calls){
			100 - i, 5, {address, i == 3 ? 0 : 16}});
	}
	reply->addresses = list_from(begin, USAGE_TOP_MAX);
	reply->other_endpoints = 8;
	reply->other_addresses = 9;
	ck_assert(!script.lists.failed);
}

static void
serve(struct fake_daemon *daemon, int fd, int nth)
{
	(void)nth;
	while (fake_read(daemon, fd, &script.seen)) {
		uint8_t data[FRAME_MAX];
		struct writer w = writer_over(data, sizeof data);
		size_t begin = frame_begin(
		    &w, FRAME_USAGE | FRAME_REPLY, script.seen.frame.id);

		usage_reply_write(&w, &script.reply);
		if (script.cut)
			w.len--;
		frame_end(&w, begin);
		fake_write(daemon, fd, data, w.len);
	}
}

static enum apikey_status
ask(struct apikey_usage *usage)
{
	struct fake_daemon daemon = {.serve = serve};
	struct apikey_request request = a_request();
	struct apikey_client *client;
	enum apikey_status status;

	request.address = "203.0.113.7";
	request.service = "shop";
	request.account = "acme";
	client = start_client(&daemon);
	status =
	    apikey_usage(client, &request, APIKEY_WINDOW_7D, usage, LONG_MS);
	stop_client(client, &daemon);
	return status;
}

/* Whatever stood there before is gone. */
static bool
is_clear(const struct apikey_usage *usage)
{
	static const struct apikey_usage clear = APIKEY_USAGE_INIT;

	return memcmp(usage, &clear, sizeof clear) == 0;
}

START_TEST(usage_told)
{
	static struct apikey_usage usage = APIKEY_USAGE_INIT;

	fill_script();
	for (int i = 0; i < 2; i++) { /* the second over the first */
		ck_assert_int_eq(ask(&usage), APIKEY_OK);
		ck_assert_int_eq(usage.verdict, APIKEY_VALID);
		ck_assert_int_eq(usage.told, 1);
		ck_assert_uint_eq(usage.endpoint_count, 64);
		ck_assert_uint_eq(usage.address_count, 64);
		ck_assert_uint_eq(usage.step_count, 30);
	}
	ck_assert_uint_eq(script.seen.usage.window, WINDOW_7D);
	ck_assert_uint_eq(script.seen.usage.request.address.len, 16);
	ck_assert_str_eq(usage.id, FAKE_KEY_ID);
	ck_assert(usage.from == 1000 && usage.to == 2000 && usage.total == 77);
	for (int i = 1; i < VERDICT_COUNT; i++)
		ck_assert_uint_eq(usage.verdicts[i], (uint64_t)i);
	ck_assert(usage.series[29].from == 29 && usage.series[29].calls == 58);
	ck_assert_str_eq(usage.endpoints[0].endpoint, "GET /");
	ck_assert_str_eq(usage.endpoints[3].endpoint, "");
	ck_assert_uint_eq(usage.endpoints[63].calls, 37);
	ck_assert_str_eq(usage.addresses[63].address, "203.0.113.63");
	ck_assert_str_eq(usage.addresses[3].address, "");
	ck_assert_int_eq(usage.addresses[63].last_at, 5);
	ck_assert_uint_eq(usage.other_endpoints, 8);
	ck_assert_uint_eq(usage.other_addresses, 9);
}
END_TEST

START_TEST(usage_refused)
{
	static struct apikey_usage usage;

	memset(&script, 0, sizeof script);
	script.reply.verdict = VERDICT_REVOKED;
	script.reply.id = bytes_of(FAKE_KEY_ID);
	memset(&usage, 0xff, sizeof usage);
	usage.size = sizeof usage;
	ck_assert_int_eq(ask(&usage), APIKEY_OK);
	ck_assert_int_eq(usage.verdict, APIKEY_REVOKED);
	ck_assert_int_eq(usage.told, 0);
	ck_assert_str_eq(usage.id, FAKE_KEY_ID);
	ck_assert_uint_eq(usage.total + usage.endpoint_count, 0);
	script.reply.verdict = VERDICT_VALID;
	script.reply.told = USAGE_BUSY;
	ck_assert_int_eq(ask(&usage), APIKEY_OK);
	ck_assert(usage.verdict == APIKEY_VALID && usage.told == 0);
}
END_TEST

START_TEST(usage_nonsense)
{
	static struct apikey_usage usage;

	fill_script();
	script.cut = true;
	memset(&usage, 0xff, sizeof usage);
	usage.size = sizeof usage;
	ck_assert_int_eq(ask(&usage), APIKEY_PROTOCOL);
	ck_assert(is_clear(&usage));
	/* Told to nobody who is refused. */
	fill_script();
	script.reply.verdict = VERDICT_EXPIRED;
	ck_assert_int_eq(ask(&usage), APIKEY_PROTOCOL);
	ck_assert(is_clear(&usage));
	/* A text with an end in the middle. */
	fill_script();
	memcpy(script.items + USAGE_STEPS_MAX * STEP_ITEM_LEN + 9, "GE\0 /", 5);
	ck_assert_int_eq(ask(&usage), APIKEY_PROTOCOL);
	ck_assert(is_clear(&usage));
}
END_TEST

START_TEST(usage_arguments)
{
	static struct apikey_usage usage = APIKEY_USAGE_INIT;
	struct apikey_request request = APIKEY_REQUEST_INIT;
	struct fake_daemon daemon = {.serve = serve};
	struct apikey_client *client;

	fake_prepare(&daemon);
	client = open_client(&daemon);
	ck_assert_int_eq(
	    apikey_usage(client, &request, APIKEY_WINDOW_24H, &usage, SHORT_MS),
	    APIKEY_UNAVAILABLE);
	for (int window = 4; window != 1; window = window == 4 ? 0 : 1)
		ck_assert_int_eq(
		    apikey_usage(client, &request, (enum apikey_window)window,
			&usage, SHORT_MS),
		    APIKEY_ARGUMENT);
	ck_assert_int_eq(
	    apikey_usage(client, NULL, APIKEY_WINDOW_24H, &usage, SHORT_MS),
	    APIKEY_ARGUMENT);
	ck_assert_int_eq(
	    apikey_usage(client, &request, APIKEY_WINDOW_24H, NULL, SHORT_MS),
	    APIKEY_ARGUMENT);
	ck_assert_int_eq(
	    apikey_usage(NULL, &request, APIKEY_WINDOW_24H, &usage, SHORT_MS),
	    APIKEY_ARGUMENT);
	usage.size = sizeof usage - 8;
	ck_assert_int_eq(
	    apikey_usage(client, &request, APIKEY_WINDOW_24H, &usage, SHORT_MS),
	    APIKEY_ARGUMENT);
	usage.size = sizeof usage;
	request.address = "nowhere";
	ck_assert_int_eq(
	    apikey_usage(client, &request, APIKEY_WINDOW_24H, &usage, SHORT_MS),
	    APIKEY_ARGUMENT);
	apikey_client_close(client);
	fake_remove(&daemon);
}
END_TEST

void
add_usage_cases(Suite *suite)
{
	suite_add(suite, "usage: told", usage_told);
	suite_add(suite, "usage: refused", usage_refused);
	suite_add(suite, "usage: nonsense", usage_nonsense);
	suite_add(suite, "usage: arguments", usage_arguments);
}
