/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes of a world: chosen at random, and as calls. */
#ifndef CRASH_OPERATION_H
#define CRASH_OPERATION_H

#include "model.h"

enum operation_kind {
	ACCOUNT_CREATE,
	ACCOUNT_APPROVE,
	ACCOUNT_SUSPEND,
	ACCOUNT_DELETE,
	PRODUCT_CREATE,
	PRODUCT_DELETE,
	PRODUCT_ENABLE,
	PRODUCT_DISABLE,
	OPERATOR_ADD, /* or change */
	OPERATOR_REMOVE,
	KEY_CREATE,
	KEY_IMPORT,
	KEY_UPDATE,
	KEY_DISABLE,
	KEY_ENABLE,
	KEY_REVOKE,
	KEY_ROTATE,
	KEY_ALLOW,
	KEY_DISALLOW,
	KEY_ALLOWLIST, /* on or off */
	KEY_DELETE,
	OPERATION_KINDS,
};

enum { OPERATION_ID_MAX = 40 };

struct operation {
	enum operation_kind kind;
	/* Which, where the kind has one. */
	int account, product, user, key, extra;
	uint32_t variant;
	unsigned keys;            /* of an import, a bit each */
	bool overlap;             /* of a rotation: the old secret holds on */
	bool on;                  /* the allow-list, when it is done */
	struct world_operator as; /* what the operator becomes */
	char id[OPERATION_ID_MAX];
	char key_id[WORLD_ID_MAX];
};

/*
 * The next change that makes sense in this world, from random numbers. Every
 * one changes something, so each leaves a trace in the store. id is unique.
 */
void operation_choose(const struct world *world, uint64_t *random,
    const char *id, struct operation *operation);

bool operation_makes_tokens(const struct operation *operation);
/* Whether it takes something away, which is urgent. */
bool operation_takes_away(const struct operation *operation);

/* Whether it needs or changes what the operators share. */
bool operation_is_shared(const struct operation *operation);

/* Of the call; of an import the one that brings it into force. */
const char *operation_method(const struct operation *operation);
json_t *operation_parameters(
    const struct world *world, const struct operation *operation);
/* A key of an import, as its line; and what it is called, and its token. */
json_t *operation_line(
    const struct world *world, const struct operation *operation, int key);
void operation_line_name(
    const struct operation *operation, int key, char name[WORLD_NAME_MAX]);
void operation_line_token(
    const struct operation *operation, int key, char token[WORLD_TOKEN_MAX]);

/* The same as a command line of apikeyctl, its name included: NULL-terminated,
 * texts in the buffer that the caller gives. */
enum { OPERATION_WORDS = 24, OPERATION_TEXT = 1024 };
void
operation_words(const struct world *world, const struct operation *operation,
    char *words[OPERATION_WORDS], char text[OPERATION_TEXT]);
/* Whether apikeyctl's arguments are enough for it. */
bool operation_has_words(const struct operation *operation);

#endif
