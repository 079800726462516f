/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frames printed in PROTOCOL.md against the code, both ways: what we
 * write is what is printed, and what is printed reads as what we meant. Every
 * printed frame has to be known here, and every one known here printed.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/frame.h"
#include "proto/message.h"
#include "proto/token.h"
#include "proto/usage_message.h"
#include "suite.h"

#ifndef TOP_SRCDIR
#define TOP_SRCDIR "."
#endif

enum { LINE_MAX_LEN = 512, ID = 7 };

/* The key of the examples; its secret is the bytes 0 to 31. */
static char example_token[TOKEN_MAX + 1];

static struct bytes
text(const char *s)
{
	return bytes_of(s);
}

static const char scopes[] = "\023appointments:export\014billing:read";
static const uint8_t address[] = {203, 0, 113, 7};

static struct verify_request
full_request(void)
{
	struct verify_request request;

	memset(&request, 0, sizeof request);
	request.credential = text(example_token);
	request.permission = PERMISSION_WRITE;
	request.account = text("acme");
	request.product = text("appointments");
	request.user = text("alice");
	request.service = text("httpd");
	request.endpoint = text("GET /v1/things");
	request.address = (struct bytes){address, sizeof address};
	request.scopes = (struct list){2, text(scopes)};
	return request;
}

static struct verify_request
bare_request(void)
{
	struct verify_request request;

	memset(&request, 0, sizeof request);
	request.credential = text(example_token);
	return request;
}

static struct verify_reply
valid_reply(void)
{
	struct verify_reply reply;

	memset(&reply, 0, sizeof reply);
	reply.verdict = VERDICT_VALID;
	reply.permission = PERMISSION_WRITE;
	reply.type = KEY_BEARER;
	reply.expires_at = 1798761599999; /* 2026-12-31T23:59:59.999Z */
	reply.rate_limit = 100;
	reply.rate_per_ms = 60000;
	reply.rate_remaining = 99;
	reply.quota_limit = 10000;
	reply.quota_remaining = 9988;
	reply.quota_resets_at = 1796083200000; /* 2026-12-01T00:00:00Z */
	reply.id = text("dk_7Hq2mZx0pLs9");
	reply.name = text("CRM Sync");
	reply.account = text("acme");
	reply.product = text("appointments");
	reply.user = text("alice");
	reply.environment = text("production");
	reply.scopes = (struct list){2, text(scopes)};
	return reply;
}

static struct verify_reply
limited_reply(void)
{
	struct verify_reply reply = valid_reply();

	reply.verdict = VERDICT_RATE_LIMITED;
	reply.retry_after_ms = 600;
	reply.rate_remaining = 0;
	return reply;
}

static struct verify_reply
refusal(unsigned verdict)
{
	struct verify_reply reply;

	memset(&reply, 0, sizeof reply);
	reply.verdict = (uint8_t)verdict;
	if (verdict == VERDICT_MALFORMED)
		reply.reason = REASON_CHECKSUM;
	return reply;
}

/* Any signature has its form. */
static const char signature[] =
    "e7988f9c4e72a92e21e649083264d907bb542402986b8cc31263f1170edc013e";

static struct signature_request
signature_example(void)
{
	struct signature_request request;

	memset(&request, 0, sizeof request);
	request.key_id = text("hk_7Hq2mZx0pLs9");
	request.signature = text(signature);
	request.has_timestamp = true;
	request.timestamp = 1795230660; /* 2026-11-21T03:11:00Z */
	request.request = full_request();
	request.request.credential = text("");
	request.payload = text("{\"id\":7}");
	return request;
}

static void
put_signature_request(struct writer *w, unsigned unused)
{
	struct signature_request request = signature_example();
	size_t begin = frame_begin(w, FRAME_VERIFY_SIGNATURE, ID);

	(void)unused;
	signature_request_write(w, &request);
	write_bytes(w, request.payload.data, request.payload.len);
	frame_end(w, begin);
}

static void
put_signature_reply(struct writer *w, unsigned unused)
{
	struct verify_reply reply = refusal(VERDICT_UNKNOWN);
	size_t begin = frame_begin(w, FRAME_VERIFY_SIGNATURE | FRAME_REPLY, ID);

	(void)unused;
	verify_reply_write(w, &reply);
	frame_end(w, begin);
}

static struct lookup_reply
found_reply(void)
{
	struct lookup_reply reply = {
	    1, KEY_BEARER, 1, text("acme"), text("appointments")};

	return reply;
}

static struct usage_request
usage_example(void)
{
	struct usage_request request = {
	    .window = WINDOW_24H, .request = bare_request()};

	request.request.service = text("shop");
	request.request.address = (struct bytes){address, sizeof address};
	return request;
}

