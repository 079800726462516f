/* SPDX-License-Identifier: BSD-2-Clause */
/* What settings may say of a key, up to each limit and one beyond. */
#include <stdio.h>

#include "daemon/key_draft.h"
#include "stock.h"

enum { NOW = 1800000000 };

static struct key_draft draft;
static struct account *acme;
static struct product *mail;
static struct key *key;

/* Lays one member, as JSON text, over a draft that has a name; returns the
 * name of the field that is wrong, or NULL. */
static const char *
wrong_in(const char *text)
{
	static char field[64];
	json_t *object = json_loads(text, 0, NULL);
	struct params params = params_over(object);
	bool right;

	ck_assert_msg(object != NULL, "%s", text);
	key_draft_from(&draft, key);
	key_draft_apply(&draft, &params, NOW);
	right = params_ok(&params);
	ck_assert(right == (params.field == NULL));
	if (!right)
		snprintf(field, sizeof field, "%s", params.field);
	/* Texts in the draft are the object's: make the key before it goes. */
	if (right) {
		struct key *made = key_draft_finish(&draft);
		struct key_details details;

		ck_assert_ptr_nonnull(made);
		ck_assert(key_details_read(
		    (struct bytes){made->details, made->details_len},
		    &details));
		key_free(key);
		key = made;
	}
	json_decref(object);
	return right ? NULL : field;
}

static void
check_right(const char *text)
{
	const char *field = wrong_in(text);

	ck_assert_msg(field == NULL, "%s: %s", text, field);
}

static void
check_wrong(const char *text, const char *field)
{
	const char *wrong = wrong_in(text);

	ck_assert_msg(wrong != NULL && strcmp(wrong, field) == 0, "%s: %s",
	    text, wrong != NULL ? wrong : "taken");
}

/* {"NAME": [ITEM, ITEM, …]} count times, inside a prefix and suffix. */
static char *
repeated(const char *head, const char *item, size_t count, const char *tail)
{
	size_t size =
	    strlen(head) + strlen(tail) + count * (strlen(item) + 1) + 1;
	char *text = malloc(size), *at = text;

	at = stpcpy(at, head);
	for (size_t i = 0; i < count; i++) {
		at = stpcpy(at, item);
		if (i + 1 < count)
			*at++ = ',';
	}
	strcpy(at, tail);
	return text;
}

static void
check_text_limit(const char *name, size_t max)
{
	char text[512], body[256];

	for (size_t len = max; len <= max + 1; len++) {
		snprintf(text, sizeof text, "{\"%s\":\"%s\"}", name,
		    stock_text(body, 'x', len));
		if (len == max)
			check_right(text);
		else
			check_wrong(text, name);
	}
}

static void
check_list_limit(const char *head, const char *item, const char *tail,
    size_t max, const char *field)
{
	char *text = repeated(head, item, max, tail);

	check_right(text);
	free(text);
	text = repeated(head, item, max + 1, tail);
	check_wrong(text, field);
	free(text);
}

static void
with_draft(void)
{
	acme = stock_account("acme");
	mail = stock_product("mail", "ak");
	key = stock_key(acme, mail, "000000000000");
}

static void
without_draft(void)
{
	key_free(key);
	free(acme);
	free(mail);
}

START_TEST(texts)
{
	check_text_limit("name", NAME_MAX_LEN);
	check_text_limit("environment", ENVIRONMENT_MAX_LEN);
	check_text_limit("user", USER_MAX_LEN);
	check_wrong("{\"name\":\"\"}", "name");
	check_wrong("{\"name\":null}", "name");
	check_wrong("{\"name\":7}", "name");
	check_wrong("{\"name\":\"a\\nb\"}", "name");
	check_wrong("{\"user\":\"a b\"}", "user");
	check_wrong("{\"user\":\"a:b\"}", "user");
	check_wrong("{\"environment\":[]}", "environment");
	check_right("{\"user\":\"alice\"}");
	ck_assert_uint_eq(key->flags & KEY_HAS_USER, KEY_HAS_USER);
	check_right("{}");
	ck_assert(bytes_equal(key_details(key).user, bytes_of("alice")));
	check_right("{\"user\":null}");
	ck_assert_uint_eq(key_details(key).user.len, 0);
	ck_assert_uint_eq(key->flags & KEY_HAS_USER, 0);
}
END_TEST

