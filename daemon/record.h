/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How objects lie in keys.tdb. Pure encoding: nothing here knows tdb.
 *
 * A record has a name (one letter of kind, then what identifies it) and a
 * fixed size for its kind, so that every update happens in place, the file
 * stays as large as it is, and a revocation needs no room on a full disk:
 *
 *   version 1 | kind 1 | state 1 | 0 | sequence 8 | body | zeros | MAC 16
 *
 * The MAC covers the name and everything before it: tdb has no checksums, and
 * a record that was moved to another name is as wrong as a changed one.
 *
 *   R             root: how many records there are, and of which state
 *   A slug        account
 *   P slug        product
 *   E slug/slug   product enabled for account, or no longer
 *   K id          key: the fixed part, and as much of the details as fits
 *   X id n        more of a key's details; same sequence as its K
 *   O slot        operation: the last OPERATIONS_KEPT operation ids
 *   U uid         operator
 *   L uid slug    account an operator is limited to, or no longer
 *   N uid         PIN of an operator, or of one who always is one
 *   Q slot        outbox: a piece of a line of audit.log; see outbox.h
 *   I sequence    import: from which to which its keys were staged
 *
 * Deleted accounts, products, keys and operators stay as tombstones (state
 * deleted), so that a copy of the store which missed the deletion can learn of
 * it.
 */
#ifndef DAEMON_RECORD_H
#define DAEMON_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit_line.h"
#include "model.h"
#include "operator.h"
#include "pin.h"
#include "secret.h"

enum {
	RECORD_VERSION = 1,
	RECORD_HEADER_LEN = 12,
	RECORD_NAME_MAX = 1 + SLUG_MAX_LEN + 1 + SLUG_MAX_LEN,
	RECORD_MAX = 512,
	OPERATIONS_KEPT = 4096,
	OPERATION_ID_MAX = 64,
	OUTBOX_SLOTS = 128,
	/* Everything of a Q record but the text. */
	OUTBOX_PIECE_MAX = RECORD_MAX - RECORD_HEADER_LEN - MAC_BYTES - 12,
	/* One K and its X records. */
	KEY_RECORDS_MAX = 24,
};

enum record_kind {
	RECORD_ROOT = 'R',
	RECORD_ACCOUNT = 'A',
	RECORD_PRODUCT = 'P',
	RECORD_ENABLED = 'E',
	RECORD_KEY = 'K',
	RECORD_KEY_MORE = 'X',
	RECORD_OPERATION = 'O',
	RECORD_OPERATOR = 'U',
	RECORD_LIMIT = 'L',
	RECORD_PIN = 'N',
	RECORD_OUTBOX = 'Q',
	RECORD_IMPORT = 'I',
};

/*
 * A K record of an import is staged: it counts once an import record covers
 * its sequence, so one small record brings all of them into force. Its own
 * state stays until the key is changed, so records never get another sequence
 * but by a change.
 */
enum record_state { RECORD_LIVE = 1, RECORD_DELETED = 2, RECORD_STAGED = 3 };

struct record_name {
	uint8_t bytes[RECORD_NAME_MAX];
	uint8_t len;
};

/* An encoded record. len is the whole size, MAC included. */
struct record {
	struct record_name name;
	uint16_t len;
	uint8_t data[RECORD_MAX];
};

/* What an operation id of a caller stands for: kind and name of the object
 * changed. */
struct operation {
	char id[OPERATION_ID_MAX + 1];
	uint8_t kind; /* RECORD_ACCOUNT, _PRODUCT, _KEY or _OPERATOR */
	char object[SLUG_MAX_LEN + 1]; /* slug, a key's 12 characters, uid */
	uint32_t uid; /* of the caller: it means nothing to others */
	/* Of method and parameters: another change under this id is another
	 * change. Zeros in records of stores that did not keep it. */
	uint8_t digest[MAC_BYTES];
	int64_t at;
	uint64_t sequence;
};

/* An import that came into force. */
struct import_record {
	uint64_t first, last; /* sequences that its keys were staged with */
	uint64_t keys;
	uint32_t uid; /* whose it was */
	int64_t at;
};

struct root {
	uint64_t sequence;   /* of the last change */
	uint64_t generation; /* commits so far */
	uint64_t records;    /* beside this one */
	/* The file was at least this long when the record was written: one
	 * that is shorter was cut off. */
	uint64_t file_bytes;
	/* Of all other records together: see store_digest_toggle(). Only a MAC
	 * of it is written, so that no two copies of the file tell how it
	 * moves. */
	uint8_t digest[MAC_BYTES];
	uint8_t digest_mac[MAC_BYTES];
	int64_t created_at;
	uint8_t key_check[KEY_CHECK_BYTES];
	uint8_t wrapped[WRAPPED_KEYS_BYTES];
	struct audit_head audit; /* the last line */
	/* Changes since then that no line could be kept of. */
	uint64_t audit_omitted;
	/* Lines before this sequence were found missing in audit.log; 0:
	 * none were. */
	uint64_t audit_gap;
};