/* Three calls in the last of two hours; lists are in *lists. */
static struct usage_reply
told_reply(struct writer *lists)
{
	static const uint8_t mapped[16] = {
	    [10] = 0xff, [11] = 0xff, 203, 0, 113, 7};
	struct usage_reply reply;
	size_t begin;

	memset(&reply, 0, sizeof reply);
	reply.verdict = VERDICT_VALID;
	reply.told = USAGE_TOLD;
	reply.id = text("dk_7Hq2mZx0pLs9");
	reply.from = 1795222800000; /* 2026-11-21T01:00:00Z */
	reply.to = 1795230000000;
	reply.total = 3;
	reply.verdicts[VERDICT_VALID] = 2;
	reply.verdicts[VERDICT_RATE_LIMITED] = 1;
	step_calls_write(lists, &(struct step_calls){1795222800000, 0});
	step_calls_write(lists, &(struct step_calls){1795226400000, 3});
	reply.series = (struct list){2, {lists->start, lists->len}};
	begin = lists->len;
	endpoint_calls_write(
	    lists, &(struct endpoint_calls){2, text("GET /v1/things")});
	reply.endpoints =
	    (struct list){1, {lists->start + begin, lists->len - begin}};
	reply.other_endpoints = 1;
	begin = lists->len;
	address_calls_write(lists,
	    &(struct address_calls){2, 1795229999000, {mapped, sizeof mapped}});
	address_calls_write(
	    lists, &(struct address_calls){1, 1795229990000, {NULL, 0}});
	reply.addresses =
	    (struct list){2, {lists->start + begin, lists->len - begin}};
	return reply;
}

static void
put_usage_request(struct writer *w, unsigned unused)
{
	struct usage_request request = usage_example();
	size_t begin = frame_begin(w, FRAME_USAGE, ID);

	(void)unused;
	usage_request_write(w, &request);
	frame_end(w, begin);
}

static void
put_usage_reply(struct writer *w, unsigned verdict)
{
	uint8_t space[256];
	struct writer lists = writer_over(space, sizeof space);
	struct usage_reply reply = {.verdict = (uint8_t)verdict};
	size_t begin = frame_begin(w, FRAME_USAGE | FRAME_REPLY, ID);

	if (verdict == VERDICT_VALID)
		reply = told_reply(&lists);
	else if (verdict == VERDICT_REVOKED)
		reply.id = text("dk_7Hq2mZx0pLs9");
	usage_reply_write(w, &reply);
	frame_end(w, begin);
}

static void
put_ping(struct writer *w, unsigned type)
{
	size_t begin = frame_begin(w, (uint8_t)type, ID);

	write_bytes(w, "hello", 5);
	frame_end(w, begin);
}

enum { BARE, FULL };

static void
put_verify_request(struct writer *w, unsigned which)
{
	struct verify_request request =
	    which == FULL ? full_request() : bare_request();
	size_t begin = frame_begin(w, FRAME_VERIFY, ID);

	verify_request_write(w, &request);
	frame_end(w, begin);
}

static void
put_verify_reply(struct writer *w, unsigned verdict)
{
	struct verify_reply reply = verdict == VERDICT_VALID ? valid_reply()
	    : verdict == VERDICT_RATE_LIMITED                ? limited_reply()
							     : refusal(verdict);
	size_t begin = frame_begin(w, FRAME_VERIFY | FRAME_REPLY, ID);

	verify_reply_write(w, &reply);
	frame_end(w, begin);
}

static void
put_lookup_request(struct writer *w, unsigned unused)
{
	size_t begin = frame_begin(w, FRAME_LOOKUP, ID);

	(void)unused;
	lookup_request_write(w, text("dk_7Hq2mZx0pLs9"));
	frame_end(w, begin);
}

static void
put_lookup_reply(struct writer *w, unsigned found)
{
	static const struct lookup_reply missing;
	struct lookup_reply reply = found ? found_reply() : missing;
	size_t begin = frame_begin(w, FRAME_LOOKUP | FRAME_REPLY, ID);

	lookup_reply_write(w, &reply);
	frame_end(w, begin);
}

/* Errors found before the whole header was good carry the id 0. */
static void
put_error(struct writer *w, unsigned error)
{
	frame_write_error(w,
	    error == FRAME_ERROR_LENGTH || error == FRAME_ERROR_BODY ? ID : 0,
	    (enum frame_error)error);
}

