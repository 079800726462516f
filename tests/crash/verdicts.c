/* SPDX-License-Identifier: BSD-2-Clause */
/* What verifications say, and what they should. */
#include <string.h>

#include "torture.h"

enum { BATCH = 32 };

/* verdicts[i] of expected[i]. */
static enum outcome
ask(struct apikey_client *client, const struct expectation *expected,
    enum apikey_verdict *verdicts, size_t count)
{
	struct apikey_request requests[BATCH];
	struct apikey_result results[BATCH];

	for (size_t i = 0; i < count; i++) {
		requests[i] = (struct apikey_request)APIKEY_REQUEST_INIT;
		results[i] = (struct apikey_result)APIKEY_RESULT_INIT;
		requests[i].token = expected[i].token;
		requests[i].token_len = strlen(expected[i].token);
		requests[i].address = "203.0.113.1";
		requests[i].service = "crash";
	}
	if (count > 0 &&
	    apikey_verify_batch(
		client, requests, results, count, PATIENCE_MS) != APIKEY_OK)
		return LOST;
	for (size_t i = 0; i < count; i++)
		verdicts[i] = results[i].verdict;
	return DONE;
}

static enum outcome
judge(struct test *test, const struct expectation *expected,
    const enum apikey_verdict *verdicts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		/* As it is in lists: prefix and ID. */
		const char *token = expected[i].token;
		int shown = strncmp(token, "foreign-", 8) == 0
		    ? (int)strlen(token)
		    : (int)strcspn(token, "_") + 13;
		int right = 0;

		if ((expected[i].verdicts >> verdicts[i] & 1) != 0)
			continue;
		while ((expected[i].verdicts >> right & 1) == 0)
			right++;
		problem(test, "%.*s: %s is %s instead of %s", shown, token,
		    expected[i].what, apikey_verdict_text(verdicts[i]),
		    apikey_verdict_text((enum apikey_verdict)right));
		return REFUSED;
	}
	return DONE;
}

/* The dead from this one on. */
static enum outcome
verify_dead(struct worker *worker, struct apikey_client *client, size_t from)
{
	struct expectation expected[BATCH];
	enum apikey_verdict verdicts[BATCH];
	size_t count = worker->world.dead_tokens.count, in_batch = 0;

	for (size_t i = from; i < count; i++) {
		expected[in_batch++] = world_expect_dead(&worker->world, i);
		if (in_batch < BATCH && i + 1 < count)
			continue;
		if (ask(client, expected, verdicts, in_batch) == LOST)
			return LOST;
		if (judge(worker->test, expected, verdicts, in_batch) != DONE)
			return REFUSED;
		in_batch = 0;
	}
	return DONE;
}

enum outcome
verify_world(struct worker *worker, struct apikey_client *client, bool all_dead)
{
	struct expectation expected[WORLD_EXPECTATIONS];
	enum apikey_verdict verdicts[WORLD_EXPECTATIONS];
	unsigned before = look_at_shared(worker);
	size_t count = world_expect(&worker->world, expected);
	size_t dead = worker->world.dead_tokens.count;
	enum outcome outcome;

	_Static_assert((int)WORLD_EXPECTATIONS <= (int)BATCH, "one batch");
	if (ask(client, expected, verdicts, count) == LOST)
		return LOST;
	if (look_at_shared(worker) != before)
		worker->world.unsure = true;
	world_expect(&worker->world, expected);
	outcome = judge(worker->test, expected, verdicts, count);
	if (outcome == DONE)
		outcome = verify_dead(worker, client,
		    all_dead || dead < BATCH ? 0 : dead - BATCH);
	return outcome;
}
