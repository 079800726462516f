/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations as commands of apikeyctl. */
#include <stdio.h>
#include <string.h>

#include "operation.h"

/* Words in capitals stand for the operation's. */
static const char *const commands[OPERATION_KINDS] = {
    [ACCOUNT_CREATE] = "account create ACCOUNT",
    [ACCOUNT_APPROVE] = "account approve ACCOUNT",
    [ACCOUNT_SUSPEND] = "account suspend ACCOUNT",
    [ACCOUNT_DELETE] = "account delete ACCOUNT",
    [PRODUCT_CREATE] = "product create PRODUCT",
    [PRODUCT_DELETE] = "product delete PRODUCT",
    [PRODUCT_ENABLE] = "product enable PRODUCT --account ACCOUNT",
    [PRODUCT_DISABLE] = "product disable PRODUCT --account ACCOUNT",
    [KEY_CREATE] = "key create --account ACCOUNT --product PRODUCT "
		   "--name ID --permission PERMISSION ENVIRONMENT",
    [KEY_DISABLE] = "key disable KEY",
    [KEY_ENABLE] = "key enable KEY",
    [KEY_REVOKE] = "key revoke KEY --yes",
    [KEY_ROTATE] = "key rotate KEY --overlap OVERLAP",
    [KEY_ALLOW] = "key allow add KEY CIDR",
    [KEY_DISALLOW] = "key allow remove KEY CIDR",
    [KEY_ALLOWLIST] = "key allow SWITCH KEY",
    [KEY_DELETE] = "key delete KEY --yes",
};

bool
operation_has_words(const struct operation *op)
{
	/* Long lists are long command lines; the socket carries those. */
	if (op->kind == KEY_CREATE)
		return (op->variant & VARIANT_PLAIN) == op->variant;
	return commands[op->kind] != NULL;
}

/* What a word of a command stands for. */
static const char *
word_text(
    const struct world *world, const struct operation *op, const char *word)
{
	static _Thread_local char account[WORLD_SLUG_MAX],
	    product[WORLD_SLUG_MAX], cidr[40];
	const struct {
		const char *name, *text;
	} values[] = {
	    {"ACCOUNT", account},
	    {"PRODUCT", product},
	    {"KEY", op->key_id},
	    {"ID", op->id},
	    {"PERMISSION", op->variant & VARIANT_WRITE ? "write" : "read"},
	    {"ENVIRONMENT",
		op->variant & VARIANT_PRODUCTION ? "--environment=production"
						 : "--json"},
	    {"OVERLAP", op->overlap ? "7d" : "0"},
	    {"SWITCH", op->on ? "on" : "off"},
	    {"CIDR", cidr},
	};

	world_account(world, op->account, account);
	world_product(world, op->product, product);
	world_extra(op->extra, cidr);
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		if (strcmp(word, values[i].name) == 0)
			return values[i].text;
	return word;
}

void
operation_words(const struct world *world, const struct operation *op,
    char *words[OPERATION_WORDS], char text[OPERATION_TEXT])
{
	char command[128], *word, *rest;
	size_t count = 0, used = 0;

	snprintf(command, sizeof command,
	    "apikeyctl --json %s --operation-id ID", commands[op->kind]);
	for (word = strtok_r(command, " ", &rest);
	     word != NULL && count < OPERATION_WORDS - 1;
	     word = strtok_r(NULL, " ", &rest)) {
		words[count++] = text + used;
		used += (size_t)snprintf(text + used, OPERATION_TEXT - used,
			    "%s", word_text(world, op, word)) +
		    1;
	}
	words[count] = NULL;
}
