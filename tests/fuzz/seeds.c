/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes the first inputs of every corpus to DIRECTORY/TARGET/seed-…: what a
 * fuzzer would take long to come to by itself, such as tokens that are right.
 *
 *     seeds DIRECTORY
 */
#include <errno.h>
#include <sys/stat.h>

#include "daemon/json_memory.h"
#include "daemon/record.h"
#include "daemon/usage_event.h"
#include "daemon/usage_file.h"
#include "proto/frame.h"
#include "proto/usage_message.h"
#include "world.h"

enum { SEED_MAX = 1 << 17 };

static const char *directory;
static struct world world;
static uint8_t seed[SEED_MAX];

static void
save(const char *target, const char *name, const void *data, size_t len)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", directory, target);
	mkdir(path, 0777);
	snprintf(path, sizeof path, "%s/%s/seed-%s", directory, target, name);
	file = fopen(path, "we");
	if (file == NULL || fwrite(data, 1, len, file) != len ||
	    fclose(file) != 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(EXIT_FAILURE);
	}
}

static void
save_number(const char *target, size_t number, const void *data, size_t len)
{
	char name[32];

	snprintf(name, sizeof name, "%02zu", number);
	save(target, name, data, len);
}

static void
save_texts(const char *target, const char *const *texts)
{
	for (size_t i = 0; texts[i] != NULL; i++)
		save_number(target, i, texts[i], strlen(texts[i]));
}

/* Frames, and what is answered to them */

static const uint8_t office[] = {203, 0, 113, 7};
static const char scopes[] = "\003a:b\003c:d";

static struct verify_request
full_request(enum world_key key)
{
	return (struct verify_request){
	    .credential = bytes_of(world.tokens[key]),
	    .permission = PERMISSION_WRITE,
	    .account = bytes_of("acme"),
	    .product = bytes_of("mail"),
	    .user = bytes_of("alice"),
	    .service = bytes_of("httpd"),
	    .endpoint = bytes_of("GET /v1/things"),
	    .address = {office, sizeof office},
	    .scopes = {2, bytes_of(scopes)},
	};
}

static void
write_verify(struct writer *w, const struct verify_request *request)
{
	size_t begin = frame_begin(w, FRAME_VERIFY, 0);

	verify_request_write(w, request);
	frame_end(w, begin);
}

static void
write_signature(struct writer *w, const char *payload)
{
	char hex[SIGNATURE_LEN + 1];
	size_t begin = frame_begin(w, FRAME_VERIFY_SIGNATURE, 0);
	struct signature_request request = {
	    .key_id = world_key_id(&world, WORLD_HMAC),
	    .payload = bytes_of(payload)};

	world_sign(&world, NULL, 0, request.payload, hex);
	request.signature = bytes_of(hex);
	signature_request_write(w, &request);
	write_bytes(w, payload, strlen(payload));
	frame_end(w, begin);
}

static void
write_other(struct writer *w, uint8_t type, struct bytes body)
{
	size_t begin = frame_begin(w, type, 0);

	write_bytes(w, body.data, body.len);
	frame_end(w, begin);
}

static void
write_lookup(struct writer *w)
{
	size_t begin = frame_begin(w, FRAME_LOOKUP, 0);

	lookup_request_write(w, world_key_id(&world, WORLD_PLAIN));
	frame_end(w, begin);
}

static void
write_usage(struct writer *w, enum window window, enum world_key key)
{
	struct usage_request request = {(uint8_t)window, full_request(key)};
	size_t begin = frame_begin(w, FRAME_USAGE, 0);

	usage_request_write(w, &request);
	frame_end(w, begin);
}

