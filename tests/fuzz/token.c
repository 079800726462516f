/* SPDX-License-Identifier: BSD-2-Clause */
/* Taking tokens and key IDs apart: input is the credential. */
#include "fuzz.h"
#include "proto/token.h"

static void
check_token(const char *text, size_t size, const struct token_view *view)
{
	char check[TOKEN_CHECK_LEN];
	size_t prefix_len;
	const char *id;

	fuzz_require(size <= TOKEN_MAX, "a token has a greatest length");
	fuzz_require(view->text == text && view->len == size,
	    "a token is the whole of its text");
	fuzz_require(
	    token_prefix_valid(text, view->prefix_len), "a token has a prefix");
	fuzz_require(view->id == text + view->prefix_len + 1 &&
		view->key_id_len == view->prefix_len + 1 + TOKEN_ID_LEN,
	    "the key ID is the token's beginning");
	fuzz_require(key_id_parse(text, view->key_id_len, &id, &prefix_len) &&
		id == view->id && prefix_len == view->prefix_len,
	    "a token's key ID is one by itself");
	token_checksum(text, size - TOKEN_CHECK_LEN, check);
	fuzz_require(
	    memcmp(check, text + size - TOKEN_CHECK_LEN, sizeof check) == 0,
	    "a token has the right checksum");
}

/* The token that such a text would be with a right checksum is one. */
static void
check_repaired(const char *text, size_t size)
{
	char repaired[TOKEN_MAX];
	struct token_view view;

	if (size > sizeof repaired || size < TOKEN_CHECK_LEN)
		return;
	memcpy(repaired, text, size);
	token_checksum(repaired, size - TOKEN_CHECK_LEN,
	    repaired + size - TOKEN_CHECK_LEN);
	if (token_parse(repaired, size, &view) == REASON_NONE)
		check_token(repaired, size, &view);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *id;
	struct token_view view;
	enum reason reason = token_parse(text, size, &view);
	size_t prefix_len;

	if (reason == REASON_NONE) {
		check_token(text, size, &view);
	} else {
		fuzz_require(view.text == NULL && view.len == 0 &&
			view.prefix_len == 0 && view.id == NULL &&
			view.key_id_len == 0,
		    "nothing is told of what is no token");
		check_repaired(text, size);
	}
	if (key_id_parse(text, size, &id, &prefix_len)) {
		fuzz_require(reason != REASON_NONE, "a key ID is no token");
		fuzz_require(size == prefix_len + 1 + TOKEN_ID_LEN &&
			id + TOKEN_ID_LEN == text + size &&
			base62_valid(id, TOKEN_ID_LEN),
		    "a key ID is a prefix and an ID");
	}
	fuzz_use(&reason, sizeof reason);
	return 0;
}
