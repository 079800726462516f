/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the structures of apikey.h, which programs hold, and the messages
 * of proto/message.h, which travel. Pure: nothing here sends or waits.
 */
#ifndef CLIENT_CONVERT_H
#define CLIENT_CONVERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apikey.h"
#include "proto/cursor.h"
#include "proto/message.h"
#include "proto/text.h"

/* What a message needs in another form than the request has it. */
struct request_scratch {
	struct address address;
	uint8_t endpoint[ENDPOINT_MAX_LEN];
	uint8_t scopes[SCOPE_LIST_MAX];
};

/*
 * True where the size member is one of a structure this library can handle:
 * all of the members of its first version, and not absurd.
 */
bool size_fits(size_t size, size_t first, size_t align);
bool request_size_fits(size_t size);
bool result_size_fits(size_t size);

/*
 * Fills *out with views into *in and *scratch. False where a text is too long
 * or not what it should be, or where the request asks for something that only
 * a later version of the library knows.
 */
bool request_convert(const struct apikey_request *in,
    struct verify_request *out, struct request_scratch *scratch);

/*
 * Likewise. A request that has a token, too, is refused: an hmac key's token
 * signs and is not sent. A payload that is too long is refused; a key ID or
 * signature that is too long is cut, and wrong all the same.
 */
bool signature_convert(const struct apikey_signature *in,
    const struct apikey_request *request, struct signature_request *out,
    struct request_scratch *scratch);

/* Copies a text into a zeroed array that has room for it. False for one with a
 * NUL in it: the program would see another text than the daemon sent. */
bool copy_text(char *out, struct bytes text);

/* Back to APIKEY_RESULT_INIT, size excepted. */
void result_clear(struct apikey_result *result);

/* Fill a cleared result; false, and still cleared, on a body that makes no
 * sense. */
bool result_from_verify(struct bytes body, struct apikey_result *result);
bool result_from_lookup(
    struct bytes body, struct apikey_result *result, int *found, int *active);

#endif
