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
	TAILQ_INIT(&verifier->waiting);
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
	static struct key nobody; /* never changed */
	static const struct previous_secret none;
	bool found, right, right_before;
	struct key *key;
	uint8_t hash[TOKEN_HASH_BYTES];
	const struct previous_secret *previous;
	struct key_guess guess;

	guess = index_guess_key(verifier->index, token->id, &nobody);
	secret_hash_token(verifier->ring, token->text, token->len, hash);
	key = index_key_guessed(verifier->index, token->id, guess, &found);
	previous = key->previous != NULL ? key->previous : &none;
	/* A key that stands in for none is compared all the same. */
	right = secret_hash_equal(hash, key->hash);
	/* Who has the right one learns so from the verdict anyway. */
	right_before = !right && secret_hash_equal(hash, previous->hash) &&
	    now < previous->until;
	secret_wipe(hash, sizeof hash);
	right = right && found;
	right_before = right_before && found;
	*previous_one = right_before;
	return right || right_before ? key : NULL;
}

/* An hmac key's secret signs; presented as a token it is as unknown as any
 * other. */
struct key *
verify_token(const struct verifier *verifier, const struct token_view *token,
    int64_t now, bool *previous_one)
{
	struct key *key = verify_secret(verifier, token, now, previous_one);

	if (key != NULL && key->type == KEY_BEARER)
		return key;
	*previous_one = false;
	return NULL;
}

static void
tell_limits(const struct key_limits *limits, struct verify_reply *reply)
{
	if (limits->rate_limit != 0) {
		reply->rate_limit = limits->rate_limit;
		reply->rate_per_ms = (uint64_t)limits->rate_per_ms;
		reply->rate_remaining = rate_remaining(limits);
	}
	if (limits->quota_period != QUOTA_NONE) {
		reply->quota_limit = limits->quota_limit;
		reply->quota_remaining = quota_remaining(limits);
		reply->quota_resets_at = quota_resets_at(limits);
	}
}

/* The key whose token, made elsewhere, this is. */
static struct key *
foreign_key(const struct verifier *verifier, struct bytes token, int64_t now,
    bool *previous_one)
{
	uint8_t digest[TOKEN_DIGEST_BYTES], hash[TOKEN_HASH_BYTES];
	struct key *key;

	*previous_one = false;
	if (!index_has_foreign(verifier->index) || token.len < 1 ||
	    token.len > FOREIGN_TOKEN_MAX)
		return NULL;
	secret_digest(token.data, token.len, digest);
	secret_hash_foreign(verifier->ring, digest, hash);
	key = index_foreign_key(verifier->index, hash);
	secret_wipe(digest, sizeof digest);
	secret_wipe(hash, sizeof hash);
	if (key == NULL || (key->flags & KEY_FOREIGN) != 0)
		return key;
	*previous_one = now < key->previous->until;
	return *previous_one ? key : NULL;
}

struct key *
verify_credential(const struct verifier *verifier, struct bytes credential,
    int64_t now, bool *previous_one, enum reason *reason)
{
	struct token_view token;
	struct key *key;

	*reason =
	    token_shape((const char *)credential.data, credential.len, &token);
	if (*reason == REASON_NONE) {
		key = verify_token(verifier, &token, now, previous_one);
		/* What has the hash of a token of ours is that token, checksum
		 * and all: only of others it is worth looking at. */
		if (key != NULL || token_checksum_right(&token))
			return key;
		*reason = REASON_CHECKSUM;
	}
	key = foreign_key(verifier, credential, now, previous_one);
	if (key != NULL)
		*reason = REASON_NONE;
	return key;
}

