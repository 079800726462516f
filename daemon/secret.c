/* SPDX-License-Identifier: BSD-2-Clause */
#include "secret.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "log.h"
#include "proto/cursor.h"

/* What is wrapped. */
struct ring_keys {
	uint8_t hash[SECRET_KEY_BYTES]; /* of tokens */
	uint8_t mac[SECRET_KEY_BYTES];  /* of records */
	uint8_t seal[SECRET_KEY_BYTES]; /* of tokens that are kept */
	uint8_t pin[SECRET_KEY_BYTES];  /* of operators' PINs */
};

struct keyring {
	struct ring_keys keys;
	/* A hash that has the hash key in it and waits for the rest: to copy it
	 * takes 140 instructions less than to begin one. */
	crypto_generichash_state hash_begun;
};

_Static_assert(SECRET_KEY_BYTES + TOKEN_MAX <= 128,
    "hash key and token are one block of BLAKE2b");
_Static_assert(WRAPPED_KEYS_BYTES ==
	crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES +
	    sizeof(struct ring_keys),
    "a wrapped keyring is a nonce and a secretbox");
enum {
	SEAL_OVERHEAD = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES,
};
_Static_assert(SEALED_MAX == SEAL_OVERHEAD + TOKEN_MAX,
    "a sealed token is a nonce and a secretbox");
_Static_assert(TOKEN_HASH_BYTES == crypto_verify_32_BYTES,
    "hashes are compared by crypto_verify_32()");
_Static_assert(SIGNATURE_BYTES == crypto_auth_hmacsha256_BYTES,
    "a signature is an HMAC-SHA-256");

bool
secret_init(void)
{
	unsigned char probe[32];

	if (sodium_init() < 0) {
		log_error("libsodium cannot be initialised");
		return false;
	}
	/* sodium_malloc() does not say when locking failed: look here. */
	if (sodium_mlock(probe, sizeof probe) != 0)
		log_warning("memory cannot be locked (%s): keys may reach swap "
			    "space; raise LimitMEMLOCK",
		    strerror(errno));
	else
		sodium_munlock(probe, sizeof probe);
	return true;
}

static struct keyring *
keyring_alloc(void)
{
	return sodium_malloc(sizeof(struct keyring));
}

/* From here on it is never changed. */
static struct keyring *
finished(struct keyring *ring)
{
	crypto_generichash_init(&ring->hash_begun, NULL, 0, TOKEN_HASH_BYTES);
	crypto_generichash_update(
	    &ring->hash_begun, ring->keys.hash, SECRET_KEY_BYTES);
	sodium_mprotect_readonly(ring);
	return ring;
}

struct keyring *
keyring_new(void)
{
	struct keyring *ring = keyring_alloc();

	if (ring == NULL)
		return NULL;
	randombytes_buf(&ring->keys, sizeof ring->keys);
	return finished(ring);
}

void
keyring_free(struct keyring *ring)
{
	sodium_free(ring); /* wipes; NULL is fine */
}

void
master_key_check(
    const uint8_t master[SECRET_KEY_BYTES], uint8_t check[KEY_CHECK_BYTES])
{
	static const char what[] = "apikeyd master key check";

	crypto_generichash(check, KEY_CHECK_BYTES, (const uint8_t *)what,
	    sizeof what - 1, master, SECRET_KEY_BYTES);
}

void
keyring_wrap(const struct keyring *ring, const uint8_t master[SECRET_KEY_BYTES],
    uint8_t wrapped[WRAPPED_KEYS_BYTES])
{
	randombytes_buf(wrapped, crypto_secretbox_NONCEBYTES);
	crypto_secretbox_easy(wrapped + crypto_secretbox_NONCEBYTES,
	    (const uint8_t *)&ring->keys, sizeof ring->keys, wrapped, master);
}

struct keyring *
keyring_unwrap(const uint8_t wrapped[WRAPPED_KEYS_BYTES],
    const uint8_t master[SECRET_KEY_BYTES])
{
	struct keyring *ring = keyring_alloc();

	if (ring == NULL)
		return NULL;
	if (crypto_secretbox_open_easy((uint8_t *)&ring->keys,
		wrapped + crypto_secretbox_NONCEBYTES,
		WRAPPED_KEYS_BYTES - crypto_secretbox_NONCEBYTES, wrapped,
		master) != 0) {
		keyring_free(ring);
		return NULL;
	}
	return finished(ring);
}

