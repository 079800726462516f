/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No memory while an answer is put together, at each allocation in turn: it is
 * whole, or there is none. A list of the audit log in which a line is missing,
 * or a backup without one of its portions, would be believed.
 *
 *   MEMORY_STRIDE   allocations from one that fails to the next (23)
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "tests/hostile/starved.h"

enum { KEYS = 30, LINES = KEYS + 3 };

static struct starved starved;
static unsigned long whole, none;

static void
make_objects(void)
{
	char token[STARVED_TOKEN_SIZE];

	starved_make_objects(&starved);
	for (int i = 0; i < KEYS; i++)
		if (starved_create_key(
			&starved, json_pack("[s]", "a:read"), token) != DONE)
			bail_out("CreateKey is refused");
}

/* What a method answers, which does not change. */
static const char *
each_answer(const char *method, size_t least, const char *list)
{
	json_t *wanted, *answer;
	bool struck = true, same = true;

	if (starved_ask(&starved, method, json_object(), &wanted) != DONE)
		bail_out("%s is refused", method);
	if (json_array_size(json_object_get(wanted, list)) < least)
		bail_out("%s has less than %zu", method, least);
	for (int nth = 0; struck && same; nth += starved.stride) {
		enum outcome outcome;

		faults_arm(&starved.faults, FAULT_MEMORY, nth, 1);
		outcome = starved_ask(&starved, method, json_object(), &answer);
		struck = starved_feed(&starved);
		same = outcome != DONE || json_equal(answer, wanted) == 1;
		if (!same)
			printf("# %s, allocation %d\n", method, nth);
		if (outcome == DONE)
			whole++;
		else
			none++;
		json_decref(answer);
	}
	json_decref(wanted);
	return same ? NULL : "an answer is not what it was";
}

static size_t
bytes_of_portion(const json_t *reply)
{
	const json_t *parameters = json_object_get(reply, "parameters");
	const char *text =
	    json_string_value(json_object_get(parameters, "data"));
	static unsigned char data[1 << 22];
	size_t len = 0;

	if (text == NULL ||
	    sodium_base642bin(data, sizeof data, text, strlen(text), NULL, &len,
		NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
		return 0;
	return len;
}

/* False where it came to its end, and is not all there. */
static bool
backup_is_whole_or_none(void)
{
	struct varlink_client client;
	json_t *reply = NULL, *end = NULL;
	size_t bytes = 0;
	bool sound;

	varlink_init(&client, starved.daemon.admin);
	if (varlink_begin(&client, "io.apikeyd.Admin.BackupStore",
		json_object(), PATIENCE_MS) == VARLINK_OK)
		while (end == NULL &&
		    varlink_next(&client, &reply) == VARLINK_OK) {
			bytes += bytes_of_portion(reply);
			if (!json_is_true(json_object_get(reply, "continues")))
				end = json_incref(reply);
			json_decref(reply);
		}
	varlink_close(&client);
	sound = end == NULL || json_object_get(end, "error") != NULL ||
	    (size_t)json_integer_value(json_object_get(
		json_object_get(json_object_get(end, "parameters"), "backup"),
		"bytes")) == bytes;
	if (end != NULL && json_object_get(end, "error") == NULL)
		whole++;
	else
		none++;
	json_decref(end);
	return sound;
}

static const char *
each_backup(void)
{
	bool struck = true;

	if (!backup_is_whole_or_none() || whole == 0)
		return "a backup is not whole, with memory";
	for (int nth = 0; struck; nth += starved.stride) {
		faults_arm(&starved.faults, FAULT_MEMORY, nth, 1);
		if (!backup_is_whole_or_none())
			return "a backup is not whole";
		struck = starved_feed(&starved);
	}
	return NULL;
}

int
main(void)
{
	static const struct {
		const char *method;
		size_t least;
		const char *list;
	} asked[] = {
	    {"ListAudit", LINES, "entries"},
	    {"ListKeys", KEYS, "keys"},
	    {"ListAccounts", 1, "accounts"},
	    {"ListProducts", 1, "products"},
	};
	const char *problem = NULL;

	starved_prepare(&starved, 23);
	apikeyd_start(&starved.daemon);
	make_objects();
	for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++)
		if (problem == NULL)
			problem = each_answer(
			    asked[i].method, asked[i].least, asked[i].list);
	if (problem == NULL)
		problem = each_backup();
	if (problem == NULL && none == 0)
		problem = "no allocation failed: was it preloaded?";
	printf("# each %d. allocation: %lu whole answers, %lu none\n",
	    starved.stride, whole, none);
	return starved_end(
	    &starved, "an answer is whole, or there is none", problem);
}
