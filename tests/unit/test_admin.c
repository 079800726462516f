/* SPDX-License-Identifier: BSD-2-Clause */
/* The admin interface through its plane, with a real store behind it and
 * nothing but memory before it. */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/admin.h"
#include "daemon/admin_import.h"
#include "daemon/import.h"
#include "daemon/index_impl.h"
#include "daemon/instant.h"
#include "stock.h"

/* The server's place */

struct conn {
	void *session;
	char sent[1 << 16]; /* replies, each ended by a NUL */
	size_t len;
	bool finished;
};

void
conn_send(struct conn *conn, const void *data, size_t len)
{
	ck_assert_uint_lt(conn->len + len, sizeof conn->sent);
	memcpy(conn->sent + conn->len, data, len);
	conn->len += len;
}

bool
conn_is_clogged(const struct conn *conn)
{
	(void)conn;
	return false;
}

void
conn_resume(struct conn *conn)
{
	(void)conn;
}

void
conn_finish(struct conn *conn)
{
	conn->finished = true;
}

void
server_counters(const struct server *server, const struct plane *plane,
    struct server_counters *counters)
{
	(void)server;
	(void)plane;
	memset(counters, 0, sizeof *counters);
}

static char directory[64];
static struct admin admin;
static struct varlink_service service;
static struct verifier verifier;
static struct keyring *ring;
static int ready[2];
static const char description[] = "interface io.apikeyd.Admin\n";

static void
on_ready(void *context)
{
	(void)context;
	ck_assert_int_eq(write(ready[1], "", 1), 1);
}