/* Limits come last, so that what is refused spends nothing. */
static enum verdict
spend(struct key *key, int64_t now, struct verify_reply *reply)
{
	struct key_limits *limits = key->limits;
	bool has_rate, has_quota;
	enum verdict verdict = VERDICT_VALID;

	if (limits == NULL)
		return VERDICT_VALID;
	has_rate = limits->rate_limit != 0;
	has_quota = limits->quota_period != QUOTA_NONE;
	/* Both are asked before either is spent. */
	if (has_quota && !quota_left(limits, now))
		verdict = VERDICT_QUOTA_EXCEEDED;
	if (has_rate && !rate_left(limits, monotonic_ms()))
		verdict = VERDICT_RATE_LIMITED;
	if (verdict == VERDICT_VALID && has_rate)
		rate_take(limits, limits->refilled_at);
	if (verdict == VERDICT_VALID && has_quota)
		quota_take(limits);
	tell_limits(limits, reply);
	if (verdict == VERDICT_RATE_LIMITED)
		reply->retry_after_ms = rate_retry_after(limits);
	else if (verdict == VERDICT_QUOTA_EXCEEDED &&
	    reply->quota_resets_at > now)
		reply->retry_after_ms =
		    (uint64_t)(reply->quota_resets_at - now);
	return verdict;
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
	reply->account = slug_of_account(key->account);
	reply->product = slug_of_product(key->product);
	reply->user = details->user;
	reply->environment = details->environment;
	reply->scopes = details->scopes;
}

/*
 * Into the journal, before the reply is written; of a proven key, into the
 * index, too. An address that is none counts as no address.
 */
static void
note(struct verifier *verifier, struct key *key, bool by_previous,
    const struct verify_request *request, enum verdict verdict, int64_t now)
{
	struct address address = {{0}};
	struct usage_event event = {
	    .key = key,
	    .verdict = verdict,
	    .by_previous_secret = by_previous,
	    .at = now,
	    .address = &address,
	    .endpoint = request->endpoint,
	    .service = request->service,
	};

	address_from_bytes(
	    request->address.data, request->address.len, &address);
	if (key != NULL) {
		key->last_used_at = now;
		key->last_used_address = address;
		if (by_previous && key->previous != NULL) {
			key->previous->last_used_at = now;
			key->previous->last_used_address = address;
		}
	}
	usage_note(verifier->usage, &event);
	tally_note(&verifier->tally, verdict, request->service);
}

/* The verdict on a key that is proven. */
static enum verdict
judge(struct key *key, const struct verify_request *request, uid_t uid,
    int64_t now, struct verify_reply *reply, char id[KEY_ID_SIZE])
{
	struct key_details details;
	enum verdict verdict;

	key_details_head(key, &details);
	verdict = verify_decide(key, &details, request, uid, now);
	if (verdict == VERDICT_VALID)
		verdict = spend(key, now, reply);
	tell_facts(key, &details, reply, id);
	return verdict;
}

void
verify(struct verifier *verifier, const struct verify_request *request,
    uid_t uid, int64_t now, struct verify_reply *reply, char id[KEY_ID_SIZE])
{
	struct key *key;
	bool by_previous;
	enum verdict verdict;
	enum reason reason;

	memset(reply, 0, sizeof *reply);
	key = verify_credential(
	    verifier, request->credential, now, &by_previous, &reason);
	if (reason != REASON_NONE) {
		reply->reason = (uint8_t)reason;
		verdict = VERDICT_MALFORMED;
	} else {
		verdict = key == NULL
		    ? VERDICT_UNKNOWN
		    : judge(key, request, uid, now, reply, id);
	}
	reply->verdict = (uint8_t)verdict;
	note(verifier, key, by_previous, request, verdict, now);
	verify_log(
	    &verifier->log, verdict, key != NULL ? id : "", request, uid);
}

void
verify_signature(struct verifier *verifier,
    const struct signature_request *request, uid_t uid, int64_t now,
    struct verify_reply *reply, char id[KEY_ID_SIZE])
{
	bool by_previous;
	struct key *key = signature_key(verifier, request, now, &by_previous);
	enum verdict verdict = VERDICT_UNKNOWN;

	memset(reply, 0, sizeof *reply);
	if (key != NULL)
		verdict = judge(key, &request->request, uid, now, reply, id);
	reply->verdict = (uint8_t)verdict;
	note(verifier, key, by_previous, &request->request, verdict, now);
	verify_log(&verifier->log, verdict, key != NULL ? id : "",
	    &request->request, uid);
}