/* The input of the frames target, and its answer as one of the client's. */
static void
save_frames(const char *name, const struct writer *w, uint8_t question)
{
	static uint8_t answer[SEED_MAX];
	struct bytes in = {seed + 1, w->len - 1};
	struct writer out = writer_over(answer, sizeof answer);
	struct peer peer = {.uid = 1000};
	struct conn conn;
	void *session = verify_plane.opened(&world.verifier, &conn, &peer);
	size_t used;

	fuzz_require(!w->failed, "a seed fits");
	save("frames", name, seed, w->len);
	write_u8(&out, question);
	write_u8(&out, UINT8_MAX);
	verify_plane.received(&world.verifier, session, in, &used, &out);
	verify_plane.closed(&world.verifier, session);
	save("client", name, answer, out.len);
}

/* Over the seed, with what comes before the stream. */
static struct writer
stream(void)
{
	struct writer w = writer_over(seed, sizeof seed);

	write_u8(&w, 1); /* uid 1000, byte by byte */
	return w;
}

static void
save_all_frames(void)
{
	char name[32];
	struct writer w;

	for (int i = 0; i < WORLD_KEYS; i++) {
		struct verify_request bare = {
		    .credential = bytes_of(world.tokens[i])};
		struct verify_request full = full_request((enum world_key)i);

		w = stream();
		write_verify(&w, i == WORLD_BOUND ? &full : &bare);
		snprintf(name, sizeof name, "verify-%02d", i);
		save_frames(name, &w, 0);
	}
	w = stream();
	for (int i = 0; i < 4; i++)
		write_verify(&w,
		    &(struct verify_request){
			.credential = bytes_of(world.tokens[WORLD_RATED])});
	save_frames("rated", &w, 1);
	w = stream();
	write_verify(
	    &w, &(struct verify_request){.credential = bytes_of("ak_short")});
	save_frames("malformed", &w, 0);
	w = stream();
	write_signature(&w, "{\"paid\":true}");
	save_frames("signature", &w, 3);
	w = stream();
	write_u8(&w, 'a');
	save_frames("cut", &w, 0);
	w = stream();
	write_other(&w, FRAME_PING, bytes_of(""));
	write_other(&w, FRAME_PING, bytes_of("pong"));
	save_frames("ping", &w, 4);
	w = stream();
	write_other(&w, FRAME_LOOKUP, bytes_of(""));
	save_frames("empty", &w, 2);
	w = stream();
	write_lookup(&w);
	save_frames("lookup", &w, 2);
	w = stream();
	write_usage(&w, WINDOW_24H, WORLD_BOUND);
	write_usage(&w, WINDOW_30D, WORLD_PLAIN);
	fuzz_require(!w.failed, "a seed fits");
	save("frames", "usage", seed, w.len);
}

/* Records */

static void
write_record(struct writer *w, struct record *record)
{
	record_seal(record, 7, world.ring);
	write_string8(w, (struct bytes){record->name.bytes, record->name.len});
	write_string16(w, (struct bytes){record->data, record->len});
}

static void
write_accounts(struct writer *w)
{
	struct record record;
	struct account *account;
	size_t position = 0;

	while ((account = index_next_account(world.index, &position))) {
		record_from_account(&record, account);
		write_record(w, &record);
		for (uint32_t i = 0; i < account->enabled_count; i++) {
			record_from_enabled(
			    &record, account, account->enabled[i], true);
			write_record(w, &record);
		}
	}
}

static void
write_products(struct writer *w)
{
	struct record record;
	struct product *product;
	size_t position = 0;

	while ((product = index_next_product(world.index, &position))) {
		record_from_product(&record, product);
		write_record(w, &record);
	}
}

static void
write_keys(struct writer *w)
{
	static struct record records[KEY_RECORDS_MAX];
	struct key *key;
	size_t position = 0;

	while ((key = index_next_key(world.index, &position))) {
		size_t count = records_from_key(records, key);

		for (size_t i = 0; i < count; i++)
			write_record(w, &records[i]);
	}
}

