/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A backup as a file: what store backup writes and --restore reads. Pure: no
 * file and no store is known here.
 *
 *   head   magic 16 | created 8 | key check 16 | wrapped keys 168 | MAC 16
 *   block  type 1 | length 4 | payload | MAC 16        (any number)
 *
 * A block's MAC is keyed with the store's record key (which is in the head,
 * under the master key) and covers the MAC before it, so nothing can be
 * changed, left out, moved or taken from another backup. The last block is of
 * another type, so neither can the end be cut off; behind it comes nothing.
 * Nothing in a block is looked at before its MAC was found right.
 *
 *   records  entries: name 1+n | length 2, 0 for one that was erased | record
 *   end      entries in all 8 | root record
 *
 * Records are as they lie in the store, each with its own MAC. One may come
 * more than once: the last one counts. The root record says how many there are
 * then, and has a MAC of all of them, so what was put together is known to be
 * the store as it was at that one moment.
 */
#ifndef DAEMON_BACKUP_FORMAT_H
#define DAEMON_BACKUP_FORMAT_H

#include "record.h"

enum {
	BACKUP_MAGIC_LEN = 16,
	BACKUP_HEAD_LEN = BACKUP_MAGIC_LEN + 8 + KEY_CHECK_BYTES +
	    WRAPPED_KEYS_BYTES + MAC_BYTES,
	BACKUP_ENTRY_MAX = 1 + RECORD_NAME_MAX + 2 + RECORD_MAX,
	BACKUP_BLOCK_HEAD_LEN = 1 + 4,
	BACKUP_PAYLOAD_MAX = 1 << 15,
	BACKUP_BLOCK_MAX =
	    BACKUP_BLOCK_HEAD_LEN + BACKUP_PAYLOAD_MAX + MAC_BYTES,
};

enum backup_block_type { BACKUP_RECORDS = 1, BACKUP_END = 2 };

/* Writing. What lies in out is to be sent and then taken out (out.len = 0). */
struct backup_writer {
	const struct keyring *ring;
	uint8_t mac[MAC_BYTES]; /* of what came before */
	uint64_t entries;
	struct writer out; /* of the caller's memory */
	size_t block;      /* where the open block begins in out */
	bool in_block;
};

/* out has to have room for BACKUP_BLOCK_MAX at each of these calls. */
void backup_write_head(
    struct backup_writer *w, const struct root *root, int64_t now);
/* Into the open block, which is begun and ended as it takes. data.len 0: it was
 * erased. False where out is full: end the block, send it, and try again. */
bool backup_write_entry(
    struct backup_writer *w, struct bytes name, struct bytes data);
void backup_end_block(struct backup_writer *w);
/* The block before is ended. root is a sealed root record. */
void backup_write_end(struct backup_writer *w, const struct record *root);

/* Reading */

struct backup_head {
	int64_t created_at;
	uint8_t key_check[KEY_CHECK_BYTES];
	uint8_t wrapped[WRAPPED_KEYS_BYTES];
};

struct backup_reader {
	const struct keyring *ring;
	uint8_t mac[MAC_BYTES];
	uint64_t entries;
};

/* False where bytes, BACKUP_HEAD_LEN of them, do not begin a backup. Its MAC is
 * not looked at yet: see backup_head_is_sealed(). */
bool backup_read_head(const uint8_t *bytes, struct backup_head *head);
/* Begins the reader where the head is as it was written. */
bool backup_head_is_sealed(
    struct backup_reader *r, const uint8_t *bytes, const struct keyring *ring);

/* What a block's first BACKUP_BLOCK_HEAD_LEN bytes say of it; false where that
 * cannot be. */
bool backup_block_head(
    const uint8_t *bytes, enum backup_block_type *type, size_t *payload_len);
/* Whether a whole block is the next one. *payload is then its contents. */
bool backup_read_block(
    struct backup_reader *r, struct bytes block, struct reader *payload);

struct backup_entry {
	struct bytes name, data; /* data.len 0: it was erased */
};
/* False at the payload's end; payload->failed where it makes no sense. */
bool backup_next_entry(struct backup_reader *r, struct reader *payload,
    struct backup_entry *entry);
/* The contents of the last block; false where they make no sense, or entries
 * are missing. */
bool backup_read_end(
    const struct backup_reader *r, struct reader *payload, struct bytes *root);

#endif
