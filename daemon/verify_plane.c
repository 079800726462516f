/* SPDX-License-Identifier: BSD-2-Clause */
/* The verify socket's protocol: frames in, frames out. */
#include "verify_plane.h"

#include <stdlib.h>

#include "decide.h"
#include "instant.h"

static enum operation_end
do_ping(struct verify_session *session, const struct frame *frame,
    struct writer *out)
{
	(void)session;
	write_bytes(out, frame->body.data, frame->body.len);
	return OPERATION_DONE;
}

/*
 * With all that it calls in it, also of other files where the link optimises
 * across them. To enter and leave a dozen functions, each with its guard of the
 * stack, would be 190 instructions of 2,500.
 */
static __attribute__((flatten)) enum operation_end
do_verify(struct verify_session *session, const struct frame *frame,
    struct writer *out)
{
	struct verify_request request;
	struct verify_reply reply;
	char id[KEY_ID_SIZE];

	if (!verify_request_read(frame->body, &request))
		return OPERATION_BODY;
	verify(session->verifier, &request, session->uid, session->now, &reply,
	    id);
	verify_reply_write(out, &reply);
	return OPERATION_DONE;
}

static enum operation_end
do_verify_signature(struct verify_session *session, const struct frame *frame,
    struct writer *out)
{
	struct signature_request request;
	struct verify_reply reply;
	char id[KEY_ID_SIZE];

	if (!signature_request_read(frame->body, &request))
		return OPERATION_BODY;
	verify_signature(session->verifier, &request, session->uid,
	    session->now, &reply, id);
	verify_reply_write(out, &reply);
	return OPERATION_DONE;
}

static enum operation_end
do_lookup(struct verify_session *session, const struct frame *frame,
    struct writer *out)
{
	struct lookup_reply reply = {.found = 0};
	const struct key *key;
	struct bytes id;

	if (!lookup_request_read(frame->body, &id))
		return OPERATION_BODY;
	key = index_key_by_text(
	    session->verifier->index, (const char *)id.data, id.len);
	if (key != NULL) {
		reply.found = 1;
		reply.type = key->type;
		reply.active =
		    verify_standing(key, session->now) == VERDICT_VALID;
		reply.account = slug_of_account(key->account);
		reply.product = slug_of_product(key->product);
	}
	lookup_reply_write(out, &reply);
	return OPERATION_DONE;
}

static operation_fn *const operations[] = {
    [FRAME_PING] = do_ping,
    [FRAME_VERIFY] = do_verify,
    [FRAME_LOOKUP] = do_lookup,
    [FRAME_VERIFY_SIGNATURE] = do_verify_signature,
    [FRAME_USAGE] = verify_do_usage,
};

/* Of what is replied at once; usage is not. */
enum { REPLY_MAX = FRAME_HEADER_LEN + VERIFY_REPLY_MAX };

/* One whole frame. PLANE_MORE: go on with the next. */
static enum plane_status
handle_frame(struct verify_session *session, const struct frame *frame,
    struct writer *out)
{
	size_t begin = frame_begin(out, frame->type | FRAME_REPLY, frame->id);

	switch (operations[frame->type](session, frame, out)) {
	case OPERATION_DONE:
		frame_end(out, begin);
		return PLANE_MORE;
	case OPERATION_LATER:
		out->len = begin;
		return PLANE_WAIT;
	case OPERATION_BODY:
		break;
	}
	out->len = begin;
	frame_write_error(out, frame->id, FRAME_ERROR_BODY);
	return PLANE_CLOSE;
}

/*
 * What the next request will look up comes nearer while this one is answered.
 * It is a hint, and wrong for what is no verification.
 */
static inline void
expect(const struct verify_session *session, struct bytes in)
{
	struct reader r = reader_over(in.data, in.len);
	struct bytes credential;
	const char *id;

	read_bytes(&r, FRAME_HEADER_LEN);
	credential = read_string16(&r, CREDENTIAL_MAX_LEN);
	id = token_id_place((const char *)credential.data, credential.len);
	if (id != NULL)
		index_expect(session->verifier->index, id);
}

static void *
verify_opened(void *context, struct conn *conn, const struct peer *peer)
{
	struct verify_session *session = calloc(1, sizeof *session);

	if (session == NULL)
		return NULL;
	session->verifier = context;
	session->conn = conn;
	session->uid = peer->uid;
	return session;
}

/* One look at the clock does for all requests of a call, which take about
 * a millisecond at most. */
static enum plane_status
verify_received(void *context, void *opaque, struct bytes in, size_t *used,
    struct writer *out)
{
	struct verify_session *session = opaque;
	enum plane_status status = PLANE_MORE;
	enum frame_error error;
	struct frame frame;

	(void)context;
	*used = 0;
	if (session == NULL)
		return PLANE_CLOSE; /* no memory for a session */
	if (verify_waits(session, in.len))
		return PLANE_WAIT;
	session->now = now_ms();
	expect(session, in);
	while (status == PLANE_MORE) {
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
		expect(
		    session, (struct bytes){in.data + *used, in.len - *used});
		status = handle_frame(session, &frame, out);
	}
	return status;
}

static void
verify_closed(void *context, void *opaque)
{
	struct verify_session *session = opaque;

	(void)context;
	if (session != NULL) {
		usage_question_forget(session->question);
		verify_forget(session);
	}
	free(session);
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
    .replies_public = true,
    .refuse = verify_refuse,
    .opened = verify_opened,
    .received = verify_received,
    .closed = verify_closed,
    .timed = verify_timed,
};
