/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frame: twelve bytes of header, then the body. PROTOCOL.md is the
 * specification.
 *
 *   0  magic   "ak"
 *   2  version 1
 *   3  type    operation; a reply has the top bit set
 *   4  id      chosen by the asker, comes back in the reply
 *   8  length  of the body in bytes
 */
#ifndef PROTO_FRAME_H
#define PROTO_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "cursor.h"

enum {
	FRAME_HEADER_LEN = 12,
	FRAME_VERSION = 1,
	FRAME_REPLY = 0x80,
	/* No frame of this version is longer, header included, but a request
	 * VERIFY_SIGNATURE: see frame_request_limit(). */
	FRAME_MAX = 8192,
};

enum frame_type {
	FRAME_PING = 1,
	FRAME_VERIFY = 2,
	FRAME_LOOKUP = 3,
	FRAME_VERIFY_SIGNATURE = 4,
	FRAME_USAGE = 5,
	FRAME_ERROR = FRAME_REPLY,
};

/* What an error frame says. X(number, NAME, "text sent with it") */
#define FRAME_ERROR_LIST(X)                                   \
	X(1, MAGIC, "not an apikeyd frame")                   \
	X(2, VERSION, "protocol version not supported")       \
	X(3, TYPE, "no such operation")                       \
	X(4, LENGTH, "body longer than the operation allows") \
	X(5, BODY, "body does not match the operation")       \
	X(6, BUSY, "too many connections")                    \
	X(7, SLOW, "frame not completed in time")

enum frame_error {
	FRAME_ERROR_NONE = 0,
#define FRAME_ERROR_NUMBER(number, name, text) FRAME_ERROR_##name = (number),
	FRAME_ERROR_LIST(FRAME_ERROR_NUMBER)
#undef FRAME_ERROR_NUMBER
};

const char *frame_error_text(enum frame_error error);

struct frame {
	uint8_t type;
	uint32_t id;
	struct bytes body;
};

enum frame_status { FRAME_SHORT, FRAME_WHOLE, FRAME_BAD };

/*
 * Looks at the frame that begins at data.
 *   FRAME_SHORT  so far good, but more bytes have to come
 *   FRAME_WHOLE  *frame is set; it takes FRAME_HEADER_LEN + body.len bytes
 *   FRAME_BAD    *error says why; the stream cannot be read on. frame->id is
 *                the frame's where its header was whole, else 0
 * The header is judged as soon as it is there, byte by byte, so nobody waits
 * for the body of a frame that will be refused. limit() gives the longest
 * body of a type, or -1 where the type is not expected from this side.
 */
enum frame_status frame_peek(const uint8_t *data, size_t len,
    int (*limit)(uint8_t type), struct frame *frame, enum frame_error *error);

/* Longest request body of an operation, -1 for none; for the daemon. */
int frame_request_limit(uint8_t type);
/* Longest reply body; for the client. */
int frame_reply_limit(uint8_t type);

/*
 * Begins a frame in *w and returns where it began; the body is written next,
 * then frame_end() fills in its length.
 */
size_t frame_begin(struct writer *w, uint8_t type, uint32_t id);
void frame_end(struct writer *w, size_t begin);
/* The same where so many bytes of the body are sent from elsewhere. */
void frame_end_before(struct writer *w, size_t begin, size_t more);

/* A whole error frame. */
void frame_write_error(struct writer *w, uint32_t id, enum frame_error error);

#endif
