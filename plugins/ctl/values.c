/* SPDX-License-Identifier: BSD-2-Clause */
#include "values.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "proto/message.h"
#include "proto/text.h"
#include "proto/token.h"

static const char letters_and_digits[] = "0123456789"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "abcdefghijklmnopqrstuvwxyz";

/*
 * A run of word characters as long as this may be a token that somebody
 * pasted in the wrong place; error texts end up in logs.
 */
enum { WORD_SHOWN_MAX = 32, WORD_HEAD = 12 };

static size_t
word_len(const char *text)
{
	size_t len = 0;

	while (text[len] != '\0' &&
	    (text[len] == '_' || strchr(letters_and_digits, text[len])))
		len++;
	return len;
}

/* What an error message shows of a character of this text. */
static char
shown(char c, bool is_utf8)
{
	unsigned char byte = (unsigned char)c;

	return byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !is_utf8) ? '?'
									 : c;
}

void
value_quote(const char *text, char out[QUOTED_MAX])
{
	static const char ellipsis[] = "...";
	const size_t room = QUOTED_MAX - sizeof ellipsis;
	bool is_utf8 = label_valid(text, 0, SIZE_MAX);
	size_t len = 0;

	while (*text != '\0' && len < room) {
		size_t word = word_len(text);
		bool cut = word > WORD_SHOWN_MAX;

		if (cut)
			word = WORD_HEAD;
		else if (word == 0)
			word = 1;
		for (; word > 0 && len < room; word--, text++)
			out[len++] = shown(*text, is_utf8);
		if (cut)
			break;
	}
	/* Not half a character. */
	while (is_utf8 && len > 0 && ((unsigned char)*text & 0xc0) == 0x80) {
		text--;
		len--;
	}
	out[len] = '\0';
	if (*text != '\0')
		memcpy(out + len, ellipsis, sizeof ellipsis);
}

static json_t *
expected(struct problem *problem, const char *what, const char *got)
{
	char quoted[QUOTED_MAX];

	value_quote(got, quoted);
	snprintf(problem->text, sizeof problem->text, "expected %s, got \"%s\"",
	    what, quoted);
	return NULL;
}

/* True, with a problem that names the limit, if text is longer than that. */
static bool
too_long(struct problem *problem, const char *text, size_t max)
{
	size_t len = strlen(text);

	if (len <= max)
		return false;
	snprintf(problem->text, sizeof problem->text,
	    "at most %zu bytes, got %zu", max, len);
	return true;
}

json_t *
value_slug(const char *text, struct problem *problem)
{
	if (too_long(problem, text, SLUG_MAX_LEN))
		return NULL;
	if (!slug_valid(text))
		return expected(problem,
		    "lower-case letters, digits and \"-\" (not first), "
		    "such as acme-2",
		    text);
	return json_string(text);
}

json_t *
value_key_id(const char *text, struct problem *problem)
{
	size_t prefix_len, len = strlen(text);
	struct token_view view;
	const char *id;

	if (key_id_parse(text, len, &id, &prefix_len))
		return json_string(text);
	if (token_parse(text, len, &view) != REASON_NONE)
		return expected(
		    problem, "a key ID such as dk_7Hq2mZx0pLs9", text);
	snprintf(problem->text, sizeof problem->text,
	    "expected the key ID alone (%.*s), got a whole token; it is known "
	    "to whoever saw this command line: rotate the key",
	    (int)view.key_id_len, view.text);
	return NULL;
}

json_t *
value_prefix(const char *text, struct problem *problem)
{
	if (too_long(problem, text, TOKEN_PREFIX_MAX))
		return NULL;
	if (!token_prefix_valid(text, strlen(text)))
		return expected(problem,
		    "a lower-case letter, then lower-case letters, digits and "
		    "\"_\", such as sk_live",
		    text);
	return json_string(text);
}

static json_t *
label(const char *text, size_t max, struct problem *problem)
{
	char what[64];

	if (too_long(problem, text, max))
		return NULL;
	if (label_valid(text, 1, max))
		return json_string(text);
	snprintf(what, sizeof what,
	    "1 to %zu bytes of UTF-8 without control characters", max);
	return expected(problem, what, text);
}

json_t *
value_name(const char *text, struct problem *problem)
{
	return label(text, NAME_MAX_LEN, problem);
}

json_t *
value_label(const char *text, struct problem *problem)
{
	return label(text, LABEL_MAX_LEN, problem);
}

