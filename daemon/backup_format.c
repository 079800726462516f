/* SPDX-License-Identifier: BSD-2-Clause */
#include "backup_format.h"

#include <string.h>

static const uint8_t magic[BACKUP_MAGIC_LEN] = "apikeyd-backup1";

enum { AT_LENGTH = 1, CHAIN = 'b' };

/* Writing */

static void
write_mac(struct backup_writer *w, size_t from)
{
	secret_mac_next(w->ring, CHAIN, w->mac, w->out.start + from,
	    w->out.len - from, w->mac);
	write_bytes(&w->out, w->mac, MAC_BYTES);
}

void
backup_write_head(struct backup_writer *w, const struct root *root, int64_t now)
{
	size_t from = w->out.len;

	memset(w->mac, 0, MAC_BYTES);
	w->entries = 0;
	write_bytes(&w->out, magic, BACKUP_MAGIC_LEN);
	write_time(&w->out, now);
	write_bytes(&w->out, root->key_check, KEY_CHECK_BYTES);
	write_bytes(&w->out, root->wrapped, WRAPPED_KEYS_BYTES);
	write_mac(w, from);
}

static void
begin_block(struct backup_writer *w, enum backup_block_type type)
{
	w->block = w->out.len;
	w->in_block = true;
	write_u8(&w->out, (uint8_t)type);
	write_u32(&w->out, 0); /* backup_end_block() knows */
}

static size_t
payload_len(const struct backup_writer *w)
{
	return w->out.len - w->block - BACKUP_BLOCK_HEAD_LEN;
}

void
backup_end_block(struct backup_writer *w)
{
	struct writer length;

	if (!w->in_block)
		return;
	length = writer_over(w->out.start + w->block + AT_LENGTH, 4);
	write_u32(&length, (uint32_t)payload_len(w));
	write_mac(w, w->block);
	w->in_block = false;
}

bool
backup_write_entry(
    struct backup_writer *w, struct bytes name, struct bytes data)
{
	if (w->in_block &&
	    payload_len(w) + BACKUP_ENTRY_MAX > BACKUP_PAYLOAD_MAX)
		backup_end_block(w);
	if (!w->in_block) {
		if (w->out.capacity - w->out.len < BACKUP_BLOCK_MAX)
			return false;
		begin_block(w, BACKUP_RECORDS);
	}
	write_string8(&w->out, name);
	write_string16(&w->out, data);
	w->entries++;
	return true;
}

void
backup_write_end(struct backup_writer *w, const struct record *root)
{
	begin_block(w, BACKUP_END);
	write_u64(&w->out, w->entries);
	write_bytes(&w->out, root->data, root->len);
	backup_end_block(w);
}

/* Reading */

bool
backup_read_head(const uint8_t *bytes, struct backup_head *head)
{
	struct reader r = reader_over(bytes, BACKUP_HEAD_LEN);
	struct bytes found = read_bytes(&r, BACKUP_MAGIC_LEN);

	head->created_at = read_time(&r);
	memcpy(head->key_check, read_bytes(&r, KEY_CHECK_BYTES).data,
	    KEY_CHECK_BYTES);
	memcpy(head->wrapped, read_bytes(&r, WRAPPED_KEYS_BYTES).data,
	    WRAPPED_KEYS_BYTES);
	return memcmp(found.data, magic, BACKUP_MAGIC_LEN) == 0;
}

/* Whether the MAC at the end of these bytes is the next one. */
static bool
is_sealed(struct backup_reader *r, const uint8_t *bytes, size_t len)
{
	const uint8_t *claimed = bytes + len - MAC_BYTES;
	uint8_t mac[MAC_BYTES];

	secret_mac_next(r->ring, CHAIN, r->mac, bytes, len - MAC_BYTES, mac);
	if (memcmp(mac, claimed, MAC_BYTES) != 0)
		return false;
	memcpy(r->mac, mac, MAC_BYTES);
	return true;
}

bool
backup_head_is_sealed(
    struct backup_reader *r, const uint8_t *bytes, const struct keyring *ring)
{
	*r = (struct backup_reader){.ring = ring};
	return is_sealed(r, bytes, BACKUP_HEAD_LEN);
}

bool
backup_block_head(
    const uint8_t *bytes, enum backup_block_type *type, size_t *len)
{
	struct reader r = reader_over(bytes, BACKUP_BLOCK_HEAD_LEN);
	uint8_t number = read_u8(&r);

	*len = read_u32(&r);
	*type = (enum backup_block_type)number;
	return (number == BACKUP_RECORDS || number == BACKUP_END) &&
	    *len <= BACKUP_PAYLOAD_MAX;
}

bool
backup_read_block(
    struct backup_reader *r, struct bytes block, struct reader *payload)
{
	size_t len;
	enum backup_block_type type;

	if (block.len < BACKUP_BLOCK_HEAD_LEN + MAC_BYTES ||
	    !backup_block_head(block.data, &type, &len) ||
	    len != block.len - BACKUP_BLOCK_HEAD_LEN - MAC_BYTES ||
	    !is_sealed(r, block.data, block.len))
		return false;
	*payload = reader_over(block.data + BACKUP_BLOCK_HEAD_LEN, len);
	return true;
}

bool
backup_next_entry(
    struct backup_reader *r, struct reader *payload, struct backup_entry *entry)
{
	if (payload->failed || payload->left == 0)
		return false;
	entry->name = read_string8(payload, RECORD_NAME_MAX);
	entry->data = read_string16(payload, RECORD_MAX);
	if (entry->name.len == 0)
		reader_fail(payload);
	r->entries++;
	return !payload->failed;
}

bool
backup_read_end(
    const struct backup_reader *r, struct reader *payload, struct bytes *root)
{
	uint64_t entries = read_u64(payload);

	*root = read_bytes(payload, payload->left);
	return !payload->failed && entries == r->entries;
}
