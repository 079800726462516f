/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one worker of the kill test has done to the daemon: the objects that
 * are its own, as acknowledged answers left them.
 *
 * A worker has one operation under way at a time. After a kill the daemon
 * must show either its world as it is, or as it is with that operation
 * carried out; world_differs() says where neither is so.
 */
#ifndef CRASH_WORLD_H
#define CRASH_WORLD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "plugins/client/apikey.h"

enum {
	WORLD_ACCOUNTS = 2,
	WORLD_PRODUCTS = 2,
	WORLD_KEYS = 10,
	WORLD_GONE = 8, /* deleted keys that are still asked for */
	WORLD_ID_MAX = 32,
	WORLD_TOKEN_MAX = 80,
	WORLD_NAME_MAX = 40,
};

enum world_status { ABSENT, PENDING, APPROVED, SUSPENDED };
enum world_key_state { NONE, ACTIVE, DISABLED, REVOKED };

struct world_key {
	enum world_key_state state;
	int account, product;
	uint32_t variant; /* what its settings are made from */
	char name[WORLD_NAME_MAX];
	char id[WORLD_ID_MAX];
	/* Tokens: the one that holds, one that holds on after a rotation, one
	 * that no longer does. Empty: there is none, or nobody knows it. */
	char token[WORLD_TOKEN_MAX];
	char previous[WORLD_TOKEN_MAX];
	char dead[WORLD_TOKEN_MAX];
	int64_t sequence;   /* of its last change; 0: not known, but ... */
	int64_t newer_than; /* ... later than this */
};

struct world_gone {
	char id[WORLD_ID_MAX], token[WORLD_TOKEN_MAX];
};

struct world {
	int worker;
	enum world_status accounts[WORLD_ACCOUNTS];
	bool enabled[WORLD_ACCOUNTS][WORLD_PRODUCTS];
	bool products[WORLD_PRODUCTS];
	struct world_key keys[WORLD_KEYS];
	struct world_gone gone[WORLD_GONE];
	unsigned gone_next;
	int64_t sequence; /* the highest that was seen */
};

enum operation_kind {
	ACCOUNT_CREATE,
	ACCOUNT_APPROVE,
	ACCOUNT_SUSPEND,
	ACCOUNT_DELETE,
	PRODUCT_CREATE,
	PRODUCT_DELETE,
	PRODUCT_ENABLE,
	PRODUCT_DISABLE,
	KEY_CREATE,
	KEY_UPDATE,
	KEY_DISABLE,
	KEY_ENABLE,
	KEY_REVOKE,
	KEY_ROTATE,
	KEY_DELETE,
	OPERATION_KINDS,
};

struct operation {
	enum operation_kind kind;
	int account, product, key; /* which, where the kind has one */
	uint32_t variant;
	bool overlap; /* of a rotation: the old secret holds on */
	char id[40];  /* operation_id */
	char key_id[WORLD_ID_MAX];
};

/*
 * The next change that makes sense in this world, from random numbers. Every
 * one changes something, so each leaves a trace in the store. id is unique.
 */
void world_choose(const struct world *world, uint64_t (*random)(void *),
    void *context, const char *id, struct operation *operation);

const char *operation_method(const struct operation *operation);
/* Parameters of the call. */
json_t *operation_parameters(
    const struct world *world, const struct operation *operation);
/* The same as a command line of apikeyctl, its name included: NULL-terminated,
 * texts in the buffer that the caller gives. */
enum { OPERATION_WORDS = 24, OPERATION_TEXT = 1024 };
void
operation_words(const struct world *world, const struct operation *operation,
    char *words[OPERATION_WORDS], char text[OPERATION_TEXT]);
/* Whether apikeyctl's arguments are enough for it. */
bool operation_has_words(const struct operation *operation);

/* The world after it. answer: the reply's parameters, NULL where none came. */
void world_apply(struct world *world, const struct operation *operation,
    const json_t *answer);

/* All that the daemon has: objects by name, keys by ID. */
struct shown {
	json_t *accounts, *products, *keys;
};

/*
 * Where the daemon's objects are not this world's, in text; false if nowhere.
 * Learns the IDs of keys whose creation was not answered.
 */
bool world_differs(
    struct world *world, const struct shown *shown, char *text, size_t size);
/* How many objects it has. */
size_t world_count(const struct world *world);

/* A token and what its verification has to say. */
struct expectation {
	const char *token, *what;
	enum apikey_verdict verdict;
};
enum { WORLD_EXPECTATIONS = 3 * WORLD_KEYS + WORLD_GONE };
size_t world_expect(const struct world *world,
    struct expectation expectations[WORLD_EXPECTATIONS]);

#endif
