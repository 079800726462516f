/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store in a directory of its own, one at a time, and changes to it. What
 * fails here fails the test.
 */
#ifndef TESTS_UNIT_STORE_WORLD_H
#define TESTS_UNIT_STORE_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/record.h"
#include "daemon/secret.h"
#include "daemon/store.h"

enum { EXPECTED_KEYS = 100 };

extern char directory[64];
extern const uint8_t master[SECRET_KEY_BYTES];

/* What surrounds each test: makes the store, not open; removes it, and fails
 * where any other file was left. */
void with_store(void);
void without_store(void);

/* A path in the directory, until the next call. */
const char *in_directory(const char *name);

/* keys.tdb as bytes; the caller frees .data. */
struct image {
	uint8_t *data;
	size_t len;
};

struct image file_read(void);
void file_write(const void *data, size_t len);
bool file_is(const void *data, size_t len);

/* What a store holds: its records one after the other, names sorted. */
struct content {
	size_t count;
	struct item {
		uint8_t name[RECORD_NAME_MAX + 1];
		uint64_t sequence;
		uint8_t mac[MAC_BYTES];
	} items[6000];
};

bool same_content(const struct content *a, const struct content *b);

/* A load_fn: appends to the struct content that is its context. */
bool collect(void *context, struct record_view *view, const char **problem);

/* The store that is open, and what it held as it was opened. */
extern struct store *store;
extern struct keyring *ring;
extern struct content content;

/* What content has under this name, or NULL. */
const struct item *find(char kind, const char *name);
const struct item *find_named(const void *name, size_t len);

bool open_store(void);
void close_store(void);

/* Begins to commit. */
void start(void);

/* What the store holds, opened once more. */
struct content reopened(void);

/* A change of count accounts, named after slug; for free_change(). */
struct store_change *new_change(const char *slug, size_t count);
void free_change(struct store_change *change);

/* Changes that were submitted and not yet collected. */
extern size_t under_way;

void submit(struct store_change *change);
void wait_for_all(void);

/* Submits a change of one record and waits for it. */
enum store_result write_account(const char *slug);

/* So many accounts in a store that is not open, each a change of its own. */
void fill(unsigned accounts);

#endif
