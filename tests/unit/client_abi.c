/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libapikey's interface as programs were compiled with it. What is here is
 * never changed, only added to: a line that no longer holds means another
 * soname. The functions are in plugin_symbols.sh. Offsets are those of LP64.
 */
#include "client_peer.h"

#include <stddef.h>

#define AT(type, member, offset) \
	ck_assert_uint_eq(offsetof(struct type, member), (offset))

START_TEST(abi_of_structures)
{
	if (sizeof(void *) != 8 || _Alignof(int64_t) != 8)
		return;
	AT(apikey_request, size, 0);
	AT(apikey_request, token, 8);
	AT(apikey_request, token_len, 16);
	AT(apikey_request, address, 24);
	AT(apikey_request, service, 32);
	AT(apikey_request, endpoint, 40);
	AT(apikey_request, account, 48);
	AT(apikey_request, product, 56);
	AT(apikey_request, user, 64);
	AT(apikey_request, permission, 72);
	AT(apikey_request, scopes, 80);
	AT(apikey_request, scope_count, 88);
	ck_assert_uint_eq(sizeof(struct apikey_request), 96);

	AT(apikey_result, size, 0);
	AT(apikey_result, verdict, 8);
	AT(apikey_result, reason, 12);
	AT(apikey_result, permission, 16);
	AT(apikey_result, type, 20);
	AT(apikey_result, expires_at, 24);
	AT(apikey_result, retry_after_ms, 32);
	AT(apikey_result, rate_limit, 40);
	AT(apikey_result, rate_remaining, 44);
	AT(apikey_result, rate_per_ms, 48);
	AT(apikey_result, quota_limit, 56);
	AT(apikey_result, quota_remaining, 64);
	AT(apikey_result, quota_resets_at, 72);
	AT(apikey_result, id, 80);
	AT(apikey_result, name, 112);
	AT(apikey_result, account, 244);
	AT(apikey_result, product, 308);
	AT(apikey_result, user, 372);
	AT(apikey_result, environment, 440);
	AT(apikey_result, scopes, 508);
	ck_assert_uint_eq(sizeof(struct apikey_result), 2592);

	AT(apikey_signature, size, 0);
	AT(apikey_signature, key_id, 8);
	AT(apikey_signature, signature, 16);
	AT(apikey_signature, payload, 24);
	AT(apikey_signature, payload_len, 32);
	AT(apikey_signature, has_timestamp, 40);
	AT(apikey_signature, timestamp, 48);
	ck_assert_uint_eq(sizeof(struct apikey_signature), 56);

	AT(apikey_usage_endpoint, calls, 0);
	AT(apikey_usage_endpoint, endpoint, 8);
	ck_assert_uint_eq(sizeof(struct apikey_usage_endpoint), 144);
	AT(apikey_usage_address, calls, 0);
	AT(apikey_usage_address, last_at, 8);
	AT(apikey_usage_address, address, 16);
	ck_assert_uint_eq(sizeof(struct apikey_usage_address), 64);
	AT(apikey_usage_step, from, 0);
	AT(apikey_usage_step, calls, 8);
	ck_assert_uint_eq(sizeof(struct apikey_usage_step), 16);
	AT(apikey_usage, size, 0);
	AT(apikey_usage, verdict, 8);
	AT(apikey_usage, reason, 12);
	AT(apikey_usage, told, 16);
	AT(apikey_usage, id, 20);
	AT(apikey_usage, from, 56);
	AT(apikey_usage, to, 64);
	AT(apikey_usage, total, 72);
	AT(apikey_usage, verdicts, 80);
	AT(apikey_usage, other_endpoints, 336);
	AT(apikey_usage, other_addresses, 344);
	AT(apikey_usage, endpoint_count, 352);
	AT(apikey_usage, address_count, 360);
	AT(apikey_usage, step_count, 368);
	AT(apikey_usage, endpoints, 376);
	AT(apikey_usage, addresses, 9592);
	AT(apikey_usage, series, 13688);
	ck_assert_uint_eq(sizeof(struct apikey_usage), 14168);
}
END_TEST

