/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No memory, at each allocation of the daemon in turn, while operators work:
 * each call is answered with success, an error or the close of its connection.
 * Success is on disk and in force. An error has changed nothing. What comes
 * afterwards works, and what is on disk can be loaded.
 */
#include "daemon/instant.h"
#include "tests/fuzz/world.h"
#include "tests/unit/suite.h"

/* The allocator's place, between the daemon's code and libc */

static bool at_work; /* else it is the test that wants memory */
static bool drought; /* no memory once a change is on its way to the disk */
static bool on_disk;
static long countdown; /* 0: all is well */
static long counted;

static bool
strikes(void)
{
	if (!at_work)
		return false;
	counted++;
	return (drought && on_disk) || (countdown > 0 && --countdown == 0);
}

/* The linker's names for what is wrapped and for what wraps it. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);

void *
__wrap_malloc(size_t size)
{
	return strikes() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return strikes() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
	return strikes() ? NULL : __real_realloc(old, size);
}

void *
__wrap_reallocarray(void *old, size_t count, size_t size)
{
	return strikes() ? NULL : __real_reallocarray(old, count, size);
}

/* What operators do */

enum answer { ACKNOWLEDGED, REFUSED, CLOSED };

/* Which object a call changes, so that the last answer about it is known. */
enum object {
	NOTHING,
	ACCOUNT,
	PRODUCT,
	KEY,
	OTHER_KEY,
	DELETED_KEY,
	OPERATOR,
	OBJECTS,
};

static const struct step {
	const char *method, *parameters; /* behind the key's ID, if there is */
	enum object object;
	int key; /* of the world, or -1 */
} steps[] = {
    {"CreateAccount",
	"\"slug\":\"new\",\"status\":\"approved\",\"operation_id\":\"one\"",
	ACCOUNT, -1},
    {"CreateProduct", "\"slug\":\"new\",\"prefix\":\"dk\"", PRODUCT, -1},
    {"EnableProduct", "\"slug\":\"new\",\"account\":\"new\"", ACCOUNT, -1},
    {"CreateKey",
	"\"settings\":{\"name\":\"k\",\"account\":\"acme\",\"product\":"
	"\"mail\",\"scopes\":[\"a\",\"b\"],\"rate\":{\"limit\":5,"
	"\"per_seconds\":1}}",
	NOTHING, -1},
    {"UpdateKey",
	",\"settings\":{\"scopes\":[\"x\"],\"rate\":{\"limit\":9,"
	"\"per_seconds\":60},\"environment\":\"test\"}",
	KEY, WORLD_PLAIN},
    {"AddAllowed", ",\"cidr\":\"10.0.0.0/8\",\"label\":\"lan\"", KEY,
	WORLD_PLAIN},
    {"RotateKey", ",\"overlap_ms\":1000", KEY, WORLD_PLAIN},
    {"DisableKey", "", KEY, WORLD_PLAIN},
    {"EnableKey", "", KEY, WORLD_PLAIN},
    {"RevokeKey", ",\"reason\":\"leaked\"", OTHER_KEY, WORLD_RATED},
    {"DeleteKey", "", DELETED_KEY, WORLD_NEWER},
    {"AddOperator",
	"\"login\":\"dave\",\"uid\":950,\"role\":\"admin\","
	"\"accounts\":[\"acme\",\"bolt\"]",
	OPERATOR, -1},
    {"RemoveOperator", "\"login\":\"carol\"", NOTHING, -1},
    {"SetPin", "\"pin\":\"5678\",\"old_pin\":\"1234\"", NOTHING, -1},
    {"CreateKey",
	"\"settings\":{\"name\":\"k\",\"account\":\"acme\",\"product\":"
	"\"vault\",\"type\":\"hmac\"},\"pin\":\"5678\"",
	NOTHING, -1},
    {"RevealKey", ",\"pin\":\"5678\"", NOTHING, WORLD_RECOVERABLE},
    {"SuspendAccount", "\"slug\":\"new\"", ACCOUNT, -1},
    {"ListKeys", "", NOTHING, -1},
    {"GetStatus", "", NOTHING, -1},
    {"DeleteAccount", "\"slug\":\"idle\"", NOTHING, -1},
    {"DeleteProduct", "\"slug\":\"unused\"", NOTHING, -1},
};
enum { STEPS = sizeof steps / sizeof steps[0] };

static struct world world;
static struct conn conn;
static char replies[WORLD_REPLIES_MAX];