static void
with_admin(void)
{
	static const uint8_t master[SECRET_KEY_BYTES] = {1};
	struct loader *loader;

	varlink_init();
	strcpy(directory, "/tmp/apikeyd-admin-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert(store_create(directory, 10, master));
	admin.index = index_new();
	loader = loader_new(admin.index);
	admin.store =
	    store_open(directory, 10, master, &ring, load_record, loader);
	ck_assert(admin.store != NULL && load_finish(loader));
	loader_free(loader);
	admin.changes = changes_new(admin.store, admin.index);
	admin.ring = ring;
	admin.verifier = &verifier;
	admin.state_directory = directory;
	admin.own_uid = 500;
	admin.started_at = monotonic_ms();
	service = admin_service(&admin, description);
	ck_assert_int_eq(pipe(ready), 0);
	admin.worker = worker_start(on_ready, NULL);
	ck_assert_ptr_nonnull(admin.worker);
	admin.reader = worker_start(on_ready, NULL);
	ck_assert_ptr_nonnull(admin.reader);
	ck_assert(store_start(admin.store, on_ready, NULL));
}

static void
without_admin(void)
{
	char path[128];

	worker_stop(admin.worker);
	worker_free(admin.worker);
	worker_stop(admin.reader);
	worker_free(admin.reader);
	store_stop(admin.store);
	store_collect(admin.store);
	ck_assert(changes_idle(admin.changes));
	changes_free(admin.changes);
	store_free(admin.store);
	index_free(admin.index);
	keyring_free(ring);
	snprintf(path, sizeof path, "%s/keys.tdb", directory);
	unlink(path);
	snprintf(path, sizeof path, "%s/audit.log", directory);
	unlink(path);
	ck_assert_int_eq(rmdir(directory), 0);
}

static void
connect_as(struct conn *conn, uid_t uid)
{
	struct peer peer = {.uid = uid};

	memset(conn, 0, sizeof *conn);
	conn->session = admin_plane.opened(&service, conn, &peer);
}

/* Hands in a call of the interface; parameters are JSON text. */
static void
call(struct conn *conn, const char *method, const char *parameters)
{
	char text[4096];
	uint8_t out[16384];
	struct writer w = writer_over(out, sizeof out);
	size_t used;
	int len = snprintf(text, sizeof text,
	    "{\"method\":\"%s%s\",\"parameters\":%s}",
	    strchr(method, '.') != NULL ? "" : "io.apikeyd.Admin.", method,
	    parameters);

	conn->len = 0;
	admin_plane.received(&service, conn->session,
	    (struct bytes){(uint8_t *)text, (size_t)len + 1}, &used, &w);
	ck_assert_uint_eq(used, (size_t)len + 1);
}

static void
turn_of_the_loop(void)
{
	struct pollfd fd = {ready[0], POLLIN, 0};
	char byte;

	ck_assert_int_eq(poll(&fd, 1, SUITE_TIMEOUT * 1000), 1);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	store_collect(admin.store);
	worker_collect(admin.worker);
	worker_collect(admin.reader);
	admin_collected(&admin);
}

static void
wait_for_all(void)
{
	while (!changes_idle(admin.changes))
		turn_of_the_loop();
}

/* The reply to a call, waited for. */
static const char *
ask(struct conn *conn, const char *method, const char *parameters)
{
	call(conn, method, parameters);
	wait_for_all();
	ck_assert(conn->len > 0 && conn->sent[conn->len - 1] == '\0');
	return conn->sent;
}

static void
check_has(const char *reply, const char *what)
{
	ck_assert_msg(strstr(reply, what) != NULL, "%s", reply);
}

static struct conn root, other;

START_TEST(strangers_may_nothing)
{
	static const char *const methods[] = {"GetStatus", "CreateAccount",
	    "ApproveAccount", "SuspendAccount", "DeleteAccount", "GetAccount",
	    "ListAccounts", "CreateProduct", "DeleteProduct", "GetProduct",
	    "ListProducts", "EnableProduct", "DisableProduct", "CreateKey",
	    "UpdateKey", "DisableKey", "EnableKey", "RevokeKey", "RotateKey",
	    "DeleteKey", "GetKey", "ListKeys", "AddOperator", "RemoveOperator",
	    "ListOperators", "SetPin"};

	connect_as(&other, 65534);
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
		check_has(ask(&other, methods[i], "{}"),
		    "io.apikeyd.Admin.NotPermitted");
	check_has(ask(&other, "GetNothing", "{}"), "MethodNotFound");
	check_has(
	    ask(&other, "org.varlink.service.Nothing", "{}"), "MethodNotFound");
	check_has(ask(&other, "io.nobody.Knows.This", "{}"),
	    "InterfaceNotFound\",\"parameters\":{\"interface\":"
	    "\"io.nobody.Knows\"}");
	check_has(ask(&other, "org.varlink.service.GetInfo", "{}"),
	    "io.apikeyd.Admin");
	check_has(ask(&other, "org.varlink.service.GetInterfaceDescription",
		      "{\"interface\":\"io.apikeyd.Admin\"}"),
	    "interface io.apikeyd.Admin");
	admin_plane.closed(&service, other.session);
}
END_TEST

static void
make_key(void)
{
	connect_as(&root, 0);
	check_has(ask(&root, "CreateAccount",
		      "{\"slug\":\"acme\",\"status\":\"approved\"}"),
	    "approved");
	check_has(ask(&root, "CreateProduct", "{\"slug\":\"mail\"}"), "\"ak\"");
	check_has(ask(&root, "EnableProduct",
		      "{\"slug\":\"mail\",\"account\":\"acme\"}"),
	    "mail");
	check_has(ask(&root, "CreateKey",
		      "{\"settings\":{\"account\":\"acme\",\"product\":"
		      "\"mail\",\"name\":\"k\"},\"operation_id\":\"one\"}"),
	    "\"token\":\"ak_");
}

START_TEST(operation_ids)
{
	make_key();
	check_has(ask(&root, "CreateKey",
		      "{\"settings\":{\"account\":\"acme\",\"product\":"
		      "\"mail\",\"name\":\"k\"},\"operation_id\":\"one\"}"),
	    "\"repeated\":true");
	ck_assert_ptr_null(strstr(root.sent, "token"));
	ck_assert_uint_eq(index_counts(admin.index).keys, 1);
	check_has(ask(&root, "CreateAccount",
		      "{\"slug\":\"bolt\",\"operation_id\":\"one\"}"),
	    "Conflict");
	admin_plane.closed(&service, root.session);
}
END_TEST

/* An id stands for a method and what it was called with, and not for the object
 * alone: else a second change of the same one would be taken for done. */
START_TEST(operation_ids_of_one_object)
{
	static const struct {
		const char *method, *more, *answer;
	} calls[] = {
	    {"DisableKey", "", "\"status\":\"disabled\""},
	    {"DisableKey", "", "\"repeated\":true"},
	    {"RevokeKey", "", "Conflict"},
	    {"EnableKey", "", "Conflict"},
	    {"DeleteKey", "", "Conflict"},
	    {"UpdateKey", ",\"settings\":{\"name\":\"x\"}", "Conflict"},
	    {"DisableKey", "", "\"repeated\":true"},
	};
	char id[KEY_ID_SIZE], text[256];
	size_t position = 0;
	struct key *key;

	make_key();
	key = index_next_key(admin.index, &position);
	key_id_text(key, id);
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		snprintf(text, sizeof text,
		    "{\"id\":\"%s\",\"operation_id\":\"two\"%s}", id,
		    calls[i].more);
		check_has(ask(&root, calls[i].method, text), calls[i].answer);
	}
	position = 0;
	key = index_next_key(admin.index, &position);
	ck_assert_int_eq(key->state, KEY_DISABLED);
	admin_plane.closed(&service, root.session);
}
END_TEST

