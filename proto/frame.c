/* SPDX-License-Identifier: BSD-2-Clause */
#include "frame.h"

#include "message.h"
#include "usage_message.h"

enum { AT_VERSION = 2, AT_TYPE = 3, AT_ID = 4, AT_LENGTH = 8 };

static const uint8_t magic[2] = {'a', 'k'};

/* By type; request_max 0: there is no such operation. */
static const struct {
	uint32_t request_max, reply_max; /* bytes of body */
} limits[] = {
    [FRAME_PING] = {PING_MAX, PING_MAX},
    [FRAME_VERIFY] = {VERIFY_REQUEST_MAX, VERIFY_REPLY_MAX},
    [FRAME_LOOKUP] = {LOOKUP_REQUEST_MAX, LOOKUP_REPLY_MAX},
    [FRAME_VERIFY_SIGNATURE] = {SIGNATURE_REQUEST_MAX, VERIFY_REPLY_MAX},
    [FRAME_USAGE] = {USAGE_REQUEST_MAX, USAGE_REPLY_MAX},
};

_Static_assert(VERIFY_REQUEST_MAX <= FRAME_MAX - FRAME_HEADER_LEN &&
	VERIFY_REPLY_MAX <= FRAME_MAX - FRAME_HEADER_LEN &&
	USAGE_REQUEST_MAX <= FRAME_MAX - FRAME_HEADER_LEN,
    "the longest message fits the longest frame");
_Static_assert(SIGNATURE_REQUEST_HEAD_MAX <= FRAME_MAX - FRAME_HEADER_LEN,
    "so does all of a signature's request but the payload");

const char *
frame_error_text(enum frame_error error)
{
	switch (error) {
#define FRAME_ERROR_CASE(number, name, text) \
	case FRAME_ERROR_##name:             \
		return text;
		FRAME_ERROR_LIST(FRAME_ERROR_CASE)
#undef FRAME_ERROR_CASE
	case FRAME_ERROR_NONE:
		break;
	}
	return "unknown error";
}

int
frame_request_limit(uint8_t type)
{
	if (type >= sizeof limits / sizeof limits[0] ||
	    limits[type].request_max == 0)
		return -1;
	return (int)limits[type].request_max;
}

int
frame_reply_limit(uint8_t type)
{
	uint8_t request = type & (uint8_t)~FRAME_REPLY;

	if (type == FRAME_ERROR)
		return ERROR_REPLY_MAX;
	if (type == request || frame_request_limit(request) < 0)
		return -1;
	return (int)limits[request].reply_max;
}

enum frame_status
frame_peek(const uint8_t *data, size_t len, int (*limit)(uint8_t type),
    struct frame *frame, enum frame_error *error)
{
	struct reader r = reader_over(data, len);
	uint32_t id, length;
	int max;

	memset(frame, 0, sizeof *frame);
	for (size_t i = 0; i < sizeof magic && i < len; i++)
		if (data[i] != magic[i]) {
			*error = FRAME_ERROR_MAGIC;
			return FRAME_BAD;
		}
	if (len > AT_VERSION && data[AT_VERSION] != FRAME_VERSION) {
		*error = FRAME_ERROR_VERSION;
		return FRAME_BAD;
	}
	if (len > AT_TYPE && limit(data[AT_TYPE]) < 0) {
		*error = FRAME_ERROR_TYPE;
		return FRAME_BAD;
	}
	if (len < FRAME_HEADER_LEN)
		return FRAME_SHORT;
	read_bytes(&r, AT_ID);
	id = read_u32(&r);
	length = read_u32(&r);
	frame->type = data[AT_TYPE];
	frame->id = id;
	max = limit(frame->type);
	if (length > (uint32_t)max) {
		*error = FRAME_ERROR_LENGTH;
		return FRAME_BAD;
	}
	if (length > r.left)
		return FRAME_SHORT;
	frame->body = read_bytes(&r, length);
	return FRAME_WHOLE;
}

size_t
frame_begin(struct writer *w, uint8_t type, uint32_t id)
{
	size_t begin = w->len;

	write_bytes(w, magic, sizeof magic);
	write_u8(w, FRAME_VERSION);
	write_u8(w, type);
	write_u32(w, id);
	write_u32(w, 0);
	return begin;
}

void
frame_end_before(struct writer *w, size_t begin, size_t more)
{
	struct writer length;

	if (w->failed)
		return;
	length = writer_over(w->start + begin + AT_LENGTH, 4);
	write_u32(
	    &length, (uint32_t)(w->len - begin - FRAME_HEADER_LEN + more));
}

void
frame_end(struct writer *w, size_t begin)
{
	frame_end_before(w, begin, 0);
}

void
frame_write_error(struct writer *w, uint32_t id, enum frame_error error)
{
	size_t begin = frame_begin(w, FRAME_ERROR, id);

	write_u8(w, (uint8_t)error);
	write_u8(w, FRAME_VERSION);
	write_string8(w, bytes_of(frame_error_text(error)));
	frame_end(w, begin);
}