#define IS(name, value) ck_assert_int_eq((int)(name), (value))

START_TEST(abi_of_numbers)
{
	IS(APIKEY_OK, 0);
	IS(APIKEY_ARGUMENT, 1);
	IS(APIKEY_NOMEM, 2);
	IS(APIKEY_UNAVAILABLE, 3);
	IS(APIKEY_TIMEOUT, 4);
	IS(APIKEY_PROTOCOL, 5);
	IS(APIKEY_IN_PROGRESS, 6);

	IS(APIKEY_NO_ANSWER, 0);
	IS(APIKEY_VALID, 1);
	IS(APIKEY_MALFORMED, 2);
	IS(APIKEY_UNKNOWN, 3);
	IS(APIKEY_REVOKED, 4);
	IS(APIKEY_DISABLED, 5);
	IS(APIKEY_EXPIRED, 6);
	IS(APIKEY_ACCOUNT_INACTIVE, 7);
	IS(APIKEY_PRODUCT_DISABLED, 8);
	IS(APIKEY_ACCOUNT_MISMATCH, 9);
	IS(APIKEY_PRODUCT_MISMATCH, 10);
	IS(APIKEY_USER_MISMATCH, 11);
	IS(APIKEY_PERMISSION_DENIED, 12);
	IS(APIKEY_SERVICE_DENIED, 13);
	IS(APIKEY_ADDRESS_DENIED, 14);
	IS(APIKEY_RATE_LIMITED, 15);
	IS(APIKEY_QUOTA_EXCEEDED, 16);

	IS(APIKEY_REASON_NONE, 0);
	IS(APIKEY_REASON_TRUNCATED, 1);
	IS(APIKEY_REASON_CHECKSUM, 2);
	IS(APIKEY_REASON_SHAPE, 3);

	IS(APIKEY_PERMISSION_NONE, 0);
	IS(APIKEY_PERMISSION_READ, 1);
	IS(APIKEY_PERMISSION_WRITE, 2);

	IS(APIKEY_TYPE_NONE, 0);
	IS(APIKEY_TYPE_BEARER, 1);
	IS(APIKEY_TYPE_HMAC, 2);

	IS(APIKEY_WINDOW_24H, 1);
	IS(APIKEY_WINDOW_7D, 2);
	IS(APIKEY_WINDOW_30D, 3);

	/* Enumerations take the room of an int on both sides. */
	ck_assert_uint_eq(sizeof(enum apikey_status), sizeof(int));
	ck_assert_uint_eq(sizeof(enum apikey_verdict), sizeof(int));
	ck_assert_str_eq(APIKEY_DEFAULT_SOCKET, "/run/apikeyd/verify.sock");
}
END_TEST

/* A text for each, and one for what a later daemon may know. */
START_TEST(abi_of_texts)
{
	for (int i = -1; i <= APIKEY_IN_PROGRESS + 1; i++)
		ck_assert_ptr_nonnull(
		    apikey_status_text((enum apikey_status)i));
	for (int i = -1; i <= APIKEY_QUOTA_EXCEEDED + 1; i++)
		ck_assert_ptr_nonnull(
		    apikey_verdict_text((enum apikey_verdict)i));
	for (int i = -1; i <= APIKEY_REASON_SHAPE + 1; i++)
		ck_assert_ptr_nonnull(
		    apikey_reason_text((enum apikey_reason)i));
	for (int i = -1; i <= APIKEY_PERMISSION_WRITE + 1; i++)
		ck_assert_ptr_nonnull(
		    apikey_permission_text((enum apikey_permission)i));
	ck_assert_str_eq(apikey_status_text(APIKEY_IN_PROGRESS), "in progress");
	ck_assert_str_eq(apikey_verdict_text(APIKEY_VALID), "valid");
}
END_TEST

void
add_abi_cases(Suite *suite)
{
	suite_add(suite, "ABI: structures", abi_of_structures);
	suite_add(suite, "ABI: numbers", abi_of_numbers);
	suite_add(suite, "ABI: texts", abi_of_texts);
}
