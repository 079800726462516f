/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The outcomes of a verification. One list for the wire, the library, the
 * doors and apikeyctl. Zero is nobody's verdict: a zeroed structure never
 * says "valid".
 */
#ifndef PROTO_VERDICT_H
#define PROTO_VERDICT_H

/* X(number on the wire, NAME, "name for people and JSON") */
#define VERDICT_LIST(X)                               \
	X(1, VALID, "valid")                          \
	X(2, MALFORMED, "malformed")                  \
	X(3, UNKNOWN, "unknown")                      \
	X(4, REVOKED, "revoked")                      \
	X(5, DISABLED, "disabled")                    \
	X(6, EXPIRED, "expired")                      \
	X(7, ACCOUNT_INACTIVE, "account_inactive")    \
	X(8, PRODUCT_DISABLED, "product_disabled")    \
	X(9, ACCOUNT_MISMATCH, "account_mismatch")    \
	X(10, PRODUCT_MISMATCH, "product_mismatch")   \
	X(11, USER_MISMATCH, "user_mismatch")         \
	X(12, PERMISSION_DENIED, "permission_denied") \
	X(13, SERVICE_DENIED, "service_denied")       \
	X(14, ADDRESS_DENIED, "address_denied")       \
	X(15, RATE_LIMITED, "rate_limited")           \
	X(16, QUOTA_EXCEEDED, "quota_exceeded")

enum verdict {
	VERDICT_NONE = 0, /* no answer */
#define VERDICT_NUMBER(number, name, text) VERDICT_##name = (number),
	VERDICT_LIST(VERDICT_NUMBER)
#undef VERDICT_NUMBER
};

enum { VERDICT_COUNT = VERDICT_QUOTA_EXCEEDED + 1 };

/* Why a token was malformed. */
#define REASON_LIST(X)               \
	X(0, NONE, "")               \
	X(1, TRUNCATED, "truncated") \
	X(2, CHECKSUM, "checksum")   \
	X(3, SHAPE, "shape")

enum reason {
#define REASON_NUMBER(number, name, text) REASON_##name = (number),
	REASON_LIST(REASON_NUMBER)
#undef REASON_NUMBER
};

/* WRITE includes READ. NONE in a request asks for neither. */
enum permission { PERMISSION_NONE, PERMISSION_READ, PERMISSION_WRITE };

enum key_type { KEY_BEARER = 1, KEY_HMAC = 2 };

/* Total: a number that is none of the list gives "none". */
const char *verdict_text(enum verdict verdict);
const char *reason_text(enum reason reason);
const char *permission_text(enum permission permission);
const char *key_type_text(enum key_type type);

#endif