json_t *
value_environment(const char *text, struct problem *problem)
{
	return label(text, ENVIRONMENT_MAX_LEN, problem);
}

json_t *
value_reason(const char *text, struct problem *problem)
{
	return label(text, NAME_MAX_LEN, problem);
}

json_t *
value_endpoint(const char *text, struct problem *problem)
{
	/* A longer one than is kept is cut, not refused. */
	return label(text, CREDENTIAL_MAX_LEN, problem);
}

json_t *
value_scope(const char *text, struct problem *problem)
{
	if (too_long(problem, text, SCOPE_MAX_LEN))
		return NULL;
	if (!scope_valid(text))
		return expected(problem,
		    "letters, digits and :._/- such as appointments:export",
		    text);
	return json_string(text);
}

/* One word: no white space, nor what separates such words elsewhere. */
static json_t *
word(const char *text, size_t max, const char *what, struct problem *problem)
{
	if (too_long(problem, text, max))
		return NULL;
	if (!label_valid(text, 1, max) || strpbrk(text, " :/") != NULL)
		return expected(problem, what, text);
	return json_string(text);
}

json_t *
value_service(const char *text, struct problem *problem)
{
	return word(text, SERVICE_MAX_LEN,
	    "a word without blanks, \":\" and \"/\", such as httpd", problem);
}

json_t *
value_login(const char *text, struct problem *problem)
{
	return word(text, USER_MAX_LEN,
	    "a login or a uid, without blanks, \":\" and \"/\"", problem);
}

/* A decimal uid; not -1, which is nobody's. */
static bool
uid_parse(const char *text, uid_t *uid)
{
	uint64_t value = 0;
	size_t i = 0;

	for (; text[i] >= '0' && text[i] <= '9' && value < UINT32_MAX; i++)
		value = value * 10 + (uint64_t)(text[i] - '0');
	*uid = (uid_t)value;
	return i > 0 && text[i] == '\0' && value < UINT32_MAX;
}

json_t *
value_caller(const char *text, struct problem *problem)
{
	static const char what[] = "a login of this machine, or a uid";
	json_t *login = word(text, USER_MAX_LEN, what, problem);
	const struct passwd *user;
	uid_t uid;

	if (login == NULL)
		return NULL;
	/* As chown(1) does: a name may well be of digits alone. */
	user = getpwnam(text);
	if (user != NULL) {
		uid = user->pw_uid;
	} else if (!uid_parse(text, &uid)) {
		json_decref(login);
		return expected(problem, what, text);
	}
	/* A uid without a login is shown as it was given. */
	return json_pack("{s:I,s:o}", "uid", (json_int_t)uid, "login", login);
}

json_t *
value_signature(const char *text, struct problem *problem)
{
	/* What it has to be is the daemon's to judge: a client's signature
	 * may be anything, and is wrong then. */
	return label(text, CLAIMED_MAX_LEN, problem);
}

json_t *
value_timestamp(const char *text, struct problem *problem)
{
	int64_t seconds;

	if (!timestamp_parse(text, &seconds))
		return expected(
		    problem, "Unix seconds, as date +%s prints them", text);
	return json_integer(seconds);
}

json_t *
value_operation_id(const char *text, struct problem *problem)
{
	size_t len = strlen(text);

	if (too_long(problem, text, 64))
		return NULL;
	for (size_t i = 0; i < len; i++)
		if (text[i] != '-' && !strchr(letters_and_digits, text[i]))
			len = 0;
	if (len == 0)
		return expected(problem, "letters, digits and \"-\"", text);
	return json_string(text);
}

json_t *
value_path(const char *text, struct problem *problem)
{
	struct sockaddr_un address;

	/* The tightest limit of all paths given here is that of a socket. */
	if (too_long(problem, text, sizeof address.sun_path - 1))
		return NULL;
	if (*text == '\0')
		return expected(problem, "a path", text);
	return json_string(text);
}

/* choices: words with a '|' between two. */
static json_t *
one_of(const char *choices, const char *text, struct problem *problem)
{
	size_t len = strlen(text);

	for (const char *at = choices; len > 0; at++) {
		size_t word = strcspn(at, "|");

		if (word == len && memcmp(at, text, len) == 0)
			return json_string(text);
		at += word;
		if (*at == '\0')
			break;
	}
	return expected(problem, choices, text);
}