static void
write_operators(struct writer *w)
{
	struct record record;
	struct operator_user *user;
	struct pin *pin = index_pin(world.index, 0);
	size_t position = 0;

	while ((user = index_next_operator(world.index, &position))) {
		record_from_operator(&record, user);
		write_record(w, &record);
		for (uint32_t i = 0; i < user->account_count; i++) {
			record_from_limit(
			    &record, user->uid, user->accounts[i], true);
			write_record(w, &record);
		}
	}
	record_from_pin(&record, pin);
	write_record(w, &record);
}

/* All that belongs together, once as a store and once as a backup. */
static void
save_stores(void)
{
	static const char line[] =
	    "{\"sequence\":1,\"method\":\"%s\",\"kind\":\"%s\",\"name\":\"%.*"
	    "s\","
	    "\"account\":\"acme\",\"outcome\":\"done\"}\n";
	static const struct {
		const char *method, *kind;
		const char *name; /* NULL: a key's */
	} facts[] = {{"RevokeKey", "key", NULL}, {"DeleteKey", "key", NULL},
	    {"RotateKey", "key", NULL}, {"DisableKey", "key", NULL},
	    {"UpdateKey", "key", NULL}, {"EnableKey", "key", NULL},
	    {"SuspendAccount", "account", "acme"},
	    {"DisableProduct", "product", "mail"},
	    {"DeleteProduct", "product", "vault"},
	    {"RemoveOperator", "operator", "alice"},
	    {"AddOperator", "operator", "carol"}};
	struct writer w = writer_over(seed, sizeof seed);
	char text[512];
	size_t records;

	write_accounts(&w);
	write_products(&w);
	write_keys(&w);
	write_operators(&w);
	write_u8(&w, 0); /* no more records, nothing changed */
	write_u8(&w, 0);
	records = w.len;
	save("store", "whole", seed, w.len);
	save("restore", "whole", seed, w.len);
	for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
		struct bytes name = facts[i].name != NULL
		    ? bytes_of(facts[i].name)
		    : world_key_id(&world, (enum world_key)i);

		snprintf(text, sizeof text, line, facts[i].method,
		    facts[i].kind, (int)name.len, (const char *)name.data);
		w.len = records;
		write_bytes(&w, text, strlen(text));
		save_number("restore", i, seed, w.len);
	}
	w.len = records;
	write_bytes(&w, text, strlen(text));
	save("store", "log", seed, w.len);
	w.len = records - 1;
	write_bytes(&w, "\1\20\1", 3);
	save("store", "root", seed, w.len);
}

static void
save_details(void)
{
	size_t position = 0;
	struct key *key = index_next_key(world.index, &position);

	save("record", "details", key->details, key->details_len);
}

static void
save_records(void)
{
	struct operation operation = {.id = "an-id",
	    .kind = RECORD_KEY,
	    .object = "0123456789ab",
	    .at = INT64_C(1700000000000),
	    .sequence = 7};
	struct root root = {.sequence = 7, .records = 3};
	struct record record;
	struct writer w = writer_over(seed, sizeof seed);

	write_accounts(&w);
	write_products(&w);
	save("record", "accounts", seed, w.len);
	write_keys(&w);
	fuzz_require(!w.failed, "a seed fits");
	save("record", "keys", seed, w.len);
	w = writer_over(seed, sizeof seed);
	write_accounts(&w);
	write_operators(&w);
	save("record", "operators", seed, w.len);
	w = writer_over(seed, sizeof seed);
	record_from_operation(&record, &operation);
	write_record(&w, &record);
	record_from_root(&record, &root);
	write_record(&w, &record);
	save("record", "others", seed, w.len);
	save_details();
}

/* Calls of every method. What "0{" begins is uid 0's; see admin.c. */

#define CALL(method, parameters)                       \
	"{\"method\":\"io.apikeyd.Admin." method "\"," \
	"\"parameters\":" parameters