static const struct golden {
	const char *name;
	void (*put)(struct writer *w, unsigned which);
	unsigned which;
} goldens[] = {{"ping-request", put_ping, FRAME_PING},
    {"ping-reply", put_ping, FRAME_PING | FRAME_REPLY},
    {"verify-request", put_verify_request, FULL},
    {"verify-request-bare", put_verify_request, BARE},
    {"verify-reply-valid", put_verify_reply, VERDICT_VALID},
    {"verify-reply-malformed", put_verify_reply, VERDICT_MALFORMED},
    {"verify-reply-unknown", put_verify_reply, VERDICT_UNKNOWN},
    {"verify-reply-rate-limited", put_verify_reply, VERDICT_RATE_LIMITED},
    {"lookup-request", put_lookup_request, 0},
    {"lookup-reply-found", put_lookup_reply, 1},
    {"lookup-reply-missing", put_lookup_reply, 0},
    {"verify-signature-request", put_signature_request, 0},
    {"verify-signature-reply-unknown", put_signature_reply, 0},
    {"usage-request", put_usage_request, 0},
    {"usage-reply-told", put_usage_reply, VERDICT_VALID},
    {"usage-reply-revoked", put_usage_reply, VERDICT_REVOKED},
#define GOLDEN_ERROR(number, name, said) {"error-" #name, put_error, number},
    FRAME_ERROR_LIST(GOLDEN_ERROR)
#undef GOLDEN_ERROR
};

enum { GOLDENS = sizeof goldens / sizeof goldens[0] };

/* Writes a body anew from what was understood of it. */
static bool
rewrite_body(const struct frame *frame, struct writer *w)
{
	struct verify_request verify_request;
	struct verify_reply verify_reply;
	struct signature_request signature_request;
	struct lookup_reply lookup_reply;
	struct usage_request usage_request;
	struct usage_reply usage_reply;
	struct bytes key_id;

	switch (frame->type) {
	case FRAME_PING:
	case FRAME_PING | FRAME_REPLY:
		write_bytes(w, frame->body.data, frame->body.len);
		break;
	case FRAME_VERIFY:
		if (!verify_request_read(frame->body, &verify_request))
			return false;
		verify_request_write(w, &verify_request);
		break;
	case FRAME_VERIFY_SIGNATURE:
		if (!signature_request_read(frame->body, &signature_request))
			return false;
		signature_request_write(w, &signature_request);
		write_bytes(w, signature_request.payload.data,
		    signature_request.payload.len);
		break;
	case FRAME_VERIFY | FRAME_REPLY:
	case FRAME_VERIFY_SIGNATURE | FRAME_REPLY:
		if (!verify_reply_read(frame->body, &verify_reply))
			return false;
		verify_reply_write(w, &verify_reply);
		break;
	case FRAME_LOOKUP:
		if (!lookup_request_read(frame->body, &key_id))
			return false;
		lookup_request_write(w, key_id);
		break;
	case FRAME_LOOKUP | FRAME_REPLY:
		if (!lookup_reply_read(frame->body, &lookup_reply))
			return false;
		lookup_reply_write(w, &lookup_reply);
		break;
	case FRAME_USAGE:
		if (!usage_request_read(frame->body, &usage_request))
			return false;
		usage_request_write(w, &usage_request);
		break;
	case FRAME_USAGE | FRAME_REPLY:
		if (!usage_reply_read(frame->body, &usage_reply))
			return false;
		usage_reply_write(w, &usage_reply);
		break;
	default:
		return false;
	}
	return true;
}

/* The same for a whole frame. */
static bool
rewrite(struct bytes in, struct writer *w)
{
	bool is_reply = in.len > 3 && (in.data[3] & FRAME_REPLY) != 0;
	struct error_reply error_reply;
	enum frame_error error;
	struct frame frame;
	size_t begin;

	if (frame_peek(in.data, in.len,
		is_reply ? frame_reply_limit : frame_request_limit, &frame,
		&error) != FRAME_WHOLE ||
	    FRAME_HEADER_LEN + frame.body.len != in.len)
		return false;
	if (frame.type == FRAME_ERROR) {
		if (!error_reply_read(frame.body, &error_reply))
			return false;
		frame_write_error(
		    w, frame.id, (enum frame_error)error_reply.error);
		return !w->failed;
	}
	begin = frame_begin(w, frame.type, frame.id);
	if (!rewrite_body(&frame, w))
		return false;
	frame_end(w, begin);
	return !w->failed;
}

/* The bytes of a line: pairs of hexadecimal digits up to a '#'. */
static void
take_hex(const char *line, struct writer *w)
{
	while (*line != '\0' && *line != '#' && *line != '\n') {
		unsigned value;

		if (isspace((unsigned char)*line)) {
			line++;
			continue;
		}
		ck_assert_msg(isxdigit((unsigned char)line[0]) &&
			isxdigit((unsigned char)line[1]) &&
			sscanf(line, "%2x", &value) == 1,
		    "not hexadecimal: %s", line);
		write_u8(w, (uint8_t)value);
		line += 2;
	}
}

