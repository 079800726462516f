/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verify plane, from bytes to bytes, over an index with keys in it. Input:
 * a byte that says who asks and in what pieces, then what is sent.
 *
 * The stream is handed over twice, whole and in pieces, and the answers have to
 * be the same. Every answer is a frame as a client wants it; "valid" is said to
 * nobody who did not show a token, or a signature, of a key that is.
 */
#include "proto/frame.h"
#include "proto/usage_message.h"
#include "world.h"

enum { OUT_SIZE = 16384, REQUESTS_MAX = 4096 };

static struct world world;

/* What was asked, in order. */
static struct frame requests[REQUESTS_MAX];
static size_t request_count;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	world_init();
	world_make(&world);
	world.verifier.usage = world_usage();
	return 0;
}

static void
take_requests(struct bytes in)
{
	enum frame_error error;
	size_t at = 0;

	request_count = 0;
	while (request_count < REQUESTS_MAX &&
	    frame_peek(in.data + at, in.len - at, frame_request_limit,
		&requests[request_count], &error) == FRAME_WHOLE) {
		at += FRAME_HEADER_LEN + requests[request_count].body.len;
		request_count++;
	}
}

/* Which of the world's keys a credential is the token of; -1: of none. */
static int
key_shown(struct bytes credential)
{
	for (int i = 0; i < WORLD_KEYS; i++)
		if (bytes_equal(credential, bytes_of(world.tokens[i])))
			return i;
	return -1;
}

static bool
is_id_of(struct bytes id, int key)
{
	return bytes_equal(id, world_key_id(&world, (enum world_key)key));
}

static bool
is_signed(const struct signature_request *request)
{
	char stamp[TIMESTAMP_TEXT_MAX], hex[SIGNATURE_LEN + 1];
	size_t len = 0;

	if (request->has_timestamp)
		len = timestamp_text(request->timestamp, stamp);
	world_sign(&world, stamp, len, request->payload, hex);
	return bytes_equal(request->signature, bytes_of(hex)) &&
	    is_id_of(request->key_id, WORLD_HMAC);
}

static void
check_verdict(const struct frame *request, const struct verify_reply *reply)
{
	struct verify_request asked;
	struct signature_request proof;
	bool told = reply->id.len > 0;
	int key;

	if (request->type == FRAME_VERIFY_SIGNATURE) {
		fuzz_require(signature_request_read(request->body, &proof),
		    "what is answered was a request");
		fuzz_require(!told || is_signed(&proof),
		    "a key is told only to who has signed with it");
		return;
	}
	fuzz_require(verify_request_read(request->body, &asked),
	    "what is answered was a request");
	key = key_shown(asked.credential);
	fuzz_require(!told ||
		(key >= 0 && key != WORLD_HMAC && is_id_of(reply->id, key)),
	    "a key is told only to who has its token");
	fuzz_require(reply->verdict != VERDICT_VALID ||
		world_accepts((enum world_key)key) || key == WORLD_BOUND,
	    "valid is only what is");
}

static void
check_usage(const struct frame *request, const struct usage_reply *reply)
{
	struct usage_request asked;
	int key;

	fuzz_require(usage_request_read(request->body, &asked),
	    "what is answered was a request");
	key = key_shown(asked.request.credential);
	fuzz_require(reply->id.len == 0 ||
		(key >= 0 && key != WORLD_HMAC && is_id_of(reply->id, key)),
	    "a key is told only to who has its token");
	fuzz_require(reply->told != USAGE_TOLD ||
		(reply->id.len > 0 &&
		    (world_accepts((enum world_key)key) || key == WORLD_BOUND)),
	    "usage is told to who would be let in");
}

struct talk {
	struct conn conn;
	void *session;
	bool leaves; /* where there is no answer at once */
	size_t answered;
	uint64_t sum; /* of the answers */
};

/* One answer, as a client reads it; returns what of it does not depend on the
 * time. */