json_t *
value_permission(const char *text, struct problem *problem)
{
	return one_of("read|write", text, problem);
}

json_t *
value_key_type(const char *text, struct problem *problem)
{
	return one_of("bearer|hmac", text, problem);
}

json_t *
value_role(const char *text, struct problem *problem)
{
	return one_of("superadmin|admin|auditor", text, problem);
}

json_t *
value_key_status(const char *text, struct problem *problem)
{
	return one_of("active|disabled|revoked|expired", text, problem);
}

json_t *
value_new_account_status(const char *text, struct problem *problem)
{
	return one_of("pending|approved", text, problem);
}

json_t *
value_duration(const char *text, struct problem *problem)
{
	int64_t milliseconds;

	if (!duration_parse(text, &milliseconds))
		return expected(
		    problem, "a duration such as 90s, 24h or 1d12h", text);
	return json_integer(milliseconds);
}

json_t *
value_positive_duration(const char *text, struct problem *problem)
{
	int64_t milliseconds;

	if (!duration_parse(text, &milliseconds) || milliseconds == 0)
		return expected(problem,
		    "a duration above 0 such as 90s, 24h or 1d12h", text);
	return json_integer(milliseconds);
}

json_t *
value_expires(const char *text, struct problem *problem)
{
	static const char what[] = "a duration such as 90d, a date such as "
				   "2027-06-30 (end of that day, UTC) or RFC "
				   "3339, or never";
	char date[TIME_TEXT_MAX];
	int64_t value;

	if (duration_parse(text, &value)) {
		/* On the wire 0 would be "never", the opposite. */
		if (value == 0)
			return expected(problem, what, text);
		return json_pack("{s:I}", "expires_in_ms", (json_int_t)value);
	}
	if (!date_parse(text, &value) && !time_parse(text, &value))
		return expected(problem, what, text);
	time_text(value, date);
	return json_pack("{s:s}", "expires_at", date);
}

json_t *
value_rate(const char *text, struct problem *problem)
{
	uint32_t limit;
	int64_t per_ms;

	if (!rate_parse(text, &limit, &per_ms))
		return expected(problem, "N/DURATION such as 100/60s", text);
	return json_pack("{s:I,s:o}", "limit", (json_int_t)limit, "per_seconds",
	    per_ms % 1000 == 0 ? json_integer(per_ms / 1000)
			       : json_real((double)per_ms / 1000));
}

json_t *
value_quota(const char *text, struct problem *problem)
{
	uint64_t limit;
	enum quota_period period;

	if (!quota_parse(text, &limit, &period))
		return expected(problem,
		    "N/day, N/month or N/total such as 10000/month", text);
	return json_pack("{s:I,s:s}", "limit", (json_int_t)limit, "per",
	    quota_period_text(period));
}

json_t *
value_address(const char *text, struct problem *problem)
{
	struct address address;

	if (!address_parse(text, &address))
		return expected(
		    problem, "a numeric IPv4 or IPv6 address", text);
	return json_string(text);
}

json_t *
value_cidr(const char *text, struct problem *problem)
{
	char network[CIDR_TEXT_MAX];
	struct cidr cidr;

	if (!cidr_parse(text, &cidr))
		return expected(problem,
		    "an address or a network such as 203.0.113.0/24, no bits "
		    "set beyond the prefix length",
		    text);
	cidr_text(&cidr, network);
	return json_string(network);
}

json_t *
value_allow_entry(const char *text, struct problem *problem)
{
	char network[CIDR_TEXT_MAX];
	size_t len = strcspn(text, "=");
	struct cidr cidr;
	struct problem inner;
	json_t *entry_label = NULL;

	snprintf(network, sizeof network, "%.*s", (int)len, text);
	if (len >= sizeof network || !cidr_parse(network, &cidr))
		return expected(problem,
		    "ADDRESS or CIDR[=LABEL] such as 203.0.113.0/24=Office, "
		    "no bits set beyond the prefix length",
		    text);
	if (text[len] == '=' && text[len + 1] != '\0') {
		entry_label = label(text + len + 1, LABEL_MAX_LEN, &inner);
		if (entry_label == NULL) {
			snprintf(problem->text, sizeof problem->text,
			    "label: %.200s", inner.text);
			return NULL;
		}
	}
	cidr_text(&cidr, network);
	return json_pack("{s:s,s:o}", "cidr", network, "label",
	    entry_label != NULL ? entry_label : json_null());
}