/* Two changes of one key, under way together: neither is lost. */
START_TEST(changes_of_one_key)
{
	char id[KEY_ID_SIZE], text[256];
	size_t position = 0;
	struct key *key;

	make_key();
	connect_as(&other, 0);
	key = index_next_key(admin.index, &position);
	key_id_text(key, id);
	snprintf(text, sizeof text,
	    "{\"id\":\"%s\",\"settings\":{\"environment\":\"e\"}}", id);
	call(&root, "UpdateKey", text);
	snprintf(text, sizeof text,
	    "{\"id\":\"%s\",\"settings\":{\"user\":\"u\"}}", id);
	call(&other, "UpdateKey", text);
	ck_assert_msg(other.len == 0, "%s / %s", other.sent, root.sent);
	/* Nor when the first caller does not wait for his answer. */
	admin_plane.closed(&service, root.session);
	wait_for_all();
	check_has(other.sent, "\"environment\":\"e\"");
	check_has(other.sent, "\"user\":\"u\"");
	ck_assert_uint_eq(root.len, 0);
	admin_plane.closed(&service, other.session);
}
END_TEST

START_TEST(creating_against_suspending)
{
	make_key();
	connect_as(&other, 0);
	call(&other, "SuspendAccount", "{\"slug\":\"acme\"}");
	check_has(ask(&root, "CreateKey",
		      "{\"settings\":{\"account\":\"acme\",\"product\":"
		      "\"mail\",\"name\":\"k\"}}"),
	    "Conflict");
	check_has(other.sent, "suspended");
	admin_plane.closed(&service, other.session);
	admin_plane.closed(&service, root.session);
}
END_TEST

/* Operators */

enum { ALICE = 700, CONNS = 7 };

static struct conn alices[CONNS];

static void
add_alice(void)
{
	make_key();
	check_has(ask(&root, "AddOperator",
		      "{\"login\":\"alice\",\"uid\":700,\"role\":\"admin\"}"),
	    "alice");
	for (int i = 0; i < CONNS; i++)
		connect_as(&alices[i], ALICE);
}

static void
all_leave(void)
{
	for (int i = 0; i < CONNS; i++)
		admin_plane.closed(&service, alices[i].session);
	admin_plane.closed(&service, root.session);
}

/* Of the one key: {"id":"..."} */
static const char *
the_key(void)
{
	static char text[64];
	char id[KEY_ID_SIZE];
	size_t position = 0;

	key_id_text(index_next_key(admin.index, &position), id);
	snprintf(text, sizeof text, "{\"id\":\"%s\"}", id);
	return text;
}

/* What was under way is done before the removal, what waited is not done. */
START_TEST(removing_who_is_at_work)
{
	add_alice();
	call(&alices[0], "DisableKey", the_key());
	call(&root, "RemoveOperator", "{\"login\":\"alice\"}");
	call(&alices[1], "EnableKey", the_key());
	call(&alices[2], "GetKey", the_key());
	check_has(alices[2].sent, "\"active\"");
	wait_for_all();
	check_has(alices[0].sent, "\"disabled\"");
	ck_assert_str_eq(root.sent, "{\"parameters\":{}}");
	check_has(alices[1].sent, "NotPermitted");
	check_has(ask(&root, "GetKey", the_key()), "\"disabled\"");
	all_leave();
}
END_TEST