static const char *const calls[] = {
    CALL("GetStatus", "{}}"),
    CALL("GetMetrics", "{}}"),
    CALL("CreateAccount",
	"{\"slug\":\"new\",\"name\":\"New\",\"status\":\"approved\","
	"\"operation_id\":\"one\"}}"),
    CALL("ApproveAccount", "{\"slug\":\"idle\"}}"),
    CALL("SuspendAccount", "{\"slug\":\"acme\"}}"),
    CALL("DeleteAccount", "{\"slug\":\"idle\"}}"),
    CALL("GetAccount", "{\"slug\":\"acme\"}}"),
    CALL("ListAccounts", "{\"after\":\"1\"}}"),
    CALL("CreateProduct",
	"{\"slug\":\"new\",\"prefix\":\"dk\",\"recoverable\":true,"
	"\"require_pin\":false,\"max_lifetime_ms\":86400000}}"),
    CALL("DeleteProduct", "{\"slug\":\"unused\"}}"),
    CALL("GetProduct", "{\"slug\":\"vault\"}}"),
    CALL("ListProducts", "{}}"),
    CALL("EnableProduct", "{\"slug\":\"unused\",\"account\":\"acme\"}}"),
    CALL("DisableProduct", "{\"slug\":\"mail\",\"account\":\"acme\"}}"),
    CALL("CreateKey",
	"{\"settings\":{\"name\":\"k\",\"account\":\"acme\",\"product\":"
	"\"mail\",\"type\":\"hmac\",\"permission\":\"write\",\"scopes\":"
	"[\"a:b\"],\"environment\":\"e\",\"expires_at\":"
	"\"2099-01-01T00:00:00Z\",\"allowlist\":{\"enabled\":true,"
	"\"entries\":[{\"cidr\":\"203.0.113.7\",\"label\":\"l\"}]},"
	"\"rate\":{\"limit\":5,\"per_seconds\":1.5},\"quota\":{\"limit\":9,"
	"\"per\":\"day\"},\"user\":\"alice\",\"services\":[\"sshd\"],"
	"\"callers\":[{\"uid\":1,\"login\":null}]},"
	"\"operation_id\":\"two\"}}"),
    CALL("CreateKey",
	"{\"settings\":{\"name\":\"k\",\"account\":\"acme\",\"product\":"
	"\"vault\"},\"pin\":\"1234\"}}"),
    CALL("ListKeys",
	"{\"account\":\"acme\",\"product\":\"mail\",\"environment\":\"e\","
	"\"status\":\"active\",\"unused_ms\":1,\"expiring_ms\":86400000}}"),
    CALL("AddOperator",
	"{\"login\":\"dave\",\"uid\":900,\"role\":\"admin\",\"accounts\":"
	"[\"acme\",\"bolt\"]}}"),
    CALL("RemoveOperator", "{\"login\":\"alice\"}}"),
    CALL("RemoveOperator", "{\"login\":\"800\"}}"),
    CALL("ListOperators", "{}}"),
    CALL("CheckStore", "{}}"),
    CALL("BeginImport", "{}}"),
    CALL("AddToImport", "{\"first_line\":1,\"keys\":[]}}"),
    CALL("CommitImport", "{\"pin\":\"1234\"}}"),
    CALL("ExportKeys", "{\"account\":\"acme\"}}"),
    CALL("GetUsage", "{\"account\":\"acme\",\"window\":\"7d\"}}"),
    CALL("ListAudit", "{\"since_ms\":1000}}"),
    CALL("VerifyAudit", "{}}"),
    CALL("BackupStore", "{}}"),
    CALL("IdentifyTokens", "{\"tokens\":[\"ak_x\",\"ak_0123456789ab\"]}}"),
    CALL("SetPin", "{\"pin\":\"5678\",\"old_pin\":\"1234\"}}"),
    CALL("SetPin", "{\"pin\":\"5678\",\"old_pin\":\"0000\"}}"),
    "{\"method\":\"org.varlink.service.GetInfo\"}",
    "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
    "\"parameters\":{\"interface\":\"io.apikeyd.Admin\"},\"oneway\":true}",
    NULL,
};

