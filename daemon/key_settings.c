/* SPDX-License-Identifier: BSD-2-Clause */
/* KeySettings of a request, a field at a time, laid over a draft. */
#include <math.h>
#include <string.h>

#include "key_draft.h"

/* Texts */

/* A short word without white space: a login, a service's name. */
static bool
word_valid(const char *text, size_t max)
{
	return label_valid(text, 1, max) && strpbrk(text, " /:") == NULL;
}

static bool
user_valid(const char *text)
{
	return word_valid(text, USER_MAX_LEN);
}

static bool
service_valid(const char *text)
{
	return word_valid(text, SERVICE_MAX_LEN);
}

static bool
environment_valid(const char *text)
{
	return label_valid(text, 1, ENVIRONMENT_MAX_LEN);
}

static bool
name_valid(const char *text)
{
	return label_valid(text, 1, NAME_MAX_LEN);
}

static void
apply_text(struct params *settings, const char *name,
    bool (*valid)(const char *text), const char *expected, struct bytes *out)
{
	const char *text = param_text(settings, name);

	if (!param_given(settings, name))
		return;
	if (text != NULL && !valid(text))
		param_wrong(settings, name, expected);
	*out = bytes_of(text);
}

static void
apply_name(struct params *settings, struct bytes *name)
{
	apply_text(settings, "name", name_valid,
	    "expected 1 to 128 bytes of UTF-8 text without control characters",
	    name);
	if (name->len == 0)
		param_wrong(settings, "name", "is required");
}

static void
apply_type(struct params *settings, uint8_t *type)
{
	const char *text = param_text(settings, "type");

	if (text == NULL)
		return;
	if (strcmp(text, "hmac") == 0)
		*type = KEY_HMAC;
	else if (strcmp(text, "bearer") == 0)
		*type = KEY_BEARER;
	else
		param_wrong(settings, "type", "expected bearer or hmac");
}

static void
apply_permission(struct params *settings, uint8_t *permission)
{
	const char *text = param_text(settings, "permission");

	if (text == NULL)
		return;
	if (strcmp(text, "read") == 0)
		*permission = PERMISSION_READ;
	else if (strcmp(text, "write") == 0)
		*permission = PERMISSION_WRITE;
	else
		param_wrong(settings, "permission", "expected read or write");
}

/* Times */

static void
apply_expiry(struct params *settings, int64_t now, int64_t *expires_at)
{
	bool has_duration = param_given(settings, "expires_in_ms") &&
	    !json_is_null(json_object_get(settings->object, "expires_in_ms"));
	const char *text = param_text(settings, "expires_at");
	int64_t in_ms = param_integer(settings, "expires_in_ms");

	if (text != NULL && has_duration)
		param_wrong(
		    settings, "expires_in_ms", "not together with expires_at");
	if (text != NULL) {
		if (!time_parse(text, expires_at))
			param_wrong(settings, "expires_at",
			    "expected an RFC 3339 time");
		else if (*expires_at <= now)
			param_wrong(settings, "expires_at",
			    "expected a time to come, this one has passed");
	} else if (has_duration) {
		if (in_ms <= 0 || in_ms > DURATION_MAX_MS)
			param_wrong(settings, "expires_in_ms",
			    "expected milliseconds above 0, at most 100 years");
		else
			*expires_at = now + in_ms;
	} else if (param_given(settings, "expires_at") ||
	    param_given(settings, "expires_in_ms")) {
		*expires_at = 0;
	}
}

static void
apply_rate(struct params *settings, struct key_limits *limits)
{
	json_t *rate = param_object(settings, "rate");
	json_t *limit = json_object_get(rate, "limit");
	json_t *per = json_object_get(rate, "per_seconds");
	double per_ms;

	if (!param_given(settings, "rate"))
		return;
	limits->rate_limit = 0;
	limits->rate_per_ms = 0;
	if (rate == NULL)
		return;
	per_ms = round(json_number_value(per) * 1000);
	if (!json_is_integer(limit) || !json_is_number(per) ||
	    json_object_size(rate) != 2 || json_integer_value(limit) < 1 ||
	    json_integer_value(limit) > UINT32_MAX || !(per_ms >= 1) ||
	    !(per_ms <= 1e13)) {
		param_wrong(settings, "rate",
		    "expected a limit of at least 1 per_seconds above 0");
		return;
	}
	limits->rate_limit = (uint32_t)json_integer_value(limit);
	limits->rate_per_ms = (int64_t)per_ms;
}

/* What was used of a quota is used, whatever its limit becomes; of another
 * kind of period nothing is. */
static void
apply_quota(struct params *settings, struct key_limits *limits)
{
	json_t *quota = param_object(settings, "quota");
	json_t *limit = json_object_get(quota, "limit");
	const char *per = json_string_value(json_object_get(quota, "per"));
	enum quota_period period = QUOTA_NONE;
	/* Of its fields, "used" is not for callers to say. */
	size_t fields = json_is_null(json_object_get(quota, "used")) ? 3 : 2;

	if (!param_given(settings, "quota"))
		return;
	if (quota != NULL &&
	    (!json_is_integer(limit) || json_integer_value(limit) < 1 ||
		per == NULL || !quota_period_parse(per, &period) ||
		json_object_size(quota) != fields)) {
		param_wrong(settings, "quota",
		    "expected a limit of at least 1 per day, month or total");
		return;
	}
	if (limits->quota_period != period) {
		limits->quota_start = 0;
		limits->quota_used = 0;
	}
	limits->quota_period = (uint8_t)period;
	limits->quota_limit =
	    quota != NULL ? (uint64_t)json_integer_value(limit) : 0;
}

/* Lists */

