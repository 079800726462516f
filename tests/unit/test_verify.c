/* SPDX-License-Identifier: BSD-2-Clause */
/* Verification: the table of verdicts, its order, and the frames around it. */
#include "daemon/decide.h"
#include "daemon/instant.h"
#include "daemon/limits.h"
#include "daemon/verify.h"
#include "proto/frame.h"
#include "stock.h"

enum { UID = 1000, HOUR_MS = 3600000 };

static struct verifier verifier;
static struct keyring *ring;
static struct account *acme;
static struct product *mail;
static struct key *key;
static char token[TOKEN_MAX + 1];
static const uint8_t office[4] = {203, 0, 113, 7};

/* Details the requests below can fail against. */
static void
give_details(void)
{
	static const uint8_t caller[] = {5, 0, 0, 3, 0xe8, 'x'}; /* 1000 */
	static const uint8_t entry[] = {
	    17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 203, 0, 113, 0, 120};
	static const uint8_t scope[] = {3, 'a', ':', 'b'};
	static const uint8_t service[] = {5, 'h', 't', 't', 'p', 'd'};
	struct key_details details = {
	    .name = bytes_of("CRM"),
	    .user = bytes_of("alice"),
	    .environment = bytes_of("production"),
	    .created_by = bytes_of("root"),
	    .scopes = {1, {scope, sizeof scope}},
	    .services = {1, {service, sizeof service}},
	    .callers = {1, {caller, sizeof caller}},
	    .allowlist = {1, {entry, sizeof entry}},
	};

	stock_set_details(key, &details);
	key->flags = KEY_HAS_USER | KEY_HAS_SERVICES | KEY_HAS_CALLERS |
	    KEY_ALLOWLIST_ON;
}

static void
with_key(void)
{
	memset(&verifier, 0, sizeof verifier);
	ring = keyring_new();
	verifier.ring = ring;
	verifier.index = index_new();
	acme = stock_account("acme");
	mail = stock_product("mail", "ak");
	ck_assert(index_add_account(verifier.index, acme) &&
	    index_add_product(verifier.index, mail) &&
	    index_enable(acme, mail));
	key = stock_key(acme, mail, "0123456789ab");
	ck_assert(index_add_key(verifier.index, key));
	give_details();
	secret_hash_token(
	    ring, token, secret_new_token("ak", key->id, token), key->hash);
	key->limits = calloc(1, sizeof *key->limits);
	key->limits->rate_limit = 3;
	key->limits->rate_per_ms = HOUR_MS;
	rate_reset(key->limits, monotonic_ms());
}

static void
without_key(void)
{
	index_free(verifier.index);
	keyring_free(ring);
}

/* A request that passes every check, and insists on all there is. */
static struct verify_request
good_request(void)
{
	static const uint8_t scope[] = {3, 'a', ':', 'b'};

	return (struct verify_request){
	    .credential = bytes_of(token),
	    .permission = PERMISSION_READ,
	    .account = bytes_of("acme"),
	    .product = bytes_of("mail"),
	    .user = bytes_of("alice"),
	    .service = bytes_of("httpd"),
	    .address = {office, 4},
	    .scopes = {1, {scope, sizeof scope}},
	};
}

static enum verdict
ask(const struct verify_request *request, uid_t uid, struct verify_reply *reply)
{
	static char id[KEY_ID_SIZE];

	verify(&verifier, request, uid, now_ms(), reply, id);
	return (enum verdict)reply->verdict;
}

/* The table, a row a way to fail, in the order the rows are checked. */

struct asking {
	struct verify_request request;
	uid_t uid;
};

static void
fail_revoked(struct asking *asking)
{
	(void)asking;
	key->state = KEY_REVOKED;
}

static void
fail_disabled(struct asking *asking)
{
	(void)asking;
	if (key->state == KEY_ACTIVE)
		key->state = KEY_DISABLED;
}

static void
fail_expired(struct asking *asking)
{
	(void)asking;
	key->expires_at = now_ms();
}

static void
fail_account(struct asking *asking)
{
	(void)asking;
	acme->status = ACCOUNT_SUSPENDED;
}

static void
fail_product(struct asking *asking)
{
	(void)asking;
	index_disable(acme, mail);
}