START_TEST(lists)
{
	char item[128], body[80];

	snprintf(
	    item, sizeof item, "\"%s\"", stock_text(body, 's', SCOPE_MAX_LEN));
	check_list_limit("{\"scopes\":[", item, "]}", SCOPES_MAX, "scopes");
	check_list_limit(
	    "{\"services\":[", item, "]}", SERVICES_MAX, "services");
	snprintf(
	    item, sizeof item, "{\"uid\":4294967294,\"login\":\"%s\"}", body);
	check_list_limit("{\"callers\":[", item, "]}", CALLERS_MAX, "callers");
	snprintf(item, sizeof item,
	    "{\"cidr\":\"2001:db8::/32\","
	    "\"label\":\"%s\"}",
	    body);
	check_list_limit("{\"allowlist\":{\"enabled\":true,\"entries\":[", item,
	    "]}}", ALLOW_MAX, "allowlist");
	/* All of them at once now, and one field does not touch another. */
	ck_assert_uint_eq(key_details(key).scopes.count, SCOPES_MAX);
	ck_assert_uint_eq(key_details(key).allowlist.count, ALLOW_MAX);
	ck_assert_uint_eq(
	    key->flags, KEY_HAS_SERVICES | KEY_HAS_CALLERS | KEY_ALLOWLIST_ON);
	check_right("{\"scopes\":null,\"services\":null,\"callers\":null,"
		    "\"allowlist\":null}");
	ck_assert_uint_eq(key->flags, 0);
	ck_assert_uint_eq(key_details(key).allowlist.count, 0);
}
END_TEST

START_TEST(list_items)
{
	check_wrong("{\"scopes\":[\"\"]}", "scopes");
	check_wrong("{\"scopes\":[1]}", "scopes");
	check_wrong("{\"scopes\":\"a\"}", "scopes");
	check_wrong("{\"services\":[\"a b\"]}", "services");
	check_wrong("{\"callers\":[{\"uid\":-1}]}", "callers");
	check_wrong("{\"callers\":[{\"uid\":4294967295}]}", "callers");
	check_wrong("{\"callers\":[{\"login\":\"a\"}]}", "callers");
	check_wrong("{\"callers\":[{\"uid\":1,\"login\":2}]}", "callers");
	check_right("{\"callers\":[{\"uid\":0,\"login\":null},{\"uid\":7}]}");
	check_wrong(
	    "{\"allowlist\":{\"enabled\":1,\"entries\":[]}}", "allowlist");
	check_wrong("{\"allowlist\":{\"enabled\":true}}", "allowlist");
	check_wrong("{\"allowlist\":{\"enabled\":true,\"entries\":"
		    "[{\"cidr\":\"10.0.0.1/8\"}]}}",
	    "allowlist");
	check_wrong("{\"allowlist\":{\"enabled\":true,\"entries\":"
		    "[{\"cidr\":\"10.0.0.0/8\",\"label\":3}]}}",
	    "allowlist");
}
END_TEST

/* One network, however it is written. */
START_TEST(mapped_networks)
{
	struct address address;

	check_right("{\"allowlist\":{\"enabled\":true,\"entries\":"
		    "[{\"cidr\":\"::ffff:203.0.113.0/120\"}]}}");
	ck_assert(address_parse("203.0.113.7", &address));
	ck_assert(allowlist_has(key_details(key).allowlist, &address));
	ck_assert(address_parse("203.0.114.7", &address));
	ck_assert(!allowlist_has(key_details(key).allowlist, &address));
}
END_TEST

START_TEST(expiry)
{
	check_right("{\"expires_in_ms\":1}");
	ck_assert_int_eq(key->expires_at, (int64_t)NOW + 1);
	check_right("{}");
	ck_assert_int_eq(key->expires_at, (int64_t)NOW + 1);
	check_wrong("{\"expires_in_ms\":0}", "expires_in_ms");
	check_wrong("{\"expires_in_ms\":-1}", "expires_in_ms");
	check_wrong("{\"expires_in_ms\":9223372036854775807}", "expires_in_ms");
	check_wrong("{\"expires_in_ms\":1.5}", "expires_in_ms");
	check_wrong("{\"expires_at\":\"1970-01-01T00:00:00Z\"}", "expires_at");
	check_wrong("{\"expires_at\":\"tomorrow\"}", "expires_at");
	check_wrong("{\"expires_at\":\"2999-01-01T00:00:00Z\","
		    "\"expires_in_ms\":5}",
	    "expires_in_ms");
	check_right("{\"expires_at\":null}");
	ck_assert_int_eq(key->expires_at, 0);
}
END_TEST