START_TEST(demoting_who_waits)
{
	add_alice();
	call(&root, "DisableKey", the_key());
	call(&alices[0], "RevokeKey", the_key());
	call(&root, "AddOperator",
	    "{\"login\":\"alice\",\"uid\":700,\"role\":\"auditor\"}");
	call(&alices[1], "RevokeKey", the_key());
	wait_for_all();
	/* She had asked before, and was served before. */
	check_has(alices[0].sent, "\"revoked\"");
	check_has(alices[1].sent, "NotPermitted");
	all_leave();
}
END_TEST

static void
add_pin(void)
{
	add_alice();
	check_has(ask(&root, "CreateProduct",
		      "{\"slug\":\"bank\",\"require_pin\":true}"),
	    "\"require_pin\":true");
	check_has(ask(&root, "EnableProduct",
		      "{\"slug\":\"bank\",\"account\":\"acme\"}"),
	    "bank");
	ck_assert_str_eq(ask(&alices[0], "SetPin", "{\"pin\":\"1234\"}"),
	    "{\"parameters\":{}}");
}

static void
call_create(struct conn *conn, const char *pin)
{
	char text[256];

	snprintf(text, sizeof text,
	    "{\"settings\":{\"account\":\"acme\",\"product\":\"bank\","
	    "\"name\":\"k\"},\"pin\":\"%s\"}",
	    pin);
	call(conn, "CreateKey", text);
}

static int
count(const char *what)
{
	int n = 0;

	for (int i = 0; i < CONNS; i++)
		n += alices[i].len > 0 && strstr(alices[i].sent, what) != NULL;
	return n;
}

/* Each is counted, and nobody else waits for any of them. */
START_TEST(pins_in_line)
{
	add_pin();
	for (int i = 0; i < CONNS; i++)
		call_create(&alices[i], "4321");
	call(&root, "DisableKey", the_key());
	while (root.len == 0)
		turn_of_the_loop();
	ck_assert_int_lt(count("error"), CONNS);
	wait_for_all();
	ck_assert_int_eq(count("PinWrong"), PIN_TRIES - 1);
	ck_assert_int_eq(count("PinLocked"), CONNS - PIN_TRIES + 1);
	ck_assert_uint_eq(index_pin(admin.index, ALICE)->attempts, PIN_TRIES);
	/* Time goes by. */
	index_pin(admin.index, ALICE)->attempted_at -= PIN_LOCK_MS;
	call_create(&alices[0], "1234");
	wait_for_all();
	check_has(alices[0].sent, "\"token\":\"ak_");
	ck_assert_uint_eq(index_pin(admin.index, ALICE)->attempts, 0);
	all_leave();
}
END_TEST

/* Who is locked hears what works: nobody can remove root. */
START_TEST(locked_pins_have_a_way_out)
{
	static const uint32_t uids[] = {0, ALICE};

	add_pin();
	ck_assert_str_eq(
	    ask(&root, "SetPin", "{\"pin\":\"1234\"}"), "{\"parameters\":{}}");
	for (size_t i = 0; i < 2; i++) {
		struct pin *pin = index_pin(admin.index, uids[i]);

		pin->attempts = PIN_TRIES;
		pin->attempted_at = now_ms();
	}
	call_create(&root, "1234");
	check_has(root.sent, "PinLocked");
	check_has(root.sent, "operator add LOGIN --role superadmin`\"");
	ck_assert_ptr_null(strstr(root.sent, "remove and add"));
	call_create(&alices[0], "1234");
	check_has(alices[0].sent, "remove and add the operator");
	all_leave();
}
END_TEST

/* Counted on disk before it is looked at: cut off in between, it counts. */
START_TEST(attempts_that_are_cut_off)
{
	add_pin();
	call_create(&alices[0], "4321");
	while (index_pin(admin.index, ALICE)->attempts == 0)
		turn_of_the_loop();
	ck_assert_uint_eq(alices[0].len, 0);
	/* Nor does it help to leave. */
	admin_plane.closed(&service, alices[0].session);
	wait_for_all();
	ck_assert_uint_eq(index_pin(admin.index, ALICE)->attempts, 1);
	connect_as(&alices[0], ALICE);
	all_leave();
}
END_TEST

