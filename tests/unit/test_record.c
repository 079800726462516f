/* SPDX-License-Identifier: BSD-2-Clause */
/* How objects lie on disk: what goes in comes out, and nothing else does. */

#include "daemon/record.h"
#include "daemon/secret.h"
#include "stock.h"

static struct keyring *ring;

static void
with_ring(void)
{
	ring = keyring_new();
	ck_assert_ptr_nonnull(ring);
}

static void
without_ring(void)
{
	keyring_free(ring);
}

static struct bytes
name_of(const struct record *record)
{
	return (struct bytes){record->name.bytes, record->name.len};
}

static struct bytes
data_of(const struct record *record)
{
	return (struct bytes){record->data, record->len};
}

static bool
opens(const struct record *record, struct record_view *view)
{
	const char *problem = NULL;
	bool opened =
	    record_open(name_of(record), data_of(record), ring, view, &problem);

	ck_assert(opened == (problem == NULL));
	return opened;
}

static struct record_view
sealed_and_opened(struct record *record, uint64_t sequence)
{
	struct record_view view;

	record_seal(record, sequence, ring);
	ck_assert(opens(record, &view));
	ck_assert_uint_eq(view.sequence, sequence);
	ck_assert_uint_eq(view.kind, record->name.bytes[0]);
	return view;
}

/* Objects with everything as long as it may be. */

static struct account *
long_account(void)
{
	char slug[SLUG_MAX_LEN + 1];
	struct account *account =
	    stock_account(stock_text(slug, 'a', SLUG_MAX_LEN));

	stock_text(account->name, 'N', NAME_MAX_LEN);
	account->created_at = INT64_MAX;
	return account;
}

static struct product *
long_product(void)
{
	char slug[SLUG_MAX_LEN + 1], prefix[TOKEN_PREFIX_MAX + 1];
	struct product *product =
	    stock_product(stock_text(slug, 'p', SLUG_MAX_LEN),
		stock_text(prefix, 'x', TOKEN_PREFIX_MAX));

	stock_text(product->name, 'N', NAME_MAX_LEN);
	product->max_lifetime_ms = INT64_MAX;
	product->recoverable = product->require_pin = true;
	return product;
}

static struct key *
long_key(struct account *account, struct product *product)
{
	static struct stock_longest longest;
	struct key *key = stock_key(account, product, "0aZ9bY8cX7dW");

	stock_longest(&longest);
	stock_set_details(key, &longest.details);
	key->type = KEY_HMAC;
	key->state = KEY_REVOKED;
	key->permission = PERMISSION_WRITE;
	key->flags = KEY_HAS_USER | KEY_ALLOWLIST_ON;
	memset(key->hash, 0xe7, sizeof key->hash);
	key->created_at = INT64_MIN;
	key->expires_at = INT64_MAX;
	key->previous = calloc(1, sizeof *key->previous);
	key->limits = calloc(1, sizeof *key->limits);
	ck_assert(key->previous != NULL && key->limits != NULL);
	key->previous->until = INT64_MAX;
	memset(key->previous->hash, 0x7e, TOKEN_HASH_BYTES);
	key->limits->rate_limit = UINT32_MAX;
	key->limits->rate_per_ms = INT64_MAX;
	key->limits->quota_limit = UINT64_MAX;
	key->limits->quota_period = QUOTA_TOTAL;
	return key;
}

static struct operation
long_operation(void)
{
	struct operation operation = {
	    .kind = RECORD_KEY, .at = 17, .sequence = 4097};

	stock_text(operation.id, 'i', OPERATION_ID_MAX);
	stock_text(operation.object, 'o', SLUG_MAX_LEN);
	return operation;
}

/* One of each kind, sealed; returns how many. */
enum { ONE_OF_EACH = 6 + KEY_RECORDS_MAX };

static size_t
one_of_each(struct record records[ONE_OF_EACH])
{
	struct account *account = long_account();
	struct product *product = long_product();
	struct key *key = long_key(account, product);
	struct operation operation = long_operation();
	struct root root = {.generation = 3, .records = 9};
	size_t count = 0;

	record_from_account(&records[count++], account);
	record_from_product(&records[count++], product);
	record_from_enabled(&records[count++], account, product, true);
	record_from_operation(&records[count++], &operation);
	record_from_root(&records[count++], &root);
	count += records_from_key(&records[count], key);
	for (size_t i = 0; i < count; i++)
		record_seal(&records[i], 100 + i, ring);
	key_free(key);
	free(account);
	free(product);
	return count;
}

