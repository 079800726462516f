/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The admin plane: Varlink calls to the real methods, over an index with
 * something in it. Input, behind what calls.h has: messages, each a letter and
 * text up to a NUL. The letter's bits say who sends it, whether the answer is
 * waited for before the next is sent, and whether the sender leaves at once.
 */
#include <jansson.h>

#include "calls.h"

enum {
	SEND_ON = 4, /* do not wait for the answer */
	LEAVE = 8,
};

static const uid_t uids[CALLS_PEERS] = {
    0, WORLD_ADMIN, WORLD_AUDITOR, WORLD_STRANGER};

/* Whether the reply has a token of the world in it that the caller has not said
 * himself; the hmac key's is one. */
static bool
tells_token(const char *reply, const char *message)
{
	for (int i = 0; i < WORLD_KEYS; i++)
		if (strstr(reply, world.tokens[i]) != NULL &&
		    strstr(message, world.tokens[i]) == NULL)
			return true;
	return false;
}

static void
check_reply(const char *message, const char *reply, size_t peer)
{
	json_t *json = json_loads(reply, JSON_REJECT_DUPLICATES, NULL);
	bool failed = json_object_get(json, "error") != NULL;

	fuzz_require(json_is_object(json_object_get(json, "parameters")),
	    "an answer is an object with parameters");
	fuzz_require(failed || uids[peer] != WORLD_STRANGER ||
		strstr(message, "org.varlink.service") != NULL,
	    "a stranger is told nothing");
	fuzz_require(!tells_token(reply, message) ||
		strstr(message, "RevealKey") != NULL,
	    "a token is told once");
	json_decref(json);
}

/* Which message each peer waits for an answer to; NULL: none. */
static const char *asked[CALLS_PEERS];

static void
leave(size_t peer)
{
	if (conns[peer].session != NULL)
		world_disconnect(&conns[peer]);
	asked[peer] = NULL;
}

/* All that was answered to this one message. */
static void
check_replies(const char *message, size_t peer, bool oneway)
{
	struct conn *conn = &conns[peer];

	if (conn->len == 0 && (conn->finished || oneway))
		return;
	if (conn->len == 0) {
		fuzz_require(world.admin.import != NULL,
		    "a call is answered, unless it waits for an import");
		leave(peer);
		return;
	}
	fuzz_require(conn->replies[conn->len - 1] == '\0' &&
		strlen(conn->replies) == conn->len - 1,
	    "a call is answered once");
	check_reply(message, conn->replies, peer);
	conn->len = 0;
}

static bool
is_oneway(const char *message)
{
	json_t *json = json_loads(message, JSON_REJECT_DUPLICATES, NULL);
	bool oneway = json_is_true(json_object_get(json, "oneway"));

	json_decref(json);
	return oneway;
}

static void
settle(void)
{
	world_settle(&world);
	for (size_t i = 0; i < CALLS_PEERS; i++) {
		if (asked[i] != NULL && conns[i].session != NULL)
			check_replies(asked[i], i, is_oneway(asked[i]));
		asked[i] = NULL;
	}
}

static void
send_message(uint8_t letter, const char *message, size_t len)
{
	size_t peer = letter % CALLS_PEERS;
	struct conn *conn = &conns[peer];
	enum plane_status status;

	if (asked[peer] != NULL)
		settle();
	if (conn->session == NULL)
		world_connect(&world, conn, uids[peer]);
	conn->len = 0;
	status = world_send(conn, message, len + 1);
	if (status == PLANE_CLOSE) {
		fuzz_require(conn->len == 0, "what is no call has no answer");
		leave(peer);
		return;
	}
	asked[peer] = message;
	if (letter & LEAVE)
		leave(peer);
	if (!(letter & SEND_ON))
		settle();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *end = text + size;
	char *at = text + calls_begin(data, size);

	while (at < end) {
		uint8_t letter = (uint8_t)*at++;
		size_t len = strlen(at);

		send_message(letter, at, len);
		at += len + 1;
	}
	settle();
	for (size_t i = 0; i < CALLS_PEERS; i++)
		leave(i);
	world_settle(&world);
	world_check_restart(&world);
	world_free(&world);
	free(text);
	return 0;
}