void
secret_random_id(char id[TOKEN_ID_LEN])
{
	enum { FAIR = 256 / 62 * 62 }; /* above, digits would not be equal */
	uint8_t random[2 * TOKEN_ID_LEN];
	size_t done = 0;

	/* Many at a time: each is a system call. */
	while (done < TOKEN_ID_LEN) {
		randombytes_buf(random, sizeof random);
		for (size_t i = 0; i < sizeof random && done < TOKEN_ID_LEN;
		     i++)
			if (random[i] < FAIR)
				id[done++] = base62_digit(random[i]);
	}
}

size_t
secret_new_token(const char *prefix, const char *id, char token[TOKEN_MAX + 1])
{
	uint8_t secret[TOKEN_SECRET_BYTES];
	size_t len;

	randombytes_buf(secret, sizeof secret);
	len = token_make(prefix, id, secret, token);
	secret_wipe(secret, sizeof secret);
	return len;
}

void
secret_hash_token(const struct keyring *ring, const char *token, size_t len,
    uint8_t hash[TOKEN_HASH_BYTES])
{
	crypto_generichash_state state = ring->hash_begun;

	crypto_generichash_update(&state, (const uint8_t *)token, len);
	/* Wipes what the state holds. */
	crypto_generichash_final(&state, hash, TOKEN_HASH_BYTES);
}

static void
hash_with_prefix(const struct keyring *ring, const char *prefix,
    const void *data, size_t len, uint8_t hash[TOKEN_HASH_BYTES])
{
	crypto_generichash_state state = ring->hash_begun;

	/* A NUL sets them apart. */
	crypto_generichash_update(
	    &state, (const uint8_t *)prefix, strlen(prefix) + 1);
	crypto_generichash_update(&state, data, len);
	crypto_generichash_final(&state, hash, TOKEN_HASH_BYTES);
}

void
secret_digest(const void *data, size_t len, uint8_t digest[TOKEN_DIGEST_BYTES])
{
	crypto_hash_sha256(digest, data, len);
}

void
secret_hash_foreign(const struct keyring *ring,
    const uint8_t digest[TOKEN_DIGEST_BYTES], uint8_t hash[TOKEN_HASH_BYTES])
{
	hash_with_prefix(ring, "SHA-256", digest, TOKEN_DIGEST_BYTES, hash);
}

void
secret_hash_check(const struct keyring *ring, uint8_t check[TOKEN_HASH_BYTES])
{
	hash_with_prefix(ring, "hash key", "", 0, check);
}

bool
secret_from_hex(const char *text, uint8_t *out, size_t len)
{
	size_t text_len = strlen(text), done;

	return text_len == 2 * len &&
	    sodium_hex2bin(out, len, text, text_len, NULL, &done, NULL) == 0 &&
	    done == len;
}

void
secret_to_hex(const uint8_t *data, size_t len, char *out)
{
	sodium_bin2hex(out, 2 * len + 1, data, len);
}

bool
secret_hash_equal(
    const uint8_t a[TOKEN_HASH_BYTES], const uint8_t b[TOKEN_HASH_BYTES])
{
	return crypto_verify_32(a, b) == 0;
}

size_t
secret_seal_token(const struct keyring *ring, const char *token, size_t len,
    uint8_t sealed[SEALED_MAX])
{
	randombytes_buf(sealed, crypto_secretbox_NONCEBYTES);
	crypto_secretbox_easy(sealed + crypto_secretbox_NONCEBYTES,
	    (const uint8_t *)token, len, sealed, ring->keys.seal);
	return SEAL_OVERHEAD + len;
}

