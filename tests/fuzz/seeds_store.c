/* SPDX-License-Identifier: BSD-2-Clause */
/* Seeds of what reads records: what the world holds, as it is written. */
#include "seeds.h"

static void
write_record(struct writer *w, struct record *record)
{
	record_seal(record, 7, seed_world.ring);
	write_string8(w, (struct bytes){record->name.bytes, record->name.len});
	write_string16(w, (struct bytes){record->data, record->len});
}

static void
write_accounts(struct writer *w)
{
	struct record record;
	struct account *account;
	size_t position = 0;

	while ((account = index_next_account(seed_world.index, &position))) {
		record_from_account(&record, account);
		write_record(w, &record);
		for (uint32_t i = 0; i < account->enabled_count; i++) {
			record_from_enabled(
			    &record, account, account->enabled[i], true);
			write_record(w, &record);
		}
	}
}

static void
write_products(struct writer *w)
{
	struct record record;
	struct product *product;
	size_t position = 0;

	while ((product = index_next_product(seed_world.index, &position))) {
		record_from_product(&record, product);
		write_record(w, &record);
	}
}

static void
write_keys(struct writer *w)
{
	static struct record records[KEY_RECORDS_MAX];
	struct key *key;
	size_t position = 0;

	while ((key = index_next_key(seed_world.index, &position))) {
		size_t count = records_from_key(records, key);

		for (size_t i = 0; i < count; i++)
			write_record(w, &records[i]);
	}
}

void
seed_write_keys(struct writer *w)
{
	write_accounts(w);
	write_products(w);
	write_keys(w);
}

static void
write_operators(struct writer *w)
{
	struct record record;
	struct operator_user *user;
	struct pin *pin = index_pin(seed_world.index, 0);
	size_t position = 0;

	while ((user = index_next_operator(seed_world.index, &position))) {
		record_from_operator(&record, user);
		write_record(w, &record);
		for (uint32_t i = 0; i < user->account_count; i++) {
			record_from_limit(
			    &record, user->uid, user->accounts[i], true);
			write_record(w, &record);
		}
	}
	record_from_pin(&record, pin);
	write_record(w, &record);
}

/* All that belongs together, once as a store and once as a backup. */
static void
save_stores(void)
{
	static const char line[] =
	    "{\"sequence\":1,\"method\":\"%s\",\"kind\":\"%s\",\"name\":\"%.*"
	    "s\","
	    "\"account\":\"acme\",\"outcome\":\"done\"}\n";
	static const struct {
		const char *method, *kind;
		const char *name; /* NULL: a key's */
	} facts[] = {{"RevokeKey", "key", NULL}, {"DeleteKey", "key", NULL},
	    {"RotateKey", "key", NULL}, {"DisableKey", "key", NULL},
	    {"UpdateKey", "key", NULL}, {"EnableKey", "key", NULL},
	    {"SuspendAccount", "account", "acme"},
	    {"DisableProduct", "product", "mail"},
	    {"DeleteProduct", "product", "vault"},
	    {"RemoveOperator", "operator", "alice"},
	    {"AddOperator", "operator", "carol"}};
	struct writer w = writer_over(seed, sizeof seed);
	char text[512];
	size_t records;

	seed_write_keys(&w);
	write_operators(&w);
	write_u8(&w, 0); /* no more records, nothing changed */
	write_u8(&w, 0);
	records = w.len;
	seed_save("store", "whole", seed, w.len);
	seed_save("restore", "whole", seed, w.len);
	for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
		struct bytes name = facts[i].name != NULL
		    ? bytes_of(facts[i].name)
		    : world_key_id(&seed_world, (enum world_key)i);

		snprintf(text, sizeof text, line, facts[i].method,
		    facts[i].kind, (int)name.len, (const char *)name.data);
		w.len = records;
		write_bytes(&w, text, strlen(text));
		seed_save_number("restore", i, seed, w.len);
	}
	w.len = records;
	write_bytes(&w, text, strlen(text));
	seed_save("store", "log", seed, w.len);
	w.len = records - 1;
	write_bytes(&w, "\1\20\1", 3);
	seed_save("store", "root", seed, w.len);
}

static void
save_details(void)
{
	size_t position = 0;
	struct key *key = index_next_key(seed_world.index, &position);

	seed_save("record", "details", key->details, key->details_len);
}

static void
save_records(void)
{
	struct operation operation = {.id = "an-id",
	    .kind = RECORD_KEY,
	    .object = "0123456789ab",
	    .at = INT64_C(1700000000000),
	    .sequence = 7};
	struct root root = {.sequence = 7, .records = 3};
	struct record record;
	struct writer w = writer_over(seed, sizeof seed);

	write_accounts(&w);
	write_products(&w);
	seed_save("record", "accounts", seed, w.len);
	write_keys(&w);
	fuzz_require(!w.failed, "a seed fits");
	seed_save("record", "keys", seed, w.len);
	w = writer_over(seed, sizeof seed);
	write_accounts(&w);
	write_operators(&w);
	seed_save("record", "operators", seed, w.len);
	w = writer_over(seed, sizeof seed);
	record_from_operation(&record, &operation);
	write_record(&w, &record);
	record_from_root(&record, &root);
	write_record(&w, &record);
	seed_save("record", "others", seed, w.len);
	save_details();
}

void
seeds_of_store(void)
{
	save_records();
	save_stores();
}
