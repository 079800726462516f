/* SPDX-License-Identifier: BSD-2-Clause */
/* libapikey: what a request may be, and what the daemon sees of it. */
#include "client_peer.h"

#include <string.h>

/* Keeps what was asked. */
static void
serve_record(struct fake_daemon *daemon, int fd, int nth)
{
	struct fake_request *request = daemon->context;
	uint8_t data[FRAME_MAX];
	struct writer w = writer_over(data, sizeof data);

	(void)nth;
	while (fake_read(daemon, fd, request)) {
		w.len = 0;
		fake_verdict(&w, request->frame.id, VERDICT_VALID);
		fake_write(daemon, fd, data, w.len);
	}
}

static void
assert_text(struct bytes got, const char *want)
{
	ck_assert_uint_eq(got.len, strlen(want));
	ck_assert_int_eq(memcmp(got.data, want, got.len), 0);
}

/* Sends one request and gives back what the daemon saw of it. */
static void
send_recorded(
    const struct apikey_request *request, struct fake_request *recorded)
{
	struct fake_daemon daemon = {
	    .serve = serve_record, .context = recorded};
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;

	client = start_client(&daemon);
	ck_assert_int_eq(
	    apikey_verify(client, request, &result, LONG_MS), APIKEY_OK);
	stop_client(client, &daemon);
}

START_TEST(request_on_the_wire)
{
	static const char *const scopes[] = {"a:b", "c"};
	struct apikey_request request = a_request();
	struct fake_request seen;
	struct bytes scope;

	request.address = "203.0.113.7";
	request.service = "httpd";
	request.endpoint = "GET /v1/things";
	request.account = "acme";
	request.product = "appointments";
	request.user = "alice";
	request.permission = APIKEY_PERMISSION_WRITE;
	request.scopes = scopes;
	request.scope_count = 2;
	send_recorded(&request, &seen);
	assert_text(seen.verify.credential, client_token);
	assert_text(seen.verify.service, "httpd");
	assert_text(seen.verify.endpoint, "GET /v1/things");
	assert_text(seen.verify.account, "acme");
	assert_text(seen.verify.product, "appointments");
	assert_text(seen.verify.user, "alice");
	ck_assert_uint_eq(seen.verify.permission, PERMISSION_WRITE);
	ck_assert_uint_eq(seen.verify.address.len, 16);
	ck_assert_int_eq(memcmp(seen.verify.address.data,
			     "\0\0\0\0\0\0\0\0\0\0\xff\xff\xcb\0\x71\x07", 16),
	    0);
	ck_assert_uint_eq(seen.verify.scopes.count, 2);
	ck_assert(list_next(&seen.verify.scopes, &scope));
	assert_text(scope, "a:b");
	ck_assert(list_next(&seen.verify.scopes, &scope));
	assert_text(scope, "c");

	request = (struct apikey_request)APIKEY_REQUEST_INIT;
	request.address = "fe80::1%eth0";
	request.account = "";
	send_recorded(&request, &seen);
	ck_assert_uint_eq(seen.verify.credential.len, 0);
	ck_assert_uint_eq(seen.verify.account.len, 0);
	ck_assert_uint_eq(seen.verify.scopes.count, 0);
	ck_assert_uint_eq(seen.verify.address.len, 16);
	ck_assert_uint_eq(seen.verify.address.data[0], 0xfe);
}
END_TEST

/* An endpoint of a character repeated, after offset bytes. */
static void
check_cut(const char *character, size_t offset, size_t kept)
{
	struct apikey_request request = APIKEY_REQUEST_INIT;
	struct fake_request seen;
	char endpoint[512] = "";

	memset(endpoint, 'x', offset);
	endpoint[offset] = '\0';
	while (strlen(endpoint) <= ENDPOINT_MAX_LEN)
		strcat(endpoint, character);
	request.endpoint = endpoint;
	send_recorded(&request, &seen);
	ck_assert_uint_eq(seen.verify.endpoint.len, kept + 3);
	ck_assert_int_eq(memcmp(seen.verify.endpoint.data, endpoint, kept), 0);
	ck_assert_int_eq(
	    memcmp(seen.verify.endpoint.data + kept, "\xe2\x80\xa6", 3), 0);
}