/* And of the methods that take a key's ID: what comes behind it. */
static const struct {
	const char *method, *parameters;
} calls_of_a_key[] = {
    {"UpdateKey",
	",\"settings\":{\"name\":\"n\",\"user\":null,\"scopes\":[\"x\"],"
	"\"rate\":null,\"expires_in_ms\":1000}"},
    {"DisableKey", ""},
    {"EnableKey", ""},
    {"RevokeKey", ",\"reason\":\"leaked\""},
    {"RotateKey", ",\"overlap_ms\":1000"},
    {"DeleteKey", ""},
    {"AddAllowed", ",\"cidr\":\"10.0.0.0/8\",\"label\":\"lan\""},
    {"RemoveAllowed", ",\"cidr\":\"203.0.113.0/24\""},
    {"SetAllowlist", ",\"enabled\":true"},
    {"RevealKey", ",\"pin\":\"1234\""},
    {"GetKey", ""},
};

/* One message of this letter's, the changes before it all well. */
static void
write_message(struct writer *w, char letter, const char *text)
{
	if (w->len == 0)
		write_u8(w, 0);
	write_u8(w, (uint8_t)letter);
	write_bytes(w, text, strlen(text) + 1);
}

static void
save_calls(void)
{
	char text[1024];
	struct writer w;
	size_t number = 0;

	for (size_t i = 0; calls[i] != NULL; i++) {
		w = writer_over(seed, sizeof seed);
		write_message(&w, '0', calls[i]);
		write_message(&w, (char)('1' + i % 3), calls[i]);
		save_number("admin", number++, seed, w.len);
	}
	for (size_t i = 0; i < sizeof calls_of_a_key / sizeof calls_of_a_key[0];
	     i++) {
		enum world_key key =
		    i % 2 == 0 ? WORLD_BOUND : WORLD_RECOVERABLE;

		struct bytes id = world_key_id(&world, key);

		snprintf(text, sizeof text, CALL("%s", "{\"id\":\"%.*s\"%s}}"),
		    calls_of_a_key[i].method, (int)id.len,
		    (const char *)id.data, calls_of_a_key[i].parameters);
		w = writer_over(seed, sizeof seed);
		write_message(&w, '5', text); /* does not wait */
		write_message(&w, '0', text);
		write_message(&w, '2', text);
		save_number("admin", number++, seed, w.len);
	}
	snprintf(text, sizeof text,
	    CALL("ExplainKey",
		"{\"token\":\"%s\",\"account\":\"acme\",\"permission\":"
		"\"read\",\"scopes\":[\"a:b\"],\"user\":\"alice\",\"service\":"
		"\"httpd\",\"address\":\"203.0.113.7\",\"endpoint\":\"GET "
		"/\"}}"),
	    world.tokens[WORLD_BOUND]);
	w = writer_over(seed, sizeof seed);
	write_message(&w, '1', text);
	save_number("admin", number++, seed, w.len);
	/* A store that fails, and a caller that does not wait for it. */
	w = writer_over(seed, sizeof seed);
	write_u8(&w, 3);
	write_bytes(&w, "\002\003\004", 3);
	write_message(&w, '0', calls[1]);
	write_message(&w, '0', calls[1]);
	write_message(&w, '<', calls[3]);
	save_number("admin", number, seed, w.len);
}

/* Imports; see import.c, which knows the tokens of these. */

#define ONE "7de70afcf3e9b6e7b656e3020963987a912b7c263f2cb35f5272e71bbda00a03"
#define ANOTHER \
	"ae448ac86c4e8e4dec645729708ef41873ae79c6dff84eff73360989487f08e5"
#define LINE(account, product, digest, more)                        \
	"K{\"name\":\"n\",\"account\":\"" account "\",\"product\":" \
	"\"" product "\",\"sha256\":\"" digest "\"" more "}\n"

