/* SPDX-License-Identifier: BSD-2-Clause */
/* Signatures of hmac keys: what is good, and everything beside it. */
#include <stdio.h>

#include "daemon/instant.h"
#include "daemon/signature.h"
#include "proto/frame.h"
#include "proto/text.h"
#include "stock.h"

enum { UID = 1000 };
static const int64_t NOW = 1800000000500; /* half a second past */

struct signer {
	struct key *key;
	char token[TOKEN_MAX + 1];
	uint8_t sealed[SEALED_MAX];
	size_t sealed_len;
	char id[KEY_ID_SIZE];
};

static struct verifier verifier;
static struct keyring *ring;
static struct account *acme;
static struct product *hooks;
static struct signer one, other;
static char hex[SIGNATURE_LEN + 1];

static void
set_sealed(struct signer *signer, struct bytes sealed, struct bytes previous)
{
	struct key_details details = {
	    .name = bytes_of("hook"),
	    .created_by = bytes_of("root"),
	    .sealed = sealed,
	    .previous_sealed = previous,
	};

	stock_set_details(signer->key, &details);
}

static struct bytes
sealed_of(const struct signer *signer)
{
	return (struct bytes){signer->sealed, signer->sealed_len};
}

static const struct bytes none;

/* A new secret, as creating and rotating make it. */
static void
give_secret(struct signer *signer)
{
	size_t len = secret_new_token("hk", signer->key->id, signer->token);

	secret_hash_token(ring, signer->token, len, signer->key->hash);
	signer->sealed_len =
	    secret_seal_token(ring, signer->token, len, signer->sealed);
	set_sealed(signer, sealed_of(signer), none);
}

static void
make_signer(struct signer *signer, const char *id)
{
	signer->key = stock_key(acme, hooks, id);
	signer->key->type = KEY_HMAC;
	give_secret(signer);
	ck_assert(index_add_key(verifier.index, signer->key));
	key_id_text(signer->key, signer->id);
}

static void
with_keys(void)
{
	ring = keyring_new();
	verifier_init(&verifier, index_new(), ring);
	acme = stock_account("acme");
	hooks = stock_product("hooks", "hk");
	ck_assert(index_add_account(verifier.index, acme) &&
	    index_add_product(verifier.index, hooks) &&
	    index_enable(acme, hooks));
	make_signer(&one, "0123456789ab");
	make_signer(&other, "ba9876543210");
}

static void
without_keys(void)
{
	index_free(verifier.index);
	keyring_free(ring);
}