START_TEST(sizes_are_fixed)
{
	static const uint16_t sizes[256] = {['R'] = 512,
	    ['A'] = 320,
	    ['P'] = 320,
	    ['E'] = 160,
	    ['K'] = 272,
	    ['X'] = 512,
	    ['O'] = 192};
	struct record records[ONE_OF_EACH];
	struct account *account = stock_account("a");
	struct product *product = stock_product("p", "q");
	struct key *key = stock_key(account, product, "000000000000");
	struct operation operation = {.id = "i"};
	size_t count = one_of_each(records);

	for (size_t i = 0; i < count; i++)
		ck_assert_uint_eq(
		    records[i].len, sizes[records[i].name.bytes[0]]);
	/* The shortest ones, and tombstones. */
	record_from_account(&records[0], account);
	ck_assert_uint_eq(records[0].len, sizes['A']);
	account->status = ACCOUNT_DELETED;
	record_from_account(&records[0], account);
	ck_assert_uint_eq(records[0].len, sizes['A']);
	record_from_product(&records[0], product);
	ck_assert_uint_eq(records[0].len, sizes['P']);
	record_from_enabled(&records[0], account, product, false);
	ck_assert_uint_eq(records[0].len, sizes['E']);
	record_from_operation(&records[0], &operation);
	ck_assert_uint_eq(records[0].len, sizes['O']);
	ck_assert_uint_eq(records_from_key(records, key), 1);
	ck_assert_uint_eq(records[0].len, sizes['K']);
	key->state = KEY_DELETED;
	ck_assert_uint_eq(records_from_key(records, key), 1);
	ck_assert_uint_eq(records[0].len, sizes['K']);
	key_free(key);
	free(account);
	free(product);
}
END_TEST

START_TEST(accounts_and_products)
{
	struct account *account = long_account(), loaded = {.keys = 0};
	struct product *product = long_product(), got = {.keys = 0};
	struct record record;
	struct record_view view;

	for (int status = ACCOUNT_PENDING; status <= ACCOUNT_SUSPENDED;
	     status++) {
		account->status = (enum account_status)status;
		record_from_account(&record, account);
		view = sealed_and_opened(&record, UINT64_MAX);
		ck_assert(record_to_account(&view, &loaded));
		ck_assert_str_eq(loaded.slug, account->slug);
		ck_assert_str_eq(loaded.name, account->name);
		ck_assert_int_eq(loaded.status, status);
		ck_assert_int_eq(loaded.created_at, INT64_MAX);
		ck_assert(loaded.sequence == UINT64_MAX);
	}
	record_from_product(&record, product);
	view = sealed_and_opened(&record, 7);
	ck_assert(record_to_product(&view, &got));
	product->sequence = 7;
	product->created_at = STOCK_CREATED_AT;
	ck_assert_mem_eq(&got, product, sizeof got);
	product->recoverable = false;
	record_from_product(&record, product);
	view = sealed_and_opened(&record, 7);
	ck_assert(record_to_product(&view, &got));
	ck_assert(!got.recoverable && got.require_pin && !got.deleted);
	free(account);
	free(product);
}
END_TEST

START_TEST(enabled_operation_and_root)
{
	struct account *account = long_account();
	struct product *product = long_product();
	struct operation operation = long_operation(), got = {.kind = 0};
	struct enabled_record enabled;
	struct root root = {.generation = UINT64_MAX, .records = 5}, read;
	struct record record;
	struct record_view view;

	for (int on = 0; on < 2; on++) {
		record_from_enabled(&record, account, product, on != 0);
		ck_assert_uint_eq(record.name.len, RECORD_NAME_MAX);
		view = sealed_and_opened(&record, 1);
		ck_assert(record_to_enabled(&view, &enabled));
		ck_assert_str_eq(enabled.account, account->slug);
		ck_assert_str_eq(enabled.product, product->slug);
		ck_assert(enabled.enabled == (on != 0));
	}
	record_from_operation(&record, &operation);
	view = sealed_and_opened(&record, operation.sequence);
	ck_assert(record_to_operation(&view, &got));
	ck_assert_mem_eq(&got, &operation, sizeof got);

	memset(root.digest_mac, 1, sizeof root.digest_mac);
	memset(root.key_check, 2, sizeof root.key_check);
	memset(root.wrapped, 3, sizeof root.wrapped);
	root.created_at = -1;
	root.sequence = 12;
	memset(&read, 0, sizeof read);
	record_from_root(&record, &root);
	view = sealed_and_opened(&record, 12);
	ck_assert(record_to_root(&view, &read));
	ck_assert_mem_eq(&read, &root, sizeof read);
	free(account);
	free(product);
}
END_TEST

