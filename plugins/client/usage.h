/* SPDX-License-Identifier: BSD-2-Clause */
/* Usage between apikey.h and the wire, as convert.h is for verifications. */
#ifndef CLIENT_USAGE_H
#define CLIENT_USAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "apikey.h"
#include "convert.h"
#include "proto/usage_message.h"

bool usage_size_fits(size_t size);

/* Fills *out with views into *in and *scratch; false as request_convert(), and
 * for what is no window. */
bool usage_convert(const struct apikey_request *in, enum apikey_window window,
    struct usage_request *out, struct request_scratch *scratch);

/* Back to APIKEY_USAGE_INIT, size excepted. */
void usage_clear(struct apikey_usage *usage);

/* Fills a cleared one; false, and still cleared, on a body that makes no
 * sense. */
bool usage_from_reply(struct bytes body, struct apikey_usage *usage);

#endif
