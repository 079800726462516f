/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading and writing of bounded byte strings.
 *
 * A cursor fails once and stays failed: a read past the end returns zero or an
 * empty view, a write past the end writes nothing, and every later call does
 * the same. So a decoder reads its fields one after the other and asks once,
 * at the end, whether all of them were there. Bounds are checked by
 * subtraction, which cannot overflow. Integers are big-endian on the wire.
 *
 * Nothing here allocates and nothing copies but the writer: views point into
 * the buffer that was read and live as long as it does.
 */
#ifndef PROTO_CURSOR_H
#define PROTO_CURSOR_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A view of bytes that somebody else owns. Not NUL-terminated. */
struct bytes {
	const uint8_t *data;
	size_t len;
};

static inline struct bytes
bytes_of(const char *text)
{
	return (struct bytes){
	    (const uint8_t *)text, text != NULL ? strlen(text) : 0};
}

static inline bool
bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len &&
	    (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

struct reader {
	const uint8_t *at;
	size_t left; /* 0 once it failed: reads ask nothing else */
	bool failed;
};

static inline struct reader
reader_over(const void *data, size_t len)
{
	return (struct reader){(const uint8_t *)data, len, false};
}

static inline void
reader_fail(struct reader *r)
{
	r->failed = true;
	r->left = 0;
}

/* True only when every read fitted and no byte is left over. */
static inline bool
reader_done(const struct reader *r)
{
	return !r->failed && r->left == 0;
}

static inline struct bytes
read_bytes(struct reader *r, size_t len)
{
	struct bytes view = {NULL, 0};

	if (len > r->left) {
		reader_fail(r);
		return view;
	}
	view.data = r->at;
	view.len = len;
	r->at += len;
	r->left -= len;
	return view;
}

/* Each of its size, since a loop over the bytes costs a verification hundreds
 * of instructions. */

static inline uint8_t
read_u8(struct reader *r)
{
	struct bytes view = read_bytes(r, 1);

	return view.len > 0 ? view.data[0] : 0;
}

static inline uint16_t
read_u16(struct reader *r)
{
	struct bytes view = read_bytes(r, 2);
	uint16_t value = 0;

	if (view.len > 0)
		memcpy(&value, view.data, sizeof value);
	return be16toh(value);
}

static inline uint32_t
read_u32(struct reader *r)
{
	struct bytes view = read_bytes(r, 4);
	uint32_t value = 0;

	if (view.len > 0)
		memcpy(&value, view.data, sizeof value);
	return be32toh(value);
}

static inline uint64_t
read_u64(struct reader *r)
{
	struct bytes view = read_bytes(r, 8);
	uint64_t value = 0;

	if (view.len > 0)
		memcpy(&value, view.data, sizeof value);
	return be64toh(value);
}

/* Times: signed milliseconds since the Unix epoch, two's complement. */
static inline int64_t
read_time(struct reader *r)
{
	return (int64_t)read_u64(r);
}

/* Strings with their length before them, at most max bytes long. Inline at all
 * times, or the reader would have to be in memory. */
static inline __attribute__((always_inline)) struct bytes
read_string8(struct reader *r, size_t max)
{
	size_t len = read_u8(r);

	if (len > max)
		reader_fail(r);
	return read_bytes(r, len);
}

static inline __attribute__((always_inline)) struct bytes
read_string16(struct reader *r, size_t max)
{
	size_t len = read_u16(r);

	if (len > max)
		reader_fail(r);
	return read_bytes(r, len);
}

static inline struct bytes
read_string32(struct reader *r, size_t max)
{
	size_t len = read_u32(r);

	if (len > max)
		reader_fail(r);
	return read_bytes(r, len);
}

struct writer {
	uint8_t *start;
	size_t len;      /* bytes written so far */
	size_t capacity; /* bytes at start */
	bool failed;
};

static inline struct writer
writer_over(void *data, size_t capacity)
{
	return (struct writer){(uint8_t *)data, 0, capacity, false};
}

/* len bytes for the caller to fill; NULL where there is no room for them. */
static inline uint8_t *
write_room(struct writer *w, size_t len)
{
	if (w->failed || len > w->capacity - w->len) {
		w->failed = true;
		return NULL;
	}
	w->len += len;
	return w->start + w->len - len;
}

static inline void
write_bytes(struct writer *w, const void *data, size_t len)
{
	uint8_t *room = write_room(w, len);

	if (room != NULL && len > 0)
		memcpy(room, data, len);
}

static inline void
write_u8(struct writer *w, uint8_t value)
{
	write_bytes(w, &value, sizeof value);
}

static inline void
write_u16(struct writer *w, uint16_t value)
{
	value = htobe16(value);
	write_bytes(w, &value, sizeof value);
}

static inline void
write_u32(struct writer *w, uint32_t value)
{
	value = htobe32(value);
	write_bytes(w, &value, sizeof value);
}

static inline void
write_u64(struct writer *w, uint64_t value)
{
	value = htobe64(value);
	write_bytes(w, &value, sizeof value);
}

static inline void
write_time(struct writer *w, int64_t value)
{
	write_u64(w, (uint64_t)value);
}

static inline void
write_string8(struct writer *w, struct bytes text)
{
	if (text.len > UINT8_MAX) {
		w->failed = true;
		return;
	}
	write_u8(w, (uint8_t)text.len);
	write_bytes(w, text.data, text.len);
}

static inline void
write_string16(struct writer *w, struct bytes text)
{
	if (text.len > UINT16_MAX) {
		w->failed = true;
		return;
	}
	write_u16(w, (uint16_t)text.len);
	write_bytes(w, text.data, text.len);
}

/* A string whose bytes the caller sends behind what is written here. */
static inline void
write_length32(struct writer *w, size_t len)
{
	if (len > UINT32_MAX)
		w->failed = true;
	write_u32(w, (uint32_t)len);
}

#endif
