/* SPDX-License-Identifier: BSD-2-Clause */
#include "record_impl.h"

#include <string.h>

static const struct {
	enum record_kind kind;
	uint16_t size;
} sizes[] = {
    {RECORD_ROOT, 512},
    {RECORD_ACCOUNT, 320},
    {RECORD_PRODUCT, 320},
    {RECORD_ENABLED, 160},
    {RECORD_KEY, 272},
    {RECORD_KEY_MORE, 512},
    {RECORD_OPERATION, 192},
    {RECORD_OPERATOR, 160},
    {RECORD_LIMIT, 64},
    {RECORD_PIN, 128},
    {RECORD_OUTBOX, RECORD_MAX},
    {RECORD_IMPORT, 80},
};

enum { AT_SEQUENCE = 4 };

static uint16_t
size_of_kind(uint8_t kind)
{
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		if (sizes[i].kind == kind)
			return sizes[i].size;
	return 0;
}

/* Names */

struct record_name
record_name(enum record_kind kind, const void *rest, size_t len)
{
	struct record_name name = {{(uint8_t)kind}, (uint8_t)(1 + len)};

	memcpy(name.bytes + 1, rest, len);
	return name;
}

static struct record_name
name_of_slug(enum record_kind kind, const char *slug)
{
	return record_name(kind, slug, strlen(slug));
}

struct record_name
record_name_root(void)
{
	return record_name(RECORD_ROOT, "", 0);
}

struct record_name
record_name_operation(uint64_t sequence)
{
	uint16_t slot = (uint16_t)(sequence % OPERATIONS_KEPT);
	uint8_t rest[2] = {(uint8_t)(slot >> 8), (uint8_t)slot};

	return record_name(RECORD_OPERATION, rest, sizeof rest);
}

/* Encoding */

struct writer
record_begin(
    struct record *record, struct record_name name, enum record_state state)
{
	enum record_kind kind = (enum record_kind)name.bytes[0];
	struct writer w;

	memset(record, 0, sizeof *record);
	record->name = name;
	record->len = size_of_kind(name.bytes[0]);
	w = writer_over(record->data, record->len - (size_t)MAC_BYTES);
	write_u8(&w, RECORD_VERSION);
	write_u8(&w, (uint8_t)kind);
	write_u8(&w, (uint8_t)state);
	write_u8(&w, 0);
	write_u64(&w, 0); /* the sequence: record_seal() */
	return w;
}

void
record_from_root(struct record *record, const struct root *root)
{
	struct writer w = record_begin(record, record_name_root(), RECORD_LIVE);

	write_u64(&w, root->generation);
	write_u64(&w, root->records);
	write_u64(&w, root->file_bytes);
	write_bytes(&w, root->digest_mac, MAC_BYTES);
	write_time(&w, root->created_at);
	write_bytes(&w, root->key_check, KEY_CHECK_BYTES);
	write_bytes(&w, root->wrapped, WRAPPED_KEYS_BYTES);
	write_u64(&w, root->audit.sequence);
	write_bytes(&w, root->audit.mac, MAC_BYTES);
	write_u64(&w, root->audit_omitted);
	write_u64(&w, root->audit_gap);
}

void
record_from_account(struct record *record, const struct account *account)
{
	struct writer w = record_begin(record,
	    name_of_slug(RECORD_ACCOUNT, account->slug),
	    account->status == ACCOUNT_DELETED ? RECORD_DELETED : RECORD_LIVE);

	write_u8(&w, (uint8_t)account->status);
	write_time(&w, account->created_at);
	/* A tombstone keeps the slug, which is its name, and no more of whom
	 * it was. */
	if (account->status != ACCOUNT_DELETED)
		write_string8(&w, bytes_of(account->name));
}