START_TEST(long_texts_are_cut)
{
	struct apikey_request request = APIKEY_REQUEST_INIT;
	struct fake_request seen;
	char credential[CREDENTIAL_MAX_LEN + 100];
	char endpoint[ENDPOINT_MAX_LEN + 1];

	memset(credential, 'k', sizeof credential);
	request.token = credential;
	request.token_len = sizeof credential;
	memset(endpoint, 'e', ENDPOINT_MAX_LEN);
	endpoint[ENDPOINT_MAX_LEN] = '\0';
	request.endpoint = endpoint;
	send_recorded(&request, &seen);
	ck_assert_uint_eq(seen.verify.credential.len, CREDENTIAL_MAX_LEN);
	assert_text(seen.verify.endpoint, endpoint);

	check_cut("e", 0, 125);
	check_cut("\xc3\xa9", 0, 124);             /* é: 62 whole ones */
	check_cut("\xc3\xa9", 1, 125);             /* x and 62 */
	check_cut("\xe2\x82\xac", 0, 123);         /* €: 41 */
	check_cut("\xf0\x9f\x94\x91", 0, 124);     /* four bytes: 31 */
	check_cut("\xf0\x9f\x94\x91", 2, 122);     /* xx and 30 */
	check_cut("\x80\x80\x80\x80\x80", 0, 122); /* no UTF-8 at all */
}
END_TEST

/* Fills the request with one thing that is wrong. */
struct mistake {
	const char *name;
	void (*make)(struct apikey_request *request);
};

static char too_long[4097];
static const char *many[33];

static void
mistake_size_small(struct apikey_request *r)
{
	r->size -= sizeof(size_t);
}
static void
mistake_size_zero(struct apikey_request *r)
{
	r->size = 0;
}
static void
mistake_size_absurd(struct apikey_request *r)
{
	r->size = SIZE_MAX - 7;
}
static void
mistake_size_odd(struct apikey_request *r)
{
	r->size++;
}
static void
mistake_token(struct apikey_request *r)
{
	r->token = NULL;
}
static void
mistake_account(struct apikey_request *r)
{
	r->account = too_long + sizeof too_long - 1 - 64;
}
static void
mistake_product(struct apikey_request *r)
{
	r->product = too_long;
}
static void
mistake_user(struct apikey_request *r)
{
	r->user = too_long + sizeof too_long - 1 - 65;
}
static void
mistake_service(struct apikey_request *r)
{
	r->service = too_long + sizeof too_long - 1 - 65;
}
static void
mistake_address(struct apikey_request *r)
{
	r->address = "localhost";
}
static void
mistake_permission(struct apikey_request *r)
{
	int number = 3;

	memcpy(&r->permission, &number, sizeof number);
}
static void
mistake_scopes_null(struct apikey_request *r)
{
	r->scope_count = 1;
}
static void
mistake_scope_null(struct apikey_request *r)
{
	many[0] = NULL;
	r->scopes = many;
	r->scope_count = 1;
}
static void
mistake_scope_empty(struct apikey_request *r)
{
	many[0] = "";
	r->scopes = many;
	r->scope_count = 1;
}
static void
mistake_scope_long(struct apikey_request *r)
{
	many[0] = too_long + sizeof too_long - 1 - 65;
	r->scopes = many;
	r->scope_count = 1;
}
static void
mistake_scopes_many(struct apikey_request *r)
{
	for (size_t i = 0; i < 33; i++)
		many[i] = "s";
	r->scopes = many;
	r->scope_count = 33;
}

static const struct mistake mistakes[] = {
    {"size too small", mistake_size_small},
    {"size zero", mistake_size_zero},
    {"size absurd", mistake_size_absurd},
    {"size odd", mistake_size_odd},
    {"client_token", mistake_token},
    {"account", mistake_account},
    {"product", mistake_product},
    {"user", mistake_user},
    {"service", mistake_service},
    {"address", mistake_address},
    {"permission", mistake_permission},
    {"scopes NULL", mistake_scopes_null},
    {"scope NULL", mistake_scope_null},
    {"scope empty", mistake_scope_empty},
    {"scope long", mistake_scope_long},
    {"scopes many", mistake_scopes_many},
};

START_TEST(bad_arguments)
{
	struct fake_daemon daemon = {.serve = fake_serve_valid};
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_request good = APIKEY_REQUEST_INIT;
	struct apikey_client *client;
	int found, active;

	memset(too_long, 'a', sizeof too_long - 1);
	client = start_client(&daemon);
	for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
		struct apikey_request request = a_request();

		mistakes[i].make(&request);
		result.verdict = APIKEY_VALID;
		ck_assert_msg(apikey_verify(client, &request, &result,
				  LONG_MS) == APIKEY_ARGUMENT,
		    "%s is accepted", mistakes[i].name);
		ck_assert_int_eq(result.verdict, APIKEY_NO_ANSWER);
	}
	ck_assert_int_eq(
	    apikey_verify(NULL, &good, &result, 1), APIKEY_ARGUMENT);
	ck_assert_int_eq(
	    apikey_verify(client, NULL, &result, 1), APIKEY_ARGUMENT);
	ck_assert_int_eq(
	    apikey_verify(client, &good, NULL, 1), APIKEY_ARGUMENT);
	ck_assert_int_eq(
	    apikey_lookup(client, "dk_short", &found, &active, &result, 1),
	    APIKEY_ARGUMENT);
	ck_assert_int_eq(
	    apikey_lookup(client, NULL, &found, &active, &result, 1),
	    APIKEY_ARGUMENT);
	ck_assert_int_eq(apikey_ping(NULL, 1), APIKEY_ARGUMENT);
	result.size = 8;
	ck_assert_int_eq(
	    apikey_verify(client, &good, &result, 1), APIKEY_ARGUMENT);
	ck_assert_int_eq(atomic_load(&daemon.connections), 0);
	stop_client(client, &daemon);
}
END_TEST

