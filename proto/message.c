/* SPDX-License-Identifier: BSD-2-Clause */
#include "message.h"

/*
 * Inline, as is what reads conditions: a reader whose address goes nowhere is
 * kept in registers, which is a third of what reading a request costs.
 */
static inline __attribute__((always_inline)) struct list
take_list(struct reader *r, size_t max_count, size_t max_len)
{
	struct list list = {0, {NULL, 0}};

	/* One after the other: initializers have no order. */
	list.count = read_u8(r);
	list.items.data = r->at;
	if (list.count > max_count)
		reader_fail(r);
	for (size_t i = 0; i < list.count && !r->failed; i++) {
		struct bytes item = read_string8(r, max_len);

		if (item.len == 0)
			reader_fail(r);
		list.items.len += 1 + item.len;
	}
	if (r->failed)
		return (struct list){0, {NULL, 0}};
	return list;
}

struct list
read_list(struct reader *r, size_t max_count, size_t max_len)
{
	return take_list(r, max_count, max_len);
}

void
write_list(struct writer *w, const struct list *list)
{
	write_u8(w, list->count);
	write_bytes(w, list->items.data, list->items.len);
}

bool
list_next(struct list *list, struct bytes *item)
{
	struct reader r = reader_over(list->items.data, list->items.len);

	if (list->count == 0)
		return false;
	*item = read_string8(&r, UINT8_MAX);
	if (r.failed)
		return false;
	list->count--;
	list->items.data = r.at;
	list->items.len = r.left;
	return true;
}

bool
list_has(struct list list, struct bytes wanted)
{
	struct bytes item;

	while (list_next(&list, &item))
		if (bytes_equal(item, wanted))
			return true;
	return false;
}

/* What an asker insists on, however the key was proven. */
static void
write_conditions(struct writer *w, const struct verify_request *in)
{
	write_u8(w, in->permission);
	write_string8(w, in->account);
	write_string8(w, in->product);
	write_string8(w, in->user);
	write_string8(w, in->service);
	write_string8(w, in->endpoint);
	write_string8(w, in->address);
	write_list(w, &in->scopes);
}

static inline __attribute__((always_inline)) void
read_conditions(struct reader *r, struct verify_request *in)
{
	in->permission = read_u8(r);
	in->account = read_string8(r, SLUG_MAX_LEN);
	in->product = read_string8(r, SLUG_MAX_LEN);
	in->user = read_string8(r, USER_MAX_LEN);
	in->service = read_string8(r, SERVICE_MAX_LEN);
	in->endpoint = read_string8(r, ENDPOINT_MAX_LEN);
	in->address = read_string8(r, ADDRESS_MAX_LEN);
	in->scopes = take_list(r, SCOPES_MAX, SCOPE_MAX_LEN);
	if (in->permission > PERMISSION_WRITE ||
	    (in->address.len != 0 && in->address.len != 4 &&
		in->address.len != 16))
		reader_fail(r);
}

void
verify_request_write(struct writer *w, const struct verify_request *in)
{
	write_string16(w, in->credential);
	write_conditions(w, in);
}

bool
verify_request_read(struct bytes body, struct verify_request *out)
{
	struct reader r = reader_over(body.data, body.len);

	out->credential = read_string16(&r, CREDENTIAL_MAX_LEN);
	read_conditions(&r, out);
	if (reader_done(&r))
		return true;
	memset(out, 0, sizeof *out);
	return false;
}

void
signature_request_write(struct writer *w, const struct signature_request *in)
{
	write_string8(w, in->key_id);
	write_string8(w, in->signature);
	write_u8(w, in->has_timestamp);
	write_u64(w, (uint64_t)in->timestamp);
	write_conditions(w, &in->request);
	write_length32(w, in->payload.len);
}

bool
signature_request_read(struct bytes body, struct signature_request *out)
{
	struct reader r = reader_over(body.data, body.len);
	struct signature_request in;
	uint8_t has_timestamp;

	memset(out, 0, sizeof *out);
	memset(&in, 0, sizeof in);
	in.key_id = read_string8(&r, CLAIMED_MAX_LEN);
	in.signature = read_string8(&r, CLAIMED_MAX_LEN);
	has_timestamp = read_u8(&r);
	in.timestamp = (int64_t)read_u64(&r);
	read_conditions(&r, &in.request);
	in.payload = read_string32(&r, PAYLOAD_MAX_LEN);
	/* One encoding: where there is no timestamp it is 0. */
	if (!reader_done(&r) || has_timestamp > 1 ||
	    (has_timestamp == 0 && in.timestamp != 0))
		return false;
	in.has_timestamp = has_timestamp != 0;
	*out = in;
	return true;
}

/* Bytes of a reply before its first text. */
enum { REPLY_HEAD_LEN = 4 + 8 + 8 + 4 + 8 + 4 + 8 + 8 + 8 };