/* One call; the connection is another one afterwards if it was closed. */
static enum answer
ask(const char *method, const char *parameters)
{
	char text[1024];
	int len = snprintf(text, sizeof text,
	    "{\"method\":\"io.apikeyd.Admin.%s\",\"parameters\":{%s}}", method,
	    parameters);
	enum plane_status status;

	conn.len = 0;
	at_work = true;
	status = world_send(&conn, text, (size_t)len + 1);
	on_disk = true;
	world_settle(&world);
	on_disk = false;
	at_work = false;
	if (status == PLANE_CLOSE || conn.finished) {
		world_disconnect(&conn);
		world_connect(&world, &conn, 0);
		return CLOSED;
	}
	ck_assert_msg(conn.len > 0 && replies[conn.len - 1] == '\0' &&
		strlen(replies) == conn.len - 1,
	    "%s is answered once", method);
	return strncmp(replies, "{\"parameters\":", 14) == 0 ? ACKNOWLEDGED
							     : REFUSED;
}

static enum answer
take(const struct step *step)
{
	char text[512];
	struct bytes id;

	if (step->key < 0)
		return ask(step->method, step->parameters);
	id = world_key_id(&world, (enum world_key)step->key);
	snprintf(text, sizeof text, "\"id\":\"%.*s\"%s", (int)id.len,
	    (const char *)id.data, step->parameters);
	return ask(step->method, text);
}

/* What is known of the objects: "sequence":N of a key, status of an account. */
static enum answer last[OBJECTS];
static const struct step *last_step[OBJECTS];
static enum answer first; /* of the first step, which has an operation id */

static enum verdict
verdict_of_token(const char *token)
{
	struct verify_request request = {.credential = bytes_of(token)};
	struct verify_reply reply;
	char id[KEY_ID_SIZE];

	verify(&world.verifier, &request, 1000, now_ms(), &reply, id);
	return (enum verdict)reply.verdict;
}

static enum verdict
verdict_of(enum world_key key)
{
	return verdict_of_token(world.tokens[key]);
}

/* What was acknowledged is so. */
static void
check_acknowledged(void)
{
	const struct account *account = index_account(world.index, "new");
	const struct step *step = last_step[ACCOUNT];

	if (step != NULL && last[ACCOUNT] == ACKNOWLEDGED) {
		ck_assert_ptr_nonnull(account);
		if (strcmp(step->method, "SuspendAccount") == 0)
			ck_assert_int_eq(account->status, ACCOUNT_SUSPENDED);
		else if (strcmp(step->method, "EnableProduct") == 0)
			ck_assert_uint_eq(account->enabled_count, 1);
	}
	if (last[PRODUCT] == ACKNOWLEDGED)
		ck_assert_ptr_nonnull(index_product(world.index, "new"));
	if (last[OPERATOR] == ACKNOWLEDGED)
		ck_assert_ptr_nonnull(index_operator(world.index, 950));
	if (last[OTHER_KEY] == ACKNOWLEDGED)
		ck_assert_int_eq(verdict_of(WORLD_RATED), VERDICT_REVOKED);
	if (last[DELETED_KEY] == ACKNOWLEDGED)
		ck_assert_int_eq(verdict_of(WORLD_NEWER), VERDICT_UNKNOWN);
}

/* All steps, memory failing at the nth allocation; 0: never. */
static void
work(long nth)
{
	world_make(&world);
	world_connect(&world, &conn, 0);
	memset(last, 0, sizeof last);
	memset(last_step, 0, sizeof last_step);
	countdown = nth;
	for (size_t i = 0; i < STEPS; i++) {
		const struct step *step = &steps[i];
		struct world_digest before = world_digest(&world);
		enum answer answer = take(step);

		if (answer == REFUSED &&
		    strstr(step->parameters, "pin") == NULL)
			ck_assert_msg(
			    world_digest_equal(before, world_digest(&world)),
			    "%s has failed and changed nothing (%ld)",
			    step->method, nth);
		if (i == 0)
			first = answer;
		last[step->object] = answer;
		last_step[step->object] = step;
		if (nth == 0)
			ck_assert_msg(answer == ACKNOWLEDGED, "%s: %s",
			    step->method, replies);
	}
	countdown = 0;
}

static void
end(long nth)
{
	struct world_digest live = world_digest(&world);

	check_acknowledged();
	ck_assert_msg(
	    ask("GetStatus", "") == ACKNOWLEDGED, "it goes on (%ld)", nth);
	if (first == ACKNOWLEDGED)
		ck_assert_msg(take(&steps[0]) == ACKNOWLEDGED &&
			strstr(replies, "\"repeated\":true") != NULL,
		    "what was done is known by its id (%ld): %s", nth, replies);
	world_disconnect(&conn);
	world_restart(&world);
	check_acknowledged();
	ck_assert_msg(world_digest_equal(live, world_digest(&world)),
	    "a restart finds what was in force (%ld)", nth);
	world_free(&world);
}

/* How many allocations are passed over between two that fail. */
static long
stride(void)
{
	const char *text = getenv("MEMORY_STRIDE");
	long value = text != NULL ? strtol(text, NULL, 10) : 0;

	return value > 0 ? value : 7;
}