void
record_from_product(struct record *record, const struct product *product)
{
	struct writer w =
	    record_begin(record, name_of_slug(RECORD_PRODUCT, product->slug),
		product->deleted ? RECORD_DELETED : RECORD_LIVE);

	write_u8(&w, product->recoverable);
	write_u8(&w, product->require_pin);
	write_time(&w, product->max_lifetime_ms);
	write_time(&w, product->created_at);
	write_string8(&w, bytes_of(product->prefix));
	if (!product->deleted)
		write_string8(&w, bytes_of(product->name));
}

void
record_from_enabled(struct record *record, const struct account *account,
    const struct product *product, bool enabled)
{
	char rest[RECORD_NAME_MAX];
	size_t account_len = strlen(account->slug);
	size_t product_len = strlen(product->slug);

	memcpy(rest, account->slug, account_len);
	rest[account_len] = '/';
	memcpy(rest + account_len + 1, product->slug, product_len);
	record_begin(record,
	    record_name(RECORD_ENABLED, rest, account_len + 1 + product_len),
	    enabled ? RECORD_LIVE : RECORD_DELETED);
}

void
record_from_operation(struct record *record, const struct operation *operation)
{
	struct writer w = record_begin(
	    record, record_name_operation(operation->sequence), RECORD_LIVE);

	write_u8(&w, operation->kind);
	write_time(&w, operation->at);
	write_string8(&w, bytes_of(operation->id));
	write_string8(&w, bytes_of(operation->object));
	write_u32(&w, operation->uid);
	write_bytes(&w, operation->digest, MAC_BYTES);
}

void
record_seal(
    struct record *record, uint64_t sequence, const struct keyring *ring)
{
	struct writer w = writer_over(record->data + AT_SEQUENCE, 8);
	size_t len = record->len - (size_t)MAC_BYTES;

	write_u64(&w, sequence);
	secret_mac(ring, record->name.bytes, record->name.len, record->data,
	    len, record->data + len);
}

/* Decoding */

bool
record_open(struct bytes name, struct bytes data, const struct keyring *ring,
    struct record_view *view, const char **problem)
{
	struct reader r;
	uint8_t version, kind, state;
	uint8_t mac[MAC_BYTES];
	size_t len;

	if (name.len < 1 || data.len < RECORD_HEADER_LEN + MAC_BYTES ||
	    data.len != size_of_kind(name.data[0])) {
		*problem = "wrong size";
		return false;
	}
	len = data.len - MAC_BYTES;
	r = reader_over(data.data, len);
	version = read_u8(&r);
	kind = read_u8(&r);
	state = read_u8(&r);
	read_u8(&r);
	view->sequence = read_u64(&r);
	if (ring != NULL) {
		secret_mac(ring, name.data, name.len, data.data, len, mac);
		if (memcmp(mac, data.data + len, MAC_BYTES) != 0) {
			*problem = "wrong MAC";
			return false;
		}
	}
	/* Asked after the MAC, so that damage is called damage. */
	if (version != RECORD_VERSION) {
		*problem = "made by another version of apikeyd";
		return false;
	}
	if (kind != name.data[0] ||
	    (state != RECORD_LIVE && state != RECORD_DELETED &&
		!(state == RECORD_STAGED && kind == RECORD_KEY))) {
		*problem = "wrong header";
		return false;
	}
	view->kind = (enum record_kind)kind;
	view->state = (enum record_state)state;
	view->name = (struct bytes){name.data + 1, name.len - 1};
	view->body = r;
	view->mac = (struct bytes){data.data + len, MAC_BYTES};
	return true;
}

bool
record_rest_is_zeros(const struct reader *r)
{
	for (size_t i = 0; i < r->left; i++)
		if (r->at[i] != 0)
			return false;
	return true;
}

bool
record_text(struct bytes text, char *out, size_t size)
{
	if (text.len >= size ||
	    (text.len > 0 && memchr(text.data, 0, text.len) != NULL))
		return false;
	if (text.len > 0)
		memcpy(out, text.data, text.len);
	out[text.len] = '\0';
	return true;
}

