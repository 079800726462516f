/* SPDX-License-Identifier: BSD-2-Clause */
/* What is told of a token: the token itself, and why it is refused. */
#include <stdlib.h>
#include <string.h>

#include "admin_audit.h"
#include "admin_pin.h"
#include "decide.h"
#include "instant.h"
#include "key_change.h"
#include "limits.h"
#include "log.h"

/* Reveal */

struct revealed {
	const struct key *key; /* claimed */
	char token[TOKEN_MAX + 1];
};

static void
revealed_free(void *subject)
{
	secret_wipe(subject, sizeof(struct revealed));
	free(subject);
}

/* The line that tells of it is on disk. */
static void
apply_reveal(void *context, struct call *call, void *subject,
    const struct operation *operation)
{
	struct revealed *revealed = subject;
	char id[KEY_ID_SIZE];

	(void)context;
	(void)operation;
	key_id_text(revealed->key, id);
	log_notice("token of key %s revealed to uid %u", id,
	    (unsigned)call_peer(call)->uid);
	reply_key(call, revealed->key, revealed->token);
	revealed_free(revealed);
}

/* Not before the audit log has it. */
static void
reveal(struct admin *admin, struct call *call, const struct key *key,
    const char *key_id)
{
	char uid[UID_TEXT_MAX];
	/* As in admin_begin(): the caller's role stays until it is over. */
	struct claim claims[] = {{RECORD_KEY, CLAIM_SHARED, key_id},
	    {RECORD_OPERATOR, CLAIM_SHARED, uid}};
	struct key_details details = key_details(key);
	struct revealed *revealed;
	struct change *change;

	uid_text(call_peer(call)->uid, uid);
	change = change_begin(
	    admin->changes, call, admin_reveal_key, admin, claims, 2);

	if (change == NULL)
		return;
	if (details.sealed.len == 0) {
		change_drop(change);
		answer_failure(call, "Conflict",
		    "key %s was imported, without its token; for a new one: "
		    "`apikeyctl key rotate %s`",
		    key_id, key_id);
		return;
	}
	revealed = calloc(1, sizeof *revealed);
	if (revealed == NULL) {
		change_drop(change);
		call_abort(call);
		return;
	}
	revealed->key = key;
	if (secret_unseal_token(admin->ring, details.sealed.data,
		details.sealed.len, key->hash, revealed->token) == 0) {
		free(revealed);
		change_drop(change);
		log_error("key %s: its sealed token is not its own", key_id);
		answer_failure(call, "StoreFailed",
		    "the sealed token of key %s is damaged; for a new one: "
		    "`apikeyctl key rotate %s`",
		    key_id, key_id);
		return;
	}
	admin_audit(admin, change, call, NULL, NULL);
	change_submit(
	    change, "", RECORD_KEY, "", apply_reveal, revealed_free, revealed);
}

void
admin_reveal_key(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	const char *key_id = param_required_text(&params, "id");
	const char *pin = admin_param_pin(&params, "pin");
	const struct key *key;

	if (!admin_params_ok(call, &params))
		return;
	key = admin_find_key(admin, call, key_id);
	if (key == NULL)
		return;
	/* hmac keys keep their token as well, but not for this. */
	if (!key->product->recoverable) {
		answer_failure(call, "Conflict",
		    "product %s is not recoverable: the token of key %s was "
		    "told once and cannot be told again; for a new one: "
		    "`apikeyctl key rotate %s`",
		    key->product->slug, key_id, key_id);
		return;
	}
	if (admin_step_up_for(admin, call, admin_reveal_key, pin, key->product))
		reveal(admin, call, key, key_id);
}

/* Explain */

/* What a verification would be asked. Lists and addresses need room. */
struct inquiry {
	struct verify_request request;
	struct address address;
	uint8_t scopes[SCOPE_LIST_MAX];
};

static struct bytes
param_condition(struct params *params, const char *name, size_t max)
{
	const char *text = param_text(params, name);

	if (text != NULL && !label_valid(text, 0, max))
		param_wrong(params, name,
		    "expected UTF-8 text without control characters, not over "
		    "its limit");
	return bytes_of(text);
}

static void
param_scopes(struct params *params, struct inquiry *inquiry)
{
	static const char expected[] =
	    "expected at most 32 scopes, each 1 to 64 of A-Z a-z 0-9 : . _ / -";
	json_t *array = param_array(params, "scopes"), *item;
	struct writer w = writer_over(inquiry->scopes, SCOPE_LIST_MAX);
	size_t i;

	if (json_array_size(array) > SCOPES_MAX) {
		param_wrong(params, "scopes", expected);
		return;
	}
	json_array_foreach (array, i, item) {
		const char *text = json_string_value(item);

		if (text == NULL || !scope_valid(text)) {
			param_wrong(params, "scopes", expected);
			return;
		}
		write_string8(&w, bytes_of(text));
	}
	inquiry->request.scopes =
	    (struct list){(uint8_t)json_array_size(array), {w.start, w.len}};
}

