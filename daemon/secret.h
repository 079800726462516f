/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All cryptography of the daemon, by libsodium: random tokens, their keyed
 * hash, their sealing, signatures, record MACs, and the wrapping of the store's
 * own keys.
 *
 * The keys live in memory that is locked, kept out of core dumps and fenced
 * by guard pages (sodium_malloc). They are never changed once made, so both
 * threads read them without a lock.
 */
#ifndef DAEMON_SECRET_H
#define DAEMON_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proto/token.h"

enum {
	SECRET_KEY_BYTES = 32,
	TOKEN_HASH_BYTES = 32,
	TOKEN_DIGEST_BYTES = 32,
	MAC_BYTES = 16,
	/* nonce, authenticator and four keys */
	WRAPPED_KEYS_BYTES = 24 + 16 + 4 * SECRET_KEY_BYTES,
	KEY_CHECK_BYTES = 16,
	/* nonce, authenticator and a token */
	SEALED_MAX = 24 + 16 + TOKEN_MAX,
	SIGNATURE_BYTES = 32,
	PIN_SALT_BYTES = 16,
	PIN_HASH_BYTES = 32,
};

/* The store's keys: separate, random, made with it, wrapped under the master
 * key in its root record. */
struct keyring;

/*
 * To be called once, before anything else. False, with a logged line, where
 * libsodium does not work. Warns where memory cannot be locked.
 */
bool secret_init(void);

/* NULL where there is no memory. Free with keyring_free(), which wipes. */
struct keyring *keyring_new(void); /* random */
void keyring_free(struct keyring *ring);

/* A value by which a wrong master key is known for what it is. */
void master_key_check(
    const uint8_t master[SECRET_KEY_BYTES], uint8_t check[KEY_CHECK_BYTES]);
void
keyring_wrap(const struct keyring *ring, const uint8_t master[SECRET_KEY_BYTES],
    uint8_t wrapped[WRAPPED_KEYS_BYTES]);
/* NULL where wrapped is not what keyring_wrap() made with this master key. */
struct keyring *keyring_unwrap(const uint8_t wrapped[WRAPPED_KEYS_BYTES],
    const uint8_t master[SECRET_KEY_BYTES]);

/* TOKEN_ID_LEN random base62 characters, each equally likely. */
void secret_random_id(char id[TOKEN_ID_LEN]);
/* The token of this ID with a new random secret. Returns its length; the
 * caller wipes it. */
size_t
secret_new_token(const char *prefix, const char *id, char token[TOKEN_MAX + 1]);

/*
 * BLAKE2b-256(hash key || token): a prefix MAC, sound for BLAKE2 (RFC 7693;
 * it has no length extension), and one compression, as both fit one block of
 * 128 bytes.
 */
void secret_hash_token(const struct keyring *ring, const char *token,
    size_t len, uint8_t hash[TOKEN_HASH_BYTES]);
/*
 * Tokens made elsewhere are known by their SHA-256 alone. What is kept is its
 * keyed hash, in which no token of ours can result: no token holds a NUL.
 */
void
secret_digest(const void *data, size_t len, uint8_t digest[TOKEN_DIGEST_BYTES]);
void secret_hash_foreign(const struct keyring *ring,
    const uint8_t digest[TOKEN_DIGEST_BYTES], uint8_t hash[TOKEN_HASH_BYTES]);
/* A value by which hashes of another store are known for what they are. */
void
secret_hash_check(const struct keyring *ring, uint8_t check[TOKEN_HASH_BYTES]);
/* Bytes of as many pairs of hexadecimal digits; false where it is not exactly
 * that. */
bool secret_from_hex(const char *text, uint8_t *out, size_t len);
/* Two digits a byte and a NUL; in a time that tells nothing of them. */
void secret_to_hex(const uint8_t *data, size_t len, char *out);

/* In a time that does not depend on where they differ. */
bool secret_hash_equal(
    const uint8_t a[TOKEN_HASH_BYTES], const uint8_t b[TOKEN_HASH_BYTES]);

/*
 * Tokens that are kept: sealed with a random nonce (secretbox). Returns the
 * length of what was written. A token begins with its key ID, so what is sealed
 * is bound to the key.
 */
size_t secret_seal_token(const struct keyring *ring, const char *token,
    size_t len, uint8_t sealed[SEALED_MAX]);
/*
 * Returns the token's length, 0 where sealed is not the token that has this
 * hash: damaged, of another store, or of another key or secret. The caller
 * wipes it; it is NUL-terminated.
 */
size_t secret_unseal_token(const struct keyring *ring, const uint8_t *sealed,
    size_t len, const uint8_t hash[TOKEN_HASH_BYTES],
    char token[TOKEN_MAX + 1]);

/* HMAC-SHA-256 (RFC 2104), keyed with the token's text, over one text and then
 * another. */
void secret_sign(const char *token, size_t token_len, const void *first,
    size_t first_len, const void *second, size_t second_len,
    uint8_t signature[SIGNATURE_BYTES]);
/* In a time that does not depend on where they differ. */
bool secret_signature_equal(
    const uint8_t a[SIGNATURE_BYTES], const uint8_t b[SIGNATURE_BYTES]);

/* Keyed BLAKE2b of what lies in the store under a name. */
void secret_mac(const struct keyring *ring, const void *name, size_t name_len,
    const void *data, size_t len, uint8_t mac[MAC_BYTES]);
/* The next one of a chain, which no data can be taken out of: its name is the
 * chain's letter, which no record's begins with, and the MAC before it, in
 * whose place it may be put. */
void secret_mac_next(const struct keyring *ring, char chain,
    const uint8_t previous[MAC_BYTES], const void *data, size_t len,
    uint8_t mac[MAC_BYTES]);

/*
 * A PIN is kept as Argon2id (64 MiB, 3 passes) of its keyed hash: neither the
 * store nor the store's keys alone are enough to guess it. The first step is
 * quick. The second takes some 100 ms, so not on the loop; it touches nothing
 * but its arguments, and is false where there is no memory.
 */
void secret_pin_digest(const struct keyring *ring, uint32_t uid,
    const char *pin, size_t len, uint8_t digest[PIN_HASH_BYTES]);
bool secret_pin_stretch(const uint8_t digest[PIN_HASH_BYTES],
    const uint8_t salt[PIN_SALT_BYTES], uint8_t hash[PIN_HASH_BYTES]);
bool secret_pin_equal(
    const uint8_t a[PIN_HASH_BYTES], const uint8_t b[PIN_HASH_BYTES]);
void secret_new_salt(uint8_t salt[PIN_SALT_BYTES]);

/*
 * A memset() that stays, since the compiler has to assume that the empty
 * statement behind it reads the memory. Inline: what a verification wipes is
 * so small that a call costs more than the wiping.
 */
static inline void
secret_wipe(void *data, size_t len)
{
	if (len > 0)
		memset(data, 0, len);
	__asm__ volatile("" : : "r"(data) : "memory");
}

#endif