/* Operation names come round after OPERATIONS_KEPT, not before. */
START_TEST(operation_slots)
{
	struct record_name first = record_name_operation(0), other;

	for (uint64_t i = 1; i < OPERATIONS_KEPT; i++) {
		other = record_name_operation(i);
		ck_assert_uint_eq(other.len, first.len);
		ck_assert_mem_ne(other.bytes, first.bytes, first.len);
	}
	other = record_name_operation(OPERATIONS_KEPT);
	ck_assert_mem_eq(other.bytes, first.bytes, first.len);
}
END_TEST

static void
same_core(const struct key_record *got, const struct key *key)
{
	ck_assert_mem_eq(got->id, key->id, TOKEN_ID_LEN);
	ck_assert_str_eq(got->account, key->account->slug);
	ck_assert_str_eq(got->product, key->product->slug);
	ck_assert_uint_eq(got->type, key->type);
	ck_assert_uint_eq(got->state, key->state);
	ck_assert_uint_eq(got->permission, key->permission);
	ck_assert_uint_eq(got->flags, key->flags);
	ck_assert_mem_eq(got->hash, key->hash, TOKEN_HASH_BYTES);
	ck_assert_int_eq(got->created_at, key->created_at);
	ck_assert_int_eq(got->expires_at, key->expires_at);
	ck_assert_uint_eq(got->details_len, key->details_len);
	if (key->previous == NULL)
		ck_assert_int_eq(got->previous.until, 0);
	else
		ck_assert_mem_eq(
		    &got->previous, key->previous, sizeof got->previous);
	if (key->limits == NULL) {
		ck_assert_uint_eq(got->limits.rate_limit, 0);
		ck_assert_uint_eq(got->limits.quota_period, QUOTA_NONE);
		return;
	}
	ck_assert_uint_eq(got->limits.rate_limit, key->limits->rate_limit);
	ck_assert_int_eq(got->limits.rate_per_ms, key->limits->rate_per_ms);
	ck_assert(got->limits.quota_limit == key->limits->quota_limit);
	ck_assert_uint_eq(got->limits.quota_period, key->limits->quota_period);
}

/* Encodes, decodes and puts the details together again. */
static void
check_key(const struct key *key)
{
	struct record records[KEY_RECORDS_MAX];
	uint8_t details[KEY_DETAILS_MAX];
	struct key_more_record more;
	struct key_record core;
	struct record_view view;
	size_t count, len;

	count = records_from_key(records, key);
	ck_assert_uint_ge(count, 1);
	ck_assert_uint_le(count, KEY_RECORDS_MAX);
	ck_assert_uint_le(count - 1, key_more_count(key->details_len));
	view = sealed_and_opened(&records[0], 5);
	ck_assert(record_to_key(&view, &core));
	same_core(&core, key);
	len = core.details.len;
	memcpy(details, core.details.data, len);
	for (size_t i = 1; i < count; i++) {
		struct record named = {.len = 1};

		view = sealed_and_opened(&records[i], 5);
		ck_assert(record_to_key_more(&view, &more));
		ck_assert_uint_eq(more.n, i);
		ck_assert_mem_eq(more.id, key->id, TOKEN_ID_LEN);
		ck_assert_uint_ge(more.details.len, 1);
		ck_assert_uint_le(len + more.details.len, key->details_len);
		memcpy(details + len, more.details.data, more.details.len);
		len += more.details.len;
		record_name_key_more(&named, key->id, i);
		ck_assert_uint_eq(named.name.len, records[i].name.len);
		ck_assert_mem_eq(
		    named.name.bytes, records[i].name.bytes, named.name.len);
	}
	ck_assert_uint_eq(len, key->details_len);
	ck_assert_mem_eq(details, key->details, len);
}