static void
name_account(struct asking *asking)
{
	asking->request.account = bytes_of("acm");
}

static void
name_product(struct asking *asking)
{
	asking->request.product = bytes_of("mails");
}

static void
name_user(struct asking *asking)
{
	asking->request.user = bytes_of("alicia");
}

static void
want_write(struct asking *asking)
{
	asking->request.permission = PERMISSION_WRITE;
}

static void
want_scope(struct asking *asking)
{
	static const uint8_t scopes[] = {3, 'a', ':', 'b', 3, 'a', ':', 'c'};

	asking->request.scopes = (struct list){2, {scopes, sizeof scopes}};
}

static void
come_from_service(struct asking *asking)
{
	asking->request.service = bytes_of("sshd");
}

static void
come_without_service(struct asking *asking)
{
	asking->request.service = bytes_of("");
}

static void
come_as_caller(struct asking *asking)
{
	asking->uid = 0;
}

static void
come_from_address(struct asking *asking)
{
	static const uint8_t elsewhere[4] = {203, 0, 114, 7};

	asking->request.address = (struct bytes){elsewhere, 4};
}

static void
come_without_address(struct asking *asking)
{
	asking->request.address = (struct bytes){NULL, 0};
}

static void
come_too_often(struct asking *asking)
{
	(void)asking;
	key->limits->level = 0;
}

