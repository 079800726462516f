/* SPDX-License-Identifier: BSD-2-Clause */
#include "verdict.h"

/* No default in these switches: the compiler finds the case that is missing. */

const char *
verdict_text(enum verdict verdict)
{
	switch (verdict) {
#define VERDICT_CASE(number, name, text) \
	case VERDICT_##name:             \
		return text;
		VERDICT_LIST(VERDICT_CASE)
#undef VERDICT_CASE
	case VERDICT_NONE:
		break;
	}
	return "none";
}

const char *
reason_text(enum reason reason)
{
	switch (reason) {
#define REASON_CASE(number, name, text) \
	case REASON_##name:             \
		return text;
		REASON_LIST(REASON_CASE)
#undef REASON_CASE
	}
	return "none";
}

const char *
permission_text(enum permission permission)
{
	switch (permission) {
	case PERMISSION_READ:
		return "read";
	case PERMISSION_WRITE:
		return "write";
	case PERMISSION_NONE:
		break;
	}
	return "none";
}

const char *
key_type_text(enum key_type type)
{
	switch (type) {
	case KEY_BEARER:
		return "bearer";
	case KEY_HMAC:
		return "hmac";
	}
	return "none";
}