static void
check_frame(const struct golden *golden, struct bytes printed)
{
	uint8_t data[FRAME_MAX];
	struct writer w = writer_over(data, sizeof data);

	golden->put(&w, golden->which);
	ck_assert_msg(
	    !w.failed && bytes_equal((struct bytes){data, w.len}, printed),
	    "%s: we write other bytes", golden->name);
	w = writer_over(data, sizeof data);
	ck_assert_msg(rewrite(printed, &w) &&
		bytes_equal((struct bytes){data, w.len}, printed),
	    "%s: we read something else", golden->name);
}

static FILE *
open_specification(void)
{
	const char *top = getenv("top_srcdir");
	char path[LINE_MAX_LEN];
	FILE *file = NULL;

	if (top != NULL) {
		snprintf(path, sizeof path, "%s/proto/PROTOCOL.md", top);
		file = fopen(path, "r");
	}
	if (file == NULL)
		file = fopen(TOP_SRCDIR "/proto/PROTOCOL.md", "r");
	ck_assert_msg(file != NULL, "no PROTOCOL.md");
	return file;
}

/* Which of goldens this is; GOLDENS for none. */
static size_t
number_of(const char *name)
{
	size_t i = 0;

	while (i < GOLDENS && strcmp(goldens[i].name, name) != 0)
		i++;
	return i;
}

START_TEST(printed_frames)
{
	static const char fence[] = "```golden ";
	FILE *file = open_specification();
	char line[LINE_MAX_LEN], name[64] = "";
	uint8_t data[FRAME_MAX];
	struct writer w = writer_over(data, sizeof data);
	int seen[GOLDENS] = {0};

	while (fgets(line, sizeof line, file) != NULL) {
		if (name[0] == '\0') {
			if (strncmp(line, fence, sizeof fence - 1) != 0)
				continue;
			ck_assert_int_eq(
			    sscanf(line + sizeof fence - 1, "%63s", name), 1);
			w = writer_over(data, sizeof data);
		} else if (strncmp(line, "```", 3) != 0) {
			take_hex(line, &w);
		} else {
			size_t number = number_of(name);

			ck_assert_msg(
			    number < GOLDENS, "%s: nobody knows it", name);
			check_frame(
			    &goldens[number], (struct bytes){data, w.len});
			seen[number]++;
			name[0] = '\0';
		}
	}
	ck_assert_msg(name[0] == '\0', "%s: never ends", name);
	fclose(file);
	for (size_t i = 0; i < GOLDENS; i++)
		ck_assert_msg(seen[i] == 1, "%s: printed %d times",
		    goldens[i].name, seen[i]);
}
END_TEST

/* The decoders' output field by field: the frame test above could not tell
 * two fields that are swapped in both directions. */
START_TEST(meaning_of_valid)
{
	uint8_t data[FRAME_MAX];
	struct writer w = writer_over(data, sizeof data);
	struct verify_reply want = valid_reply(), got;

	verify_reply_write(&w, &want);
	ck_assert(verify_reply_read((struct bytes){data, w.len}, &got));
	ck_assert_uint_eq(got.verdict, want.verdict);
	ck_assert_uint_eq(got.reason, want.reason);
	ck_assert_uint_eq(got.permission, want.permission);
	ck_assert_uint_eq(got.type, want.type);
	ck_assert_int_eq(got.expires_at, want.expires_at);
	ck_assert_uint_eq(got.retry_after_ms, want.retry_after_ms);
	ck_assert_uint_eq(got.rate_limit, want.rate_limit);
	ck_assert_uint_eq(got.rate_per_ms, want.rate_per_ms);
	ck_assert_uint_eq(got.rate_remaining, want.rate_remaining);
	ck_assert_uint_eq(got.quota_limit, want.quota_limit);
	ck_assert_uint_eq(got.quota_remaining, want.quota_remaining);
	ck_assert_int_eq(got.quota_resets_at, want.quota_resets_at);
	ck_assert(bytes_equal(got.id, want.id));
	ck_assert(bytes_equal(got.name, want.name));
	ck_assert(bytes_equal(got.account, want.account));
	ck_assert(bytes_equal(got.product, want.product));
	ck_assert(bytes_equal(got.user, want.user));
	ck_assert(bytes_equal(got.environment, want.environment));
	ck_assert_uint_eq(got.scopes.count, 2);
	ck_assert(list_has(got.scopes, text("appointments:export")));
	ck_assert(list_has(got.scopes, text("billing:read")));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("golden");
	uint8_t secret[TOKEN_SECRET_BYTES];

	for (size_t i = 0; i < sizeof secret; i++)
		secret[i] = (uint8_t)i;
	token_make("dk", "7Hq2mZx0pLs9", secret, example_token);
	suite_add(suite, "printed frames", printed_frames);
	suite_add(suite, "meaning of valid", meaning_of_valid);
	return suite_run(suite);
}