static const char *const imports[] = {
    "B\n" LINE("acme", "mail", ONE, "") "A\n" LINE(
	"acme", "mail", ANOTHER, "") "A\nC\n",
    "b\n" LINE("acme", "vault", ONE, "") "a\nc\nc1234\nL\n",
    "B\n&b\n" LINE("acme", "mail", ONE, "") "A\nL\nc\n",
    "B\n" LINE("acme", "mail", ONE, "") "&A\n&A\n&C\n",
    "B\n" LINE("acme", "mail", ONE,
	",\"created_at\":\"2020-01-01T00:00:00Z\",\"expires_at\":"
	"\"2099-01-01T00:00:00Z\",\"scopes\":[\"a:b\"],\"user\":\"u\","
	"\"environment\":\"e\",\"permission\":\"read\",\"rate\":{\"limit\":5,"
	"\"per_seconds\":1}") "A\nC\n",
    "B\n" LINE("bolt", "mail", ONE, "")
	LINE("none", "mail", ANOTHER, "") "A\nC\n",
    "B\n" LINE("acme", "mail", ONE, "") "A\n&M" CALL(
	"SuspendAccount", "{\"slug\":\"acme\"}}") "\n&C\n",
    "B\n" LINE("acme", "mail", ONE, "") "A\nM" CALL(
	"DisableProduct", "{\"slug\":\"mail\",\"account\":\"acme\"}}") "\nC\n",
    NULL};

static void
write_import(struct writer *w, const char *results, const char *steps)
{
	write_u8(w, (uint8_t)strlen(results));
	write_bytes(w, results, strlen(results));
	write_bytes(w, steps, strlen(steps));
}

static json_t *
exported(void)
{
	static char replies[WORLD_REPLIES_MAX];
	static const char text[] = CALL("ExportKeys", "{}}");
	struct conn conn = {.replies = replies};
	json_t *answer;

	world_connect(&world, &conn, 0);
	world_send(&conn, text, sizeof text);
	world_settle(&world);
	answer = json_loads(replies, 0, NULL);
	world_disconnect(&conn);
	return answer;
}

/* Every kind of key as an export has it, under another ID. */
static void
save_export(void)
{
	struct writer w = writer_over(seed, sizeof seed);
	json_t *answer = exported(), *key;
	size_t i;

	write_import(&w, "", "N\n");
	json_array_foreach (
	    json_object_get(json_object_get(answer, "parameters"), "keys"), i,
	    key) {
		const char *id = json_string_value(json_object_get(key, "id"));
		char other[KEY_ID_SIZE], *line;

		snprintf(other, sizeof other, "%.*s%012zu",
		    (int)(strlen(id) - TOKEN_ID_LEN), id, i);
		json_object_set_new(key, "id", json_string(other));
		line = json_dumps(key, JSON_COMPACT);
		write_u8(&w, 'K');
		write_bytes(&w, line, strlen(line));
		write_u8(&w, '\n');
		json_memory_free(line);
	}
	write_bytes(&w, "A\nC\n", 4);
	fuzz_require(i > 0 && !w.failed, "a seed fits");
	save("import", "export", seed, w.len);
	json_decref(answer);
}

static void
save_imports(void)
{
	/* None, the first, the second, the third change fails; 7: it is well.
	 */
	static const char *const results[] = {"", "\2", "\7\2", "\7\7\3"};
	size_t number = 0;

	for (size_t i = 0; imports[i] != NULL; i++) {
		struct writer w = writer_over(seed, sizeof seed);

		write_import(&w, results[i % 4], imports[i]);
		save_number("import", number++, seed, w.len);
	}
	save_export();
}

/* Texts */

static const char *const texts[] = {"0", "1d12h", "90s", "500ms", "100/60s",
    "5/m", "1000/month", "2026-11-21", "2026-11-21T03:11:00Z",
    "2026-11-21T03:11:00.5+01:00", "1700000000", "203.0.113.7",
    "203.0.113.0/24", "2001:db8::/32", "::ffff:203.0.113.7", "fe80::1%eth0",
    "a-slug", "appointments:export", "Gr\xc3\xbc\xc3\x9f\x65", NULL};