/* A right PIN is of no use to whoever is no operator by then. */
START_TEST(removing_who_shows_a_pin)
{
	size_t keys;

	add_pin();
	keys = index_counts(admin.index).keys;
	call_create(&alices[0], "1234");
	call_create(&alices[1], "1234");
	call(&root, "RemoveOperator", "{\"login\":\"alice\"}");
	wait_for_all();
	ck_assert_str_eq(root.sent, "{\"parameters\":{}}");
	ck_assert_int_eq(count("NotPermitted"), 2);
	ck_assert_uint_eq(index_counts(admin.index).keys, keys);
	ck_assert_ptr_null(index_pin(admin.index, ALICE));
	ck_assert_ptr_null(admin.pin_turns);
	/* Whoever has the uid next has no PIN. */
	ask(&root, "AddOperator",
	    "{\"login\":\"bob\",\"uid\":700,\"role\":\"admin\"}");
	call_create(&alices[0], "1234");
	wait_for_all();
	check_has(alices[0].sent, "NotPermitted");
	all_leave();
}
END_TEST

/* Nobody gets past a PIN by being somebody else for a moment. */
START_TEST(ones_own_pin_stays)
{
	add_pin();
	ask(&root, "AddOperator",
	    "{\"login\":\"alice\",\"uid\":700,\"role\":\"superadmin\"}");
	check_has(ask(&alices[0], "AddOperator",
		      "{\"login\":\"bob\",\"uid\":700,\"role\":"
		      "\"superadmin\"}"),
	    "Conflict");
	check_has(
	    ask(&alices[0], "SetPin", "{\"pin\":\"5678\"}"), "PinRequired");
	/* Nor by leaving: then one is no superadmin to come back. */
	ask(&alices[0], "RemoveOperator", "{\"login\":\"alice\"}");
	check_has(ask(&alices[0], "AddOperator",
		      "{\"login\":\"alice\",\"uid\":700,\"role\":"
		      "\"superadmin\"}"),
	    "NotPermitted");
	all_leave();
}
END_TEST

/* Two first PINs at once: one is it, and the other would have to know it. */
START_TEST(first_pins)
{
	add_alice();
	call(&alices[0], "SetPin", "{\"pin\":\"1234\"}");
	call(&alices[1], "SetPin", "{\"pin\":\"5678\"}");
	wait_for_all();
	ck_assert_str_eq(alices[0].sent, "{\"parameters\":{}}");
	check_has(alices[1].sent, "PinRequired");
	all_leave();
}
END_TEST

/* An import that nobody goes on with is given up for one who waits. */
START_TEST(silent_imports)
{
	make_key();
	connect_as(&other, 0);
	check_has(ask(&root, "BeginImport", "{}"), "{\"parameters\":{}}");
	call(&other, "BeginImport", "{}");
	admin_import_look(&admin);
	ck_assert_uint_eq(other.len, 0); /* it waits */
	admin.import->heard_at -= 3600000;
	check_has(ask(&root, "AddToImport", "{\"first_line\":1,\"keys\":[]}"),
	    "errors");
	check_has(other.sent, "under way");
	call(&other, "BeginImport", "{}");
	admin_import_look(&admin);
	ck_assert_uint_eq(other.len, 0); /* that was a sign of life */
	admin.import->heard_at -= 3600000;
	admin_import_look(&admin);
	check_has(other.sent, "{\"parameters\":{}}");
	check_has(ask(&root, "CommitImport", "{}"), "no import was begun");
	admin_plane.closed(&service, root.session);
	admin_plane.closed(&service, other.session);
	ck_assert_ptr_null(admin.import);
}
END_TEST

