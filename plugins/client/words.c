/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls of apikey.h that ask nobody. */
#include <stddef.h>

#include "apikey.h"
#include "proto/token.h"
#include "proto/verdict.h"

enum apikey_reason
apikey_token_check(const char *token, size_t len)
{
	struct token_view view;

	if (token == NULL)
		return APIKEY_REASON_SHAPE;
	return (enum apikey_reason)token_parse(token, len, &view);
}

const char *
apikey_status_text(enum apikey_status status)
{
	switch (status) {
	case APIKEY_OK:
		return "ok";
	case APIKEY_ARGUMENT:
		return "bad argument";
	case APIKEY_NOMEM:
		return "out of memory";
	case APIKEY_UNAVAILABLE:
		return "daemon unavailable";
	case APIKEY_TIMEOUT:
		return "timed out";
	case APIKEY_PROTOCOL:
		return "protocol error";
	case APIKEY_IN_PROGRESS:
		return "in progress";
	}
	return "unknown status";
}

const char *
apikey_verdict_text(enum apikey_verdict verdict)
{
	return verdict_text((enum verdict)verdict);
}

const char *
apikey_reason_text(enum apikey_reason reason)
{
	return reason_text((enum reason)reason);
}

const char *
apikey_permission_text(enum apikey_permission permission)
{
	return permission_text((enum permission)permission);
}
