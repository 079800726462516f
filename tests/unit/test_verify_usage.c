/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * USAGE on the verify plane: to whom it is told, that nothing is spent or
 * counted, in which order answers come, and clients that are gone when the
 * report comes. The core of usage is a fake that answers when told to.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/instant.h"
#include "daemon/limits.h"
#include "daemon/usage_tell.h"
#include "daemon/verify_plane.h"
#include "stock.h"

enum { UID = 1000, QUESTIONS = 128 };

/* The core: questions wait here. */
static struct question {
	struct usage_query query;
	usage_answer_fn *answer;
	void *context;
} questions[QUESTIONS];
static size_t asked;
static bool core_full, core_behind;

bool
usage_ask(struct usage *usage, const struct usage_query *query,
    usage_answer_fn *answer, void *context)
{
	(void)usage;
	if (core_full)
		return false;
	ck_assert_uint_lt(asked, QUESTIONS);
	questions[asked++] = (struct question){*query, answer, context};
	return true;
}

void
usage_note(struct usage *usage, const struct usage_event *event)
{
	(void)usage;
	(void)event;
}

bool
usage_is_behind(struct usage *usage)
{
	(void)usage;
	return core_behind;
}

/* The server: a connection is what was sent on it. */
struct conn {
	uint8_t sent[FRAME_MAX];
	size_t len;
	unsigned resumed;
	bool finished;
	void *session;
};

void
conn_send(struct conn *conn, const void *data, size_t len)
{
	ck_assert_uint_le(len, sizeof conn->sent - conn->len);
	memcpy(conn->sent + conn->len, data, len);
	conn->len += len;
}

void
conn_resume(struct conn *conn)
{
	conn->resumed++;
}

void
conn_finish(struct conn *conn)
{
	conn->finished = true;
}

static struct verifier verifier;
static struct keyring *ring;
static struct account *acme;
static struct key *key;
static char token[TOKEN_MAX + 1];
static struct conn conn;

static void
opened(struct conn *at)
{
	const struct peer peer = {.uid = UID};

	memset(at, 0, sizeof *at);
	at->session = verify_plane.opened(&verifier, at, &peer);
	ck_assert_ptr_nonnull(at->session);
}

static void
closed(struct conn *at)
{
	verify_plane.closed(&verifier, at->session);
	/* What is written to it from now on is found by the sanitizers. */
	at->session = NULL;
}

static void
setup(void)
{
	struct product *mail = stock_product("mail", "ak");

	memset(&verifier, 0, sizeof verifier);
	asked = 0;
	core_full = core_behind = false;
	ring = keyring_new();
	acme = stock_account("acme");
	verifier_init(&verifier, index_new(), ring);
	verifier.usage = (struct usage *)&core_full; /* never looked at */
	ck_assert(index_add_account(verifier.index, acme) &&
	    index_add_product(verifier.index, mail) &&
	    index_enable(acme, mail));
	key = stock_key(acme, mail, "0123456789ab");
	ck_assert(index_add_key(verifier.index, key));
	secret_hash_token(
	    ring, token, secret_new_token("ak", key->id, token), key->hash);
	key->limits = calloc(1, sizeof *key->limits);
	ck_assert_ptr_nonnull(key->limits);
	key->limits->rate_limit = 1;
	key->limits->rate_per_ms = 3600000;
	rate_reset(key->limits, monotonic_ms());
	opened(&conn);
}

static void
teardown(void)
{
	if (conn.session != NULL)
		closed(&conn);
	ck_assert_uint_eq(verifier.questions, 0);
	index_free(verifier.index);
	keyring_free(ring);
}

static size_t
put_usage(struct writer *w, const char *credential, uint32_t id,
    const struct verify_request *conditions)
{
	struct usage_request request = {
	    .window = WINDOW_7D, .request = *conditions};
	size_t begin = frame_begin(w, FRAME_USAGE, id);

	request.request.credential = bytes_of(credential);
	usage_request_write(w, &request);
	frame_end(w, begin);
	ck_assert(!w->failed);
	return w->len;
}

