/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of libapikey share: a call, and peers of the usual kinds. */
#ifndef TESTS_UNIT_CLIENT_PEER_H
#define TESTS_UNIT_CLIENT_PEER_H

#include <stdint.h>

#include "fake_daemon.h"
#include "plugins/client/apikey.h"
#include "suite.h"

/* Patience where the answer comes anyway, and where it does not. */
enum { LONG_MS = 30000, SHORT_MS = 60 };

extern const char client_token[];

int64_t now_ms(void);
struct apikey_client *open_client(const struct fake_daemon *daemon);
/* The peer and a client of it; and the end of both. */
struct apikey_client *start_client(struct fake_daemon *daemon);
void stop_client(struct apikey_client *client, struct fake_daemon *daemon);

/* To verify client_token; and that at once. */
struct apikey_request a_request(void);
enum apikey_status verify(
    struct apikey_client *client, struct apikey_result *result, int timeout_ms);

/*
 * One verification by a new client, with a result that said "valid" before;
 * checks that it does not where the call fails, and how many connections it
 * took (-1: does not matter). errno is the call's.
 */
enum apikey_status ask_once(fake_serve *serve, void *context,
    struct apikey_result *result, int timeout_ms, int connections);

fake_serve serve_each_verdict; /* 1, 2, 3 and so on, also beyond the last */
fake_serve serve_nothing;      /* reads and is silent */
fake_serve serve_drops;        /* "revoked", a byte at a time */
fake_serve serve_goodbye;      /* closes after it has read a request */
fake_serve serve_busy;         /* an error frame, unasked */
fake_serve serve_one_request;  /* answers one, and closes */

/* The parts of the suite. */
void add_answer_cases(Suite *suite);
void add_connection_cases(Suite *suite);
void add_batch_cases(Suite *suite);
void add_loop_cases(Suite *suite);
void add_abi_cases(Suite *suite);
void add_request_cases(Suite *suite);
void add_signature_cases(Suite *suite);
void add_usage_cases(Suite *suite);

#endif
