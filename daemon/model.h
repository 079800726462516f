/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the daemon keeps: accounts, products, keys. These structures are what
 * verification reads; record.h says how they lie on disk.
 *
 * Times are Unix milliseconds, 0 where there is none.
 */
#ifndef DAEMON_MODEL_H
#define DAEMON_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/cursor.h"
#include "proto/message.h"
#include "proto/text.h"
#include "proto/token.h"
#include "secret.h"

enum account_status {
	ACCOUNT_PENDING = 1,
	ACCOUNT_APPROVED,
	ACCOUNT_SUSPENDED,
	ACCOUNT_DELETED, /* a tombstone: on disk only */
};

struct product {
	char slug[SLUG_MAX_LEN + 1];
	char name[NAME_MAX_LEN + 1];
	char prefix[TOKEN_PREFIX_MAX + 1];
	bool recoverable;
	bool require_pin;
	bool deleted;     /* a tombstone: on disk only */
	uint8_t slug_len; /* set by the index */
	int64_t max_lifetime_ms;
	int64_t created_at;
	uint64_t sequence; /* of its last change */
	uint32_t keys;     /* that exist */
	uint32_t staged;   /* of them, by an import that goes on */
	uint64_t usage_id; /* slug_id(); set by the index */
};

struct account {
	char slug[SLUG_MAX_LEN + 1];
	char name[NAME_MAX_LEN + 1];
	enum account_status status;
	uint8_t slug_len; /* set by the index */
	int64_t created_at;
	uint64_t sequence;
	uint64_t usage_id; /* slug_id(); set by the index */
	uint32_t keys;
	uint32_t staged; /* of them, by an import that goes on */
	uint32_t enabled_count, enabled_capacity;
	struct product **enabled; /* products it may have keys for */
};

enum key_state {
	KEY_ACTIVE = 1,
	KEY_DISABLED,
	KEY_REVOKED,
	KEY_DELETED, /* a tombstone: on disk only */
};

/* What a key is restricted by; a bit spares verification looking. */
enum key_flag {
	KEY_HAS_USER = 1,
	KEY_HAS_SERVICES = 2,
	KEY_HAS_CALLERS = 4,
	KEY_ALLOWLIST_ON = 8,
	/* The hash is that of the SHA-256 of a token made elsewhere; the same
	 * of the secret before. */
	KEY_FOREIGN = 16,
	KEY_WAS_FOREIGN = 32,
	KEY_STAGED = 64, /* in memory alone: of an import, see index.h */
};

/* A secret that holds on for a while after a rotation. */
struct previous_secret {
	int64_t until;
	uint8_t hash[TOKEN_HASH_BYTES];
	/* In memory alone: since it is the previous one. */
	int64_t last_used_at;
	struct address last_used_address;
};

/* Rate: a bucket of limit calls, refilled with limit calls every per_ms.
 * Quota: so many calls in a day or a month of UTC, or in all. */
struct key_limits {
	uint32_t rate_limit;  /* 0: none */
	uint8_t quota_period; /* enum quota_period */
	int64_t rate_per_ms;
	uint64_t quota_limit;
	/* From here on: how things stand, in memory alone. */
	int64_t refilled_at;                   /* monotonic ms */
	__extension__ unsigned __int128 level; /* calls times rate_per_ms */
	/* As usage keeps them. */
	int64_t quota_start; /* of the period, Unix ms */
	uint64_t quota_used; /* in it */
};

/*
 * The part of a key that has no fixed size, as one encoded string: see
 * key_details. It is read in place.
 */
struct key {
	/* What every verification looks at, in as few cache lines as it goes.
	 */
	char id[TOKEN_ID_LEN];
	uint8_t type;       /* enum key_type */
	uint8_t state;      /* enum key_state */
	uint8_t permission; /* enum permission */
	uint8_t flags;      /* enum key_flag */
	uint8_t hash[TOKEN_HASH_BYTES];
	struct account *account;
	struct product *product;
	uint8_t *details; /* key_new_details() */
	int64_t expires_at;
	struct key_limits *limits;        /* NULL: none */
	struct previous_secret *previous; /* NULL: none */
	int64_t last_used_at;
	struct address last_used_address;
	/* From here on: for other purposes. */
	uint32_t details_len;
	uint32_t position; /* in the index's list */
	int64_t created_at;
	uint64_t sequence;
};

