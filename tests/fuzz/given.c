/* SPDX-License-Identifier: BSD-2-Clause */
#include "given.h"

#include "daemon/record_impl.h"
#include "daemon/store_tdb.h"

void
given_read(struct given *given, struct reader *r)
{
	given->count = 0;
	while (r->left > 0 && !r->failed) {
		struct bytes name = read_string8(r, UINT8_MAX);
		struct bytes data;

		if (name.len == 0)
			break;
		data = read_string16(r, UINT16_MAX);
		given_put(given, name, data);
	}
}

struct record *
given_find(struct given *given, struct bytes name)
{
	for (size_t i = 0; i < given->count; i++) {
		struct record *record = &given->records[i];

		if (bytes_equal(name,
			(struct bytes){record->name.bytes, record->name.len}))
			return record;
	}
	return NULL;
}

struct record *
given_put(struct given *given, struct bytes name, struct bytes data)
{
	static const char kinds[] = "RAPEKXOULNQI";
	struct record_name copied = {.len = (uint8_t)name.len};
	struct record *record = given_find(given, name);
	size_t len;

	if (name.len < 1 || name.len > RECORD_NAME_MAX ||
	    memchr(kinds, name.data[0], sizeof kinds - 1) == NULL ||
	    (record == NULL && given->count == GIVEN_MAX))
		return NULL;
	if (record == NULL)
		record = &given->records[given->count++];
	memcpy(copied.bytes, name.data, name.len);
	record_begin(record, copied, RECORD_LIVE);
	len = record->len - (size_t)MAC_BYTES;
	if (data.len > 0)
		memcpy(
		    record->data, data.data, data.len < len ? data.len : len);
	/* With the sequence that it has. */
	secret_mac(given->ring, name.data, name.len, record->data, len,
	    record->data + len);
	return record;
}

void
given_drop(struct given *given, struct bytes name)
{
	struct record *record = given_find(given, name);

	if (record != NULL)
		*record = given->records[--given->count];
}

struct root
given_root(const struct given *given, uint64_t sequence,
    const uint8_t master[SECRET_KEY_BYTES])
{
	struct root root = {.sequence = sequence, .records = given->count};

	master_key_check(master, root.key_check);
	keyring_wrap(given->ring, master, root.wrapped);
	for (size_t i = 0; i < given->count; i++) {
		const struct record *record = &given->records[i];

		store_digest_toggle(root.digest, given->ring,
		    (struct bytes){record->name.bytes, record->name.len},
		    record->data + record->len - (size_t)MAC_BYTES);
	}
	return root;
}

void
given_check_index(const struct index *index)
{
	char id[KEY_ID_SIZE];
	struct key_details details;
	struct key *key;
	size_t position = 0;

	while ((key = index_next_key(index, &position)) != NULL) {
		fuzz_require(index_key(index, key->id) == key &&
			index_account(index, key->account->slug) ==
			    key->account &&
			index_product(index, key->product->slug) ==
			    key->product,
		    "a key is what its ID stands for");
		fuzz_require(key_details_read(
				 (struct bytes){key->details, key->details_len},
				 &details),
		    "a key's details are some");
		fuzz_use(id, key_id_text(key, id));
	}
}
