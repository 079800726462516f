/* SPDX-License-Identifier: BSD-2-Clause */
#include "verify.h"

#include <string.h>

#include "instant.h"
#include "limits.h"
#include "proto/frame.h"

/* The checks, each a line of the table of verdicts. */

/* What holds for every request alike. */
static enum verdict
check_standing(const struct key *key, int64_t now)
{
	if (key->state == KEY_REVOKED)
		return VERDICT_REVOKED;
	if (key->state != KEY_ACTIVE)
		return VERDICT_DISABLED;
	if (key->expires_at != 0 && now >= key->expires_at)
		return VERDICT_EXPIRED;
	if (key->account->status != ACCOUNT_APPROVED)
		return VERDICT_ACCOUNT_INACTIVE;
	if (!account_may_use(key->account, key->product))
		return VERDICT_PRODUCT_DISABLED;
	return VERDICT_VALID;
}

/* Whether the asker named something else than what the key has. */
static bool
mismatch(struct bytes wanted, struct bytes has)
{
	return wanted.len > 0 && !bytes_equal(wanted, has);
}

static bool
permitted(const struct key *key, const struct key_details *details,
    const struct verify_request *request)
{
	struct list wanted = request->scopes;
	struct bytes scope;

	if (request->permission > key->permission)
		return false;
	while (list_next(&wanted, &scope))
		if (!list_has(details->scopes, scope))
			return false;
	return true;
}

static bool
service_allowed(const struct key *key, const struct key_details *details,
    const struct verify_request *request, uid_t uid)
{
	if ((key->flags & KEY_HAS_SERVICES) != 0 &&
	    !list_has(details->services, request->service))
		return false;
	return (key->flags & KEY_HAS_CALLERS) == 0 ||
	    callers_have(details->callers, uid);
}

static bool
address_allowed(const struct key *key, const struct key_details *details,
    const struct verify_request *request)
{
	struct address address;

	if ((key->flags & KEY_ALLOWLIST_ON) == 0)
		return true;
	return address_from_bytes(
		   request->address.data, request->address.len, &address) &&
	    allowlist_has(details->allowlist, &address);
}

enum verdict
verify_decide(const struct key *key, const struct key_details *details,
    const struct verify_request *request, uid_t uid, int64_t now)
{
	enum verdict standing = check_standing(key, now);

	if (standing != VERDICT_VALID)
		return standing;
	if (mismatch(request->account, bytes_of(key->account->slug)))
		return VERDICT_ACCOUNT_MISMATCH;
	if (mismatch(request->product, bytes_of(key->product->slug)))
		return VERDICT_PRODUCT_MISMATCH;
	if (mismatch(request->user, details->user))
		return VERDICT_USER_MISMATCH;
	if (!permitted(key, details, request))
		return VERDICT_PERMISSION_DENIED;
	if (!service_allowed(key, details, request, uid))
		return VERDICT_SERVICE_DENIED;
	if (!address_allowed(key, details, request))
		return VERDICT_ADDRESS_DENIED;
	return VERDICT_VALID;
}

/*
 * The key a token proves to hold the secret of, or NULL. An unknown ID costs
 * the same hash and comparison as a wrong secret, so that the two are not
 * told apart by the time they take. An hmac key's secret signs; presented as
 * a token it is as unknown as any other.
 */
static struct key *
authenticate(
    struct verifier *verifier, const struct token_view *token, int64_t now)
{
	static const uint8_t nobody[TOKEN_HASH_BYTES];
	static const struct previous_secret none;
	struct key *key = index_key(verifier->index, token->id);
	uint8_t hash[TOKEN_HASH_BYTES];
	bool right, right_before;
	const struct previous_secret *previous =
	    key != NULL && key->previous != NULL ? key->previous : &none;

	secret_hash_token(verifier->ring, token->text, token->len, hash);
	right = secret_hash_equal(hash, key != NULL ? key->hash : nobody);
	right_before =
	    secret_hash_equal(hash, previous->hash) && now < previous->until;
	secret_wipe(hash, sizeof hash);
	if (key == NULL || key->type != KEY_BEARER)
		return NULL;
	return right || right_before ? key : NULL;
}

/* Limits come last, so that what is refused spends nothing. */
static enum verdict
spend(struct key *key, struct verify_reply *reply)
{
	struct key_limits *limits = key->limits;
	bool taken;

	if (limits == NULL || limits->rate_limit == 0)
		return VERDICT_VALID;
	taken = rate_take(limits, monotonic_ms());
	reply->rate_limit = limits->rate_limit;
	reply->rate_per_ms = (uint64_t)limits->rate_per_ms;
	reply->rate_remaining = rate_remaining(limits);
	if (taken)
		return VERDICT_VALID;
	reply->retry_after_ms = rate_retry_after(limits);
	return VERDICT_RATE_LIMITED;
}

static void
tell_facts(const struct key *key, const struct key_details *details,
    struct verify_reply *reply, char id[KEY_ID_SIZE])
{
	reply->permission = key->permission;
	reply->type = key->type;
	reply->expires_at = key->expires_at;
	reply->id = (struct bytes){(uint8_t *)id, key_id_text(key, id)};
	reply->name = details->name;
	reply->account = bytes_of(key->account->slug);
	reply->product = bytes_of(key->product->slug);
	reply->user = details->user;
	reply->environment = details->environment;
	reply->scopes = details->scopes;
}

static void
note_use(struct key *key, const struct verify_request *request, int64_t now)
{
	key->last_used_at = now;
	if (!address_from_bytes(request->address.data, request->address.len,
		&key->last_used_address))
		memset(
		    &key->last_used_address, 0, sizeof key->last_used_address);
}

void
verify(struct verifier *verifier, const struct verify_request *request,
    uid_t uid, struct verify_reply *reply, char id[KEY_ID_SIZE])
{
	struct token_view token;
	struct key_details details;
	struct key *key;
	enum verdict verdict;
	enum reason reason;
	int64_t now = now_ms();

	memset(reply, 0, sizeof *reply);
	reason = token_parse((const char *)request->credential.data,
	    request->credential.len, &token);
	if (reason != REASON_NONE) {
		reply->reason = (uint8_t)reason;
		verdict = VERDICT_MALFORMED;
	} else if ((key = authenticate(verifier, &token, now)) == NULL) {
		verdict = VERDICT_UNKNOWN;
	} else {
		details = key_details(key);
		verdict = verify_decide(key, &details, request, uid, now);
		if (verdict == VERDICT_VALID)
			verdict = spend(key, reply);
		tell_facts(key, &details, reply, id);
		note_use(key, request, now);
	}
	reply->verdict = (uint8_t)verdict;
	verifier->verdicts[verdict]++;
}

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
		reply.active = check_standing(key, now_ms()) == VERDICT_VALID;
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
verify_refuse(enum plane_refusal why, struct writer *out)
{
	frame_write_error(
	    out, 0, why == PLANE_BUSY ? FRAME_ERROR_BUSY : FRAME_ERROR_SLOW);
}

const struct plane verify_plane = {
    .name = "verify",
    .unfinished_max = FRAME_MAX,
    .refuse = verify_refuse,
    .opened = verify_opened,
    .received = verify_received,
    .closed = verify_closed,
};
