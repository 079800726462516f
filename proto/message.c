/* SPDX-License-Identifier: BSD-2-Clause */
#include "message.h"

struct list
read_list(struct reader *r, size_t max_count, size_t max_len)
{
	struct list list = {0, {NULL, 0}};

	/* One after the other: initializers have no order. */
	list.count = read_u8(r);
	list.items.data = r->at;
	if (list.count > max_count)
		r->failed = true;
	for (size_t i = 0; i < list.count && !r->failed; i++) {
		struct bytes item = read_string8(r, max_len);

		if (item.len == 0)
			r->failed = true;
		list.items.len += 1 + item.len;
	}
	if (r->failed)
		return (struct list){0, {NULL, 0}};
	return list;
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

static void
read_conditions(struct reader *r, struct verify_request *in)
{
	in->permission = read_u8(r);
	in->account = read_string8(r, SLUG_MAX_LEN);
	in->product = read_string8(r, SLUG_MAX_LEN);
	in->user = read_string8(r, USER_MAX_LEN);
	in->service = read_string8(r, SERVICE_MAX_LEN);
	in->endpoint = read_string8(r, ENDPOINT_MAX_LEN);
	in->address = read_string8(r, ADDRESS_MAX_LEN);
	in->scopes = read_list(r, SCOPES_MAX, SCOPE_MAX_LEN);
	if (in->permission > PERMISSION_WRITE ||
	    (in->address.len != 0 && in->address.len != 4 &&
		in->address.len != 16))
		r->failed = true;
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

void
verify_reply_write(struct writer *w, const struct verify_reply *in)
{
	uint8_t sized[4 + 8 + 8 + 4 + 8 + 4 + 8 + 8 + 8];
	struct writer head = writer_over(sized, sizeof sized);

	/* Where the compiler sees the bounds, it need not check them. */
	write_u8(&head, in->verdict);
	write_u8(&head, in->reason);
	write_u8(&head, in->permission);
	write_u8(&head, in->type);
	write_time(&head, in->expires_at);
	write_u64(&head, in->retry_after_ms);
	write_u32(&head, in->rate_limit);
	write_u64(&head, in->rate_per_ms);
	write_u32(&head, in->rate_remaining);
	write_u64(&head, in->quota_limit);
	write_u64(&head, in->quota_remaining);
	write_time(&head, in->quota_resets_at);
	write_bytes(w, sized, sizeof sized);
	write_string8(w, in->id);
	write_string8(w, in->name);
	write_string8(w, in->account);
	write_string8(w, in->product);
	write_string8(w, in->user);
	write_string8(w, in->environment);
	write_list(w, &in->scopes);
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