struct record_name record_name_root(void);
struct record_name record_name_operation(uint64_t sequence);

/* Encoders leave sequence and MAC to record_seal(). */
void record_from_root(struct record *record, const struct root *root);
void record_from_account(struct record *record, const struct account *account);
void record_from_product(struct record *record, const struct product *product);
void record_from_enabled(struct record *record, const struct account *account,
    const struct product *product, bool enabled);
/* Returns how many of records were filled, the K record first. A key in
 * state KEY_DELETED becomes a tombstone: its ID, and nothing else of it. */
size_t
records_from_key(struct record records[KEY_RECORDS_MAX], const struct key *key);
/* At most how many X records a key with so many bytes of details has. */
size_t key_more_count(size_t details_len);
/* Only the name is set: for erasing a key's K record, and its n-th X record. */
void record_name_key(struct record *record, const char *id);
void record_name_key_more(struct record *record, const char *id, size_t n);
void
record_from_operation(struct record *record, const struct operation *operation);

void
record_from_operator(struct record *record, const struct operator_user *user);
void record_from_limit(struct record *record, uint32_t uid,
    const struct account *account, bool limited);
void record_from_pin(struct record *record, const struct pin *pin);
void
record_from_import(struct record *record, const struct import_record *import);

/* Sets sequence and MAC: the last thing before a record is written. */
void record_seal(
    struct record *record, uint64_t sequence, const struct keyring *ring);

/* Of one that was sealed. */
static inline const uint8_t *
record_mac(const struct record *record)
{
	return record->data + record->len - MAC_BYTES;
}

/* What record_open() found, and the body's reader. */
struct record_view {
	enum record_kind kind;
	enum record_state state;
	uint64_t sequence;
	struct bytes name; /* without the kind */
	struct reader body;
	struct bytes mac;
};

/*
 * Checks size, version, kind and MAC of what lies under name. With ring NULL
 * the MAC is not checked (the root's own keys are inside it). False, and
 * *problem a short text, where something does not hold.
 */
bool record_open(struct bytes name, struct bytes data,
    const struct keyring *ring, struct record_view *view, const char **problem);

/* Decoders: false where the body is not what its kind says. */
bool record_to_root(struct record_view *view, struct root *root);
bool record_to_account(struct record_view *view, struct account *account);
bool record_to_product(struct record_view *view, struct product *product);
struct enabled_record {
	char account[SLUG_MAX_LEN + 1];
	char product[SLUG_MAX_LEN + 1];
	bool enabled;
};
bool
record_to_enabled(struct record_view *view, struct enabled_record *enabled);
bool record_to_operation(struct record_view *view, struct operation *operation);

bool record_to_operator(struct record_view *view, struct operator_user *user);
struct limit_record {
	uint32_t uid;
	char account[SLUG_MAX_LEN + 1];
	bool live;
};
bool record_to_limit(struct record_view *view, struct limit_record *limit);
bool record_to_pin(struct record_view *view, struct pin *pin);
bool record_to_import(struct record_view *view, struct import_record *import);

/* A line of audit.log, or a piece of one. of 0: the slot was never used. */
struct outbox_piece {
	uint8_t slot;
	uint64_t sequence; /* the line's */
	uint8_t n, of;     /* this piece, of so many */
	uint16_t len;
	char text[OUTBOX_PIECE_MAX];
};
void
record_from_outbox(struct record *record, const struct outbox_piece *piece);
bool record_to_outbox(struct record_view *view, struct outbox_piece *piece);

/* A K record taken apart; details is as much of them as it holds. */
struct key_record {
	char id[TOKEN_ID_LEN];
	char account[SLUG_MAX_LEN + 1];
	char product[SLUG_MAX_LEN + 1];
	bool staged;
	uint8_t type, state, permission, flags;
	uint8_t hash[TOKEN_HASH_BYTES];
	struct previous_secret previous; /* until 0: none */
	int64_t created_at, expires_at;
	struct key_limits limits;
	size_t details_len; /* of all */
	struct bytes details;
};
bool record_to_key(struct record_view *view, struct key_record *key);
struct key_more_record {
	char id[TOKEN_ID_LEN];
	uint8_t n; /* 1 for the first X record */
	struct bytes details;
};
bool record_to_key_more(struct record_view *view, struct key_more_record *more);

#endif