/* Replies to a request on conn; how the plane ended. */
static uint8_t out[1 << 14];
static struct writer out_writer;

static enum plane_status
receive(struct conn *at, const uint8_t *data, size_t len, size_t *used)
{
	out_writer = writer_over(out, sizeof out);
	return verify_plane.received(&verifier, at->session,
	    (struct bytes){data, len}, used, &out_writer);
}

static const struct verify_request nothing;

static enum plane_status
ask_on(struct conn *at, const char *credential,
    const struct verify_request *conditions)
{
	uint8_t in[FRAME_MAX];
	struct writer w = writer_over(in, sizeof in);
	size_t len = put_usage(&w, credential, 7, conditions), used;
	enum plane_status status = receive(at, in, len, &used);

	ck_assert_uint_eq(used, len);
	return status;
}

/* Exactly one whole reply, to id 7. */
static struct usage_reply
reply_of(const uint8_t *data, size_t len)
{
	struct usage_reply reply;
	enum frame_error error;
	struct frame frame;

	ck_assert_int_eq(
	    frame_peek(data, len, frame_reply_limit, &frame, &error),
	    FRAME_WHOLE);
	ck_assert_uint_eq(len, FRAME_HEADER_LEN + frame.body.len);
	ck_assert_uint_eq(frame.type, FRAME_USAGE | FRAME_REPLY);
	ck_assert_uint_eq(frame.id, 7);
	ck_assert(usage_reply_read(frame.body, &reply));
	return reply;
}

static struct usage_reply
refused(const char *credential, const struct verify_request *conditions)
{
	ck_assert_int_eq(ask_on(&conn, credential, conditions), PLANE_MORE);
	ck_assert_uint_eq(asked, 0);
	return reply_of(out, out_writer.len);
}

/* A report of two endpoints, two addresses and two hours. */
static struct usage_endpoint endpoints[USAGE_ENDPOINTS_MAX];
static struct usage_address addresses[USAGE_ADDRESSES_MAX];
static struct usage_step steps[USAGE_STEPS_MAX];

static struct usage_report
small_report(void)
{
	struct usage_report report = {
	    .from = 3600000,
	    .to = 3 * 3600000,
	    .total = 10,
	    .verdicts = {[VERDICT_VALID] = 9, [VERDICT_REVOKED] = 1},
	    .endpoint_count = 2,
	    .address_count = 2,
	    .step_count = 2,
	    .endpoints = endpoints,
	    .addresses = addresses,
	    .series = steps,
	    .other_endpoints = 1,
	    .other_addresses = 2,
	};

	memset(endpoints, 0, sizeof endpoints);
	memset(addresses, 0, sizeof addresses);
	endpoints[0].calls = 8;
	endpoints[0].len = 6;
	strcpy(endpoints[0].text, "GET /a");
	endpoints[1].calls = 1; /* without a text */
	addresses[0].calls = 7;
	addresses[0].last_at = 5;
	ck_assert(address_parse("203.0.113.7", &addresses[0].address));
	addresses[1].calls = 1;
	addresses[1].last_at = 4;
	steps[0] = (struct usage_step){3600000, 4};
	steps[1] = (struct usage_step){2 * 3600000, 6};
	return report;
}

static void
answer(size_t number, const struct usage_report *report)
{
	questions[number].answer(questions[number].context, report);
}