static const struct {
	enum verdict verdict;
	void (*spoil)(struct asking *asking);
} rows[] = {
    {VERDICT_REVOKED, fail_revoked},
    {VERDICT_DISABLED, fail_disabled},
    {VERDICT_EXPIRED, fail_expired},
    {VERDICT_ACCOUNT_INACTIVE, fail_account},
    {VERDICT_PRODUCT_DISABLED, fail_product},
    {VERDICT_ACCOUNT_MISMATCH, name_account},
    {VERDICT_PRODUCT_MISMATCH, name_product},
    {VERDICT_USER_MISMATCH, name_user},
    {VERDICT_PERMISSION_DENIED, want_write},
    {VERDICT_PERMISSION_DENIED, want_scope},
    {VERDICT_SERVICE_DENIED, come_from_service},
    {VERDICT_SERVICE_DENIED, come_without_service},
    {VERDICT_SERVICE_DENIED, come_as_caller},
    {VERDICT_ADDRESS_DENIED, come_from_address},
    {VERDICT_ADDRESS_DENIED, come_without_address},
    {VERDICT_RATE_LIMITED, come_too_often},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

/* As with_key() left it, but for the secret. */
static void
heal(void)
{
	key->state = KEY_ACTIVE;
	key->expires_at = 0;
	acme->status = ACCOUNT_APPROVED;
	ck_assert(index_enable(acme, mail));
	rate_reset(key->limits, monotonic_ms());
}

START_TEST(valid_says_all)
{
	struct verify_request request = good_request();
	struct verify_reply reply;

	key->expires_at = now_ms() + HOUR_MS;
	ck_assert_int_eq(ask(&request, UID, &reply), VERDICT_VALID);
	ck_assert(bytes_equal(reply.id, bytes_of("ak_0123456789ab")));
	ck_assert(bytes_equal(reply.name, bytes_of("CRM")));
	ck_assert(bytes_equal(reply.user, bytes_of("alice")));
	ck_assert(bytes_equal(reply.account, bytes_of("acme")));
	ck_assert(bytes_equal(reply.product, bytes_of("mail")));
	ck_assert(bytes_equal(reply.environment, bytes_of("production")));
	ck_assert(list_has(reply.scopes, bytes_of("a:b")));
	ck_assert_int_eq(reply.expires_at, key->expires_at);
	ck_assert_uint_eq(reply.rate_limit, 3);
	ck_assert_uint_eq(reply.rate_remaining, 2);
	ck_assert_uint_eq(reply.retry_after_ms, 0);
	ck_assert_uint_eq(verifier.tally.verdicts[VERDICT_VALID], 1);
	ck_assert_int_ne(key->last_used_at, 0);
	/* Who asks for nothing gets it too, from where he may. */
	request.permission = PERMISSION_NONE;
	request.account = request.product = request.user = bytes_of("");
	request.scopes.count = 0;
	ck_assert_int_eq(ask(&request, UID, &reply), VERDICT_VALID);
}
END_TEST

START_TEST(earlier_row_decides)
{
	for (size_t i = 0; i < ROWS; i++)
		for (size_t k = i; k < ROWS; k++) {
			struct asking asking = {good_request(), UID};
			struct verify_reply reply;

			heal();
			rows[i].spoil(&asking);
			rows[k].spoil(&asking);
			ck_assert_msg(ask(&asking.request, asking.uid,
					  &reply) == rows[i].verdict,
			    "rows %zu and %zu gave %u", i, k, reply.verdict);
			/* What is refused spends nothing. */
			ck_assert_uint_eq(rate_remaining(key->limits),
			    rows[k].spoil == come_too_often ? 0 : 3);
		}
}
END_TEST

/* The explanation has every row that fails, the decision's first. */
START_TEST(explanation_agrees)
{
	for (size_t i = 0; i < ROWS; i++)
		for (size_t k = i; k < ROWS; k++) {
			struct asking asking = {good_request(), UID};
			struct key_details details = key_details(key);
			struct check checks[CHECKS_MAX];
			enum verdict first = VERDICT_VALID, decided;
			int64_t now;
			size_t count, failed = 0;

			heal();
			rows[i].spoil(&asking);
			rows[k].spoil(&asking);
			now = now_ms(); /* some expire just then */
			count = verify_explain(key, &details, &asking.request,
			    asking.uid, now, checks);
			decided = verify_decide(
			    key, &details, &asking.request, asking.uid, now);
			ck_assert_uint_eq(count, 11);
			for (size_t c = 0; c < count; c++) {
				bool spoiled =
				    checks[c].verdict == rows[i].verdict ||
				    checks[c].verdict == rows[k].verdict;

				/* What is revoked is not called disabled. */
				if (checks[c].verdict == VERDICT_DISABLED)
					spoiled = key->state == KEY_DISABLED;
				ck_assert_int_eq(checks[c].passed, !spoiled);
				if (!checks[c].passed && failed++ == 0)
					first = checks[c].verdict;
			}
			ck_assert_int_eq(first, decided);
			ck_assert_int_eq(decided,
			    rows[i].verdict == VERDICT_RATE_LIMITED
				? VERDICT_VALID
				: rows[i].verdict);
		}
	ck_assert_int_eq(key->last_used_at, 0);
}
END_TEST

START_TEST(pending_accounts)
{
	struct verify_request request = good_request();
	struct verify_reply reply;

	acme->status = ACCOUNT_PENDING;
	ck_assert_int_eq(ask(&request, UID, &reply), VERDICT_ACCOUNT_INACTIVE);
}
END_TEST

START_TEST(rate_is_told)
{
	struct verify_request request = good_request();
	struct verify_reply reply;

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(ask(&request, UID, &reply), VERDICT_VALID);
	ck_assert_int_eq(ask(&request, UID, &reply), VERDICT_RATE_LIMITED);
	ck_assert_uint_gt(reply.retry_after_ms, HOUR_MS / 3 - 60000);
	ck_assert_uint_le(reply.retry_after_ms, HOUR_MS / 3);
	ck_assert_uint_eq(reply.rate_remaining, 0);
}
END_TEST

START_TEST(a_key_without_user_is_nobodys)
{
	struct verify_request request = good_request();
	struct key_details details = {.name = bytes_of("n")};
	struct verify_reply reply;

	key->flags = 0;
	stock_set_details(key, &details);
	request.scopes.count = 0;
	ck_assert_int_eq(ask(&request, UID, &reply), VERDICT_USER_MISMATCH);
}
END_TEST

/* Beside these two nothing is said, whatever state the key is in. */
static void
check_silent(const char *credential, size_t len, enum verdict verdict,
    enum reason reason)
{
	struct verify_reply reply,
	    empty = {.verdict = (uint8_t)verdict, .reason = (uint8_t)reason};
	struct verify_request request = good_request();

	request.credential = (struct bytes){(const uint8_t *)credential, len};
	ck_assert_int_eq(ask(&request, UID, &reply), verdict);
	ck_assert_mem_eq(&reply, &empty, sizeof reply);
	ck_assert_uint_eq(rate_remaining(key->limits), 3);
	ck_assert_int_eq(key->last_used_at, 0);
}

START_TEST(without_the_secret)
{
	char other[TOKEN_MAX + 1], upper[TOKEN_MAX + 1];
	size_t len = strlen(token);

	secret_new_token("ak", key->id, other);
	for (size_t i = 0; i < 6; i++) {
		struct asking asking = {.uid = UID};

		rows[i].spoil(&asking);
		check_silent(
		    other, strlen(other), VERDICT_UNKNOWN, REASON_NONE);
	}
	heal();
	secret_new_token("ak", "ba9876543210", other);
	check_silent(other, strlen(other), VERDICT_UNKNOWN, REASON_NONE);
	/* The right secret of an hmac key is for signing. */
	key->type = KEY_HMAC;
	check_silent(token, len, VERDICT_UNKNOWN, REASON_NONE);
	key->type = KEY_BEARER;
	for (size_t cut = 0; cut < len; cut++)
		check_silent(token, cut, VERDICT_MALFORMED,
		    cut < 15 ? REASON_SHAPE : REASON_TRUNCATED);
	memcpy(upper, token, len + 1);
	upper[20] = upper[20] == 'a' ? 'b' : 'a';
	check_silent(upper, len, VERDICT_MALFORMED, REASON_CHECKSUM);
	check_silent("", 0, VERDICT_MALFORMED, REASON_SHAPE);
}
END_TEST

START_TEST(previous_secret)
{
	struct verify_request request = good_request();
	char new[TOKEN_MAX + 1];
	struct verify_reply reply;

	key->limits->rate_limit = 0;
	key->previous = calloc(1, sizeof *key->previous);
	memcpy(key->previous->hash, key->hash, TOKEN_HASH_BYTES);
	key->previous->until = now_ms() + HOUR_MS;
	secret_hash_token(
	    ring, new, secret_new_token("ak", key->id, new), key->hash);
	ck_assert_int_eq(ask(&request, UID, &reply), VERDICT_VALID);
	request.credential = bytes_of(new);
	ck_assert_int_eq(ask(&request, UID, &reply), VERDICT_VALID);
	/* Its time is over. */
	key->previous->until = now_ms();
	ck_assert_int_eq(ask(&request, UID, &reply), VERDICT_VALID);
	request.credential = bytes_of(token);
	ck_assert_int_eq(ask(&request, UID, &reply), VERDICT_UNKNOWN);
	/* Another one has taken its place. */
	key->previous->until = now_ms() + HOUR_MS;
	memset(key->previous->hash, 1, TOKEN_HASH_BYTES);
	ck_assert_int_eq(ask(&request, UID, &reply), VERDICT_UNKNOWN);
}
END_TEST

/* The plane */

static uint8_t out[1 << 14];

static enum plane_status
receive(const void *data, size_t len, size_t *used, struct writer *w)
{
	struct peer peer = {.uid = UID};
	void *session = verify_plane.opened(&verifier, NULL, &peer);
	enum plane_status status;

	status = verify_plane.received(
	    &verifier, session, (struct bytes){data, len}, used, w);
	verify_plane.closed(&verifier, session);
	return status;
}

static size_t
write_request(struct writer *w, uint32_t id)
{
	struct verify_request request = good_request();
	size_t begin = frame_begin(w, FRAME_VERIFY, id);

	verify_request_write(w, &request);
	frame_end(w, begin);
	ck_assert(!w->failed);
	return w->len;
}

START_TEST(frames_cut_anywhere)
{
	uint8_t in[FRAME_MAX];
	struct writer w = writer_over(in, sizeof in);
	size_t len = write_request(&w, 7), used;

	for (size_t cut = 0; cut < len; cut++) {
		w = writer_over(out, sizeof out);
		ck_assert_int_eq(receive(in, cut, &used, &w), PLANE_MORE);
		ck_assert_uint_eq(used + w.len, 0);
	}
	ck_assert_uint_eq(verifier.tally.verdicts[VERDICT_VALID], 0);
	w = writer_over(out, sizeof out);
	ck_assert_int_eq(receive(in, len, &used, &w), PLANE_MORE);
	ck_assert_uint_eq(used, len);
	ck_assert_uint_eq(verifier.tally.verdicts[VERDICT_VALID], 1);
	/* A body shorter by a byte is no body; nothing was verified. */
	in[11]--;
	w = writer_over(out, sizeof out);
	ck_assert_int_eq(receive(in, len - 1, &used, &w), PLANE_CLOSE);
	ck_assert_uint_eq(out[FRAME_HEADER_LEN], FRAME_ERROR_BODY);
	ck_assert_uint_eq(verifier.tally.verdicts[VERDICT_VALID], 1);
}
END_TEST

/* The first byte that cannot be right ends it, with one error frame. */
START_TEST(garbage)
{
	static const struct {
		uint8_t bytes[12];
		size_t len;
		enum frame_error error;
	} heads[] = {
	    {{'A'}, 1, FRAME_ERROR_MAGIC},
	    {{'a', 'k', 9}, 3, FRAME_ERROR_VERSION},
	    {{'a', 'k', 1, 6}, 4, FRAME_ERROR_TYPE},
	    {{'a', 'k', 1, FRAME_VERIFY, 0, 0, 0, 1, 255, 255, 255, 255}, 12,
		FRAME_ERROR_LENGTH},
	    {{'a', 'k', 1, FRAME_PING, 0, 0, 0, 1, 0, 0, 0, 65}, 12,
		FRAME_ERROR_LENGTH},
	};

	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		struct writer w = writer_over(out, sizeof out);
		struct frame frame;
		enum frame_error error;
		size_t used;

		ck_assert_int_eq(
		    receive(heads[i].bytes, heads[i].len, &used, &w),
		    PLANE_CLOSE);
		ck_assert_int_eq(
		    frame_peek(out, w.len, frame_reply_limit, &frame, &error),
		    FRAME_WHOLE);
		ck_assert_int_eq(frame.type, FRAME_ERROR);
		ck_assert_int_eq(frame.body.data[0], heads[i].error);
		ck_assert_uint_eq(w.len, FRAME_HEADER_LEN + frame.body.len);
	}
}
END_TEST