START_TEST(open_and_close)
{
	struct apikey_client *client = (struct apikey_client *)&client;
	char path[200];

	memset(path, 'p', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	ck_assert_int_eq(apikey_client_open(&client, path), APIKEY_ARGUMENT);
	ck_assert_ptr_null(client);
	ck_assert_int_eq(apikey_client_open(&client, ""), APIKEY_ARGUMENT);
	ck_assert_int_eq(apikey_client_open(NULL, NULL), APIKEY_ARGUMENT);
	path[107] = '\0';
	ck_assert_int_eq(apikey_client_open(&client, path), APIKEY_OK);
	apikey_client_close(client);
	ck_assert_int_eq(apikey_client_open(&client, NULL), APIKEY_OK);
	apikey_client_close(client);
	apikey_client_close(NULL);
}
END_TEST

START_TEST(lookup_and_ping)
{
	struct fake_daemon daemon = {.serve = fake_serve_valid};
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;
	int found = 0, active = 0;

	client = start_client(&daemon);
	ck_assert_int_eq(apikey_ping(client, LONG_MS), APIKEY_OK);
	ck_assert_int_eq(apikey_lookup(client, FAKE_KEY_ID, &found, &active,
			     &result, LONG_MS),
	    APIKEY_OK);
	ck_assert_int_eq(found, 1);
	ck_assert_int_eq(active, 1);
	ck_assert_str_eq(result.account, "acme");
	ck_assert_str_eq(result.product, "appointments");
	ck_assert_int_eq(result.type, APIKEY_TYPE_BEARER);
	ck_assert_int_eq(result.verdict, APIKEY_NO_ANSWER);
	ck_assert_int_eq(atomic_load(&daemon.connections), 1);
	fake_stop(&daemon);
	ck_assert_int_eq(apikey_lookup(client, FAKE_KEY_ID, &found, &active,
			     &result, LONG_MS),
	    APIKEY_UNAVAILABLE);
	ck_assert_int_eq(found, 0);
	ck_assert_int_eq(active, 0);
	ck_assert_str_eq(result.account, "");
	apikey_client_close(client);
}
END_TEST
START_TEST(texts)
{
	ck_assert_str_eq(apikey_verdict_text(APIKEY_VALID), "valid");
	ck_assert_str_eq(
	    apikey_verdict_text(APIKEY_QUOTA_EXCEEDED), "quota_exceeded");
	ck_assert_str_eq(apikey_verdict_text((enum apikey_verdict)99), "none");
	ck_assert_str_eq(
	    apikey_reason_text(APIKEY_REASON_TRUNCATED), "truncated");
	ck_assert_str_eq(
	    apikey_permission_text(APIKEY_PERMISSION_WRITE), "write");
	for (int i = APIKEY_OK; i <= APIKEY_PROTOCOL + 1; i++)
		ck_assert_str_ne(apikey_status_text((enum apikey_status)i), "");
	ck_assert_int_eq(apikey_token_check(client_token, strlen(client_token)),
	    APIKEY_REASON_NONE);
	ck_assert_int_eq(
	    apikey_token_check(client_token, strlen(client_token) - 1),
	    APIKEY_REASON_TRUNCATED);
	ck_assert_int_eq(apikey_token_check("secret", 6), APIKEY_REASON_SHAPE);
	ck_assert_int_eq(apikey_token_check(NULL, 0), APIKEY_REASON_SHAPE);
}
END_TEST

void
add_request_cases(Suite *suite)
{
	suite_add(suite, "request on the wire", request_on_the_wire);
	suite_add(suite, "long texts", long_texts_are_cut);
	suite_add(suite, "bad arguments", bad_arguments);
	suite_add(suite, "open and close", open_and_close);
	suite_add(suite, "lookup and ping", lookup_and_ping);
	suite_add(suite, "texts", texts);
}