START_TEST(told)
{
	struct usage_report report = small_report();
	struct usage_reply reply;
	struct endpoint_calls endpoint;
	struct address_calls address;
	struct step_calls step;

	ck_assert_int_eq(ask_on(&conn, token, &nothing), PLANE_WAIT);
	ck_assert_uint_eq(out_writer.len, 0);
	ck_assert_uint_eq(asked, 1);
	ck_assert_int_eq(questions[0].query.subject, USAGE_OF_KEY);
	ck_assert_str_eq(questions[0].query.name, "0123456789ab");
	ck_assert_int_eq(questions[0].query.window, USAGE_7D);
	answer(0, &report);
	ck_assert_uint_eq(conn.resumed, 1);
	reply = reply_of(conn.sent, conn.len);
	ck_assert_uint_eq(reply.verdict, VERDICT_VALID);
	ck_assert_uint_eq(reply.told, USAGE_TOLD);
	ck_assert(bytes_equal(reply.id, bytes_of("ak_0123456789ab")));
	ck_assert_uint_eq(reply.total, 10);
	ck_assert_uint_eq(reply.verdicts[VERDICT_VALID], 9);
	ck_assert_uint_eq(reply.verdicts[VERDICT_REVOKED], 1);
	ck_assert(step_calls_next(&reply.series, &step));
	ck_assert(step.from == 3600000 && step.calls == 4);
	ck_assert(endpoint_calls_next(&reply.endpoints, &endpoint));
	ck_assert(bytes_equal(endpoint.endpoint, bytes_of("GET /a")));
	ck_assert_uint_eq(endpoint.calls, 8);
	ck_assert(endpoint_calls_next(&reply.endpoints, &endpoint));
	ck_assert_uint_eq(endpoint.endpoint.len, 0);
	ck_assert_uint_eq(reply.other_endpoints, 1);
	ck_assert(address_calls_next(&reply.addresses, &address));
	ck_assert(address.calls == 7 && address.last_at == 5 &&
	    address.address.len == 16);
	ck_assert(address_calls_next(&reply.addresses, &address));
	ck_assert_uint_eq(address.address.len, 0);
	ck_assert_uint_eq(reply.other_addresses, 2);
}
END_TEST

/* Whatever the reason, a token that is not good is told the verdict alone. */
START_TEST(untold)
{
	struct verify_request other = {.account = bytes_of("globex")};
	struct usage_reply reply;
	char wrong[TOKEN_MAX + 1];

	reply = refused("not a token", &nothing);
	ck_assert_uint_eq(reply.verdict, VERDICT_MALFORMED);
	ck_assert_uint_eq(reply.reason, REASON_SHAPE);
	/* Of this key, but with another secret. */
	secret_new_token("ak", key->id, wrong);
	reply = refused(wrong, &nothing);
	ck_assert_uint_eq(reply.verdict, VERDICT_UNKNOWN);
	ck_assert_uint_eq(reply.id.len, 0);
	reply = refused(token, &other);
	ck_assert_uint_eq(reply.verdict, VERDICT_ACCOUNT_MISMATCH);
	key->state = KEY_REVOKED;
	reply = refused(token, &nothing);
	ck_assert_uint_eq(reply.verdict, VERDICT_REVOKED);
	ck_assert(bytes_equal(reply.id, bytes_of("ak_0123456789ab")));
	key->state = KEY_ACTIVE;
	key->type = KEY_HMAC;
	ck_assert_uint_eq(refused(token, &nothing).verdict, VERDICT_UNKNOWN);
}
END_TEST

/* Asking is no verification: nothing is spent, counted, or a use. */
START_TEST(nothing_is_spent)
{
	struct usage_report report = small_report();

	for (size_t i = 0; i < 5; i++) {
		ck_assert_int_eq(ask_on(&conn, token, &nothing), PLANE_WAIT);
		answer(i, &report);
		conn.len = 0;
	}
	ck_assert_uint_eq(rate_remaining(key->limits), 1);
	ck_assert_int_eq(key->last_used_at, 0);
	for (int i = 0; i < VERDICT_COUNT; i++)
		ck_assert_uint_eq(verifier.tally.verdicts[i], 0);
	/* And a key over its rate may ask. */
	ck_assert(rate_take(key->limits, monotonic_ms()));
	ck_assert_int_eq(ask_on(&conn, token, &nothing), PLANE_WAIT);
	answer(5, &report);
	ck_assert_uint_eq(reply_of(conn.sent, conn.len).told, USAGE_TOLD);
}
END_TEST

