/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A world, and its verify plane as a peer sees it: bytes in, bytes out. Input
 * lies in memory that ends where it does, so that a sanitizer sees who reads
 * on.
 */
#ifndef TESTS_HOSTILE_TALK_H
#define TESTS_HOSTILE_TALK_H

#include "proto/frame.h"
#include "proto/usage_message.h"
#include "tests/fuzz/world.h"
#include "tests/unit/suite.h"

enum { TALK_OUT = 16384, TALK_UID = 1000 };

static struct world world;
static uint8_t talk_out[TALK_OUT];

/* What a connection of its own is answered; *status is how it ended. */
static inline struct bytes
talk(struct bytes in, enum plane_status *status)
{
	struct writer w = writer_over(talk_out, sizeof talk_out);
	struct peer peer = {.uid = TALK_UID};
	static char replies[WORLD_REPLIES_MAX];
	struct conn conn = {.replies = replies};
	void *session = verify_plane.opened(&world.verifier, &conn, &peer);
	uint8_t *exact = malloc(in.len > 0 ? in.len : 1);
	size_t used;

	ck_assert(session != NULL && exact != NULL);
	if (in.len > 0)
		memcpy(exact, in.data, in.len);
	*status = verify_plane.received(
	    &world.verifier, session, (struct bytes){exact, in.len}, &used, &w);
	ck_assert(!w.failed && used <= in.len);
	if (*status == PLANE_WAIT) {
		world_settle(&world);
		write_bytes(&w, conn.replies, conn.len);
	}
	verify_plane.closed(&world.verifier, session);
	free(exact);
	return (struct bytes){talk_out, w.len};
}

/* The error that is all of the answer; FRAME_ERROR_NONE where it is none. */
static inline enum frame_error
talk_error(struct bytes out)
{
	struct frame frame;
	struct error_reply reply;
	enum frame_error error;

	if (frame_peek(out.data, out.len, frame_reply_limit, &frame, &error) !=
		FRAME_WHOLE ||
	    frame.type != FRAME_ERROR ||
	    FRAME_HEADER_LEN + frame.body.len != out.len ||
	    !error_reply_read(frame.body, &reply))
		return FRAME_ERROR_NONE;
	return (enum frame_error)reply.error;
}

/* The verdict that is all of the answer; VERDICT_NONE where it is none. */
static inline enum verdict
talk_verdict(struct bytes out, struct verify_reply *reply)
{
	struct frame frame;
	enum frame_error error;

	if (frame_peek(out.data, out.len, frame_reply_limit, &frame, &error) !=
		FRAME_WHOLE ||
	    FRAME_HEADER_LEN + frame.body.len != out.len ||
	    !verify_reply_read(frame.body, reply))
		return VERDICT_NONE;
	return (enum verdict)reply->verdict;
}

/* A request that passes all that the bound key asks for. */
static inline struct verify_request
talk_request(void)
{
	static const uint8_t office[] = {203, 0, 113, 7};
	static const char scopes[] = "\003a:b\003c:d";

	return (struct verify_request){
	    .credential = bytes_of(world.tokens[WORLD_BOUND]),
	    .permission = PERMISSION_WRITE,
	    .account = bytes_of("acme"),
	    .product = bytes_of("mail"),
	    .user = bytes_of("alice"),
	    .service = bytes_of("httpd"),
	    .endpoint = bytes_of("GET /v1/things"),
	    .address = {office, sizeof office},
	    .scopes = {2, bytes_of(scopes)},
	};
}

static inline struct bytes
talk_verify_frame(struct writer *w, const struct verify_request *request)
{
	size_t begin = frame_begin(w, FRAME_VERIFY, 7);

	verify_request_write(w, request);
	frame_end(w, begin);
	ck_assert(!w->failed);
	return (struct bytes){w->start, w->len};
}

#endif
