/* SPDX-License-Identifier: BSD-2-Clause */
#include "verify.h"

#include <string.h>

#include "decide.h"
#include "instant.h"
#include "limits.h"
#include "signature.h"

void
verifier_init(
    struct verifier *verifier, struct index *index, const struct keyring *ring)
{
	struct decoy *decoy = &verifier->decoy;
	char id[TOKEN_ID_LEN], token[TOKEN_MAX + 1];
	size_t len;

	*verifier = (struct verifier){.index = index,
	    .ring = ring,
	    .signature_window = SIGNATURE_WINDOW_DEFAULT};
	tally_init(&verifier->tally);
	secret_random_id(id);
	len = secret_new_token("ak", id, token);
	secret_hash_token(ring, token, len, decoy->hash);
	decoy->sealed_len = secret_seal_token(ring, token, len, decoy->sealed);
	secret_wipe(token, sizeof token);
}

/*
 * The key a token proves to hold the secret of, or NULL. An unknown ID costs
 * the same hash and comparison as a wrong secret, so that the two are not
 * told apart by the time they take.
 */
struct key *
verify_secret(const struct verifier *verifier, const struct token_view *token,
    int64_t now, bool *previous_one)
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
	*previous_one = right_before;
	return right || right_before ? key : NULL;
}

/* An hmac key's secret signs; presented as a token it is as unknown as any
 * other. */
struct key *
verify_token(const struct verifier *verifier, const struct token_view *token,
    int64_t now)
{
	bool previous_one;
	struct key *key = verify_secret(verifier, token, now, &previous_one);

	return key != NULL && key->type == KEY_BEARER ? key : NULL;
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

/* The verdict on a key that is proven. */
static enum verdict
judge(struct key *key, const struct verify_request *request, uid_t uid,
    int64_t now, struct verify_reply *reply, char id[KEY_ID_SIZE])
{
	struct key_details details = key_details_head(key);
	enum verdict verdict = verify_decide(key, &details, request, uid, now);

	if (verdict == VERDICT_VALID)
		verdict = spend(key, reply);
	tell_facts(key, &details, reply, id);
	note_use(key, request, now);
	return verdict;
}

void
verify(struct verifier *verifier, const struct verify_request *request,
    uid_t uid, struct verify_reply *reply, char id[KEY_ID_SIZE])
{
	struct token_view token;
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
	} else {
		key = verify_token(verifier, &token, now);
		verdict = key == NULL
		    ? VERDICT_UNKNOWN
		    : judge(key, request, uid, now, reply, id);
	}
	reply->verdict = (uint8_t)verdict;
	tally_note(&verifier->tally, verdict, request->service);
}

void
verify_signature(struct verifier *verifier,
    const struct signature_request *request, uid_t uid,
    struct verify_reply *reply, char id[KEY_ID_SIZE])
{
	int64_t now = now_ms();
	struct key *key = signature_key(verifier, request, now);
	enum verdict verdict = VERDICT_UNKNOWN;

	memset(reply, 0, sizeof *reply);
	if (key != NULL)
		verdict = judge(key, &request->request, uid, now, reply, id);
	reply->verdict = (uint8_t)verdict;
	tally_note(&verifier->tally, verdict, request->request.service);
}