static void
param_inquiry(struct params *params, struct inquiry *inquiry)
{
	struct verify_request *request = &inquiry->request;
	const char *permission = param_text(params, "permission");
	const char *address = param_text(params, "address");

	memset(inquiry, 0, sizeof *inquiry);
	request->credential = bytes_of(param_required_text(params, "token"));
	request->account = param_condition(params, "account", SLUG_MAX_LEN);
	request->product = param_condition(params, "product", SLUG_MAX_LEN);
	request->user = param_condition(params, "user", USER_MAX_LEN);
	request->service = param_condition(params, "service", SERVICE_MAX_LEN);
	request->endpoint =
	    param_condition(params, "endpoint", CREDENTIAL_MAX_LEN);
	param_scopes(params, inquiry);
	if (permission != NULL && strcmp(permission, "write") == 0)
		request->permission = PERMISSION_WRITE;
	else if (permission != NULL && strcmp(permission, "read") == 0)
		request->permission = PERMISSION_READ;
	else if (permission != NULL)
		param_wrong(params, "permission", "expected read or write");
	if (address != NULL && !address_parse(address, &inquiry->address))
		param_wrong(params, "address",
		    "expected a numeric IPv4 or IPv6 address");
	else if (address != NULL)
		request->address = (struct bytes){
		    inquiry->address.bytes, sizeof inquiry->address.bytes};
}

/* Every check in the order of the table of verdicts. */
struct explanation {
	struct check checks[CHECKS_MAX];
	size_t count;
	enum reason reason;
	const struct key *key; /* NULL: not proven */
};

static bool
explain_check(
    struct explanation *e, enum verdict verdict, const char *asks, bool passed)
{
	e->checks[e->count++] = (struct check){verdict, asks, passed};
	return passed;
}

/* Asked of copies: nothing is spent, and no period begins. */
static bool
rate_would_pass(const struct key *key)
{
	struct key_limits limits;

	if (key->limits == NULL || key->limits->rate_limit == 0)
		return true;
	limits = *key->limits;
	return rate_left(&limits, monotonic_ms());
}

static bool
quota_would_pass(const struct key *key, int64_t now)
{
	struct key_limits limits;

	if (key->limits == NULL || key->limits->quota_period == QUOTA_NONE)
		return true;
	limits = *key->limits;
	return quota_left(&limits, now);
}

static void
explain(const struct verifier *verifier, const struct verify_request *request,
    uid_t uid, struct explanation *e)
{
	struct key_details details;
	int64_t now = now_ms();
	bool by_previous;

	memset(e, 0, sizeof *e);
	e->key = verify_credential(
	    verifier, request->credential, now, &by_previous, &e->reason);
	if (!explain_check(e, VERDICT_MALFORMED,
		"it has the shape and the checksum of a token, or was "
		"imported",
		e->reason == REASON_NONE))
		return;
	if (!explain_check(e, VERDICT_UNKNOWN,
		"there is such a bearer key, and this is its secret",
		e->key != NULL))
		return;
	details = key_details(e->key);
	e->count += verify_explain(
	    e->key, &details, request, uid, now, e->checks + e->count);
	explain_check(e, VERDICT_RATE_LIMITED,
	    "the key has no rate, or a call is left of it",
	    rate_would_pass(e->key));
	explain_check(e, VERDICT_QUOTA_EXCEEDED,
	    "the key has no quota, or a call is left of it",
	    quota_would_pass(e->key, now));
}

/* The verdict of the first check that fails, or of the next one; NULL where
 * there is none. */
static const char *
failed_text(const struct explanation *e, unsigned before)
{
	for (size_t i = 0; i < e->count; i++)
		if (!e->checks[i].passed && before-- == 0)
			return verdict_text(e->checks[i].verdict);
	return NULL;
}

static json_t *
view_explanation(const struct explanation *e)
{
	const char *verdict = failed_text(e, 0);
	json_t *checks = json_array();
	char id[KEY_ID_SIZE];

	for (size_t i = 0; i < e->count; i++)
		json_array_append_new(checks,
		    json_pack("{s:s, s:s, s:b}", "check",
			verdict_text(e->checks[i].verdict), "asks",
			e->checks[i].asks, "passed", e->checks[i].passed));
	if (e->key != NULL)
		key_id_text(e->key, id);
	return json_pack("{s:s, s:s?, s:s?, s:s?, s:o}", "verdict",
	    verdict != NULL ? verdict : verdict_text(VERDICT_VALID), "reason",
	    e->reason != REASON_NONE ? reason_text(e->reason) : NULL, "next",
	    failed_text(e, 1), "id", e->key != NULL ? id : NULL, "checks",
	    checks);
}

void
admin_explain_key(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	struct explanation explanation;
	struct inquiry inquiry;

	param_inquiry(&params, &inquiry);
	if (!admin_params_ok(call, &params))
		return;
	explain(admin->verifier, &inquiry.request, call_peer(call)->uid,
	    &explanation);
	/* Told only to who holds the secret, so no matter that it exists. */
	if (explanation.key != NULL &&
	    !admin_covers(admin, call, explanation.key->account)) {
		answer_failure(call, "NotPermitted",
		    "this key is not among what you may administer");
		return;
	}
	admin_reply(call, "explanation", view_explanation(&explanation));
}