static const char *const settings[] = {
    "verify_socket_group = \"apikey\"\nmaster_key_file = \"/etc/key\"\n",
    "# a comment\nlog_level = debug\nmax_connections = 10\n"
    "max_connections_per_uid = 5\n",
    "request_timeout = \"5s\"\nsignature_window = 300s\n"
    "expected_keys = 1000\n",
    "log_level = '${HOME}'\n", "log_levle = debug\n", NULL};

/* Usage */

static void
save_usage(void)
{
	struct arena arena = {NULL, 0};
	struct address address = {{1}};
	struct usage_row row;
	struct row_event event = {.at = 3 * USAGE_HOUR_MS,
	    .verdict = VERDICT_VALID,
	    .endpoint = bytes_of("GET /v1/things"),
	    .address = &address};
	struct usage_total total = {.taken = 9, .quota_used = 5};
	struct event_head head = {.at = 1, .verdict = 1, .endpoint_len = 5};
	struct writer w;
	size_t len;

	memset(&row, 0, sizeof row);
	for (int i = 0; i < 3; i++) {
		event.at += i * USAGE_HOUR_MS;
		row_count(&arena, &row, &event);
	}
	seed[0] = 0;
	len = row_encode(&row, seed + 1);
	save("usage", "row", seed, 1 + len);
	arena_free(&arena);
	total.verdicts[VERDICT_VALID] = 300;
	seed[0] = 1;
	save("usage", "total", seed, 1 + total_encode(&total, seed + 1));
	w = writer_over(seed, sizeof seed);
	write_u8(&w, 2);
	write_bytes(&w, &head, sizeof head);
	write_bytes(&w, "GET /", 5);
	save("usage", "event", seed, w.len);
	save("usage", "events", "\3\1\0\1\1\4GET \2\100\2\2\0", 13);
	save("journal", "sound", "", 0);
	save("journal", "patched", "\0\20\0\4abcd\1\0\0\1a\0\0\0\0\5abcde\3xyz",
	    27);
	save("journal", "appended", "\0\0\0\0\5abcde\3xyz", 14);
}

/* Files and journal of usage: see files.c. */

static void
write_named_row(
    struct writer *w, uint8_t which, struct usage_name name, struct bytes row)
{
	write_u8(w, which);
	write_string8(w, (struct bytes){name.bytes, name.len});
	write_string16(w, row);
}

static void
write_day(struct writer *w, const struct key *key)
{
	static uint8_t encoded[4096];
	struct arena arena = {NULL, 0};
	struct address address = {{1}};
	struct usage_row row;
	struct row_event event = {.at = 3 * USAGE_HOUR_MS,
	    .verdict = VERDICT_VALID,
	    .endpoint = bytes_of("GET /"),
	    .address = &address};
	struct bytes bytes;

	memset(&row, 0, sizeof row);
	row_count(&arena, &row, &event);
	bytes = (struct bytes){encoded, row_encode(&row, encoded)};
	write_named_row(w, 0, usage_name_of_key(key->id), bytes);
	write_named_row(w, 0,
	    usage_name_of_subject(USAGE_OF_ACCOUNT, key->account->usage_id),
	    bytes);
	write_named_row(w, 0,
	    usage_name_of_subject(USAGE_OF_PRODUCT, key->product->usage_id),
	    bytes);
	arena_free(&arena);
}

static void
write_event(struct writer *w, const struct key *key, int64_t at)
{
	struct event_head head = {.at = at,
	    .verdict = VERDICT_VALID,
	    .flags = EVENT_HAS_KEY | EVENT_HAS_QUOTA,
	    .endpoint_len = 5,
	    .account = key->account->usage_id,
	    .product = key->product->usage_id};
	struct event_quota quota = {
	    .start = at, .used = 1, .period = QUOTA_DAY};

	memcpy(head.id, key->id, sizeof head.id);
	write_u8(w, sizeof head + sizeof quota + 5);
	write_bytes(w, &head, sizeof head);
	write_bytes(w, &quota, sizeof quota);
	write_bytes(w, "GET /", 5);
}