/* What stands behind a question waits for its answer. */
START_TEST(in_order)
{
	struct usage_report report = small_report();
	uint8_t in[FRAME_MAX];
	struct writer w = writer_over(in, sizeof in);
	size_t ping, usage, used;

	ping = frame_begin(&w, FRAME_PING, 1);
	frame_end(&w, ping);
	usage = put_usage(&w, token, 7, &nothing);
	ping = frame_begin(&w, FRAME_PING, 2);
	frame_end(&w, ping);
	ck_assert_int_eq(receive(&conn, in, w.len, &used), PLANE_WAIT);
	ck_assert_uint_eq(used, usage);
	ck_assert_uint_eq(out_writer.len, FRAME_HEADER_LEN);
	answer(0, &report);
	ck_assert_uint_eq(conn.resumed, 1);
	reply_of(conn.sent, conn.len);
	ck_assert_int_eq(
	    receive(&conn, in + used, w.len - used, &used), PLANE_MORE);
	ck_assert_uint_eq(out_writer.len, FRAME_HEADER_LEN);
	ck_assert_uint_eq(out[7], 2);
}
END_TEST

START_TEST(gone_before_the_answer)
{
	struct usage_report report = small_report();

	ck_assert_int_eq(ask_on(&conn, token, &nothing), PLANE_WAIT);
	closed(&conn);
	ck_assert_uint_eq(verifier.questions, 1);
	answer(0, &report);
	ck_assert_uint_eq(conn.len + conn.resumed, 0);
	/* The key, too, and nobody can read it. */
	opened(&conn);
	ck_assert_int_eq(ask_on(&conn, token, &nothing), PLANE_WAIT);
	index_remove_key(verifier.index, key);
	answer(1, NULL);
	ck_assert_uint_eq(reply_of(conn.sent, conn.len).told, USAGE_BUSY);
}
END_TEST

START_TEST(too_many)
{
	static struct conn many[QUESTIONS];
	struct usage_report report = small_report();
	size_t waiting = 0;

	core_full = true;
	ck_assert_int_eq(ask_on(&conn, token, &nothing), PLANE_MORE);
	ck_assert_uint_eq(reply_of(out, out_writer.len).told, USAGE_BUSY);
	core_full = false;
	for (size_t i = 0; i < QUESTIONS; i++) {
		opened(&many[i]);
		if (ask_on(&many[i], token, &nothing) == PLANE_WAIT)
			waiting++;
		else
			ck_assert_uint_eq(
			    reply_of(out, out_writer.len).told, USAGE_BUSY);
	}
	ck_assert_uint_eq(waiting, 48);
	ck_assert_uint_eq(verifier.questions, waiting);
	for (size_t i = 0; i < QUESTIONS; i += 2)
		closed(&many[i]);
	for (size_t i = 0; i < waiting; i++)
		answer(i, &report);
	ck_assert_uint_eq(verifier.questions, 0);
	for (size_t i = 1; i < QUESTIONS; i += 2)
		closed(&many[i]);
	verifier.usage = NULL;
	ck_assert_int_eq(ask_on(&conn, token, &nothing), PLANE_MORE);
	ck_assert_uint_eq(reply_of(out, out_writer.len).told, USAGE_BUSY);
}
END_TEST

static unsigned started;

static void
count_start(void *context)
{
	ck_assert_ptr_eq(context, &started);
	started++;
}