bool
record_slug(struct bytes text, char out[SLUG_MAX_LEN + 1])
{
	return record_text(text, out, SLUG_MAX_LEN + 1) && slug_valid(out);
}

bool
record_to_root(struct record_view *view, struct root *root)
{
	struct reader *r = &view->body;
	struct bytes digest, check, wrapped, mac;

	root->sequence = view->sequence;
	root->generation = read_u64(r);
	root->records = read_u64(r);
	root->file_bytes = read_u64(r);
	digest = read_bytes(r, MAC_BYTES);
	root->created_at = read_time(r);
	check = read_bytes(r, KEY_CHECK_BYTES);
	wrapped = read_bytes(r, WRAPPED_KEYS_BYTES);
	/* From here on zeros in stores that had no audit log. */
	root->audit.sequence = read_u64(r);
	mac = read_bytes(r, MAC_BYTES);
	root->audit_omitted = read_u64(r);
	root->audit_gap = read_u64(r);
	if (!record_done(r))
		return false;
	memset(root->digest, 0, MAC_BYTES); /* the loader works it out */
	memcpy(root->digest_mac, digest.data, MAC_BYTES);
	memcpy(root->key_check, check.data, KEY_CHECK_BYTES);
	memcpy(root->wrapped, wrapped.data, WRAPPED_KEYS_BYTES);
	memcpy(root->audit.mac, mac.data, MAC_BYTES);
	return true;
}

bool
record_to_account(struct record_view *view, struct account *account)
{
	struct reader *r = &view->body;
	uint8_t status = read_u8(r);

	account->created_at = read_time(r);
	account->sequence = view->sequence;
	if (!record_text(read_string8(r, NAME_MAX_LEN), account->name,
		sizeof account->name) ||
	    !record_done(r) || !record_slug(view->name, account->slug) ||
	    status < ACCOUNT_PENDING || status > ACCOUNT_DELETED)
		return false;
	account->status = (enum account_status)status;
	return true;
}

bool
record_to_product(struct record_view *view, struct product *product)
{
	struct reader *r = &view->body;

	product->recoverable = read_u8(r) != 0;
	product->require_pin = read_u8(r) != 0;
	product->max_lifetime_ms = read_time(r);
	product->created_at = read_time(r);
	product->sequence = view->sequence;
	product->deleted = view->state == RECORD_DELETED;
	return record_text(read_string8(r, TOKEN_PREFIX_MAX), product->prefix,
		   sizeof product->prefix) &&
	    record_text(read_string8(r, NAME_MAX_LEN), product->name,
		sizeof product->name) &&
	    record_done(r) && record_slug(view->name, product->slug) &&
	    token_prefix_valid(product->prefix, strlen(product->prefix));
}

bool
record_to_enabled(struct record_view *view, struct enabled_record *enabled)
{
	const uint8_t *slash = memchr(view->name.data, '/', view->name.len);
	struct bytes account, product;

	if (slash == NULL)
		return false;
	account.data = view->name.data;
	account.len = (size_t)(slash - view->name.data);
	product.data = slash + 1;
	product.len = view->name.len - account.len - 1;
	enabled->enabled = view->state == RECORD_LIVE;
	return record_done(&view->body) &&
	    record_slug(account, enabled->account) &&
	    record_slug(product, enabled->product);
}

bool
record_to_operation(struct record_view *view, struct operation *operation)
{
	struct reader *r = &view->body;
	struct bytes digest;

	operation->kind = read_u8(r);
	operation->at = read_time(r);
	operation->sequence = view->sequence;
	if (!record_text(read_string8(r, OPERATION_ID_MAX), operation->id,
		sizeof operation->id) ||
	    !record_text(read_string8(r, SLUG_MAX_LEN), operation->object,
		sizeof operation->object))
		return false;
	operation->uid = read_u32(r);
	digest = read_bytes(r, MAC_BYTES);
	if (r->failed)
		return false;
	memcpy(operation->digest, digest.data, MAC_BYTES);
	return record_done(r);
}