/* Details of every length, behind slugs short and long. */
START_TEST(keys_of_every_length)
{
	struct account *accounts[] = {stock_account("a"), long_account()};
	struct product *products[] = {stock_product("p", "q"), long_product()};
	uint8_t noise[KEY_DETAILS_MAX];
	uint64_t seed = 3;

	suite_fill(&seed, noise, sizeof noise);
	for (size_t i = 0; i < 4; i++) {
		struct key *key = stock_key(
		    accounts[i & 1], products[i >> 1], "ABCdef012345");

		uint8_t *details = key->details;
		uint32_t details_len = key->details_len;

		key->details = noise;
		for (uint32_t len = 0; len <= KEY_DETAILS_MAX; len +=
		     len < 2000 || len > KEY_DETAILS_MAX - 600 ? 1 : 13) {
			key->details_len = len;
			check_key(key);
		}
		key->details_len = KEY_DETAILS_MAX;
		check_key(key);
		key->details = details;
		key->details_len = details_len;
		key_free(key);
	}
	for (size_t i = 0; i < 2; i++) {
		free(accounts[i]);
		free(products[i]);
	}
}
END_TEST

START_TEST(longest_key)
{
	struct account *account = long_account();
	struct product *product = long_product();
	struct key *key = long_key(account, product);

	ck_assert_uint_eq(key->details_len, KEY_DETAILS_MAX);
	check_key(key);
	key_free(key);
	free(account);
	free(product);
}
END_TEST

START_TEST(every_flipped_bit_is_seen)
{
	struct record records[ONE_OF_EACH];
	size_t count = one_of_each(records);

	for (size_t i = 0; i < count; i++) {
		struct record *r = &records[i];
		struct record_view view;

		/* All X records but the first and the last are alike. */
		if (r->name.bytes[0] == RECORD_KEY_MORE && i + 1 < count &&
		    r->name.bytes[r->name.len - 1] > 1)
			continue;
		for (size_t bit = 0; bit < 8 * (size_t)r->len; bit++) {
			r->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			ck_assert(!opens(r, &view));
			r->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		for (size_t bit = 0; bit < 8 * (size_t)r->name.len; bit++) {
			r->name.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			ck_assert(!opens(r, &view));
			r->name.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		ck_assert(opens(r, &view));
	}
}
END_TEST

START_TEST(other_names_lengths_and_keys_are_refused)
{
	struct record records[ONE_OF_EACH], moved;
	size_t count = one_of_each(records);
	struct keyring *other = keyring_new();
	struct record_view view;
	const char *problem;

	ck_assert_ptr_nonnull(other);
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < count; k++) {
			moved = records[i];
			moved.name = records[k].name;
			ck_assert(opens(&moved, &view) == (i == k));
		}
		moved = records[i];
		for (moved.len = 0; moved.len <= RECORD_MAX; moved.len++)
			ck_assert(opens(&moved, &view) ==
			    (moved.len == records[i].len));
		moved = records[i];
		moved.name.len--;
		ck_assert(!opens(&moved, &view));
		moved.name.len = 0;
		ck_assert(!opens(&moved, &view));
		problem = NULL;
		ck_assert(!record_open(name_of(&records[i]),
		    data_of(&records[i]), other, &view, &problem));
		ck_assert_str_eq(problem, "wrong MAC");
	}
	keyring_free(other);
}
END_TEST

/* A record whose MAC is right though its bytes are not what we would write. */
static void
reseal(struct record *record)
{
	size_t len = record->len - (size_t)MAC_BYTES;

	secret_mac(ring, record->name.bytes, record->name.len, record->data,
	    len, record->data + len);
}

START_TEST(headers_of_others)
{
	struct account *account = long_account();
	struct record record;
	struct record_view view;
	const char *problem = NULL;

	record_from_account(&record, account);
	record_seal(&record, 1, ring);
	record.data[0] = RECORD_VERSION + 1;
	/* Damaged, as long as the MAC does not say otherwise. */
	ck_assert(!record_open(
	    name_of(&record), data_of(&record), ring, &view, &problem));
	ck_assert_str_eq(problem, "wrong MAC");
	reseal(&record);
	ck_assert(!record_open(
	    name_of(&record), data_of(&record), ring, &view, &problem));
	ck_assert_ptr_nonnull(strstr(problem, "another version"));
	record.data[0] = RECORD_VERSION;
	record.data[1] = RECORD_PRODUCT;
	reseal(&record);
	ck_assert(!opens(&record, &view));
	record.data[1] = RECORD_ACCOUNT;
	for (unsigned state = 0; state < 256; state++) {
		record.data[2] = (uint8_t)state;
		reseal(&record);
		ck_assert(opens(&record, &view) ==
		    (state == RECORD_LIVE || state == RECORD_DELETED));
	}
	free(account);
}
END_TEST