START_TEST(a_thousand_at_once)
{
	enum { FRAMES = 1000 };
	static uint8_t in[FRAMES * 256];
	struct writer w = writer_over(in, sizeof in);
	struct bytes all;
	uint32_t answered = 0;
	size_t at = 0, used, full = 0;
	enum plane_status status;

	key->limits->rate_limit = 0;
	for (uint32_t id = 0; id < FRAMES; id++)
		write_request(&w, id);
	all = (struct bytes){in, w.len};
	do {
		struct frame frame;
		enum frame_error error;
		size_t seen = 0;

		w = writer_over(out, sizeof out);
		status = receive(all.data + at, all.len - at, &used, &w);
		ck_assert(status == PLANE_MORE || status == PLANE_FULL);
		ck_assert(!w.failed && (used > 0 || status == PLANE_MORE));
		full += status == PLANE_FULL;
		at += used;
		while (seen < w.len) {
			ck_assert_int_eq(frame_peek(out + seen, w.len - seen,
					     frame_reply_limit, &frame, &error),
			    FRAME_WHOLE);
			ck_assert_uint_eq(frame.id, answered++);
			ck_assert_uint_eq(frame.body.data[0], VERDICT_VALID);
			seen += FRAME_HEADER_LEN + frame.body.len;
		}
	} while (status == PLANE_FULL);
	ck_assert_uint_eq(at, all.len);
	ck_assert_uint_eq(answered, FRAMES);
	ck_assert_uint_gt(full, 1);
}
END_TEST

