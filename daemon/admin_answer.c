/* SPDX-License-Identifier: BSD-2-Clause */
/* What methods ask for by name, and how they answer. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "admin_impl.h"
#include "log.h"
#include "view.h"

const char admin_slug_expected[] =
    "expected a slug: 1 to 63 of a-z 0-9 -, not beginning with -";
const char admin_name_expected[] =
    "expected 1 to 128 bytes of UTF-8 text without control characters";

void
admin_invalid(struct call *call, const char *field, const char *format, ...)
{
	char message[512];
	int len = snprintf(message, sizeof message, "%s: ", field);
	va_list args;

	if (len < 0 || (size_t)len >= sizeof message)
		len = 0;
	va_start(args, format);
	vsnprintf(message + len, sizeof message - (size_t)len, format, args);
	va_end(args);
	call_error(call, "InvalidArgument",
	    json_pack("{s:s, s:s}", "field", field, "message", message));
}

bool
admin_params_ok(struct call *call, struct params *params)
{
	if (params_ok(params))
		return true;
	if (params->unknown)
		call_invalid_parameter(call, params->field);
	else
		admin_invalid(call, params->field, "%s", params->expected);
	return false;
}

void
admin_not_found(struct call *call, const char *kind, const char *name)
{
	char message[256];

	if (!label_valid(name, 0, SLUG_MAX_LEN))
		name = "(not a name)"; /* and not ours to repeat */
	snprintf(message, sizeof message, "no such %s: %s", kind, name);
	call_error(call, "NotFound",
	    json_pack("{s:s, s:s, s:s}", "kind", kind, "name", name, "message",
		message));
}

void
admin_not_yours(struct call *call, const char *kind, const char *name)
{
	static struct log_throttle throttle;
	unsigned long long count;

	if (!label_valid(name, 0, OPERATION_ID_MAX))
		name = "(not a name)";
	if (log_throttle(&throttle, &count))
		log_warning("refused: uid %u, %s outside of its accounts (%llu "
			    "such since the last such line)",
		    (unsigned)call_peer(call)->uid, kind, count);
	answer_failure(call, "NotPermitted",
	    "%s %s is not among what you may administer", kind, name);
}

struct account *
admin_find_account(struct admin *admin, struct call *call, const char *slug)
{
	struct account *account = index_account(admin->index, slug);

	if (!admin_covers(admin, call, account)) {
		admin_not_yours(call, "account", slug);
		return NULL;
	}
	if (account == NULL)
		admin_not_found(call, "account", slug);
	return account;
}

struct product *
admin_find_product(struct admin *admin, struct call *call, const char *slug)
{
	struct product *product = index_product(admin->index, slug);

	if (product == NULL)
		admin_not_found(call, "product", slug);
	return product;
}

struct key *
admin_find_key(struct admin *admin, struct call *call, const char *id)
{
	struct key *key = index_key_by_text(admin->index, id, strlen(id));
	struct token_view token;
	char key_id[KEY_ID_SIZE];

	if (key != NULL && admin_covers(admin, call, key->account))
		return key;
	/* A whole token instead of its ID: do not repeat it to anybody. */
	if (token_parse(id, strlen(id), &token) == REASON_NONE) {
		snprintf(
		    key_id, sizeof key_id, "%.*s", (int)token.key_id_len, id);
		admin_invalid(call, "id",
		    "expected a key ID, got a whole token; its ID is %s",
		    key_id);
		return NULL;
	}
	if (admin_is_limited(admin, call))
		admin_not_yours(call, "key", id);
	else
		admin_not_found(call, "key", id);
	return NULL;
}

json_t *
admin_view_product(const struct admin *admin, const struct call *call,
    const struct product *product)
{
	json_t *view = view_product(product);

	/* How many keys others have is not theirs to know. */
	if (view != NULL && admin_is_limited(admin, call))
		json_object_set_new(view, "keys", json_null());
	return view;
}

void
admin_answer(struct call *call, json_t *reply)
{
	if (reply == NULL)
		call_abort(call);
	else
		call_reply(call, reply);
}

void
admin_reply(struct call *call, const char *name, json_t *view)
{
	admin_answer(call, json_pack("{s:o}", name, view));
}

void
uid_text(uint32_t uid, char text[UID_TEXT_MAX])
{
	snprintf(text, UID_TEXT_MAX, "%u", (unsigned)uid);
}

void
discard_nothing(void *subject)
{
	(void)subject;
}