static bool
contains(const struct record *record, const void *what, size_t len)
{
	return memmem(record->data, record->len, what, len) != NULL;
}

/* What was deleted leaves its name in the store and nothing else. */
START_TEST(tombstones_carry_nothing)
{
	struct account *account = long_account(), dead_account;
	struct product *product = long_product(), dead_product;
	struct key *key = long_key(account, product);
	struct record record, more[KEY_RECORDS_MAX];
	struct key_record dead_key;
	struct record_view view;

	key->state = KEY_DELETED;
	ck_assert_uint_eq(records_from_key(more, key), 1);
	view = sealed_and_opened(&more[0], 9);
	ck_assert_int_eq(view.state, RECORD_DELETED);
	for (size_t i = RECORD_HEADER_LEN; i < more[0].len - (size_t)MAC_BYTES;
	     i++)
		ck_assert_uint_eq(more[0].data[i], 0);
	ck_assert(record_to_key(&view, &dead_key));
	ck_assert_uint_eq(dead_key.state, KEY_DELETED);

	account->status = ACCOUNT_DELETED;
	record_from_account(&record, account);
	view = sealed_and_opened(&record, 9);
	ck_assert_int_eq(view.state, RECORD_DELETED);
	ck_assert(record_to_account(&view, &dead_account));
	ck_assert_int_eq(dead_account.status, ACCOUNT_DELETED);
	ck_assert(!contains(&record, "NN", 2));

	product->deleted = true;
	record_from_product(&record, product);
	view = sealed_and_opened(&record, 9);
	ck_assert_int_eq(view.state, RECORD_DELETED);
	ck_assert(record_to_product(&view, &dead_product));
	ck_assert(dead_product.deleted);
	ck_assert(!contains(&record, "NN", 2));
	key_free(key);
	free(account);
	free(product);
}
END_TEST

/* Whether the record, with one byte of its body set and sealed anew, still is
 * a key. */
static bool
key_with(struct record record, size_t at, uint8_t value)
{
	struct record_view view;
	struct key_record key;

	record.data[RECORD_HEADER_LEN + at] = value;
	reseal(&record);
	return opens(&record, &view) && record_to_key(&view, &key);
}

START_TEST(keys_that_make_no_sense)
{
	enum {
		AT_TYPE,
		AT_STATE,
		AT_PERMISSION,
		AT_FLAGS,
		AT_PERIOD = 4 + 32 + 8 + 32 + 8 + 8 + 4 + 8 + 8,
		AT_DETAILS_LEN,
		AT_ACCOUNT = AT_DETAILS_LEN + 2
	};
	struct account *account = stock_account("a");
	struct product *product = stock_product("p", "q");
	struct key *key = stock_key(account, product, "000000000000");
	struct record records[KEY_RECORDS_MAX];

	ck_assert_uint_eq(records_from_key(records, key), 1);
	ck_assert(key_with(records[0], AT_TYPE, KEY_BEARER));
	for (unsigned v = 0; v < 256; v++) {
		uint8_t value = (uint8_t)v;

		ck_assert(key_with(records[0], AT_TYPE, value) ==
		    (v == KEY_BEARER || v == KEY_HMAC));
		ck_assert(key_with(records[0], AT_STATE, value) ==
		    (v >= KEY_ACTIVE && v <= KEY_REVOKED));
		ck_assert(key_with(records[0], AT_PERMISSION, value) ==
		    (v == PERMISSION_READ || v == PERMISSION_WRITE));
		ck_assert(key_with(records[0], AT_PERIOD, value) ==
		    (v <= QUOTA_TOTAL));
		ck_assert(key_with(records[0], AT_DETAILS_LEN, value) ==
		    (v << 8 <= KEY_DETAILS_MAX - key->details_len));
		/* The account's length and its only letter. */
		ck_assert(key_with(records[0], AT_ACCOUNT, value) == (v == 1));
		ck_assert(key_with(records[0], AT_ACCOUNT + 1, value) ==
		    ((v >= 'a' && v <= 'z') || (v >= '0' && v <= '9')));
	}
	/* Bytes behind the last one. */
	ck_assert(!key_with(records[0], 230, 1));
	records[0].name.bytes[3] = '_';
	ck_assert(!key_with(records[0], AT_TYPE, KEY_BEARER));
	key_free(key);
	free(account);
	free(product);
}
END_TEST

