/* SPDX-License-Identifier: BSD-2-Clause */
#include "import_line.h"

#include <string.h>

static const char hash_expected[] = "expected 64 hexadecimal digits";

/* A time that is given; 0 where it is not. */
static int64_t
param_time(struct params *params, const char *name)
{
	const char *text = param_text(params, name);
	int64_t at = 0;

	if (text != NULL && !time_parse(text, &at))
		param_wrong(params, name, "expected an RFC 3339 time");
	return at;
}

/* One that has been. */
static int64_t
param_past(struct params *params, const char *name, int64_t now)
{
	int64_t at = param_time(params, name);

	if (at > now)
		param_wrong(params, name,
		    "expected a time that has been, this one is to come");
	return at;
}

static bool
param_hash(
    struct params *params, const char *name, uint8_t hash[TOKEN_HASH_BYTES])
{
	const char *text = param_text(params, name);

	if (text == NULL)
		return false;
	if (!secret_from_hex(text, hash, TOKEN_HASH_BYTES))
		param_wrong(params, name, hash_expected);
	return true;
}

static void
read_foreign(
    struct import_line *line, struct params *params, const struct keyring *ring)
{
	uint8_t digest[TOKEN_DIGEST_BYTES] = {0};

	_Static_assert(TOKEN_DIGEST_BYTES == TOKEN_HASH_BYTES, "one parser");
	if (!param_hash(params, "sha256", digest))
		param_wrong(params, "sha256", hash_expected);
	secret_hash_foreign(ring, digest, line->draft.key.hash);
	secret_wipe(digest, sizeof digest);
	line->draft.key.flags |= KEY_FOREIGN;
}

static void
read_previous(struct import_line *line, struct params *params, int64_t now)
{
	struct previous_secret *previous = &line->draft.previous;
	bool foreign = param_bool(params, "previous_foreign");

	previous->until = param_time(params, "previous_secret_until");
	if (!param_hash(params, "previous_hash", previous->hash)) {
		if (previous->until != 0)
			param_wrong(params, "previous_hash",
			    "is required with previous_secret_until");
	} else if (previous->until == 0) {
		param_wrong(params, "previous_secret_until",
		    "is required with previous_hash");
	}
	/* An overlap that is over need not be kept. */
	if (previous->until <= now)
		previous->until = 0;
	else if (foreign)
		line->draft.key.flags |= KEY_WAS_FOREIGN;
}

static void
read_state(struct import_line *line, struct params *params, int64_t now)
{
	const char *status = param_text(params, "status");
	const char *reason = param_text(params, "revoked_reason");
	int64_t revoked_at = param_past(params, "revoked_at", now);
	struct key *key = &line->draft.key;

	if (reason != NULL && !label_valid(reason, 0, REASON_MAX_LEN))
		param_wrong(params, "revoked_reason",
		    "expected at most 128 bytes of UTF-8 text without control "
		    "characters");
	if (status == NULL || strcmp(status, "active") == 0 ||
	    strcmp(status, "expired") == 0)
		return; /* expires_at says whether it is */
	if (strcmp(status, "disabled") == 0) {
		key->state = KEY_DISABLED;
	} else if (strcmp(status, "revoked") == 0) {
		key->state = KEY_REVOKED;
		line->draft.details.state_at = revoked_at;
		line->draft.details.revoked_reason = bytes_of(reason);
	} else {
		param_wrong(params, "status",
		    "expected active, disabled, revoked or expired");
	}
}

static void
read_native(struct import_line *line, struct params *params, int64_t now)
{
	struct key_details *details = &line->draft.details;
	const char *created_by = param_text(params, "created_by");

	/* First, since a line without it may not be one of ours at all. */
	if (!param_hash(params, "hash", line->draft.key.hash))
		param_wrong(params, "hash",
		    "is required, or sha256 for a token made elsewhere");
	line->key_id = param_required_text(params, "id");
	if (param_bool(params, "foreign"))
		line->draft.key.flags |= KEY_FOREIGN;
	if (created_by != NULL && !label_valid(created_by, 0, LOGIN_MAX_LEN))
		param_wrong(params, "created_by", "expected a login");
	details->created_by = bytes_of(created_by);
	details->rotated_at = param_past(params, "rotated_at", now);
	read_previous(line, params, now);
	read_state(line, params, now);
	/* Told of a key, but not a part of it. */
	param_text(params, "last_used_at");
	param_text(params, "last_used_address");
	param_text(params, "previous_last_used_at");
	param_text(params, "previous_last_used_address");
}

void
import_line_read(struct import_line *line, struct params *params,
    const struct keyring *ring, int64_t now)
{
	struct key_draft *draft = &line->draft;
	int64_t created_at = param_past(params, "created_at", now);

	line->key_id = NULL;
	key_draft_new(draft, created_at != 0 ? created_at : now);
	/* Any expiry: one that has passed belongs to a key that is expired. */
	key_draft_apply(draft, params, 0);
	if (param_given(params, "expires_in_ms"))
		param_wrong(
		    params, "expires_in_ms", "expected expires_at instead");
	if (draft->account == NULL)
		param_wrong(params, "account", "is required");
	if (draft->product == NULL)
		param_wrong(params, "product", "is required");
	/* Its token, which checking a signature takes, is in no export. */
	if (draft->key.type == KEY_HMAC)
		param_wrong(params, "type",
		    "hmac keys cannot be imported, since their secret leaves "
		    "no store: create a new one");
	if (param_given(params, "sha256"))
		read_foreign(line, params, ring);
	else
		read_native(line, params, now);
}
