/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Imports: keys that come into force all at once, or not at all. Input, behind
 * what calls.h has: steps, a line each, of a letter and what goes with it.
 *
 *   B, N      an import begins; N: with lines of an export of this store
 *   K OBJECT  a line of it
 *   A         hands in the lines that there are by now
 *   C PIN     brings it into force
 *   L         the connection ends
 *   M CALL    whatever else root calls meanwhile
 *
 * A small letter is another operator's, who has one account alone; a step
 * behind an '&' is not waited for.
 */
#include "daemon/import.h"
#include "daemon/instant.h"
#include "daemon/json_memory.h"
#include "calls.h"

enum { ROOT, LIMITED, OTHER, PEERS, MESSAGE_MAX = 65536, TOKENS = 2 };

static const uid_t uids[PEERS] = {0, WORLD_ADMIN, 0};
/* Made elsewhere; the seeds have their SHA-256. */
static const char *const foreign[TOKENS] = {"one made elsewhere", "another"};

static bool waits[PEERS];

/* Of each importer, what is to be handed in, and the number of its first. */
static json_t *lines[OTHER];
static json_int_t first_line[OTHER];

static size_t keys_before;
static size_t imported;
/* Of a commit whose caller left before it was answered: in force or not. */
static size_t unheard;
static bool meddled; /* something else was called for */

/* Of what is not in force, nobody is let in. */
static void
check_force(void)
{
	struct verify_request request = {.product = bytes_of("mail")};
	struct verify_reply reply;
	char id[KEY_ID_SIZE];

	fuzz_require(
	    meddled || index_counts(world.index).keys == keys_before + imported,
	    "there are the keys that were there and those in force");
	for (size_t i = 0; i < TOKENS; i++) {
		request.credential = bytes_of(foreign[i]);
		verify(&world.verifier, &request, 1000, now_ms(), &reply, id);
		fuzz_require(imported > 0 || reply.id.len == 0,
		    "a key that is not in force is not known");
	}
}

static void
check_answer(size_t peer)
{
	json_t *answer =
	    json_loads(conns[peer].replies, JSON_REJECT_DUPLICATES, NULL);
	json_t *parameters = json_object_get(answer, "parameters");
	json_t *import = json_object_get(parameters, "import");
	json_t *repeated = json_object_get(parameters, "repeated");

	fuzz_require(waits[peer] &&
		strlen(conns[peer].replies) == conns[peer].len - 1 &&
		json_is_object(parameters),
	    "a call is answered once, by an object");
	if (import != NULL && !json_is_true(repeated))
		imported +=
		    (size_t)json_integer_value(json_object_get(import, "keys"));
	json_decref(answer);
}

static void
count_unheard(void)
{
	size_t keys = index_counts(world.index).keys;

	if (meddled || keys == keys_before + imported + unheard)
		imported += unheard;
	unheard = 0;
}

static void
settle(void)
{
	world_settle(&world);
	for (size_t i = 0; i < PEERS; i++) {
		if (conns[i].len == 0)
			continue; /* it waits for the other's import */
		check_answer(i);
		conns[i].len = 0;
		waits[i] = false;
	}
	count_unheard();
	check_force();
}

static void
leave(size_t peer)
{
	const struct import *import = world.admin.import;

	if (waits[peer] && import != NULL && import->stage == IMPORT_COMMITTING)
		unheard = (size_t)import->keys;
	if (conns[peer].session != NULL)
		world_disconnect(&conns[peer]);
	conns[peer].len = 0;
	waits[peer] = false;
	if (peer != OTHER)
		json_array_clear(lines[peer]);
}

static void
send_text(size_t peer, const char *text)
{
	struct conn *conn = &conns[peer];

	if (waits[peer])
		settle();
	if (waits[peer])
		leave(peer);
	if (conn->session == NULL)
		world_connect(&world, conn, uids[peer]);
	waits[peer] = true;
	if (world_send(conn, text, strlen(text) + 1) == PLANE_CLOSE)
		leave(peer);
}

static void
call(size_t peer, const char *method, json_t *parameters)
{
	json_t *message = json_pack("{s:s+, s:o}", "method",
	    "io.apikeyd.Admin.", method, "parameters", parameters);
	size_t len;
	char *text = json_text(message, JSON_COMPACT, &len);

	fuzz_require(text != NULL, "there is memory");
	send_text(peer, text);
	free(text);
	json_decref(message);
}

static void
begin(size_t peer, bool native)
{
	json_t *parameters = json_object();
	uint8_t check[TOKEN_HASH_BYTES];
	char hex[2 * TOKEN_HASH_BYTES + 1];

	secret_hash_check(world.ring, check);
	secret_to_hex(check, sizeof check, hex);
	if (native)
		json_object_set_new(parameters, "hash_check", json_string(hex));
	first_line[peer] = 1;
	call(peer, "BeginImport", parameters);
}

static void
hand_in(size_t peer)
{
	json_int_t count = (json_int_t)json_array_size(lines[peer]);

	call(peer, "AddToImport",
	    json_pack("{s:I, s:o}", "first_line", first_line[peer], "keys",
		json_deep_copy(lines[peer])));
	first_line[peer] += count;
	json_array_clear(lines[peer]);
}

static void
commit(size_t peer, const char *pin)
{
	call(peer, "CommitImport",
	    json_pack("{s:o*}", "pin", *pin != '\0' ? json_string(pin) : NULL));
}

/* What is no JSON is the admin target's affair. */
static void
add_line(size_t peer, const char *text)
{
	json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	if (line != NULL)
		json_array_append_new(lines[peer], line);
}

static void
do_step(const char *step)
{
	bool waited = *step != '&';
	size_t peer;

	step += !waited;
	peer = (*step & 0x20) != 0 ? LIMITED : ROOT;
	switch (*step & ~0x20) {
	case 'B':
	case 'N':
		begin(peer, (*step & ~0x20) == 'N');
		break;
	case 'K':
		add_line(peer, step + 1);
		break;
	case 'A':
		hand_in(peer);
		break;
	case 'C':
		commit(peer, step + 1);
		break;
	case 'L':
		leave(peer);
		break;
	case 'M':
		meddled = true;
		send_text(OTHER, step + 1);
		break;
	}
	if (waited)
		settle();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text, *steps, *step;

	if (size > MESSAGE_MAX / 2)
		return 0;
	text = fuzz_text(data, size);
	steps = text + calls_begin(data, size);
	keys_before = index_counts(world.index).keys;
	imported = 0;
	unheard = 0;
	meddled = false;
	for (size_t i = 0; i < OTHER; i++)
		lines[i] = json_array();
	while ((step = strsep(&steps, "\n")) != NULL)
		do_step(step);
	settle();
	for (size_t i = 0; i < PEERS; i++)
		leave(i);
	settle();
	world_check_restart(&world);
	check_force();
	for (size_t i = 0; i < OTHER; i++)
		json_decref(lines[i]);
	world_free(&world);
	free(text);
	return 0;
}
