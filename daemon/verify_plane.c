/* SPDX-License-Identifier: BSD-2-Clause */
/* The verify socket's protocol: frames in, frames out. */
#include "decide.h"
#include "instant.h"
#include "proto/frame.h"
#include "verify.h"

/* The operations of the protocol. A handler writes a reply's body, or says
 * that the request's body is not one. */

typedef bool operation_fn(struct verifier *verifier, uid_t uid,
    struct bytes body, struct writer *out);

static bool
do_ping(
    struct verifier *verifier, uid_t uid, struct bytes body, struct writer *out)
{
	(void)verifier;
	(void)uid;
	write_bytes(out, body.data, body.len);
	return true;
}

static bool
do_verify(
    struct verifier *verifier, uid_t uid, struct bytes body, struct writer *out)
{
	struct verify_request request;
	struct verify_reply reply;
	char id[KEY_ID_SIZE];

	if (!verify_request_read(body, &request))
		return false;
	verify(verifier, &request, uid, &reply, id);
	verify_reply_write(out, &reply);
	return true;
}

static bool
do_verify_signature(
    struct verifier *verifier, uid_t uid, struct bytes body, struct writer *out)
{
	struct signature_request request;
	struct verify_reply reply;
	char id[KEY_ID_SIZE];

	if (!signature_request_read(body, &request))
		return false;
	verify_signature(verifier, &request, uid, &reply, id);
	verify_reply_write(out, &reply);
	return true;
}

static bool
do_lookup(
    struct verifier *verifier, uid_t uid, struct bytes body, struct writer *out)
{
	struct lookup_reply reply = {.found = 0};
	const struct key *key;
	struct bytes id;

	(void)uid;
	if (!lookup_request_read(body, &id))
		return false;
	key = index_key_by_text(verifier->index, (const char *)id.data, id.len);
	if (key != NULL) {
		reply.found = 1;
		reply.type = key->type;
		reply.active = verify_standing(key, now_ms()) == VERDICT_VALID;
		reply.account = bytes_of(key->account->slug);
		reply.product = bytes_of(key->product->slug);
	}
	lookup_reply_write(out, &reply);
	return true;
}

static operation_fn *const operations[] = {
    [FRAME_PING] = do_ping,
    [FRAME_VERIFY] = do_verify,
    [FRAME_LOOKUP] = do_lookup,
    [FRAME_VERIFY_SIGNATURE] = do_verify_signature,
};

enum { REPLY_MAX = FRAME_HEADER_LEN + VERIFY_REPLY_MAX };

/* One whole frame. False: an error frame was written, the stream is over. */
static bool
handle_frame(struct verifier *verifier, uid_t uid, const struct frame *frame,
    struct writer *out)
{
	size_t begin = frame_begin(out, frame->type | FRAME_REPLY, frame->id);

	if (operations[frame->type](verifier, uid, frame->body, out)) {
		frame_end(out, begin);
		return true;
	}
	out->len = begin;
	frame_write_error(out, frame->id, FRAME_ERROR_BODY);
	return false;
}

/* Sessions hold nothing but the peer's uid, so it is kept in the pointer. */
static void *
verify_opened(void *context, struct conn *conn, const struct peer *peer)
{
	(void)context;
	(void)conn;
	return (void *)(uintptr_t)peer->uid;
}

static enum plane_status
verify_received(void *context, void *session, struct bytes in, size_t *used,
    struct writer *out)
{
	struct verifier *verifier = context;
	uid_t uid = (uid_t)(uintptr_t)session;
	struct frame frame;
	enum frame_error error;

	*used = 0;
	for (;;) {
		if (out->capacity - out->len < REPLY_MAX)
			return PLANE_FULL;
		switch (frame_peek(in.data + *used, in.len - *used,
		    frame_request_limit, &frame, &error)) {
		case FRAME_SHORT:
			return PLANE_MORE;
		case FRAME_BAD:
			frame_write_error(out, frame.id, error);
			return PLANE_CLOSE;
		case FRAME_WHOLE:
			break;
		}
		*used += FRAME_HEADER_LEN + frame.body.len;
		if (!handle_frame(verifier, uid, &frame, out))
			return PLANE_CLOSE;
	}
}

static void
verify_closed(void *context, void *session)
{
	(void)context;
	(void)session;
}

static void
verify_timed(void *context, uint64_t ns)
{
	struct verifier *verifier = context;

	tally_time(&verifier->tally, ns);
}

static void
verify_refuse(enum plane_refusal why, struct writer *out)
{
	frame_write_error(
	    out, 0, why == PLANE_BUSY ? FRAME_ERROR_BUSY : FRAME_ERROR_SLOW);
}

const struct plane verify_plane = {
    .name = "verify",
    /* Of all other requests less is kept: they are refused at their header
     * where they are longer, and taken as soon as they are whole. */
    .unfinished_max = FRAME_HEADER_LEN + SIGNATURE_REQUEST_MAX,
    .refuse = verify_refuse,
    .opened = verify_opened,
    .received = verify_received,
    .closed = verify_closed,
    .timed = verify_timed,
};