static inline void
put_reply_head(uint8_t *at, const struct verify_reply *in)
{
	struct writer w = writer_over(at, REPLY_HEAD_LEN);

	/* The compiler sees that all of it fits, and need not ask. */
	write_u8(&w, in->verdict);
	write_u8(&w, in->reason);
	write_u8(&w, in->permission);
	write_u8(&w, in->type);
	write_time(&w, in->expires_at);
	write_u64(&w, in->retry_after_ms);
	write_u32(&w, in->rate_limit);
	write_u64(&w, in->rate_per_ms);
	write_u32(&w, in->rate_remaining);
	write_u64(&w, in->quota_limit);
	write_u64(&w, in->quota_remaining);
	write_time(&w, in->quota_resets_at);
}

/* Where there is room for it; returns what is behind it. */
static inline uint8_t *
put_string8(uint8_t *at, struct bytes text)
{
	*at++ = (uint8_t)text.len;
	if (text.len > 0)
		memcpy(at, text.data, text.len);
	return at + text.len;
}

/* Room is asked for once, for all of it: asking for each text would cost a
 * verification another hundred instructions. */
void
verify_reply_write(struct writer *w, const struct verify_reply *in)
{
	size_t texts = 6 + in->id.len + in->name.len + in->account.len +
	    in->product.len + in->user.len + in->environment.len;
	size_t longest = in->id.len | in->name.len | in->account.len |
	    in->product.len | in->user.len | in->environment.len;
	uint8_t *at = longest > UINT8_MAX
	    ? NULL
	    : write_room(w, REPLY_HEAD_LEN + texts + 1 + in->scopes.items.len);

	if (at == NULL) {
		w->failed = true;
		return;
	}
	put_reply_head(at, in);
	at = put_string8(at + REPLY_HEAD_LEN, in->id);
	at = put_string8(at, in->name);
	at = put_string8(at, in->account);
	at = put_string8(at, in->product);
	at = put_string8(at, in->user);
	at = put_string8(at, in->environment);
	*at++ = in->scopes.count;
	if (in->scopes.items.len > 0)
		memcpy(at, in->scopes.items.data, in->scopes.items.len);
}

bool
verify_reply_read(struct bytes body, struct verify_reply *out)
{
	struct reader r = reader_over(body.data, body.len);
	struct verify_reply in;

	memset(out, 0, sizeof *out);
	in.verdict = read_u8(&r);
	in.reason = read_u8(&r);
	in.permission = read_u8(&r);
	in.type = read_u8(&r);
	in.expires_at = read_time(&r);
	in.retry_after_ms = read_u64(&r);
	in.rate_limit = read_u32(&r);
	in.rate_per_ms = read_u64(&r);
	in.rate_remaining = read_u32(&r);
	in.quota_limit = read_u64(&r);
	in.quota_remaining = read_u64(&r);
	in.quota_resets_at = read_time(&r);
	in.id = read_string8(&r, KEY_ID_MAX);
	in.name = read_string8(&r, NAME_MAX_LEN);
	in.account = read_string8(&r, SLUG_MAX_LEN);
	in.product = read_string8(&r, SLUG_MAX_LEN);
	in.user = read_string8(&r, USER_MAX_LEN);
	in.environment = read_string8(&r, ENVIRONMENT_MAX_LEN);
	in.scopes = read_list(&r, SCOPES_MAX, SCOPE_MAX_LEN);
	if (!reader_done(&r) || in.verdict == VERDICT_NONE ||
	    in.verdict >= VERDICT_COUNT || in.reason > REASON_SHAPE ||
	    in.permission > PERMISSION_WRITE || in.type > KEY_HMAC)
		return false;
	*out = in;
	return true;
}

void
lookup_request_write(struct writer *w, struct bytes key_id)
{
	write_string8(w, key_id);
}

bool
lookup_request_read(struct bytes body, struct bytes *key_id)
{
	struct reader r = reader_over(body.data, body.len);
	struct bytes in = read_string8(&r, KEY_ID_MAX);

	*key_id = (struct bytes){NULL, 0};
	if (!reader_done(&r))
		return false;
	*key_id = in;
	return true;
}

void
lookup_reply_write(struct writer *w, const struct lookup_reply *in)
{
	write_u8(w, in->found);
	write_u8(w, in->type);
	write_u8(w, in->active);
	write_string8(w, in->account);
	write_string8(w, in->product);
}

bool
lookup_reply_read(struct bytes body, struct lookup_reply *out)
{
	struct reader r = reader_over(body.data, body.len);
	struct lookup_reply in;

	memset(out, 0, sizeof *out);
	in.found = read_u8(&r);
	in.type = read_u8(&r);
	in.active = read_u8(&r);
	in.account = read_string8(&r, SLUG_MAX_LEN);
	in.product = read_string8(&r, SLUG_MAX_LEN);
	if (!reader_done(&r) || in.found > 1 || in.active > 1 ||
	    in.type > KEY_HMAC)
		return false;
	*out = in;
	return true;
}

bool
error_reply_read(struct bytes body, struct error_reply *out)
{
	struct reader r = reader_over(body.data, body.len);
	struct error_reply in;

	memset(out, 0, sizeof *out);
	in.error = read_u8(&r);
	in.version = read_u8(&r);
	in.text = read_string8(&r, UINT8_MAX);
	if (!reader_done(&r))
		return false;
	*out = in;
	return true;
}
