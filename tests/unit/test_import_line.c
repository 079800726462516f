/* SPDX-License-Identifier: BSD-2-Clause */
/* One line of an import: what becomes of it, and what is wrong with it. */
#include <stdio.h>
#include <string.h>

#include "daemon/import_line.h"
#include "suite.h"

#define SHA   "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define HASH  "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
#define PLACE "\"account\":\"acme\",\"product\":\"mail\",\"name\":\"n\""

static const int64_t now = INT64_C(1800000000000);
static struct keyring *ring;
static struct import_line line;
static json_t *object;
static struct params params;

static void
setup(void)
{
	ring = keyring_new();
	ck_assert_ptr_nonnull(ring);
}

static void
teardown(void)
{
	json_decref(object);
	keyring_free(ring);
}

/* The field that is wrong, or NULL. */
static const char *
read_line(const char *text)
{
	json_decref(object);
	object = json_loads(text, 0, NULL);
	ck_assert_msg(object != NULL, "%s", text);
	params = params_over(object);
	import_line_read(&line, &params, ring, now);
	params_ok(&params);
	return params.field;
}

static void
check_wrong(const char *text, const char *field)
{
	const char *wrong = read_line(text);

	ck_assert_msg(wrong != NULL, "%s: nothing wrong", text);
	ck_assert_msg(strcmp(wrong, field) == 0, "%s: %s", text, wrong);
}

static void
check_right(const char *text)
{
	const char *wrong = read_line(text);

	ck_assert_msg(wrong == NULL, "%s: %s %s", text, wrong,
	    wrong != NULL ? params.expected : "");
}

START_TEST(test_foreign)
{
	uint8_t digest[TOKEN_DIGEST_BYTES], hash[TOKEN_HASH_BYTES];

	check_right("{" PLACE ",\"sha256\":\"" SHA "\"}");
	ck_assert_str_eq(line.draft.account, "acme");
	ck_assert_str_eq(line.draft.product, "mail");
	ck_assert_ptr_null(line.key_id);
	ck_assert_int_eq(line.draft.key.created_at, now);
	ck_assert((line.draft.key.flags & KEY_FOREIGN) != 0);
	secret_digest("hello", 5, digest); /* what SHA is of */
	secret_hash_foreign(ring, digest, hash);
	ck_assert_mem_eq(line.draft.key.hash, hash, sizeof hash);
	check_right("{" PLACE ",\"sha256\":\"" SHA "\","
		    "\"permission\":\"write\",\"scopes\":[\"a:b\"],"
		    "\"environment\":\"production\",\"user\":\"alice\","
		    "\"expires_at\":\"2099-01-01T00:00:00Z\","
		    "\"created_at\":\"2001-01-01T00:00:00Z\","
		    "\"services\":[\"httpd\"],"
		    "\"callers\":[{\"uid\":0,\"login\":\"root\"}],"
		    "\"allowlist\":{\"enabled\":true,\"entries\":[]},"
		    "\"rate\":{\"limit\":1,\"per_seconds\":1},"
		    "\"quota\":{\"limit\":5,\"per\":\"month\"}}");
	ck_assert_int_eq(line.draft.key.created_at, INT64_C(978307200000));
	ck_assert_int_eq(line.draft.key.permission, PERMISSION_WRITE);
	ck_assert_int_eq(line.draft.limits.rate_limit, 1);
	/* One that has expired is imported as that. */
	check_right("{" PLACE ",\"sha256\":\"" SHA
		    "\",\"expires_at\":\"2001-01-01T00:00:00Z\"}");
}
END_TEST

