/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose secrets some tokens are that were found where none should be. */
#include <string.h>

#include "admin_impl.h"
#include "instant.h"
#include "view.h"

enum { IDENTIFY_MAX = 256 };

/* The proven key as this caller may see it; NULL where it may not, or the
 * token proves nothing. */
static json_t *
identify(const struct admin *admin, const struct call *call, size_t i,
    const char *text)
{
	struct token_view token;
	const struct key *key;
	bool previous;
	int64_t now = now_ms();

	if (token_parse(text, strlen(text), &token) != REASON_NONE)
		return NULL;
	key = verify_secret(admin->verifier, &token, now, &previous);
	if (key == NULL || !admin_covers(admin, call, key->account))
		return NULL;
	return json_pack("{s:I, s:s, s:o}", "token", (json_int_t)i, "secret",
	    previous ? "previous" : "current", "key", view_key(key, now));
}

void
admin_identify_tokens(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	json_t *tokens = param_array(&params, "tokens"), *items, *item, *token;
	size_t i;

	if (tokens == NULL || json_array_size(tokens) > IDENTIFY_MAX)
		param_wrong(
		    &params, "tokens", "expected a list of at most 256 tokens");
	json_array_foreach (tokens, i, token)
		if (!json_is_string(token))
			param_wrong(&params, "tokens", "expected texts");
	if (!admin_params_ok(call, &params))
		return;
	items = json_array();
	json_array_foreach (tokens, i, token) {
		item = identify(admin, call, i, json_string_value(token));
		if (item != NULL)
			json_array_append_new(items, item);
	}
	admin_reply(call, "tokens", items);
}