/* Many requests at once wait for the counting, a single one does not. */
START_TEST(many_at_once_wait)
{
	static struct conn other;
	static uint8_t in[4096];
	struct writer w = writer_over(in, sizeof in);
	size_t one = put_usage(&w, "nothing", 1, &nothing), used;

	while (w.len < 2048)
		put_usage(&w, "nothing", 2, &nothing);
	opened(&other);
	core_behind = true;
	/* As long as nobody would see to it that they go on. */
	ck_assert_int_eq(receive(&conn, in, w.len, &used), PLANE_MORE);
	verifier.behind = count_start;
	verifier.behind_context = &started;
	ck_assert_int_eq(receive(&conn, in, one, &used), PLANE_MORE);
	ck_assert_uint_eq(started, 0);
	ck_assert_int_eq(receive(&conn, in, w.len, &used), PLANE_WAIT);
	ck_assert_uint_eq(used, 0);
	ck_assert_uint_eq(out_writer.len, 0);
	ck_assert_int_eq(receive(&other, in, w.len, &used), PLANE_WAIT);
	ck_assert_uint_eq(started, 1);
	ck_assert(!verify_go_on(&verifier));
	ck_assert_uint_eq(conn.resumed + other.resumed, 0);
	closed(&other);
	core_behind = false;
	ck_assert(verify_go_on(&verifier));
	ck_assert_uint_eq(conn.resumed, 1);
	ck_assert_int_eq(receive(&conn, in, w.len, &used), PLANE_MORE);
	ck_assert_uint_eq(used, w.len);
	/* And again from the beginning. */
	core_behind = true;
	ck_assert_int_eq(receive(&conn, in, w.len, &used), PLANE_WAIT);
	ck_assert_uint_eq(started, 2);
}
END_TEST

/* However long the counting stays behind, nobody waits for ever: others may
 * keep it there. */
START_TEST(nobody_waits_for_ever)
{
	const struct timespec moment = {0, 5000000};
	static struct conn other;
	static uint8_t in[4096];
	struct writer w = writer_over(in, sizeof in);
	size_t used;

	while (w.len < 2048)
		put_usage(&w, "nothing", 2, &nothing);
	opened(&other);
	core_behind = true;
	verifier.behind = count_start;
	verifier.behind_context = &started;
	ck_assert_int_eq(receive(&conn, in, w.len, &used), PLANE_WAIT);
	ck_assert_int_eq(receive(&other, in, w.len, &used), PLANE_WAIT);
	while (other.resumed == 0) {
		/* One after the other. */
		ck_assert_uint_ge(conn.resumed, other.resumed);
		ck_assert(!verify_go_on(&verifier));
		nanosleep(&moment, NULL);
	}
	ck_assert_int_eq(receive(&conn, in, w.len, &used), PLANE_MORE);
	ck_assert_uint_eq(used, w.len);
	/* What comes next waits anew. */
	ck_assert_int_eq(receive(&conn, in, w.len, &used), PLANE_WAIT);
	closed(&other);
}
END_TEST

/* The longest report: what does not fit is with the others, nothing is
 * lost. */
START_TEST(longest_report)
{
	struct usage_report report = small_report();
	struct usage_reply reply;
	struct endpoint_calls endpoint;
	struct address_calls address;
	uint64_t calls = 0, total = 0;

	report.endpoint_count = USAGE_ENDPOINTS_MAX;
	report.address_count = USAGE_ADDRESSES_MAX;
	report.step_count = USAGE_STEPS_MAX;
	for (size_t i = 0; i < USAGE_ENDPOINTS_MAX; i++) {
		endpoints[i].calls = 1000 - i;
		endpoints[i].len = ENDPOINT_MAX_LEN;
		memset(endpoints[i].text, 'a', ENDPOINT_MAX_LEN);
		total += endpoints[i].calls;
	}
	for (size_t i = 0; i < USAGE_ADDRESSES_MAX; i++) {
		addresses[i].calls = 1000 - i;
		memset(&addresses[i].address, 0x20, 16);
	}
	ck_assert_int_eq(ask_on(&conn, token, &nothing), PLANE_WAIT);
	answer(0, &report);
	ck_assert(!conn.finished);
	reply = reply_of(conn.sent, conn.len);
	ck_assert_uint_eq(reply.series.count, USAGE_STEPS_MAX);
	ck_assert_uint_eq(reply.addresses.count, USAGE_TOP_MAX);
	ck_assert_uint_ge(reply.endpoints.count, 35);
	for (uint64_t i = 1000;
	     endpoint_calls_next(&reply.endpoints, &endpoint); i--) {
		ck_assert_uint_eq(endpoint.calls, i);
		calls += endpoint.calls;
	}
	ck_assert_uint_eq(calls + reply.other_endpoints, total + 1);
	for (calls = 0; address_calls_next(&reply.addresses, &address);)
		calls += address.calls;
	ck_assert_uint_eq(
	    calls + reply.other_addresses, 2 + (1000 + 1000 - 255) * 256 / 2);
	/* Short ones all fit. */
	for (size_t i = 0; i < USAGE_ENDPOINTS_MAX; i++) {
		endpoints[i].len = 40;
		endpoints[i].text[40] = '\0';
	}
	conn.len = 0;
	ck_assert_int_eq(ask_on(&conn, token, &nothing), PLANE_WAIT);
	answer(1, &report);
	reply = reply_of(conn.sent, conn.len);
	ck_assert_uint_eq(reply.endpoints.count, USAGE_ENDPOINTS_MAX);
}
END_TEST

