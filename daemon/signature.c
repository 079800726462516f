/* SPDX-License-Identifier: BSD-2-Clause */
#include "signature.h"

#include <string.h>

#include "proto/text.h"

_Static_assert(
    SIGNATURE_LEN == 2 * SIGNATURE_BYTES, "a signature is hexadecimal");

/* Lower-case only: there is one way to write a signature. */
static bool
digit_value(uint8_t c, unsigned *value)
{
	if (c >= '0' && c <= '9')
		*value = (unsigned)(c - '0');
	else if (c >= 'a' && c <= 'f')
		*value = (unsigned)(c - 'a' + 10);
	else
		return false;
	return true;
}

static bool
parse_signature(struct bytes text, uint8_t out[SIGNATURE_BYTES])
{
	unsigned high, low;

	if (text.len != SIGNATURE_LEN)
		return false;
	for (size_t i = 0; i < SIGNATURE_BYTES; i++) {
		if (!digit_value(text.data[2 * i], &high) ||
		    !digit_value(text.data[2 * i + 1], &low))
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool
in_window(const struct verifier *verifier,
    const struct signature_request *request, int64_t now)
{
	int64_t seconds = now / 1000;

	return !request->has_timestamp ||
	    (request->timestamp >= seconds - verifier->signature_window &&
		request->timestamp <= seconds + verifier->signature_window);
}

/* A sealed token and what it has to hash to. */
struct kept_token {
	struct bytes sealed;
	const uint8_t *hash;
};

/* Whether this token made the signature. It is in clear for no longer than
 * that takes. */
static bool
made_by(const struct verifier *verifier, const struct kept_token *kept,
    const struct signature_request *request,
    const uint8_t claimed[SIGNATURE_BYTES])
{
	char prefix[TIMESTAMP_TEXT_MAX];
	size_t prefix_len = request->has_timestamp
	    ? timestamp_text(request->timestamp, prefix)
	    : 0;
	char token[TOKEN_MAX + 1];
	size_t len = secret_unseal_token(verifier->ring, kept->sealed.data,
	    kept->sealed.len, kept->hash, token);
	uint8_t signature[SIGNATURE_BYTES];
	bool equal;

	secret_sign(token, len, prefix, prefix_len, request->payload.data,
	    request->payload.len, signature);
	secret_wipe(token, sizeof token);
	equal = secret_signature_equal(signature, claimed);
	secret_wipe(signature, sizeof signature);
	/* Without a token the HMAC's key was empty, which anybody has. */
	return equal && len > 0;
}

struct key *
signature_key(const struct verifier *verifier,
    const struct signature_request *request, int64_t now, bool *by_previous)
{
	const struct decoy *decoy = &verifier->decoy;
	struct kept_token current = {
	    {decoy->sealed, decoy->sealed_len}, decoy->hash};
	struct kept_token before = current;
	uint8_t claimed[SIGNATURE_BYTES];
	struct key_details details;
	struct key *key;
	bool known;

	*by_previous = false;
	/* Neither depends on any key, so neither tells of one. */
	if (!parse_signature(request->signature, claimed) ||
	    !in_window(verifier, request, now))
		return NULL;
	key = index_key_by_text(verifier->index,
	    (const char *)request->key_id.data, request->key_id.len);
	known = key != NULL && key->type == KEY_HMAC;
	if (known) {
		details = key_details(key);
		current = (struct kept_token){details.sealed, key->hash};
		if (key->previous != NULL && now < key->previous->until)
			before = (struct kept_token){
			    details.previous_sealed, key->previous->hash};
	}
	if (made_by(verifier, &current, request, claimed))
		return known ? key : NULL;
	/* Always a second time, so that what is wrong takes one time. */
	*by_previous = made_by(verifier, &before, request, claimed) && known;
	return *by_previous ? key : NULL;
}