size_t
secret_unseal_token(const struct keyring *ring, const uint8_t *sealed,
    size_t len, const uint8_t hash[TOKEN_HASH_BYTES], char token[TOKEN_MAX + 1])
{
	uint8_t found[TOKEN_HASH_BYTES];
	size_t token_len = len - SEAL_OVERHEAD;
	bool is_it;

	token[0] = '\0';
	if (len <= SEAL_OVERHEAD || len > SEALED_MAX ||
	    crypto_secretbox_open_easy((uint8_t *)token,
		sealed + crypto_secretbox_NONCEBYTES,
		len - crypto_secretbox_NONCEBYTES, sealed,
		ring->keys.seal) != 0)
		return 0;
	token[token_len] = '\0';
	secret_hash_token(ring, token, token_len, found);
	is_it = secret_hash_equal(found, hash);
	secret_wipe(found, sizeof found);
	if (is_it)
		return token_len;
	secret_wipe(token, token_len);
	return 0;
}

void
secret_sign(const char *token, size_t token_len, const void *first,
    size_t first_len, const void *second, size_t second_len,
    uint8_t signature[SIGNATURE_BYTES])
{
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, (const uint8_t *)token, token_len);
	crypto_auth_hmacsha256_update(&state, first, first_len);
	crypto_auth_hmacsha256_update(&state, second, second_len);
	crypto_auth_hmacsha256_final(&state, signature);
	secret_wipe(&state, sizeof state);
}

bool
secret_signature_equal(
    const uint8_t a[SIGNATURE_BYTES], const uint8_t b[SIGNATURE_BYTES])
{
	return sodium_memcmp(a, b, SIGNATURE_BYTES) == 0;
}

void
secret_mac(const struct keyring *ring, const void *name, size_t name_len,
    const void *data, size_t len, uint8_t mac[MAC_BYTES])
{
	crypto_generichash_state state;
	uint8_t name_size = (uint8_t)name_len;

	/* The length goes first, so that no name can borrow from the data. */
	crypto_generichash_init(
	    &state, ring->keys.mac, SECRET_KEY_BYTES, MAC_BYTES);
	crypto_generichash_update(&state, &name_size, 1);
	crypto_generichash_update(&state, name, name_len);
	crypto_generichash_update(&state, data, len);
	crypto_generichash_final(&state, mac, MAC_BYTES);
}

void
secret_mac_next(const struct keyring *ring, char chain,
    const uint8_t previous[MAC_BYTES], const void *data, size_t len,
    uint8_t mac[MAC_BYTES])
{
	uint8_t name[1 + MAC_BYTES] = {(uint8_t)chain};

	memcpy(name + 1, previous, MAC_BYTES);
	secret_mac(ring, name, sizeof name, data, len, mac);
}

/* PINs */

_Static_assert(PIN_SALT_BYTES == crypto_pwhash_SALTBYTES, "Argon2id's salt");

enum { PIN_PASSES = 3, PIN_MEMORY = 64 << 20 };

void
secret_pin_digest(const struct keyring *ring, uint32_t uid, const char *pin,
    size_t len, uint8_t digest[PIN_HASH_BYTES])
{
	crypto_generichash_state state;
	uint8_t bytes[4];
	struct writer w = writer_over(bytes, sizeof bytes);

	write_u32(&w, uid);
	crypto_generichash_init(
	    &state, ring->keys.pin, SECRET_KEY_BYTES, PIN_HASH_BYTES);
	/* Of a fixed size, so that the PIN is what is left. */
	crypto_generichash_update(&state, bytes, sizeof bytes);
	crypto_generichash_update(&state, (const uint8_t *)pin, len);
	crypto_generichash_final(&state, digest, PIN_HASH_BYTES);
	secret_wipe(&state, sizeof state);
}

bool
secret_pin_stretch(const uint8_t digest[PIN_HASH_BYTES],
    const uint8_t salt[PIN_SALT_BYTES], uint8_t hash[PIN_HASH_BYTES])
{
	return crypto_pwhash(hash, PIN_HASH_BYTES, (const char *)digest,
		   PIN_HASH_BYTES, salt, PIN_PASSES, PIN_MEMORY,
		   crypto_pwhash_ALG_ARGON2ID13) == 0;
}

bool
secret_pin_equal(
    const uint8_t a[PIN_HASH_BYTES], const uint8_t b[PIN_HASH_BYTES])
{
	return sodium_memcmp(a, b, PIN_HASH_BYTES) == 0;
}

void
secret_new_salt(uint8_t salt[PIN_SALT_BYTES])
{
	randombytes_buf(salt, PIN_SALT_BYTES);
}