START_TEST(no_body)
{
	uint8_t in[FRAME_MAX];
	struct writer w = writer_over(in, sizeof in);
	size_t len = put_usage(&w, token, 7, &nothing), used;

	in[FRAME_HEADER_LEN] = 4; /* no such window */
	ck_assert_int_eq(receive(&conn, in, len, &used), PLANE_CLOSE);
	ck_assert_uint_eq(out[3], FRAME_ERROR);
	ck_assert_uint_eq(out[FRAME_HEADER_LEN], FRAME_ERROR_BODY);
	ck_assert_uint_eq(asked, 0);
}
END_TEST

START_TEST(as_json)
{
	struct usage_report report = small_report();
	json_t *view = usage_view(&report, "id", "ak_0123456789ab", WINDOW_24H);
	char *text = json_dumps(view, JSON_COMPACT);

	ck_assert_str_eq(text,
	    "{\"id\":\"ak_0123456789ab\",\"window\":\"24h\","
	    "\"from\":\"1970-01-01T01:00:00Z\",\"to\":\"1970-01-01T03:00:00Z\","
	    "\"total\":10,\"verdicts\":{\"valid\":9,\"malformed\":0,"
	    "\"unknown\":0,\"revoked\":1,\"disabled\":0,\"expired\":0,"
	    "\"account_inactive\":0,\"product_disabled\":0,"
	    "\"account_mismatch\":0,\"product_mismatch\":0,"
	    "\"user_mismatch\":0,\"permission_denied\":0,"
	    "\"service_denied\":0,\"address_denied\":0,\"rate_limited\":0,"
	    "\"quota_exceeded\":0},\"endpoints\":[{\"endpoint\":"
	    "\"GET /a\",\"calls\":8},{\"endpoint\":null,"
	    "\"calls\":1}],\"other_endpoints\":1,\"addresses\":[{\"address\":"
	    "\"203.0.113.7\",\"calls\":7,\"last_at\":\"1970-01-01T00:00:00Z\"},"
	    "{\"address\":null,\"calls\":1,"
	    "\"last_at\":\"1970-01-01T00:00:00Z\"}],\"other_addresses\":2,"
	    "\"series\":[{\"from\":\"1970-01-01T01:00:00Z\",\"calls\":4},"
	    "{\"from\":\"1970-01-01T02:00:00Z\",\"calls\":6}]}");
	free(text);
	json_decref(view);
}
END_TEST

static void
add(Suite *suite, const char *name, const TTest *test)
{
	suite_add_between(suite, name, test, setup, teardown);
}

int
main(void)
{
	Suite *suite = suite_create("verify_usage");

	if (!secret_init())
		return EXIT_FAILURE;
	add(suite, "told", told);
	add(suite, "untold", untold);
	add(suite, "nothing is spent", nothing_is_spent);
	add(suite, "in order", in_order);
	add(suite, "gone before the answer", gone_before_the_answer);
	add(suite, "too many", too_many);
	add(suite, "many at once wait", many_at_once_wait);
	add(suite, "nobody waits for ever", nobody_waits_for_ever);
	add(suite, "longest report", longest_report);
	add(suite, "no body", no_body);
	add(suite, "as JSON", as_json);
	return suite_run(suite);
}
