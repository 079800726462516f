/* SPDX-License-Identifier: BSD-2-Clause */
/* Seeds of calls and imports. */
#include "daemon/json_memory.h"
#include "seeds.h"

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
		seed_save_number("admin", number++, seed, w.len);
	}
	for (size_t i = 0; i < sizeof calls_of_a_key / sizeof calls_of_a_key[0];
	     i++) {
		enum world_key key =
		    i % 2 == 0 ? WORLD_BOUND : WORLD_RECOVERABLE;

		struct bytes id = world_key_id(&seed_world, key);

		snprintf(text, sizeof text, CALL("%s", "{\"id\":\"%.*s\"%s}}"),
		    calls_of_a_key[i].method, (int)id.len,
		    (const char *)id.data, calls_of_a_key[i].parameters);
		w = writer_over(seed, sizeof seed);
		write_message(&w, '5', text); /* does not wait */
		write_message(&w, '0', text);
		write_message(&w, '2', text);
		seed_save_number("admin", number++, seed, w.len);
	}
	snprintf(text, sizeof text,
	    CALL("ExplainKey",
		"{\"token\":\"%s\",\"account\":\"acme\",\"permission\":"
		"\"read\",\"scopes\":[\"a:b\"],\"user\":\"alice\",\"service\":"
		"\"httpd\",\"address\":\"203.0.113.7\",\"endpoint\":\"GET "
		"/\"}}"),
	    seed_world.tokens[WORLD_BOUND]);
	w = writer_over(seed, sizeof seed);
	write_message(&w, '1', text);
	seed_save_number("admin", number++, seed, w.len);
	/* A store that fails, and a caller that does not wait for it. */
	w = writer_over(seed, sizeof seed);
	write_u8(&w, 3);
	write_bytes(&w, "\002\003\004", 3);
	write_message(&w, '0', calls[1]);
	write_message(&w, '0', calls[1]);
	write_message(&w, '<', calls[3]);
	seed_save_number("admin", number, seed, w.len);
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
    "M" CALL("CreateProduct",
	"{\"slug\":\"short\",\"max_lifetime_ms\":86400000}}") "\nM" CALL("Enabl"
									 "eProd"
									 "uct",
	"{\"slug\":\"short\",\"account\":\"acme\"}}") "\nB\n" LINE("acme",
	"short", ONE, "") "A\nC\n",
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

	world_connect(&seed_world, &conn, 0);
	world_send(&conn, text, sizeof text);
	world_settle(&seed_world);
	answer = json_loads(replies, 0, NULL);
	world_disconnect(&conn);
	return answer;
}

/* Each kind of key as an export has it, under another ID. */
static void
save_exports(void)
{
	json_t *answer = exported(), *key;
	size_t i;

	json_array_foreach (
	    json_object_get(json_object_get(answer, "parameters"), "keys"), i,
	    key) {
		const char *id = json_string_value(json_object_get(key, "id"));
		struct writer w = writer_over(seed, sizeof seed);
		char other[KEY_ID_SIZE], name[32], *line;
		size_t len;

		snprintf(other, sizeof other, "%.*s%012zu",
		    (int)(strlen(id) - TOKEN_ID_LEN), id, i);
		json_object_set_new(key, "id", json_string(other));
		line = json_text(key, JSON_COMPACT, &len);
		fuzz_require(line != NULL, "there is memory");
		write_import(&w, "", "N\nK");
		write_bytes(&w, line, len);
		free(line);
		write_bytes(&w, "\nA\nC1234\n", 9);
		fuzz_require(!w.failed, "a seed fits");
		snprintf(name, sizeof name, "export-%02zu", i);
		seed_save("import", name, seed, w.len);
	}
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
		seed_save_number("import", number++, seed, w.len);
	}
	save_exports();
}

void
seeds_of_admin(void)
{
	save_calls();
	save_imports();
}