static struct lookup_reply
look_up(const char *key_id)
{
	uint8_t in[64];
	struct writer w = writer_over(in, sizeof in);
	struct lookup_reply reply;
	struct frame frame;
	enum frame_error error;
	size_t begin = frame_begin(&w, FRAME_LOOKUP, 1), used, len;

	lookup_request_write(&w, bytes_of(key_id));
	frame_end(&w, begin);
	len = w.len;
	w = writer_over(out, sizeof out);
	ck_assert_int_eq(receive(in, len, &used, &w), PLANE_MORE);
	ck_assert_int_eq(
	    frame_peek(out, w.len, frame_reply_limit, &frame, &error),
	    FRAME_WHOLE);
	ck_assert(lookup_reply_read(frame.body, &reply));
	return reply;
}

START_TEST(lookup)
{
	struct lookup_reply reply = look_up("ak_0123456789ab");

	ck_assert(reply.found == 1 && reply.active == 1);
	ck_assert_uint_eq(reply.type, KEY_BEARER);
	ck_assert(bytes_equal(reply.account, bytes_of("acme")));
	ck_assert(bytes_equal(reply.product, bytes_of("mail")));
	for (size_t i = 0; i < 5; i++) {
		struct asking asking = {.uid = UID};

		heal();
		rows[i].spoil(&asking);
		ck_assert_uint_eq(look_up("ak_0123456789ab").active, 0);
	}
	ck_assert_uint_eq(look_up("sk_0123456789ab").found, 0);
	ck_assert_uint_eq(look_up("ak_0123456789ac").found, 0);
	reply = look_up("");
	ck_assert(reply.found + reply.active + reply.account.len == 0);
}
END_TEST

