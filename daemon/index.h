/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every account, product, key and operator in memory: what verification reads,
 * and what the admin plane looks at. Belongs to the loop's thread. It holds
 * committed state only: a change is put in here after the store has it on disk.
 */
#ifndef DAEMON_INDEX_H
#define DAEMON_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model.h"
#include "record.h"

struct index;

struct index *index_new(void); /* NULL: no memory */
void index_free(struct index *index);

/* Lookups: NULL where there is none. */
struct account *index_account(const struct index *index, const char *slug);
struct product *index_product(const struct index *index, const char *slug);
struct key *index_key(const struct index *index, const char id[TOKEN_ID_LEN]);
/*
 * The same for verification, in two steps and in a time that does not tell
 * whether there is such a key. The first has the only key that it can well be
 * fetched into the cache, which is about as far as the hash of a token is long;
 * the second says in *found whether it is. Where there is none, what is
 * returned is some key, or nobody.
 */
struct key_guess {
	struct key *key;
	uint64_t none; /* 1: if it is not this one, there is none */
};
struct key_guess index_guess_key(
    const struct index *index, const char id[TOKEN_ID_LEN], struct key *nobody);
struct key *index_key_guessed(const struct index *index,
    const char id[TOKEN_ID_LEN], struct key_guess guess, bool *found);
/* This key is looked up soon: has the way to it fetched into the cache. */
void index_expect(const struct index *index, const char id[TOKEN_ID_LEN]);
struct operator_user *index_operator(const struct index *index, uint32_t uid);
/* By the login it was added with; a login stands for one operator. */
struct operator_user *
index_operator_by_login(const struct index *index, const char *login);
struct pin *index_pin(const struct index *index, uint32_t uid);
/* By the keyed hash of a token made elsewhere (secret_hash_foreign()): the
 * key whose secret it is, or was before, see index_foreign_hash(). */
struct key *index_foreign_key(
    const struct index *index, const uint8_t hash[TOKEN_HASH_BYTES]);
bool index_has_foreign(const struct index *index);
/* The hash of a token made elsewhere by which the key is found; NULL: none. */
const uint8_t *index_foreign_hash(const struct key *key);
/* By PREFIX_ID; the prefix has to be the product's. */
struct key *
index_key_by_text(const struct index *index, const char *text, size_t len);
/* The operation of this caller that had this id, if it is among the last. */
const struct operation *
index_operation(const struct index *index, uint32_t uid, const char *id);

/*
 * Lists, by position: returns the first object at or after *position and
 * moves *position behind it; NULL at the end. Positions last as long as the
 * process; keys come oldest first.
 */
struct account *index_next_account(const struct index *index, size_t *position);
struct product *index_next_product(const struct index *index, size_t *position);
struct key *index_next_key(const struct index *index, size_t *position);
struct operator_user *
index_next_operator(const struct index *index, size_t *position);

struct index_counts {
	size_t accounts, products, keys;
};
struct index_counts index_counts(const struct index *index);

/*
 * Changes. The index takes ownership of what is added and frees what is
 * removed. False where there is no memory, and then nothing has changed; not so
 * for what room was reserved for.
 */
bool index_add_account(struct index *index, struct account *account);
bool index_add_product(struct index *index, struct product *product);
bool index_add_key(struct index *index, struct key *key);
void index_remove_account(struct index *index, struct account *account);
void index_remove_product(struct index *index, struct product *product);
void index_remove_key(struct index *index, struct key *key);
/* Puts the contents of *from into *key, which keeps its place; from is used
 * up. Account, product and ID are the same in both. */
void index_replace_key(struct index *index, struct key *key, struct key *from);
/* Room for one more product, so that the next index_enable() does not fail. */
bool index_enable_reserve(struct account *account);
bool index_enable(struct account *account, struct product *product);
void index_disable(struct account *account, const struct product *product);
bool index_add_operator(struct index *index, struct operator_user *user);
/* Puts the contents of *from into *user, which keeps its place; from is used
 * up. The uid is the same in both. */
void
index_replace_operator(struct operator_user *user, struct operator_user *from);
void index_remove_operator(struct index *index, struct operator_user *user);
/* A copy of *pin, in the place of the one of this uid. Where there is none, it
 * takes room, malloc'd or NULL: then it allocates. */
bool
index_put_pin(struct index *index, const struct pin *pin, struct pin **room);
void index_remove_pin(struct index *index, uint32_t uid);
/* Remembers an operation in the place of the one that is OPERATIONS_KEPT
 * older. */
void
index_note_operation(struct index *index, const struct operation *operation);

/*
 * Room for what a change brings that is on its way to the disk: an object of
 * whichever kind. Between the two, index_add_*() and index_note_import() of
 * what it brings do not fail, whatever is added meanwhile: what is on disk is
 * in force. Not for changes that bring nothing: a table of keys that doubles
 * is large. False where there is no memory.
 */
bool index_reserve(struct index *index);
void index_release(struct index *index);

/*
 * Imports: their keys are put in one by one and stay unseen, by lookups,
 * lists and counts alike, until they come into force all at once. What is
 * staged need not be on disk yet.
 */
/* As index_add_key(). */
bool index_stage_key(struct index *index, struct key *key);
/* Whether there is such a key, seen or not: what a new one must not be. */
bool index_has_id(const struct index *index, const char id[TOKEN_ID_LEN]);
bool index_has_foreign_hash(
    const struct index *index, const uint8_t hash[TOKEN_HASH_BYTES]);
/* How many are staged; and some of them, of which there are that many, the
 * last first. */
size_t index_staged(const struct index *index);
size_t
index_staged_last(const struct index *index, struct key **keys, size_t max);
/* Brings all of them into force, at once. */
void index_stage_live(struct index *index);
/* Afterwards: makes up to so many of them keys like others. False when none is
 * left; only then another import may begin. */
bool index_settle(struct index *index, size_t count);
/* A copy. False where there is no memory. */
bool index_note_import(struct index *index, const struct import_record *import);
const struct import_record *
index_import(const struct index *index, uint64_t first);

/*
 * Loading from the store: records come in any order, so an account may be
 * named by a key before it comes itself. load_record() is a store_load_fn
 * with the loader as its context. load_finish() checks that everything that
 * was named has come, and sorts the lists; false after logging.
 */
struct loader;
struct loader *loader_new(struct index *index);
bool load_record(void *loader, struct record_view *view, const char **problem);
bool load_finish(struct loader *loader);
void loader_free(struct loader *loader);

#endif
