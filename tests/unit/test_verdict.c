/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers and texts of the outcomes: what the wire, the library and people
 * call them has to agree. */

#include "plugins/client/apikey.h"
#include "proto/frame.h"
#include "proto/verdict.h"
#include "suite.h"

/* By number, written out here once more: a changed list has to be noticed. */
static const char *const verdicts[] = {NULL, "valid", "malformed", "unknown",
    "revoked", "disabled", "expired", "account_inactive", "product_disabled",
    "account_mismatch", "product_mismatch", "user_mismatch",
    "permission_denied", "service_denied", "address_denied", "rate_limited",
    "quota_exceeded"};
static const char *const reasons[] = {"", "truncated", "checksum", "shape"};
static const char *const permissions[] = {NULL, "read", "write"};
static const char *const key_types[] = {NULL, "bearer", "hmac"};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* The table's text, or fallback where it has none for this number. */
static const char *
expected(const char *const *table, size_t count, unsigned number,
    const char *fallback)
{
	return number < count && table[number] != NULL ? table[number]
						       : fallback;
}

START_TEST(verdict_texts)
{
	ck_assert_uint_eq(VERDICT_COUNT, COUNT(verdicts));
	for (unsigned i = 0; i < 256; i++)
		ck_assert_str_eq(verdict_text((enum verdict)i),
		    expected(verdicts, COUNT(verdicts), i, "none"));
}
END_TEST

START_TEST(other_texts)
{
	for (unsigned i = 0; i < 256; i++) {
		ck_assert_str_eq(reason_text((enum reason)i),
		    expected(reasons, COUNT(reasons), i, "none"));
		ck_assert_str_eq(permission_text((enum permission)i),
		    expected(permissions, COUNT(permissions), i, "none"));
		ck_assert_str_eq(key_type_text((enum key_type)i),
		    expected(key_types, COUNT(key_types), i, "none"));
		ck_assert_ptr_nonnull(frame_error_text((enum frame_error)i));
	}
	ck_assert_str_eq(frame_error_text(FRAME_ERROR_NONE), "unknown error");
	ck_assert_str_eq(
	    frame_error_text((enum frame_error)255), "unknown error");
}
END_TEST

START_TEST(zero_is_never_valid)
{
	ck_assert_int_ne(VERDICT_VALID, 0);
	ck_assert_int_eq(VERDICT_VALID, 1);
	ck_assert_int_eq(APIKEY_NO_ANSWER, 0);
}
END_TEST

/* apikey.h repeats the numbers, since it is installed alone. */
START_TEST(library_numbers_are_the_wires)
{
#define SAME_VERDICT(number, name, text) \
	ck_assert_int_eq((int)APIKEY_##name, (int)VERDICT_##name);
	VERDICT_LIST(SAME_VERDICT)
#undef SAME_VERDICT
#define SAME_REASON(number, name, text) \
	ck_assert_int_eq((int)APIKEY_REASON_##name, (int)REASON_##name);
	REASON_LIST(SAME_REASON)
#undef SAME_REASON
	ck_assert_int_eq((int)APIKEY_PERMISSION_NONE, (int)PERMISSION_NONE);
	ck_assert_int_eq((int)APIKEY_PERMISSION_READ, (int)PERMISSION_READ);
	ck_assert_int_eq((int)APIKEY_PERMISSION_WRITE, (int)PERMISSION_WRITE);
	ck_assert_int_eq((int)APIKEY_TYPE_BEARER, (int)KEY_BEARER);
	ck_assert_int_eq((int)APIKEY_TYPE_HMAC, (int)KEY_HMAC);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("verdict");

	suite_add(suite, "verdict texts", verdict_texts);
	suite_add(suite, "other texts", other_texts);
	suite_add(suite, "zero", zero_is_never_valid);
	suite_add(suite, "library numbers", library_numbers_are_the_wires);
	return suite_run(suite);
}