START_TEST(refusals_are_whole_frames)
{
	for (int why = PLANE_BUSY; why <= PLANE_SLOW; why++) {
		struct writer w = writer_over(out, PLANE_REFUSAL_MAX);
		struct error_reply reply;
		struct frame frame;
		enum frame_error error;

		verify_plane.refuse((enum plane_refusal)why, &w);
		ck_assert(!w.failed);
		ck_assert_int_eq(
		    frame_peek(out, w.len, frame_reply_limit, &frame, &error),
		    FRAME_WHOLE);
		ck_assert_uint_eq(w.len, FRAME_HEADER_LEN + frame.body.len);
		ck_assert(error_reply_read(frame.body, &reply));
		ck_assert_int_eq(reply.error,
		    why == PLANE_BUSY ? FRAME_ERROR_BUSY : FRAME_ERROR_SLOW);
	}
}
END_TEST

/* A source that has been silent gives its place to another, but not what was
 * not told of it. */
START_TEST(no_guess_is_left_uncounted)
{
	struct verify_log *log = &verifier.log;
	struct verify_request request = good_request();
	struct verify_reply reply;

	log->mode = VERIFY_LOG_SAMPLED;
	request.credential = bytes_of("guess");
	for (unsigned i = 0; i < 4; i++)
		ask(&request, UID, &reply);
	ck_assert_uint_eq(log->sources[0].throttle.count, 3);
	log->sources[0].throttle.at = monotonic_ms() - HOUR_MS;
	ask(&request, UID + 1, &reply);
	ck_assert_uint_eq(log->sources[0].uid, UID + 1);
	ck_assert_uint_eq(log->sources[0].throttle.count, 0);
	ck_assert_uint_eq(log->others.throttle.count, 3);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("verify");

	if (!secret_init())
		return EXIT_FAILURE;
	stock_with(with_key, without_key);
	stock_add(suite, "valid_says_all", valid_says_all);
	stock_add(suite, "earlier_row_decides", earlier_row_decides);
	stock_add(suite, "explanation_agrees", explanation_agrees);
	stock_add(suite, "pending_accounts", pending_accounts);
	stock_add(suite, "rate_is_told", rate_is_told);
	stock_add(suite, "a_key_without_user_is_nobodys",
	    a_key_without_user_is_nobodys);
	stock_add(suite, "without_the_secret", without_the_secret);
	stock_add(suite, "previous_secret", previous_secret);
	stock_add(suite, "frames_cut_anywhere", frames_cut_anywhere);
	stock_add(suite, "garbage", garbage);
	stock_add(suite, "a_thousand_at_once", a_thousand_at_once);
	stock_add(suite, "lookup", lookup);
	stock_add(
	    suite, "no_guess_is_left_uncounted", no_guess_is_left_uncounted);
	stock_add(
	    suite, "refusals_are_whole_frames", refusals_are_whole_frames);
	return suite_run(suite);
}
