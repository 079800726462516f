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

/* What is wrong with as much of a header as there is, type included. */
static enum frame_error
judge_beginning(const uint8_t *data, size_t len, int (*limit)(uint8_t type))
{
	for (size_t i = 0; i < sizeof magic && i < len; i++)
		if (data[i] != magic[i])
			return FRAME_ERROR_MAGIC;
	if (len > AT_VERSION && data[AT_VERSION] != FRAME_VERSION)
		return FRAME_ERROR_VERSION;
	if (len > AT_TYPE && limit(data[AT_TYPE]) < 0)
		return FRAME_ERROR_TYPE;
	return FRAME_ERROR_NONE;
}

static inline uint32_t
u32_at(const uint8_t *data)
{
	uint32_t value;

	memcpy(&value, data, sizeof value);
	return be32toh(value);
}

enum frame_status
frame_peek(const uint8_t *data, size_t len, int (*limit)(uint8_t type),
    struct frame *frame, enum frame_error *error)
{
	uint32_t length;
	int max;

	memset(frame, 0, sizeof *frame);
	/* As a rule there is a whole header, and a good one. */
	if (len < FRAME_HEADER_LEN || data[0] != magic[0] ||
	    data[1] != magic[1] || data[AT_VERSION] != FRAME_VERSION ||
	    (max = limit(data[AT_TYPE])) < 0) {
		*error = judge_beginning(data, len, limit);
		return *error == FRAME_ERROR_NONE ? FRAME_SHORT : FRAME_BAD;
	}
	length = u32_at(data + AT_LENGTH);
	frame->type = data[AT_TYPE];
	frame->id = u32_at(data + AT_ID);
	if (length > (uint32_t)max) {
		*error = FRAME_ERROR_LENGTH;
		return FRAME_BAD;
	}
	if (length > len - FRAME_HEADER_LEN)
		return FRAME_SHORT;
	frame->body = (struct bytes){data + FRAME_HEADER_LEN, length};
	return FRAME_WHOLE;
}

size_t
frame_begin(struct writer *w, uint8_t type, uint32_t id)
{
	size_t begin = w->len;
	uint8_t *at = write_room(w, FRAME_HEADER_LEN);
	struct writer header = writer_over(at, FRAME_HEADER_LEN);

	if (at == NULL)
		return begin;
	write_bytes(&header, magic, sizeof magic);
	write_u8(&header, FRAME_VERSION);
	write_u8(&header, type);
	write_u32(&header, id);
	write_u32(&header, 0);
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
