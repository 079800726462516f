/* SPDX-License-Identifier: BSD-2-Clause */
/* What the commands that ask for a verdict share. */
#ifndef CTL_VERIFY_H
#define CTL_VERIFY_H

#include "options.h"
#include "plugins/client/apikey.h"
#include "proto/message.h"

enum { VERIFY_TIMEOUT_MS = 10000 };

/* A longer credential is malformed whatever its end is. */
struct credential {
	char text[CREDENTIAL_MAX_LEN];
	size_t len;
};

/* From stdin or a prompt; the caller wipes it. */
enum ctl_exit credential_read(struct credential *credential);

/* What the request insists on: rows for the options of verify, explain and
 * verify-signature. */
#define VERIFY_OPTION_ROWS                                                    \
	OPTION_ACCOUNT("refuse a key of another account"),                    \
	    OPTION_PRODUCT("refuse a key for another product"),               \
	    {.name = "permission",                                            \
		.metavar = "read|write",                                      \
		.field = "permission",                                        \
		.kind = &value_permission,                                    \
		.help = "refuse a key with less"},                            \
	    {.name = "scope",                                                 \
		.metavar = "S",                                               \
		.field = "scopes",                                            \
		.kind = &value_scope,                                         \
		.max = SCOPES_MAX,                                            \
		.help = "refuse a key without it"},                           \
	    {.name = "address",                                               \
		.metavar = "IP",                                              \
		.field = "address",                                           \
		.kind = &value_address,                                       \
		.help = "where the client calls from"},                       \
	    {.name = "endpoint",                                              \
		.metavar = "TEXT",                                            \
		.field = "endpoint",                                          \
		.kind = &value_endpoint,                                      \
		.help = "what it calls, for the usage report"},               \
	    {.name = "user",                                                  \
		.metavar = "LOGIN",                                           \
		.field = "user",                                              \
		.kind = &value_login,                                         \
		.help = "refuse a key that is not this user's"},              \
	{                                                                     \
		.name = "service", .metavar = "NAME", .field = "service",     \
		.kind = &value_service, .help = "verify as this host service" \
	}

extern const struct option_row verify_options[];

/* Asks with this proof for what the options say and prints the answer. */
typedef enum apikey_status
verify_call(struct apikey_client *client, const void *proof,
    struct apikey_request *request, struct apikey_result *result);
enum ctl_exit
verify_ask(const struct invocation *inv, verify_call *ask, const void *proof);

#endif