struct text_list {
	const char *name;
	size_t max;
	bool (*valid)(const char *text);
	const char *expected;
};

static void
apply_texts(struct key_draft *draft, struct params *settings,
    const struct text_list *kind, struct list *out)
{
	json_t *array = param_array(settings, kind->name);
	struct writer w = key_draft_list_begin(draft);
	json_t *item;
	size_t i;

	if (!param_given(settings, kind->name))
		return;
	if (json_array_size(array) > kind->max) {
		param_wrong(settings, kind->name, kind->expected);
		return;
	}
	json_array_foreach (array, i, item) {
		const char *text = json_string_value(item);

		if (text == NULL || !kind->valid(text)) {
			param_wrong(settings, kind->name, kind->expected);
			return;
		}
		write_string8(&w, bytes_of(text));
	}
	*out = key_draft_list_end(draft, &w, json_array_size(array));
}

static const struct text_list scopes_kind = {"scopes", SCOPES_MAX, scope_valid,
    "expected at most 32 scopes, each 1 to 64 of A-Z a-z 0-9 : . _ / -"};
static const struct text_list services_kind = {"services", SERVICES_MAX,
    service_valid,
    "expected at most 16 names of services, each 1 to 64 bytes without "
    "space, / or :"};

static bool
caller_from_json(json_t *item, struct caller *caller)
{
	json_t *uid = json_object_get(item, "uid");
	json_t *login = json_object_get(item, "login");
	const char *text = json_string_value(login);

	caller->uid = (uint32_t)json_integer_value(uid);
	caller->login = bytes_of(text);
	/* uid -1 is nobody's: it means "no change" to chown(2). */
	return json_object_size(item) == (login == NULL ? 1 : 2) &&
	    json_is_integer(uid) && json_integer_value(uid) >= 0 &&
	    json_integer_value(uid) < UINT32_MAX &&
	    (login == NULL || json_is_null(login) || text != NULL) &&
	    (text == NULL || user_valid(text));
}

static void
apply_callers(struct key_draft *draft, struct params *settings)
{
	static const char expected[] =
	    "expected at most 16 callers, each with a uid and perhaps a login";
	json_t *array = param_array(settings, "callers");
	struct writer w = key_draft_list_begin(draft);
	json_t *item;
	size_t i;

	if (!param_given(settings, "callers"))
		return;
	if (json_array_size(array) > CALLERS_MAX) {
		param_wrong(settings, "callers", expected);
		return;
	}
	json_array_foreach (array, i, item) {
		struct caller caller;

		if (!caller_from_json(item, &caller)) {
			param_wrong(settings, "callers", expected);
			return;
		}
		caller_write(&w, &caller);
	}
	draft->details.callers =
	    key_draft_list_end(draft, &w, json_array_size(array));
}

static bool
entry_from_json(json_t *item, struct allow_entry *entry)
{
	json_t *cidr = json_object_get(item, "cidr");
	json_t *label = json_object_get(item, "label");
	const char *text = json_string_value(label);

	entry->label = bytes_of(text);
	return json_object_size(item) == (label == NULL ? 1 : 2) &&
	    json_is_string(cidr) &&
	    cidr_parse(json_string_value(cidr), &entry->cidr) &&
	    (label == NULL || json_is_null(label) || text != NULL) &&
	    (text == NULL || label_valid(text, 0, LABEL_MAX_LEN));
}

static void
apply_allowlist(struct key_draft *draft, struct params *settings)
{
	static const char expected[] =
	    "expected enabled and at most 64 entries, each with a cidr such as "
	    "203.0.113.0/24 or 2001:db8::/32 and perhaps a label of up to 64 "
	    "bytes";
	json_t *allowlist = param_object(settings, "allowlist");
	json_t *enabled = json_object_get(allowlist, "enabled");
	json_t *entries = json_object_get(allowlist, "entries");
	struct writer w = key_draft_list_begin(draft);
	json_t *item;
	size_t i;

	if (!param_given(settings, "allowlist"))
		return;
	if (allowlist != NULL &&
	    (!json_is_boolean(enabled) || !json_is_array(entries) ||
		json_object_size(allowlist) != 2 ||
		json_array_size(entries) > ALLOW_MAX)) {
		param_wrong(settings, "allowlist", expected);
		return;
	}
	json_array_foreach (entries, i, item) {
		struct allow_entry entry;

		if (!entry_from_json(item, &entry)) {
			param_wrong(settings, "allowlist", expected);
			return;
		}
		allow_entry_write(&w, &entry);
	}
	draft->details.allowlist =
	    key_draft_list_end(draft, &w, json_array_size(entries));
	key_draft_set_allowlist(draft, json_is_true(enabled));
}

void
key_draft_apply(struct key_draft *draft, struct params *settings, int64_t now)
{
	struct key_details *details = &draft->details;

	draft->account = param_text(settings, "account");
	draft->product = param_text(settings, "product");
	apply_name(settings, &details->name);
	apply_type(settings, &draft->key.type);
	apply_permission(settings, &draft->key.permission);
	apply_text(settings, "environment", environment_valid,
	    "expected at most 64 bytes of UTF-8 text without control "
	    "characters",
	    &details->environment);
	apply_text(settings, "user", user_valid,
	    "expected a login of at most 64 bytes, without space, / or :",
	    &details->user);
	apply_expiry(settings, now, &draft->key.expires_at);
	apply_rate(settings, &draft->limits);
	apply_quota(settings, &draft->limits);
	apply_texts(draft, settings, &scopes_kind, &details->scopes);
	apply_texts(draft, settings, &services_kind, &details->services);
	apply_callers(draft, settings);
	apply_allowlist(draft, settings);
}