/*
 * The details, decoded to views. Lists hold:
 *   scopes    the scope's text
 *   services  the service's text
 *   callers   4 bytes of uid, then the login it was named by
 *   allowlist 16 bytes of network, 1 of prefix length, then the label
 */
struct key_details {
	struct bytes name, environment, user;
	struct list scopes, services, callers, allowlist;
	struct bytes created_by;
	int64_t rotated_at;
	int64_t state_at; /* when disabled, enabled or revoked */
	struct bytes revoked_reason;
	/*
	 * Sealed tokens, of hmac keys and of those for recoverable products;
	 * else empty. That of the secret before counts until previous->until.
	 */
	struct bytes sealed, previous_sealed;
};

enum {
	LOGIN_MAX_LEN = USER_MAX_LEN,
	CALLER_ITEM_MAX = 4 + LOGIN_MAX_LEN,
	ALLOW_ITEM_MIN = 16 + 1,
	ALLOW_ITEM_MAX = ALLOW_ITEM_MIN + LABEL_MAX_LEN,
	REASON_MAX_LEN = 128,
	KEY_DETAILS_MAX = (1 + NAME_MAX_LEN) + (1 + ENVIRONMENT_MAX_LEN) +
	    (1 + USER_MAX_LEN) + (1 + LOGIN_MAX_LEN) + 1 + SCOPE_LIST_MAX + 1 +
	    SERVICES_MAX * (1 + SERVICE_MAX_LEN) + 1 +
	    CALLERS_MAX * (1 + CALLER_ITEM_MAX) + 1 +
	    ALLOW_MAX * (1 + ALLOW_ITEM_MAX) + 8 + 8 + (1 + REASON_MAX_LEN) +
	    2 * (1 + SEALED_MAX),
};

void key_details_write(struct writer *w, const struct key_details *details);
/* False where the bytes are not exactly one set of details. */
bool key_details_read(struct bytes encoded, struct key_details *details);
/* Of a key in memory, whose details were checked when they got there. */
struct key_details key_details(const struct key *key);
/* Of the same only what a verification looks at: all up to the allow-list, and
 * services, callers and allow-list only of a key that is restricted by one of
 * them; else they are empty. The rest stays as it was. */
void key_details_head(const struct key *key, struct key_details *details);

/* One allow-list entry out of its list item, and into one. */
struct allow_entry {
	struct cidr cidr;
	struct bytes label;
};
bool allow_entry_read(struct bytes item, struct allow_entry *entry);
/* Appends an item, its length before it, as lists want it. */
void allow_entry_write(struct writer *w, const struct allow_entry *entry);
bool allowlist_has(struct list allowlist, const struct address *address);

struct caller {
	uint32_t uid;
	struct bytes login;
};
bool caller_read(struct bytes item, struct caller *caller);
void caller_write(struct writer *w, const struct caller *caller);
bool callers_have(struct list callers, uint32_t uid);

enum { KEY_ID_SIZE = KEY_ID_MAX + 1 };
static inline struct bytes
slug_of_account(const struct account *account)
{
	return (struct bytes){
	    (const uint8_t *)account->slug, account->slug_len};
}

static inline struct bytes
slug_of_product(const struct product *product)
{
	return (struct bytes){
	    (const uint8_t *)product->slug, product->slug_len};
}

/* PREFIX_ID, NUL-terminated; returns its length. */
size_t key_id_text(const struct key *key, char out[KEY_ID_SIZE]);

/* "active", "disabled", "revoked" or "expired" at this time. */
const char *key_status_text(const struct key *key, int64_t now);
const char *account_status_text(enum account_status status);

/* A number for a slug, by which usage knows accounts and products. */
uint64_t slug_id(const char *slug);

bool
account_may_use(const struct account *account, const struct product *product);

/*
 * A key of zeros, and room for its details, of zeros as well, in the place of
 * what it had. NULL where there is no memory. Keys are the loop's, also those
 * that are in no index yet.
 */
struct key *key_new(void);
uint8_t *key_new_details(struct key *key, size_t len);
/* Frees what a key owns, and the key. */
void key_free(struct key *key);

#endif