START_TEST(test_foreign_wrong)
{
	static const struct {
		const char *members, *field;
	} wrong[] = {
	    {"\"sha256\":\"\"", "sha256"},
	    {"\"sha256\":\"zz\"", "sha256"},
	    {"\"sha256\":\"" SHA "00\"", "sha256"},
	    {"\"sha256\":null", "sha256"},
	    {"\"sha256\":5", "sha256"},
	    {"\"sha256\":\"" SHA "\",\"type\":\"hmac\"", "type"},
	    {"\"sha256\":\"" SHA "\",\"id\":\"ak_0123456789ab\"", "id"},
	    {"\"sha256\":\"" SHA "\",\"hash\":\"" HASH "\"", "hash"},
	    {"\"sha256\":\"" SHA "\",\"status\":\"revoked\"", "status"},
	    {"\"sha256\":\"" SHA "\",\"token\":\"secret\"", "token"},
	    {"\"sha256\":\"" SHA "\",\"expires_in_ms\":5", "expires_in_ms"},
	    {"\"sha256\":\"" SHA "\",\"created_at\":\"2099-01-01T00:00:00Z\"",
		"created_at"},
	    {"\"sha256\":\"" SHA "\",\"created_at\":\"yesterday\"",
		"created_at"},
	    {"\"sha256\":\"" SHA "\",\"scopes\":[\"a b\"]", "scopes"},
	    {"\"sha256\":\"" SHA "\",\"callers\":[\"root\"]", "callers"},
	};
	char text[512];

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		snprintf(text, sizeof text, "{" PLACE ",%s}", wrong[i].members);
		check_wrong(text, wrong[i].field);
	}
	check_wrong("{\"product\":\"mail\",\"name\":\"n\",\"sha256\":\"" SHA
		    "\"}",
	    "account");
	check_wrong("{\"account\":\"acme\",\"name\":\"n\",\"sha256\":\"" SHA
		    "\"}",
	    "product");
	check_wrong("{\"account\":\"acme\",\"product\":\"mail\",\"sha256\":"
		    "\"" SHA "\"}",
	    "name");
	check_wrong("{}", "name");
}
END_TEST

#define NATIVE PLACE ",\"id\":\"ak_0123456789ab\",\"hash\":\"" HASH "\""

START_TEST(test_native)
{
	check_right("{" NATIVE "}");
	ck_assert_str_eq(line.key_id, "ak_0123456789ab");
	ck_assert_int_eq(line.draft.key.hash[1], 0x11);
	ck_assert_int_eq(line.draft.key.hash[31], 0xff);
	ck_assert_int_eq(line.draft.key.flags & KEY_FOREIGN, 0);
	check_right("{" NATIVE ",\"foreign\":true,\"status\":\"disabled\","
		    "\"created_by\":\"root\",\"last_used_at\":null,"
		    "\"last_used_address\":null,\"rotated_at\":null,"
		    "\"previous_secret_until\":null,\"revoked_at\":null,"
		    "\"revoked_reason\":null,\"quota\":null,\"rate\":null}");
	ck_assert_int_eq(line.draft.key.state, KEY_DISABLED);
	ck_assert((line.draft.key.flags & KEY_FOREIGN) != 0);
	check_right("{" NATIVE ",\"status\":\"revoked\","
		    "\"revoked_at\":\"2001-01-01T00:00:00Z\","
		    "\"revoked_reason\":\"left\"}");
	ck_assert_int_eq(line.draft.key.state, KEY_REVOKED);
	ck_assert_int_eq(line.draft.details.state_at, INT64_C(978307200000));
	check_right("{" NATIVE ",\"previous_hash\":\"" HASH "\","
		    "\"previous_foreign\":true,"
		    "\"previous_secret_until\":\"2099-01-01T00:00:00Z\"}");
	ck_assert((line.draft.key.flags & KEY_WAS_FOREIGN) != 0);
	ck_assert_int_gt(line.draft.previous.until, now);
	/* An overlap that is over. */
	check_right("{" NATIVE ",\"previous_hash\":\"" HASH "\","
		    "\"previous_foreign\":true,"
		    "\"previous_secret_until\":\"2001-01-01T00:00:00Z\"}");
	ck_assert_int_eq(line.draft.previous.until, 0);
	ck_assert_int_eq(line.draft.key.flags & KEY_WAS_FOREIGN, 0);
}
END_TEST

START_TEST(test_native_wrong)
{
	check_wrong("{" PLACE "}", "hash");
	check_wrong("{" PLACE ",\"id\":\"ak_0123456789ab\"}", "hash");
	check_wrong("{" PLACE ",\"hash\":\"" HASH "\"}", "id");
	check_wrong("{" NATIVE ",\"type\":\"hmac\"}", "type");
	check_wrong("{" NATIVE ",\"status\":\"fine\"}", "status");
	check_wrong("{" NATIVE ",\"previous_hash\":\"" HASH "\"}",
	    "previous_secret_until");
	check_wrong("{" NATIVE
		    ",\"previous_secret_until\":\"2099-01-01T00:00:00Z\"}",
	    "previous_hash");
	check_wrong("{" NATIVE ",\"colour\":\"red\"}", "colour");
}
END_TEST

static void
add(Suite *suite, const char *name, const TTest *test)
{
	suite_add_between(suite, name, test, setup, teardown);
}

int
main(void)
{
	Suite *suite = suite_create("import_line");

	add(suite, "foreign", test_foreign);
	add(suite, "foreign_wrong", test_foreign_wrong);
	add(suite, "native", test_native);
	add(suite, "native_wrong", test_native_wrong);
	return secret_init() ? suite_run(suite) : EXIT_FAILURE;
}