START_TEST(each_allocation_fails)
{
	long allocations;

	world_init();
	conn.replies = replies;
	work(0);
	end(0);
	/* The first world is made by calls, later ones are loaded. */
	work(0);
	allocations = counted;
	end(0);
	ck_assert_int_gt(allocations, 500);
	for (long nth = 1; nth <= allocations; nth += stride()) {
		work(nth);
		end(nth);
	}
}
END_TEST

/* Whatever fails: no other call is taken for the one that was made. */
START_TEST(another_call_is_no_repetition)
{
	long nth = 0;

	world_init();
	conn.replies = replies;
	work(0);
	do {
		countdown = ++nth;
		ck_assert_msg(ask("CreateAccount",
				  "\"slug\":\"other\","
				  "\"operation_id\":\"one\"") != ACKNOWLEDGED,
		    "%ld: %s", nth, replies);
	} while (countdown == 0);
	countdown = 0;
	ck_assert_int_gt(nth, 20);
	end(0);
}
END_TEST

/* An answer is whole, or there is none. */
START_TEST(no_answer_lacks_a_part)
{
	static char whole[WORLD_REPLIES_MAX];
	long nth = 0;

	world_init();
	conn.replies = replies;
	work(0);
	ck_assert_int_eq(ask("ListAccounts", ""), ACKNOWLEDGED);
	memcpy(whole, replies, sizeof whole);
	do {
		countdown = ++nth;
		if (ask("ListAccounts", "") == ACKNOWLEDGED)
			ck_assert_msg(strcmp(replies, whole) == 0, "%ld: %s",
			    nth, replies);
	} while (countdown == 0);
	countdown = 0;
	ck_assert_int_gt(nth, 50);
	end(0);
}
END_TEST

/* Two digits in the place of each #. */
static void
with_number(char out[256], const char *text, int number)
{
	char *to = out;

	for (; *text != '\0' && to < out + 250; text++)
		if (*text == '#')
			to += sprintf(to, "%02d", number);
		else
			*to++ = *text;
	*to = '\0';
}

/* What is on disk is in force, though nothing can be allocated from the moment
 * on that it got there: there is room already, however the tables grow. */
START_TEST(what_is_on_disk_is_in_force)
{
	enum { MADE = 20 }; /* of each kind */
	static const struct {
		const char *method, *parameters;
	} made[] = {
	    {"CreateAccount", "\"slug\":\"a#\",\"status\":\"approved\""},
	    {"CreateProduct", "\"slug\":\"p#\",\"prefix\":\"dk\""},
	    {"EnableProduct", "\"slug\":\"p#\",\"account\":\"acme\""},
	    {"CreateKey",
		"\"settings\":{\"name\":\"k#\",\"account\":\"acme\","
		"\"product\":\"mail\"},\"operation_id\":\"o#\""},
	    {"AddOperator",
		"\"login\":\"l#\",\"uid\":10#,\"role\":\"auditor\""},
	};
	struct world_digest live;
	size_t keys;

	world_init();
	conn.replies = replies;
	world_make(&world);
	world_connect(&world, &conn, 0);
	keys = index_counts(world.index).keys;
	drought = true;
	for (int i = 0; i < MADE; i++)
		for (size_t k = 0; k < sizeof made / sizeof made[0]; k++) {
			char parameters[256];
			enum answer answer;

			with_number(parameters, made[k].parameters, i + 10);
			answer = ask(made[k].method, parameters);
			/* Nothing is left for an answer. */
			ck_assert_msg(answer == CLOSED, "%s %d: %s",
			    made[k].method, i, replies);
		}
	drought = false;
	ck_assert_uint_eq(index_counts(world.index).keys, keys + MADE);
	ck_assert_ptr_nonnull(index_operation(world.index, 0, "o29"));
	live = world_digest(&world);
	world_disconnect(&conn);
	world_restart(&world);
	ck_assert(world_digest_equal(live, world_digest(&world)));
	world_free(&world);
}
END_TEST

static void
stage(const char *sha256)
{
	char lines[256];

	ck_assert_int_eq(ask("BeginImport", ""), ACKNOWLEDGED);
	snprintf(lines, sizeof lines,
	    "\"first_line\":1,\"keys\":[{\"account\":\"acme\",\"product\":"
	    "\"mail\",\"name\":\"n\",\"sha256\":\"%s\"}]",
	    sha256);
	ck_assert_int_eq(ask("AddToImport", lines), ACKNOWLEDGED);
}

/* An import that was given up when there was no memory to clear it away does
 * not come into force with the next one. */