static uint64_t
check_reply(const struct frame *reply, size_t number)
{
	uint8_t again[VERIFY_REPLY_MAX];
	struct writer w = writer_over(again, sizeof again);
	struct verify_reply verdict;
	struct lookup_reply lookup;
	struct usage_reply usage;
	struct error_reply error;
	uint64_t sum = 0;

	fuzz_use_bytes(reply->body);
	switch (reply->type & ~(unsigned)FRAME_REPLY) {
	case FRAME_VERIFY:
	case FRAME_VERIFY_SIGNATURE:
		fuzz_require(verify_reply_read(reply->body, &verdict),
		    "an answer is one");
		verify_reply_write(&w, &verdict);
		fuzz_require(
		    bytes_equal(reply->body, (struct bytes){again, w.len}),
		    "there is one way to write an answer");
		check_verdict(&requests[number], &verdict);
		verdict.retry_after_ms = 0;
		w = writer_over(again, sizeof again);
		verify_reply_write(&w, &verdict);
		break;
	case FRAME_LOOKUP:
		fuzz_require(lookup_reply_read(reply->body, &lookup),
		    "what is known of a key is an answer");
		write_bytes(&w, reply->body.data, reply->body.len);
		break;
	case FRAME_USAGE:
		fuzz_require(usage_reply_read(reply->body, &usage),
		    "what is told of usage is an answer");
		usage_reply_write(&w, &usage);
		fuzz_require(
		    bytes_equal(reply->body, (struct bytes){again, w.len}),
		    "there is one way to tell usage");
		check_usage(&requests[number], &usage);
		w.len = 0; /* a report may be had, or not */
		break;
	case FRAME_PING:
		fuzz_require(bytes_equal(reply->body, requests[number].body),
		    "a ping comes back as it was sent");
		break;
	default:
		fuzz_require(reply->type == FRAME_ERROR &&
			error_reply_read(reply->body, &error),
		    "what is no answer is an error");
		write_u8(&w, error.error);
	}
	fuzz_require(!w.failed, "an answer fits");
	for (size_t i = 0; i < w.len; i++)
		sum = sum * 1099511628211ULL + again[i];
	return sum * 31 + reply->id;
}

static void
check_replies(struct talk *talk, struct bytes out)
{
	enum frame_error error;
	struct frame reply;
	size_t at = 0;

	while (at < out.len) {
		fuzz_require(
		    frame_peek(out.data + at, out.len - at, frame_reply_limit,
			&reply, &error) == FRAME_WHOLE,
		    "answers are whole frames");
		if (reply.type != FRAME_ERROR)
			fuzz_require(talk->answered < request_count &&
				reply.id == requests[talk->answered].id &&
				reply.type ==
				    (requests[talk->answered].type |
					FRAME_REPLY),
			    "an answer is to the next request");
		else
			fuzz_require(
			    at + FRAME_HEADER_LEN + reply.body.len == out.len,
			    "nothing follows an error");
		talk->sum =
		    talk->sum * 31 + check_reply(&reply, talk->answered);
		at += FRAME_HEADER_LEN + reply.body.len;
		talk->answered++;
	}
}

/* What comes later: the answer to a question about usage. */
static void
wait_for_answer(struct talk *talk)
{
	talk->conn.len = 0;
	fuzz_require(world_answer_usage() && !talk->conn.finished,
	    "what is waited for comes");
	check_replies(talk,
	    (struct bytes){
		(const uint8_t *)talk->conn.replies, talk->conn.len});
}

/* As the server does. False: the connection is closed. Leaves in *in what has
 * to come again. */
static bool
hand_over(struct talk *talk, struct bytes *in)
{
	static uint8_t out[OUT_SIZE];
	enum plane_status status;
	size_t used;

	do {
		struct writer w = writer_over(out, sizeof out);

		status = verify_plane.received(
		    &world.verifier, talk->session, *in, &used, &w);
		fuzz_require(!w.failed && used <= in->len,
		    "a plane keeps to its buffers");
		fuzz_require(status != PLANE_FULL || used > 0,
		    "a full buffer is full of something");
		check_replies(talk, (struct bytes){out, w.len});
		in->data += used;
		in->len -= used;
		if (status == PLANE_WAIT && talk->leaves)
			return false;
		if (status == PLANE_WAIT)
			wait_for_answer(talk);
	} while (status == PLANE_FULL || status == PLANE_WAIT);
	fuzz_require(
	    status == PLANE_CLOSE || in->len <= verify_plane.unfinished_max,
	    "what is kept is bounded");
	return status == PLANE_MORE;
}

static uint64_t
talk(struct bytes in, uid_t uid, size_t piece, bool leaves)
{
	static char replies[WORLD_REPLIES_MAX];
	struct peer peer = {.uid = uid};
	struct talk talk = {.conn = {.replies = replies}, .leaves = leaves};
	struct bytes part = {in.data, 0};
	bool open = true;

	talk.session = verify_plane.opened(&world.verifier, &talk.conn, &peer);
	world_reset_rates(&world);
	while (open && part.data + part.len < in.data + in.len) {
		size_t left = (size_t)(in.data + in.len - part.data) - part.len;

		part.len += left < piece ? left : piece;
		open = hand_over(&talk, &part);
	}
	verify_plane.closed(&world.verifier, talk.session);
	world_settle(&world); /* answers that nobody waits for any more */
	return talk.sum * 2 + open;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uid_t uids[] = {0, 1000, WORLD_ADMIN, 65534};
	struct bytes in;
	size_t piece;
	uint64_t whole;

	if (size < 1)
		return 0;
	in = (struct bytes){data + 1, size - 1};
	take_requests(in);
	piece = (size_t)(data[0] >> 2) + 1;
	whole = talk(in, uids[data[0] & 3], SIZE_MAX, false);
	fuzz_require(talk(in, uids[data[0] & 3], piece, false) == whole,
	    "pieces are answered as the whole is");
	talk(in, uids[data[0] & 3], SIZE_MAX, true);
	return 0;
}
