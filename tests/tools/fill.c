/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes a store of many keys, faster than they could be asked for.
 *
 *     fill STATE-DIRECTORY KEYS [all|few [EXPECTED-KEYS]]
 *
 * The directory is there and empty. The keys are of account acme and product
 * api, with a name of about 20 bytes, an environment and a scope. Prints the
 * tokens of the first, the middle and the last one, or of all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/instant.h"
#include "daemon/master_key.h"
#include "daemon/statedir.h"
#include "daemon/store_file.h"

enum { SLICE = 1000 };

struct fill {
	struct store_file file;
	struct keyring *ring;
	struct account account;
	struct product product;
	struct store_change change;
	struct store_write writes[SLICE];
	unsigned long operations;
	bool print_all;
};

static void
die(const char *what)
{
	fprintf(stderr, "fill: %s\n", what);
	exit(1);
}

/* The store is new: there is nothing to load. */
static bool
load_nothing(void *context, struct record_view *view, const char **problem)
{
	(void)context;
	(void)view;
	*problem = "the store is not empty";
	return false;
}

static void
open_new(struct fill *fill, const char *path, unsigned keys)
{
	uint8_t master[MASTER_KEY_BYTES];
	struct master_key_source source;
	int dir = statedir_open(path);

	if (dir < 0 || !secret_init() ||
	    !master_key_read(dir, path, NULL, true, master, &source) ||
	    !store_create(path, keys, master) ||
	    !store_file_open(&fill->file, path, keys, master, &fill->ring,
		load_nothing, NULL))
		exit(1);
}

/* The first count writes, as one change. */
static void
commit(struct fill *fill, size_t count)
{
	struct operation *operation = &fill->change.operation;

	fill->change =
	    (struct store_change){.count = count, .writes = fill->writes};
	snprintf(operation->id, sizeof operation->id, "fill-%lu",
	    fill->operations++);
	operation->kind = RECORD_ACCOUNT;
	snprintf(operation->object, sizeof operation->object, "acme");
	operation->at = now_ms();
	if (store_file_commit(&fill->file, &fill->change) != STORE_OK ||
	    fill->change.result != STORE_OK)
		die("cannot commit");
}

static void
add_owners(struct fill *fill)
{
	fill->account = (struct account){
	    .slug = "acme", .status = ACCOUNT_APPROVED, .created_at = now_ms()};
	fill->product = (struct product){
	    .slug = "api", .prefix = "ak", .created_at = now_ms()};
	record_from_account(&fill->writes[0].record, &fill->account);
	record_from_product(&fill->writes[1].record, &fill->product);
	record_from_enabled(
	    &fill->writes[2].record, &fill->account, &fill->product, true);
	commit(fill, 3);
}

static void
make_key(struct fill *fill, unsigned long number, struct store_write *write,
    char token[TOKEN_MAX + 1])
{
	struct record records[KEY_RECORDS_MAX];
	struct key_details details = {.created_by = bytes_of("root"),
	    .environment = bytes_of("production")};
	uint8_t encoded[512], scope[64];
	struct writer w = writer_over(encoded, sizeof encoded),
		      s = writer_over(scope, sizeof scope);
	struct key key = {.type = KEY_BEARER,
	    .state = KEY_ACTIVE,
	    .permission = PERMISSION_READ,
	    .account = &fill->account,
	    .product = &fill->product,
	    .created_at = now_ms()};
	char name[32];

	snprintf(name, sizeof name, "Customer key %07lu", number);
	details.name = bytes_of(name);
	write_string8(&s, bytes_of("appointments:export"));
	details.scopes = (struct list){1, {s.start, s.len}};
	key_details_write(&w, &details);
	key.details = encoded;
	key.details_len = (uint32_t)w.len;
	secret_random_id(key.id);
	secret_hash_token(
	    fill->ring, token, secret_new_token("ak", key.id, token), key.hash);
	if (records_from_key(records, &key) != 1)
		die("a key that is larger than thought");
	*write = (struct store_write){.record = records[0], .is_new = true};
}

static void
add_keys(struct fill *fill, unsigned long keys)
{
	for (unsigned long done = 0; done < keys;) {
		size_t count = keys - done < SLICE ? keys - done : SLICE;

		for (size_t i = 0; i < count; i++, done++) {
			char token[TOKEN_MAX + 1];

			make_key(fill, done, &fill->writes[i], token);
			if (fill->print_all || done == 0 || done == keys / 2 ||
			    done == keys - 1)
				puts(token);
		}
		commit(fill, count);
	}
}

int
main(int argc, char **argv)
{
	struct fill *fill = calloc(1, sizeof *fill);
	unsigned long keys = argc >= 3 ? strtoul(argv[2], NULL, 10) : 0;
	unsigned long room = argc >= 5 ? strtoul(argv[4], NULL, 10) : keys;

	if (fill == NULL || keys == 0 || keys > 10000000)
		die("usage: fill STATE-DIRECTORY KEYS [all|few "
		    "[EXPECTED-KEYS]]");
	fill->print_all = argc > 3 && strcmp(argv[3], "all") == 0;
	open_new(fill, argv[1], (unsigned)room);
	add_owners(fill);
	add_keys(fill, keys);
	store_file_close(&fill->file);
	keyring_free(fill->ring);
	free(fill);
	return 0;
}