START_TEST(what_was_given_up_is_gone)
{
	world_init();
	conn.replies = replies;
	world_make(&world);
	world_connect(&world, &conn, 0);
	/* Of given-up-token-0123456789, and of kept-token-0123456789. */
	stage(
	    "e32249893a9ad10e1757d2d38f7228a0427072f876d928c8a28951e62dcc8401");
	at_work = on_disk = drought = true;
	world_disconnect(&conn);
	world_settle(&world);
	at_work = on_disk = drought = false;
	world_connect(&world, &conn, 0);
	stage(
	    "b976dcad5733d5e46e3807e6caa31bab815d460069797f1e47a0af080da5b3a5");
	ck_assert_int_eq(ask("CommitImport", ""), ACKNOWLEDGED);
	ck_assert_int_eq(
	    verdict_of_token("kept-token-0123456789"), VERDICT_VALID);
	ck_assert_int_eq(
	    verdict_of_token("given-up-token-0123456789"), VERDICT_MALFORMED);
	world_disconnect(&conn);
	world_free(&world);
}
END_TEST

/* Of the root that is there beside whoever imports. The world's own operation
 * ids would be those that its making has used. */
static enum answer
ask_as_root(const char *method, const char *parameters)
{
	static char text[WORLD_REPLIES_MAX];
	struct conn root = {.replies = text};
	char message[256];
	int len = snprintf(message, sizeof message,
	    "{\"method\":\"io.apikeyd.Admin.%s\",\"parameters\":{%s,"
	    "\"operation_id\":\"%s\"}}",
	    method, parameters, method);

	world_connect(&world, &root, 0);
	ck_assert_int_ne(
	    world_send(&root, message, (size_t)len + 1), PLANE_CLOSE);
	world_settle(&world);
	world_disconnect(&root);
	return strncmp(text, "{\"parameters\":", 14) == 0 ? ACKNOWLEDGED
							  : REFUSED;
}

/* One line of an account that nothing else is of, with the nth allocation
 * failing, and the account deleted before the import is to come into force.
 * False where there are not so many. *deleted_first counts how often it could
 * be. */
static bool
import_of_deleted(long nth, unsigned *deleted_first)
{
	enum { LIMITED = 950 };
	enum answer added;
	bool deleted, struck;

	world_make(&world);
	ck_assert_int_eq(ask_as_root("CreateAccount",
			     "\"slug\":\"brief\",\"status\":\"approved\""),
	    ACKNOWLEDGED);
	ck_assert_int_eq(ask_as_root("EnableProduct",
			     "\"slug\":\"mail\",\"account\":\"brief\""),
	    ACKNOWLEDGED);
	ck_assert_int_eq(
	    ask_as_root("AddOperator",
		"\"login\":\"erin\",\"uid\":950,\"role\":\"admin\","
		"\"accounts\":[\"acme\",\"brief\"]"),
	    ACKNOWLEDGED);
	world_connect(&world, &conn, LIMITED);
	ck_assert_int_eq(ask("BeginImport", ""), ACKNOWLEDGED);
	countdown = nth;
	added = ask("AddToImport",
	    "\"first_line\":1,\"keys\":[{\"account\":\"brief\",\"product\":"
	    "\"mail\",\"name\":\"n\",\"sha256\":\"b976dcad5733d5e46e3807e6ca"
	    "a31bab815d460069797f1e47a0af080da5b3a5\"}]");
	struck = countdown == 0;
	countdown = 0;
	deleted =
	    ask_as_root("DeleteAccount", "\"slug\":\"brief\"") == ACKNOWLEDGED;
	if (deleted && added != CLOSED) {
		(*deleted_first)++;
		ck_assert_int_eq(ask("CommitImport", ""), REFUSED);
		ck_assert_msg(
		    strstr(replies, "io.apikeyd.Admin.Conflict") != NULL &&
			strstr(replies, "lines of this import") != NULL,
		    "%ld: %s", nth, replies);
	}
	world_disconnect(&conn);
	world_settle(&world);
	world_free(&world);
	return struck;
}

/* What a line was for is not looked at where the line was not staged: nothing
 * keeps it there. */
START_TEST(what_was_not_staged_may_be_gone)
{
	unsigned deleted_first = 0;

	world_init();
	conn.replies = replies;
	for (long nth = 1; import_of_deleted(nth, &deleted_first); nth++)
		;
	ck_assert_uint_gt(deleted_first, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("memory");

	suite_add(suite, "each_allocation_fails", each_allocation_fails);
	suite_add(suite, "another_call_is_no_repetition",
	    another_call_is_no_repetition);
	suite_add(suite, "no_answer_lacks_a_part", no_answer_lacks_a_part);
	suite_add(
	    suite, "what_is_on_disk_is_in_force", what_is_on_disk_is_in_force);
	suite_add(
	    suite, "what_was_given_up_is_gone", what_was_given_up_is_gone);
	suite_add(suite, "what_was_not_staged_may_be_gone",
	    what_was_not_staged_may_be_gone);
	return suite_run(suite);
}
