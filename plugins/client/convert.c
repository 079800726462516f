/* SPDX-License-Identifier: BSD-2-Clause */
#include "convert.h"

#include <string.h>

#include "proto/verdict.h"

/* The public numbers are the wire's, so they are never translated. */
#define SAME_VERDICT(number, name, text)                          \
	_Static_assert((int)APIKEY_##name == (int)VERDICT_##name, \
	    "APIKEY_" #name " is not what the wire has");
VERDICT_LIST(SAME_VERDICT)
#undef SAME_VERDICT
#define SAME_REASON(number, name, text)                                 \
	_Static_assert((int)APIKEY_REASON_##name == (int)REASON_##name, \
	    "APIKEY_REASON_" #name " is not what the wire has");
REASON_LIST(SAME_REASON)
#undef SAME_REASON
_Static_assert((int)APIKEY_NO_ANSWER == (int)VERDICT_NONE &&
	APIKEY_QUOTA_EXCEEDED + 1 == (int)VERDICT_COUNT,
    "no verdict is missing in apikey.h");
_Static_assert((int)APIKEY_PERMISSION_NONE == (int)PERMISSION_NONE &&
	(int)APIKEY_PERMISSION_READ == (int)PERMISSION_READ &&
	(int)APIKEY_PERMISSION_WRITE == (int)PERMISSION_WRITE,
    "permissions are what the wire has");
_Static_assert((int)APIKEY_TYPE_BEARER == (int)KEY_BEARER &&
	(int)APIKEY_TYPE_HMAC == (int)KEY_HMAC,
    "key types are what the wire has");

/* A result's texts, and the longest that may come for each. */
#define TEXT_HOLDS(member, max)                                        \
	_Static_assert(                                                \
	    sizeof((struct apikey_result *)0)->member > (size_t)(max), \
	    "apikey_result." #member " is too short")
TEXT_HOLDS(id, KEY_ID_MAX);
TEXT_HOLDS(name, NAME_MAX_LEN);
TEXT_HOLDS(account, SLUG_MAX_LEN);
TEXT_HOLDS(product, SLUG_MAX_LEN);
TEXT_HOLDS(user, USER_MAX_LEN);
TEXT_HOLDS(environment, ENVIRONMENT_MAX_LEN);
TEXT_HOLDS(scopes, SCOPES_MAX *(SCOPE_MAX_LEN + 1));

/* Where the first version of each structure ends. Never to be changed. */
enum {
	REQUEST_FIRST_SIZE =
	    offsetof(struct apikey_request, scope_count) + sizeof(size_t),
	SIGNATURE_FIRST_SIZE =
	    offsetof(struct apikey_signature, timestamp) + sizeof(int64_t),
	RESULT_FIRST_SIZE = offsetof(struct apikey_result, scopes) + 2084,
	/* Above this, size was not initialised. */
	SIZE_ABSURD = 65536,
};

bool
size_fits(size_t size, size_t first, size_t align)
{
	return size >= first && size < SIZE_ABSURD && size % align == 0;
}

bool
request_size_fits(size_t size)
{
	return size_fits(
	    size, REQUEST_FIRST_SIZE, _Alignof(struct apikey_request));
}

bool
result_size_fits(size_t size)
{
	return size_fits(
	    size, RESULT_FIRST_SIZE, _Alignof(struct apikey_result));
}

/*
 * A program built for a later library may ask for a restriction that is not
 * known here. Not to look would be to let in whom it wants to keep out.
 */
static bool
asks_for_more(const void *in, size_t size, size_t known)
{
	const uint8_t *bytes = in;

	for (size_t i = known; i < size; i++)
		if (bytes[i] != 0)
			return true;
	return false;
}

static bool
text_view(const char *text, size_t max, struct bytes *out)
{
	out->data = (const uint8_t *)text;
	out->len = text == NULL ? 0 : strnlen(text, max + 1);
	return out->len <= max;
}

/* The endpoint as it is or, where it is too long, cut between two characters
 * and with an ellipsis after it. */
static struct bytes
endpoint_view(const char *endpoint, uint8_t scratch[ENDPOINT_MAX_LEN])
{
	static const char ellipsis[] = "\xe2\x80\xa6";
	size_t keep = ENDPOINT_MAX_LEN - (sizeof ellipsis - 1);
	struct bytes view;

	if (text_view(endpoint, ENDPOINT_MAX_LEN, &view))
		return view;
	/* A character has at most three bytes that continue it. */
	for (int i = 0; i < 3 && (view.data[keep] & 0xc0) == 0x80; i++)
		keep--;
	memcpy(scratch, view.data, keep);
	memcpy(scratch + keep, ellipsis, sizeof ellipsis - 1);
	return (struct bytes){scratch, keep + sizeof ellipsis - 1};
}

static bool
address_view(const char *text, struct address *scratch, struct bytes *out)
{
	*out = (struct bytes){NULL, 0};
	if (text == NULL || text[0] == '\0')
		return true;
	if (!address_parse(text, scratch))
		return false;
	*out = (struct bytes){scratch->bytes, sizeof scratch->bytes};
	return true;
}

static bool
scopes_view(const struct apikey_request *in, uint8_t scratch[SCOPE_LIST_MAX],
    struct list *out)
{
	struct writer w = writer_over(scratch, SCOPE_LIST_MAX);

	if (in->scope_count > SCOPES_MAX ||
	    (in->scope_count > 0 && in->scopes == NULL))
		return false;
	for (size_t i = 0; i < in->scope_count; i++) {
		struct bytes scope;

		/* An empty scope is a mistake, not nothing asked for. */
		if (!text_view(in->scopes[i], SCOPE_MAX_LEN, &scope) ||
		    scope.len == 0)
			return false;
		write_string8(&w, scope);
	}
	out->count = (uint8_t)in->scope_count;
	out->items = (struct bytes){scratch, w.len};
	return !w.failed;
}

bool
request_convert(const struct apikey_request *in, struct verify_request *out,
    struct request_scratch *scratch)
{
	memset(out, 0, sizeof *out);
	if (asks_for_more(in, in->size, sizeof *in) ||
	    (in->token == NULL && in->token_len > 0) ||
	    (unsigned)in->permission > PERMISSION_WRITE)
		return false;
	/* What is longer than any token is malformed, and its beginning is
	 * enough for the daemon to say and count that. */
	out->credential.data = (const uint8_t *)in->token;
	out->credential.len = in->token_len < CREDENTIAL_MAX_LEN
	    ? in->token_len
	    : CREDENTIAL_MAX_LEN;
	out->permission = (uint8_t)in->permission;
	out->endpoint = endpoint_view(in->endpoint, scratch->endpoint);
	return text_view(in->account, SLUG_MAX_LEN, &out->account) &&
	    text_view(in->product, SLUG_MAX_LEN, &out->product) &&
	    text_view(in->user, USER_MAX_LEN, &out->user) &&
	    text_view(in->service, SERVICE_MAX_LEN, &out->service) &&
	    address_view(in->address, &scratch->address, &out->address) &&
	    scopes_view(in, scratch->scopes, &out->scopes);
}

/* As long as it may be to be of use: the rest is of something wrong. */
static struct bytes
claimed_view(const char *text)
{
	struct bytes view;

	if (!text_view(text, CLAIMED_MAX_LEN, &view))
		view.len = CLAIMED_MAX_LEN;
	return view;
}

bool
signature_convert(const struct apikey_signature *in,
    const struct apikey_request *request, struct signature_request *out,
    struct request_scratch *scratch)
{
	memset(out, 0, sizeof *out);
	if (!size_fits(in->size, SIGNATURE_FIRST_SIZE,
		_Alignof(struct apikey_signature)) ||
	    asks_for_more(in, in->size, sizeof *in) ||
	    in->payload_len > PAYLOAD_MAX_LEN ||
	    (in->payload == NULL && in->payload_len > 0) ||
	    request->token_len > 0 ||
	    !request_convert(request, &out->request, scratch))
		return false;
	out->key_id = claimed_view(in->key_id);
	out->signature = claimed_view(in->signature);
	out->has_timestamp = in->has_timestamp != 0;
	out->timestamp = out->has_timestamp ? in->timestamp : 0;
	out->payload = (struct bytes){in->payload, in->payload_len};
	return true;
}

void
result_clear(struct apikey_result *result)
{
	memset((char *)result + offsetof(struct apikey_result, verdict), 0,
	    RESULT_FIRST_SIZE - offsetof(struct apikey_result, verdict));
}

bool
copy_text(char *out, struct bytes text)
{
	if (text.len == 0)
		return true;
	memcpy(out, text.data, text.len);
	return memchr(text.data, '\0', text.len) == NULL;
}

static bool
copy_scopes(char *out, struct list scopes)
{
	struct bytes scope;
	bool first = true;

	while (list_next(&scopes, &scope)) {
		if (!first)
			*out++ = ' ';
		if (!copy_text(out, scope))
			return false;
		out += scope.len;
		first = false;
	}
	return true;
}

static bool
copy_facts(const struct verify_reply *in, struct apikey_result *out)
{
	out->permission = (enum apikey_permission)in->permission;
	out->type = (enum apikey_type)in->type;
	out->expires_at = in->expires_at;
	out->retry_after_ms = in->retry_after_ms;
	out->rate_limit = in->rate_limit;
	out->rate_remaining = in->rate_remaining;
	out->rate_per_ms = in->rate_per_ms;
	out->quota_limit = in->quota_limit;
	out->quota_remaining = in->quota_remaining;
	out->quota_resets_at = in->quota_resets_at;
	return copy_text(out->id, in->id) && copy_text(out->name, in->name) &&
	    copy_text(out->account, in->account) &&
	    copy_text(out->product, in->product) &&
	    copy_text(out->user, in->user) &&
	    copy_text(out->environment, in->environment) &&
	    copy_scopes(out->scopes, in->scopes);
}

bool
result_from_verify(struct bytes body, struct apikey_result *result)
{
	struct verify_reply reply;
	bool known;

	if (!verify_reply_read(body, &reply))
		return false;
	/* Of a key whose secret was not shown there are no facts to copy, and
	 * a valid one without a name would be nobody's. */
	known = reply.verdict != VERDICT_MALFORMED &&
	    reply.verdict != VERDICT_UNKNOWN;
	if ((reply.verdict == VERDICT_VALID && reply.id.len == 0) ||
	    (known && !copy_facts(&reply, result))) {
		result_clear(result);
		return false;
	}
	result->reason = (enum apikey_reason)reply.reason;
	result->verdict = (enum apikey_verdict)reply.verdict;
	return true;
}

bool
result_from_lookup(
    struct bytes body, struct apikey_result *result, int *found, int *active)
{
	struct lookup_reply reply;

	if (!lookup_reply_read(body, &reply) || (reply.active && !reply.found))
		return false;
	if (!copy_text(result->account, reply.account) ||
	    !copy_text(result->product, reply.product)) {
		result_clear(result);
		return false;
	}
	result->type = (enum apikey_type)reply.type;
	*found = reply.found;
	*active = reply.active;
	return true;
}
