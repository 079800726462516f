/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an operator of the torture test has made of the daemon: the objects
 * that are its own, as acknowledged answers left them. Pure: knows neither
 * sockets nor threads.
 *
 * An operator has one operation under way at a time. After a kill the daemon
 * must show either its world as it is, or as it is with that operation
 * carried out; world_differs() says where neither is so.
 *
 * One account and one product are shared: one operator, their keeper, changes
 * them while all have keys there.
 */
#ifndef CRASH_MODEL_H
#define CRASH_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "plugins/client/apikey.h"

enum {
	WORLD_PLACES = 3, /* accounts, and as many products */
	WORLD_SHARED = 2, /* the last of each */
	WORLD_OPERATORS = 2,
	WORLD_KEYS = 12,
	WORLD_EXTRAS = 3, /* entries of an allow-list, one at a time */
	WORLD_ID_MAX = 32,
	WORLD_TOKEN_MAX = 80,
	WORLD_NAME_MAX = 44,
	WORLD_SLUG_MAX = 24,
};

/* What a key's settings are made from. */
enum {
	VARIANT_SIZE = 3, /* how long its lists are */
	VARIANT_WRITE = 1 << 2,
	VARIANT_PRODUCTION = 1 << 3,
	VARIANT_RATE = 1 << 4,
	VARIANT_QUOTA = 1 << 5,
	VARIANT_EXPIRES = 1 << 6,
	VARIANT_ALL = (1 << 7) - 1,
	VARIANT_PLAIN = VARIANT_WRITE | VARIANT_PRODUCTION,
};
enum world_status { ABSENT, PENDING, APPROVED, SUSPENDED };
enum world_key_state { NONE, ACTIVE, DISABLED, REVOKED };

struct world_key {
	enum world_key_state state;
	int account, product;
	uint32_t variant; /* what its settings are made from */
	bool allowlist;   /* it is on */
	unsigned extras;  /* of its allow-list, a bit each */
	char name[WORLD_NAME_MAX];
	char id[WORLD_ID_MAX]; /* empty: not learnt yet */
	/* The token that holds, and one that holds on after a rotation. Empty:
	 * there is none, or nobody knows it. */
	char token[WORLD_TOKEN_MAX];
	char previous[WORLD_TOKEN_MAX];
	int64_t sequence;   /* of its last change; 0: not known, but ... */
	int64_t newer_than; /* ... later than this */
};

struct world_operator {
	int role; /* 0: there is none */
	bool limited;
};

/* Texts that only become more. */
struct world_list {
	char (*texts)[WORLD_TOKEN_MAX];
	size_t count, room;
};

struct world {
	int worker;
	bool superadmin; /* not only keys */
	bool keeper;     /* of what is shared; others have a copy of that */
	bool unsure;     /* whether that copy is right */
	enum world_status accounts[WORLD_PLACES];
	bool enabled[WORLD_PLACES][WORLD_PLACES]; /* account, product */
	bool products[WORLD_PLACES];
	struct world_operator operators[WORLD_OPERATORS];
	struct world_key keys[WORLD_KEYS];
	struct world_list dead_tokens; /* never good again */
	struct world_list gone_ids;    /* of deleted keys */
	int64_t sequence;              /* the highest that was seen */
};

/* What they are called. */
void world_account(
    const struct world *world, int account, char slug[WORLD_SLUG_MAX]);
void world_product(
    const struct world *world, int product, char slug[WORLD_SLUG_MAX]);
void world_operator_login(
    const struct world *world, int which, char login[WORLD_SLUG_MAX]);
uint32_t world_operator_uid(const struct world *world, int which);
const char *world_role(int role);

/* A key's, from one that fits a record to one that takes as many as there can
 * be. They let 203.0.113.1 in, and the service "crash". */
json_t *world_settings(uint32_t variant, const char *name);
/* An entry that is added alone. Only the first covers 203.0.113.1. */
void world_extra(int which, char cidr[40]);
/* Whether its settings bring entries of an allow-list, which is on then. */
size_t world_entries(uint32_t variant);

/* A second one to try something on: only one of the two goes on. */
struct world world_copy(struct world *world);

struct operation;
/* The world after it. answer: the reply's parameters, NULL where none came. */
void world_apply(struct world *world, const struct operation *operation,
    const json_t *answer);

/* After an import that was given up: its tokens are never any good. */
void world_give_up(struct world *world, const struct operation *import);

/* All that the daemon has: keys by ID, the rest by name. */
struct shown {
	json_t *accounts, *products, *keys, *operators;
};

/*
 * Where the daemon's objects are not this world's, in text; false if nowhere.
 * Learns the IDs of keys whose creation did not tell them.
 */
bool world_differs(
    struct world *world, const struct shown *shown, char *text, size_t size);
/* Whether an object, by what it is called in shown, is of this world. */
bool world_has(const struct world *world, const char *name);

/* A token and what its verification may say: a bit for each verdict. */
struct expectation {
	const char *token, *what;
	uint32_t verdicts;
};
enum { WORLD_EXPECTATIONS = 2 * WORLD_KEYS };
/* Of the tokens that keys have. */
size_t world_expect(const struct world *world,
    struct expectation expectations[WORLD_EXPECTATIONS]);
struct expectation world_expect_dead(const struct world *world, size_t which);

#endif