/* Leaves the signature in hex. */
static void
sign(const char *token, const char *prefix, struct bytes payload)
{
	uint8_t signature[SIGNATURE_BYTES];

	secret_sign(token, strlen(token), prefix, strlen(prefix), payload.data,
	    payload.len, signature);
	for (size_t i = 0; i < SIGNATURE_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", signature[i]);
}

/* "hello", signed without a timestamp. */
static struct signature_request
hello_of(const struct signer *signer)
{
	sign(signer->token, "", bytes_of("hello"));
	return (struct signature_request){
	    .key_id = bytes_of(signer->id),
	    .signature = bytes_of(hex),
	    .payload = bytes_of("hello"),
	};
}

static struct key *
found(const struct signature_request *request)
{
	bool by_previous;

	return signature_key(&verifier, request, NOW, &by_previous);
}

START_TEST(is_hmac_sha256)
{
	/* As many places have it, openssl(1) among them. */
	sign(
	    "key", "The quick brown fox ", bytes_of("jumps over the lazy dog"));
	ck_assert_str_eq(hex,
	    "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
}
END_TEST

START_TEST(good)
{
	struct signature_request request = hello_of(&one);
	struct verify_reply reply;
	char id[KEY_ID_SIZE];

	ck_assert_ptr_eq(found(&request), one.key);
	one.key->permission = PERMISSION_WRITE;
	verify_signature(&verifier, &request, UID, now_ms(), &reply, id);
	ck_assert_int_eq(reply.verdict, VERDICT_VALID);
	ck_assert_int_eq(reply.type, KEY_HMAC);
	ck_assert(bytes_equal(reply.id, bytes_of(one.id)));
	ck_assert(bytes_equal(reply.name, bytes_of("hook")));
	ck_assert_int_ne(one.key->last_used_at, 0);
	ck_assert_uint_eq(verifier.tally.verdicts[VERDICT_VALID], 1);
	/* The checks of the table hold for it, too. */
	request.request.account = bytes_of("evil");
	verify_signature(&verifier, &request, UID, now_ms(), &reply, id);
	ck_assert_int_eq(reply.verdict, VERDICT_ACCOUNT_MISMATCH);
	one.key->state = KEY_REVOKED;
	verify_signature(&verifier, &request, UID, now_ms(), &reply, id);
	ck_assert_int_eq(reply.verdict, VERDICT_REVOKED);
	/* An empty payload is one. */
	sign(one.token, "", none);
	request.payload = none;
	ck_assert_ptr_eq(found(&request), one.key);
}
END_TEST

/* Nothing is said, and nothing noted. */
static void
check_unknown(const struct signature_request *request)
{
	static const struct verify_reply empty = {.verdict = VERDICT_UNKNOWN};
	struct verify_reply reply;
	char id[KEY_ID_SIZE];

	verify_signature(&verifier, request, UID, now_ms(), &reply, id);
	ck_assert_mem_eq(&reply, &empty, sizeof reply);
	ck_assert_int_eq(one.key->last_used_at, 0);
}

START_TEST(wrong_signatures)
{
	struct signature_request request = hello_of(&one);
	char good_hex[sizeof hex], longer[CLAIMED_MAX_LEN + 1];

	memcpy(good_hex, hex, sizeof hex);
	for (size_t i = 0; i < SIGNATURE_LEN; i++) {
		hex[i] = good_hex[i] == '0' ? '1' : '0';
		check_unknown(&request);
		hex[i] = good_hex[i] >= 'a' ? (char)(good_hex[i] - 32) : 'A';
		check_unknown(&request); /* upper case */
		hex[i] = 'g';
		check_unknown(&request);
		hex[i] = good_hex[i];
	}
	for (size_t len = 0; len < SIGNATURE_LEN; len++) {
		request.signature.len = len;
		check_unknown(&request);
	}
	memset(longer, '0', sizeof longer);
	memcpy(longer, good_hex, SIGNATURE_LEN);
	for (size_t len = SIGNATURE_LEN + 1; len <= CLAIMED_MAX_LEN; len++) {
		request.signature = (struct bytes){(uint8_t *)longer, len};
		check_unknown(&request);
	}
	request = hello_of(&one);
	request.payload = bytes_of("hellO");
	check_unknown(&request);
	request.payload = bytes_of("hell");
	check_unknown(&request);
	request = hello_of(&one);
	ck_assert_ptr_eq(found(&request), one.key);
}
END_TEST

START_TEST(wrong_keys)
{
	struct signature_request request = hello_of(&one);

	request.key_id = bytes_of(other.id);
	check_unknown(&request);
	request.key_id = bytes_of("hk_000000000000");
	check_unknown(&request);
	request.key_id = bytes_of("xk_0123456789ab"); /* another prefix */
	check_unknown(&request);
	request.key_id = bytes_of("");
	check_unknown(&request);
	request.key_id = bytes_of(one.token); /* its token is not its ID */
	check_unknown(&request);
	/* One kind is never taken for another. */
	request = hello_of(&one);
	one.key->type = KEY_BEARER;
	check_unknown(&request);
	one.key->type = KEY_HMAC;
	/* What stands in for an unknown key's token signs for nobody. */
	request.key_id = bytes_of("hk_000000000000");
	sign("", "", bytes_of("hello"));
	check_unknown(&request);
}
END_TEST

START_TEST(timestamps)
{
	static const struct {
		int64_t offset;
		bool good;
	} rows[] = {{0, true}, {300, true}, {-300, true}, {301, false},
	    {-301, false}, {86400, false}};
	struct signature_request request = hello_of(&one);
	char prefix[TIMESTAMP_TEXT_MAX];

	request.has_timestamp = true;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		request.timestamp = NOW / 1000 + rows[i].offset;
		timestamp_text(request.timestamp, prefix);
		sign(one.token, prefix, bytes_of("hello"));
		ck_assert_msg((found(&request) == one.key) == rows[i].good,
		    "offset %lld", (long long)rows[i].offset);
	}
	/* Signed for a time long past or to come, however far. */
	for (int i = 0; i < 4; i++) {
		request.timestamp =
		    (const int64_t[]){0, -1, INT64_MIN, INT64_MAX}[i];
		timestamp_text(request.timestamp, prefix);
		sign(one.token, prefix, bytes_of("hello"));
		ck_assert_ptr_null(found(&request));
	}
	/* The setting. */
	request.timestamp = NOW / 1000 - 11;
	timestamp_text(request.timestamp, prefix);
	sign(one.token, prefix, bytes_of("hello"));
	ck_assert_ptr_eq(found(&request), one.key);
	verifier.signature_window = 10;
	ck_assert_ptr_null(found(&request));
	verifier.signature_window = 300;
	/* It is part of what was signed: neither changed, nor left out, nor
	 * put in. */
	request.timestamp++;
	ck_assert_ptr_null(found(&request));
	request.has_timestamp = false;
	ck_assert_ptr_null(found(&request));
	request = hello_of(&one);
	request.has_timestamp = true;
	request.timestamp = NOW / 1000;
	ck_assert_ptr_null(found(&request));
}
END_TEST

START_TEST(overlap)
{
	struct signature_request request = hello_of(&one), newer;
	struct signer old = one;
	char old_hex[sizeof hex];
	struct previous_secret *previous = calloc(1, sizeof *previous);

	memcpy(old_hex, hex, sizeof hex);
	memcpy(previous->hash, one.key->hash, TOKEN_HASH_BYTES);
	previous->until = NOW + 1;
	one.key->previous = previous;
	give_secret(&one);
	set_sealed(&one, sealed_of(&one), sealed_of(&old));
	newer = hello_of(&one);
	ck_assert_ptr_eq(found(&newer), one.key);
	request.signature = bytes_of(old_hex);
	ck_assert_ptr_eq(found(&request), one.key);
	/* To the millisecond. */
	previous->until = NOW;
	ck_assert_ptr_null(found(&request));
	ck_assert_ptr_eq(found(&newer), one.key);
	/* An overlap whose token is not kept ends, too. */
	previous->until = NOW + 1;
	set_sealed(&one, sealed_of(&one), none);
	ck_assert_ptr_null(found(&request));
	/* The two in each other's place. */
	set_sealed(&one, sealed_of(&old), sealed_of(&one));
	ck_assert_ptr_null(found(&request));
	ck_assert_ptr_null(found(&newer));
}
END_TEST

/* Whoever can write the store cannot make one key's token another's. */
START_TEST(sealed_tokens)
{
	struct signature_request mine = hello_of(&one);
	char my_hex[sizeof hex], token[TOKEN_MAX + 1];
	uint8_t damaged[SEALED_MAX], again[SEALED_MAX];
	struct keyring *strange = keyring_new();
	size_t len = strlen(one.token);

	memcpy(my_hex, hex, sizeof hex);
	mine.signature = bytes_of(my_hex);
	set_sealed(&one, sealed_of(&other), none);
	set_sealed(&other, sealed_of(&one), none);
	check_unknown(&mine);
	mine.key_id = bytes_of(other.id); /* now its sealed token signs */
	check_unknown(&mine);
	mine.key_id = bytes_of(one.id);
	for (size_t i = 0; i < one.sealed_len; i++) {
		memcpy(damaged, one.sealed, one.sealed_len);
		damaged[i] ^= 1;
		set_sealed(&one, (struct bytes){damaged, one.sealed_len}, none);
		check_unknown(&mine);
	}
	for (size_t cut = 0; cut < one.sealed_len; cut++) {
		set_sealed(&one, (struct bytes){one.sealed, cut}, none);
		check_unknown(&mine);
		/* Without a token, who signs with none is nobody. */
		sign("", "", bytes_of("hello"));
		mine.signature = bytes_of(hex);
		check_unknown(&mine);
		mine.signature = bytes_of(my_hex);
	}
	set_sealed(&one,
	    (struct bytes){
		again, secret_seal_token(strange, one.token, len, again)},
	    none);
	check_unknown(&mine);
	/* No two are alike, and each is the token. */
	ck_assert_uint_eq(
	    secret_seal_token(ring, one.token, len, again), one.sealed_len);
	ck_assert(memcmp(again, one.sealed, one.sealed_len) != 0);
	ck_assert_uint_eq(secret_unseal_token(ring, again, one.sealed_len,
			      one.key->hash, token),
	    len);
	ck_assert_str_eq(token, one.token);
	ck_assert_uint_eq(secret_unseal_token(ring, again, one.sealed_len,
			      other.key->hash, token),
	    0);
	ck_assert_str_eq(token, "");
	keyring_free(strange);
}
END_TEST

/* The plane */

enum { LONGEST = FRAME_HEADER_LEN + SIGNATURE_REQUEST_MAX };
static uint8_t in[LONGEST + 1], out[1 << 16];

static enum plane_status
receive(size_t len, size_t *used, struct writer *w)
{
	struct peer peer = {.uid = UID};
	void *session = verify_plane.opened(&verifier, NULL, &peer);
	enum plane_status status;

	*w = writer_over(out, sizeof out);
	status = verify_plane.received(
	    &verifier, session, (struct bytes){in, len}, used, w);
	verify_plane.closed(&verifier, session);
	return status;
}

/* The longest payload there may be; returns the frame's length. */
static size_t
write_longest(void)
{
	static uint8_t payload[PAYLOAD_MAX_LEN];
	struct writer w = writer_over(in, sizeof in);
	struct signature_request request;
	size_t begin = frame_begin(&w, FRAME_VERIFY_SIGNATURE, 7);

	memset(payload, 'p', sizeof payload);
	request = hello_of(&one);
	request.payload = (struct bytes){payload, sizeof payload};
	sign(one.token, "", request.payload);
	signature_request_write(&w, &request);
	write_bytes(&w, payload, sizeof payload);
	frame_end(&w, begin);
	ck_assert(!w.failed);
	return w.len;
}

START_TEST(longest_frame)
{
	size_t len = write_longest(), used;
	struct writer w;

	for (size_t cut = 0; cut < len; cut += cut < 200 ? 1 : 997) {
		ck_assert_int_eq(receive(cut, &used, &w), PLANE_MORE);
		ck_assert_uint_eq(used + w.len, 0);
		/* The server keeps as much, and no more. */
		ck_assert_uint_le(cut, verify_plane.unfinished_max);
	}
	ck_assert_int_eq(receive(len, &used, &w), PLANE_MORE);
	ck_assert_uint_eq(used, len);
	ck_assert_uint_eq(out[3], FRAME_VERIFY_SIGNATURE | FRAME_REPLY);
	ck_assert_uint_eq(out[FRAME_HEADER_LEN], VERDICT_VALID);
	ck_assert_uint_eq(verifier.tally.verdicts[VERDICT_VALID], 1);
}
END_TEST

START_TEST(too_long)
{
	struct writer w, length = writer_over(in + 8, 4);
	size_t len = write_longest(), used;

	/* Refused at its header. */
	write_u32(&length, SIGNATURE_REQUEST_MAX + 1);
	ck_assert_int_eq(receive(FRAME_HEADER_LEN, &used, &w), PLANE_CLOSE);
	ck_assert_uint_eq(out[FRAME_HEADER_LEN], FRAME_ERROR_LENGTH);
	/* A payload's length that is not that of the body. */
	write_longest();
	in[len - PAYLOAD_MAX_LEN - 1]++;
	ck_assert_int_eq(receive(len, &used, &w), PLANE_CLOSE);
	ck_assert_uint_eq(out[FRAME_HEADER_LEN], FRAME_ERROR_BODY);
	ck_assert_uint_eq(verifier.tally.verdicts[VERDICT_VALID], 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("signature");

	if (!secret_init())
		return EXIT_FAILURE;
	stock_with(with_keys, without_keys);
	stock_add(suite, "is_hmac_sha256", is_hmac_sha256);
	stock_add(suite, "good", good);
	stock_add(suite, "wrong_signatures", wrong_signatures);
	stock_add(suite, "wrong_keys", wrong_keys);
	stock_add(suite, "timestamps", timestamps);
	stock_add(suite, "overlap", overlap);
	stock_add(suite, "sealed_tokens", sealed_tokens);
	stock_add(suite, "longest_frame", longest_frame);
	stock_add(suite, "too_long", too_long);
	return suite_run(suite);
}