START_TEST(rates)
{
	check_right("{\"rate\":{\"limit\":4294967295,\"per_seconds\":1}}");
	ck_assert_uint_eq(key->limits->rate_limit, UINT32_MAX);
	ck_assert_int_eq(key->limits->rate_per_ms, 1000);
	check_right("{\"rate\":{\"limit\":1,\"per_seconds\":0.001}}");
	ck_assert_int_eq(key->limits->rate_per_ms, 1);
	check_right("{}");
	ck_assert_uint_eq(key->limits->rate_limit, 1);
	check_wrong(
	    "{\"rate\":{\"limit\":4294967296,\"per_seconds\":1}}", "rate");
	check_wrong("{\"rate\":{\"limit\":0,\"per_seconds\":1}}", "rate");
	check_wrong("{\"rate\":{\"limit\":1,\"per_seconds\":0}}", "rate");
	check_wrong("{\"rate\":{\"limit\":1,\"per_seconds\":-1}}", "rate");
	check_wrong("{\"rate\":{\"limit\":1,\"per_seconds\":1e300}}", "rate");
	check_wrong("{\"rate\":{\"limit\":1}}", "rate");
	check_wrong(
	    "{\"rate\":{\"limit\":1,\"per_seconds\":1,\"x\":1}}", "rate");
	check_wrong("{\"rate\":5}", "rate");
	check_right("{\"rate\":null}");
	ck_assert_ptr_null(key->limits);
}
END_TEST

START_TEST(the_rest)
{
	check_right("{\"type\":\"bearer\",\"permission\":\"write\"}");
	ck_assert_int_eq(key->permission, PERMISSION_WRITE);
	check_right("{\"permission\":\"read\"}");
	ck_assert_int_eq(key->permission, PERMISSION_READ);
	check_right("{\"type\":\"hmac\"}");
	ck_assert_int_eq(key->type, KEY_HMAC);
	check_right("{\"type\":null}");
	ck_assert_int_eq(key->type, KEY_HMAC);
	check_wrong("{\"type\":\"x\"}", "type");
	check_wrong("{\"permission\":\"admin\"}", "permission");
	check_right("{\"quota\":{\"limit\":5,\"per\":\"month\"}}");
	ck_assert_uint_eq(key->limits->quota_limit, 5);
	ck_assert_int_eq(key->limits->quota_period, QUOTA_MONTH);
	check_right("{\"name\":\"still the quota\"}");
	ck_assert_uint_eq(key->limits->quota_limit, 5);
	check_right("{\"quota\":null}");
	ck_assert_ptr_null(key->limits);
	check_wrong("{\"quota\":{\"limit\":0,\"per\":\"day\"}}", "quota");
	check_wrong("{\"quota\":{\"limit\":1,\"per\":\"week\"}}", "quota");
	check_wrong("{\"quota\":{\"limit\":1}}", "quota");
	check_wrong("{\"quota\":{\"limit\":1,\"per\":1}}", "quota");
	check_wrong("{\"quota\":{\"limit\":1,\"per\":\"none\"}}", "quota");
	check_wrong("{\"nmae\":\"x\"}", "nmae");
	check_wrong("{\"status\":\"active\"}", "status");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("key_draft");

	if (!secret_init())
		return EXIT_FAILURE;
	stock_with(with_draft, without_draft);
	stock_add(suite, "texts", texts);
	stock_add(suite, "lists", lists);
	stock_add(suite, "list_items", list_items);
	stock_add(suite, "mapped_networks", mapped_networks);
	stock_add(suite, "expiry", expiry);
	stock_add(suite, "rates", rates);
	stock_add(suite, "the_rest", the_rest);
	return suite_run(suite);
}