static void
save_files(void)
{
	struct usage_total total = {.taken = 9, .last_used_at = 5};
	uint8_t encoded[TOTAL_ENCODED_MAX];
	struct writer w = writer_over(seed, sizeof seed);
	size_t position = 0, records, rows;
	const struct key *key;

	write_accounts(&w);
	write_products(&w);
	write_keys(&w);
	write_u8(&w, 0);
	records = w.len;
	key = index_next_key(world.index, &position);
	write_day(&w, key);
	write_named_row(&w, 3, usage_name_of_key(key->id),
	    (struct bytes){encoded, total_encode(&total, encoded)});
	rows = w.len;
	save("files", "rows", seed, w.len);
	write_named_row(&w, 3, (struct usage_name){.len = 1, .bytes = "M"},
	    (struct bytes){(const uint8_t *)"\0\0\0\0\0\0\0\1\1\1a", 11});
	save("files", "head", seed, w.len);
	w.len = rows;
	write_bytes(&w, "\0", 2);
	write_event(&w, key, 0);
	save("files", "both", seed, w.len);
	w.len = records;
	write_bytes(&w, "\0", 2);
	write_event(&w, key, 0);
	write_event(&w, index_next_key(world.index, &position), USAGE_DAY_MS);
	save("files", "events", seed, w.len);
}

static const char *const logs[] = {"F\"a\":1\nB\"b\":2\nO\"c\":3\nB\"d\":4\n",
    "B\"a\":1\nRxx\nB\"d\":4\nC12", "F\"a\":1\nF\"b\":2\nC7\nO\"z\":1",
    "R{\"sequence\":1,\"mac\":\"00112233445566778899aabbccddeeff\"}\n", NULL};

/* What stands for tokens and stretches: see scan.c. */
static const char *const scans[] = {"\377an \200 and\n\n\201\n",
    "\1a\nb\200\201\202\203", "\37_\200_", "\201x\236\n\200\237\237\201\n\202",
    "\377\237\237\237\237_\n_\203", NULL};

/* Requests to httpd, see credential.c; '$': a token. */
static void
save_credentials(void)
{
	static const char *const requests[] = {
	    "\17Bearer $\n\n\n$",
	    "\17Negotiate x, bearer  $\n$\na=1&api_key=$&b=2",
	    "\217Basic dXNlcjpwYXNz\n\napi%5fkey=$;x",
	    "\2Basic OmFrX3g=\n", /* ":ak_x" */
	};
	const char *token = world.tokens[WORLD_PLAIN];

	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		struct writer w = writer_over(seed, sizeof seed);

		for (const char *at = requests[i]; *at != '\0'; at++)
			if (*at == '$')
				write_bytes(&w, token, strlen(token));
			else
				write_u8(&w, (uint8_t)*at);
		save_number("credential", i, seed, w.len);
	}
}

static void
save_tokens(void)
{
	for (size_t i = 0; i < WORLD_KEYS; i++)
		save_number(
		    "token", i, world.tokens[i], strlen(world.tokens[i]));
	save("token", "cut", world.tokens[0], strlen(world.tokens[0]) - 1);
	save("token", "id", world.tokens[0], 3 + TOKEN_ID_LEN);
}

int
main(int argc, char **argv)
{
	if (argc != 2) {
		fputs("usage: seeds DIRECTORY\n", stderr);
		return 2;
	}
	directory = argv[1];
	world_init();
	world_make(&world);
	save_all_frames();
	save_records();
	save_stores();
	save_calls();
	save_imports();
	save_texts("text", texts);
	save_texts("settings", settings);
	save_tokens();
	save_credentials();
	save_usage();
	save_files();
	save_texts("audit", logs);
	save_texts("scan", scans);
	world_free(&world);
	return 0;
}