START_TEST(details_are_exact)
{
	static struct stock_longest longest;
	uint8_t encoded[KEY_DETAILS_MAX + 1];
	struct writer w = writer_over(encoded, KEY_DETAILS_MAX);
	struct key_details details;

	stock_longest(&longest);
	key_details_write(&w, &longest.details);
	ck_assert(!w.failed);
	ck_assert_uint_eq(w.len, KEY_DETAILS_MAX);
	ck_assert(key_details_read((struct bytes){encoded, w.len}, &details));
	ck_assert(bytes_equal(details.name, longest.details.name));
	ck_assert(bytes_equal(details.sealed, longest.details.sealed));
	ck_assert(bytes_equal(
	    details.previous_sealed, longest.details.previous_sealed));
	ck_assert_uint_eq(details.allowlist.count, ALLOW_MAX);
	ck_assert_uint_eq(details.callers.count, CALLERS_MAX);
	ck_assert(callers_have(details.callers, UINT32_MAX - CALLERS_MAX + 1));
	ck_assert(!callers_have(details.callers, 0));
	ck_assert_int_eq(details.state_at, INT64_MIN);
	for (size_t len = 0; len < KEY_DETAILS_MAX; len++)
		ck_assert(
		    !key_details_read((struct bytes){encoded, len}, &details));
	encoded[KEY_DETAILS_MAX] = 0;
	ck_assert(!key_details_read(
	    (struct bytes){encoded, KEY_DETAILS_MAX + 1}, &details));
}
END_TEST

/* Lists whose strings are well-formed but no entries. */
START_TEST(entries_are_checked)
{
	uint8_t item[ALLOW_ITEM_MAX + 1] = {ALLOW_ITEM_MIN}, encoded[200];
	struct key_details details = {.allowlist = {1, {item, 18}}};
	struct writer w;

	for (unsigned prefix = 0; prefix < 256; prefix++) {
		item[17] = (uint8_t)prefix;
		w = writer_over(encoded, sizeof encoded);
		key_details_write(&w, &details);
		ck_assert(key_details_read((struct bytes){encoded, w.len},
			      &(struct key_details){.state_at = 0}) ==
		    (prefix <= 128));
	}
	item[17] = 0;
	for (uint8_t len = 1; len < ALLOW_ITEM_MIN; len++) {
		item[0] = len;
		details.allowlist.items.len = 1 + (size_t)len;
		w = writer_over(encoded, sizeof encoded);
		key_details_write(&w, &details);
		ck_assert(!key_details_read((struct bytes){encoded, w.len},
		    &(struct key_details){.state_at = 0}));
		details.callers = details.allowlist;
		details.allowlist = (struct list){0, {NULL, 0}};
		w = writer_over(encoded, sizeof encoded);
		key_details_write(&w, &details);
		ck_assert(
		    key_details_read((struct bytes){encoded, w.len},
			&(struct key_details){.state_at = 0}) == (len >= 4));
		details.allowlist = details.callers;
		details.callers = (struct list){0, {NULL, 0}};
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("record");

	if (!secret_init())
		return EXIT_FAILURE;
	stock_with(with_ring, without_ring);
	stock_add(suite, "sizes_are_fixed", sizes_are_fixed);
	stock_add(suite, "accounts_and_products", accounts_and_products);
	stock_add(
	    suite, "enabled_operation_and_root", enabled_operation_and_root);
	stock_add(suite, "operation_slots", operation_slots);
	stock_add(suite, "keys_of_every_length", keys_of_every_length);
	stock_add(suite, "longest_key", longest_key);
	stock_add(
	    suite, "every_flipped_bit_is_seen", every_flipped_bit_is_seen);
	stock_add(suite, "other_names_lengths_and_keys_are_refused",
	    other_names_lengths_and_keys_are_refused);
	stock_add(suite, "headers_of_others", headers_of_others);
	stock_add(suite, "tombstones_carry_nothing", tombstones_carry_nothing);
	stock_add(suite, "keys_that_make_no_sense", keys_that_make_no_sense);
	stock_add(suite, "details_are_exact", details_are_exact);
	stock_add(suite, "entries_are_checked", entries_are_checked);
	return suite_run(suite);
}