/* Who was an auditor when the check began. */
START_TEST(checks_for_who_no_longer_may)
{
	char beside[] = "/tmp/apikeyd-admin-usage-XXXXXX", command[64];
	struct usage_options options = {.directory = beside,
	    .ring = ring,
	    .expected_keys = 10,
	    .retention_days = 1,
	    .flush_ms = 100000,
	    .journal_bytes = 1 << 20};

	ck_assert_ptr_nonnull(mkdtemp(beside));
	make_key();
	check_has(ask(&root, "AddOperator",
		      "{\"login\":\"bob\",\"uid\":700,\"role\":\"auditor\"}"),
	    "auditor");
	admin.usage = usage_open(&options, admin.index);
	ck_assert(admin.usage != NULL);
	ck_assert(usage_start(admin.usage, on_ready, NULL));
	connect_as(&other, 700);
	call(&other, "CheckStore", "{}");
	check_has(ask(&root, "RemoveOperator", "{\"login\":\"bob\"}"),
	    "{\"parameters\":{}}");
	ck_assert_uint_eq(other.len, 0);
	usage_collect(admin.usage);
	while (other.len == 0) {
		turn_of_the_loop();
		usage_collect(admin.usage);
	}
	check_has(other.sent, "io.apikeyd.Admin.NotPermitted");
	admin_plane.closed(&service, root.session);
	admin_plane.closed(&service, other.session);
	usage_free(admin.usage);
	admin.usage = NULL;
	snprintf(command, sizeof command, "rm -r %s", beside);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

/* A revocation is not refused because there is no room for another key. */
START_TEST(only_what_is_new_takes_room)
{
	char id[KEY_ID_SIZE], of_key[64];
	const struct {
		const char *method, *parameters;
		size_t promised;
	} calls[] = {
	    {"CreateAccount", "{\"slug\":\"bolt\"}", 1},
	    {"SuspendAccount", "{\"slug\":\"bolt\"}", 0},
	    {"CreateProduct", "{\"slug\":\"calls\"}", 1},
	    {"DeleteProduct", "{\"slug\":\"calls\"}", 0},
	    {"AddOperator",
		"{\"login\":\"bob\",\"uid\":700,\"role\":\"admin\"}", 1},
	    {"AddOperator",
		"{\"login\":\"bob\",\"uid\":700,\"role\":\"auditor\"}", 0},
	    {"CreateKey",
		"{\"settings\":{\"account\":\"acme\",\"product\":\"mail\","
		"\"name\":\"k\"}}",
		1},
	    {"DisableKey", of_key, 0},
	    {"RevokeKey", of_key, 0},
	    {"DeleteKey", of_key, 0},
	};
	size_t position = 0;

	make_key();
	key_id_text(index_next_key(admin.index, &position), id);
	snprintf(of_key, sizeof of_key, "{\"id\":\"%s\"}", id);
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		call(&root, calls[i].method, calls[i].parameters);
		ck_assert_uint_eq(admin.index->promised, calls[i].promised);
		wait_for_all();
		ck_assert_uint_eq(admin.index->promised, 0);
		check_has(root.sent, "{\"parameters\"");
	}
	admin_plane.closed(&service, root.session);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("admin");

	if (!secret_init())
		return EXIT_FAILURE;
	stock_with(with_admin, without_admin);
	stock_add(suite, "strangers_may_nothing", strangers_may_nothing);
	stock_add(suite, "operation_ids", operation_ids);
	stock_add(
	    suite, "operation_ids_of_one_object", operation_ids_of_one_object);
	stock_add(suite, "changes_of_one_key", changes_of_one_key);
	stock_add(
	    suite, "creating_against_suspending", creating_against_suspending);
	stock_add(suite, "removing_who_is_at_work", removing_who_is_at_work);
	stock_add(suite, "demoting_who_waits", demoting_who_waits);
	stock_add(suite, "pins_in_line", pins_in_line);
	stock_add(
	    suite, "locked_pins_have_a_way_out", locked_pins_have_a_way_out);
	stock_add(
	    suite, "attempts_that_are_cut_off", attempts_that_are_cut_off);
	stock_add(suite, "removing_who_shows_a_pin", removing_who_shows_a_pin);
	stock_add(suite, "ones_own_pin_stays", ones_own_pin_stays);
	stock_add(suite, "first_pins", first_pins);
	stock_add(suite, "silent_imports", silent_imports);
	stock_add(suite, "checks_for_who_no_longer_may",
	    checks_for_who_no_longer_may);
	stock_add(
	    suite, "only_what_is_new_takes_room", only_what_is_new_takes_room);
	return suite_run(suite);
}
