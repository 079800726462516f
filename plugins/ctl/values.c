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
expected(
    const struct value_kind *kind, const char *got, struct problem *problem)
{
	char quoted[QUOTED_MAX];

	value_quote(got, quoted);
	snprintf(problem->text, sizeof problem->text, "expected %s, got \"%s\"",
	    kind->expected, quoted);
	return NULL;
}

json_t *
value_parse(
    const struct value_kind *kind, const char *text, struct problem *problem)
{
	size_t len = strlen(text);

	if (kind->max == 0 || len <= kind->max)
		return kind->parse(kind, text, problem);
	snprintf(problem->text, sizeof problem->text,
	    "at most %zu bytes, got %zu", kind->max, len);
	return NULL;
}

/* Objects */

static json_t *
parse_slug(
    const struct value_kind *kind, const char *text, struct problem *problem)
{
	return slug_valid(text) ? json_string(text)
				: expected(kind, text, problem);
}

static json_t *
parse_key_id(
    const struct value_kind *kind, const char *text, struct problem *problem)
{
	size_t prefix_len, len = strlen(text);
	struct token_view view;
	const char *id;

	if (key_id_parse(text, len, &id, &prefix_len))
		return json_string(text);
	if (token_parse(text, len, &view) != REASON_NONE)
		return expected(kind, text, problem);
	snprintf(problem->text, sizeof problem->text,
	    "expected the key ID alone (%.*s), got a whole token; it is known "
	    "to whoever saw this command line: rotate the key",
	    (int)view.key_id_len, view.text);
	return NULL;
}

static json_t *
parse_prefix(
    const struct value_kind *kind, const char *text, struct problem *problem)
{
	return token_prefix_valid(text, strlen(text))
	    ? json_string(text)
	    : expected(kind, text, problem);
}

#define SLUG_EXPECTED \
	"lower-case letters, digits and \"-\" (not first), such as acme-2"
#define SLUG_LIMITS "a-z, 0-9 and -"

const struct value_kind value_account = {
    parse_slug, SLUG_EXPECTED, SLUG_LIMITS, SLUG_MAX_LEN, COMPLETE_ACCOUNTS};
const struct value_kind value_product = {
    parse_slug, SLUG_EXPECTED, SLUG_LIMITS, SLUG_MAX_LEN, COMPLETE_PRODUCTS};
const struct value_kind value_key_id = {parse_key_id,
    "a key ID such as dk_7Hq2mZx0pLs9", "such as dk_7Hq2mZx0pLs9", 0,
    COMPLETE_KEYS};
const struct value_kind value_prefix = {parse_prefix,
    "a lower-case letter, then lower-case letters, digits and \"_\", such as "
    "sk_live",
    "a-z, then a-z, 0-9 and _", TOKEN_PREFIX_MAX, COMPLETE_NOTHING};

/* Texts for people */

static json_t *
parse_label(
    const struct value_kind *kind, const char *text, struct problem *problem)
{
	char what[64];
	struct value_kind said = {.expected = what};

	if (label_valid(text, 1, kind->max))
		return json_string(text);
	snprintf(what, sizeof what,
	    "1 to %zu bytes of UTF-8 without control characters", kind->max);
	return expected(&said, text, problem);
}

const struct value_kind value_name = {
    .parse = parse_label, .max = NAME_MAX_LEN};
const struct value_kind value_label = {
    .parse = parse_label, .max = LABEL_MAX_LEN};
const struct value_kind value_environment = {
    .parse = parse_label, .max = ENVIRONMENT_MAX_LEN};
const struct value_kind value_reason = {
    .parse = parse_label, .max = NAME_MAX_LEN};
/* A longer one than is kept is cut, not refused. */
const struct value_kind value_endpoint = {
    .parse = parse_label, .max = CREDENTIAL_MAX_LEN};
/* What a signature has to be is the daemon's to judge: a client's may be
 * anything, and is wrong then. */
const struct value_kind value_signature = {
    .parse = parse_label, .max = CLAIMED_MAX_LEN};

/* Words */

static json_t *
parse_scope(
    const struct value_kind *kind, const char *text, struct problem *problem)
{
	return scope_valid(text) ? json_string(text)
				 : expected(kind, text, problem);
}

/* One word: no white space, nor what separates such words elsewhere. */
static json_t *
parse_word(
    const struct value_kind *kind, const char *text, struct problem *problem)
{
	return label_valid(text, 1, kind->max) && strpbrk(text, " :/") == NULL
	    ? json_string(text)
	    : expected(kind, text, problem);
}

static json_t *
parse_operation_id(
    const struct value_kind *kind, const char *text, struct problem *problem)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] != '-' && !strchr(letters_and_digits, text[i]))
			len = 0;
	return len > 0 ? json_string(text) : expected(kind, text, problem);
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

static json_t *
parse_caller(
    const struct value_kind *kind, const char *text, struct problem *problem)
{
	json_t *login = parse_word(kind, text, problem);
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
		return expected(kind, text, problem);
	}
	/* A uid without a login is shown as it was given. */
	return json_pack("{s:I,s:o}", "uid", (json_int_t)uid, "login", login);
}

static json_t *
parse_choice(
    const struct value_kind *kind, const char *text, struct problem *problem)
{
	const char *at = kind->expected;
	size_t len = strlen(text);

	while (len > 0) {
		size_t word = strcspn(at, "|");

		if (word == len && memcmp(at, text, len) == 0)
			return json_string(text);
		if (at[word] == '\0')
			break;
		at += word + 1;
	}
	return expected(kind, text, problem);
}

const struct value_kind value_scope = {parse_scope,
    "letters, digits and :._/- such as appointments:export",
    "letters, digits and :._/-", SCOPE_MAX_LEN, COMPLETE_NOTHING};
const struct value_kind value_service = {parse_word,
    "a word without blanks, \":\" and \"/\", such as httpd", NULL,
    SERVICE_MAX_LEN, COMPLETE_NOTHING};
const struct value_kind value_login = {parse_word,
    "a login or a uid, without blanks, \":\" and \"/\"", NULL, USER_MAX_LEN,
    COMPLETE_LOGINS};
const struct value_kind value_caller = {parse_caller,
    "a login of this machine, or a uid", "or its uid", USER_MAX_LEN,
    COMPLETE_LOGINS};
const struct value_kind value_operation_id = {parse_operation_id,
    "letters, digits and \"-\"", "letters, digits and -", 64, COMPLETE_NOTHING};

#define CHOICES(words)                                         \
	{                                                      \
		parse_choice, words, NULL, 0, COMPLETE_CHOICES \
	}
const struct value_kind value_permission = CHOICES("read|write");
const struct value_kind value_key_type = CHOICES("bearer|hmac");
const struct value_kind value_role = CHOICES("superadmin|admin|auditor");
const struct value_kind value_key_status =
    CHOICES("active|disabled|revoked|expired");
const struct value_kind value_new_account_status = CHOICES("pending|approved");
const struct value_kind value_window = CHOICES("24h|7d|30d");

/* Files */

static json_t *
parse_path(
    const struct value_kind *kind, const char *text, struct problem *problem)
{
	return *text != '\0' ? json_string(text)
			     : expected(kind, text, problem);
}

const struct value_kind value_path = {
    parse_path, "a path", NULL, 0, COMPLETE_FILES};
const struct value_kind value_socket = {parse_path, "a path", NULL,
    sizeof((struct sockaddr_un *)0)->sun_path - 1, COMPLETE_FILES};

/* Numbers and times */

static json_t *
parse_duration(
    const struct value_kind *kind, const char *text, struct problem *problem)
{
	int64_t milliseconds;

	return duration_parse(text, &milliseconds)
	    ? json_integer(milliseconds)
	    : expected(kind, text, problem);
}

static json_t *
parse_positive_duration(
    const struct value_kind *kind, const char *text, struct problem *problem)
{
	int64_t milliseconds;

	return duration_parse(text, &milliseconds) && milliseconds > 0
	    ? json_integer(milliseconds)
	    : expected(kind, text, problem);
}

static json_t *
parse_expires(
    const struct value_kind *kind, const char *text, struct problem *problem)
{
	char date[TIME_TEXT_MAX];
	int64_t value;
	int seconds_end;

	if (duration_parse(text, &value)) {
		/* On the wire 0 would be "never", the opposite. */
		if (value == 0)
			return expected(kind, text, problem);
		return json_pack("{s:I}", "expires_in_ms", (json_int_t)value);
	}
	if (!date_parse(text, &value) && !time_parse(text, &value))
		return expected(kind, text, problem);
	/* The end of a day is its last millisecond: with the second cut off,
	 * the day would be one short. */
	time_text(value, date);
	seconds_end = (int)strlen(date) - 1;
	return json_pack("{s:o}", "expires_at",
	    json_sprintf("%.*s.%03dZ", seconds_end, date, (int)(value % 1000)));
}

static json_t *
parse_rate(
    const struct value_kind *kind, const char *text, struct problem *problem)
{
	uint32_t limit;
	int64_t per_ms;

	if (!rate_parse(text, &limit, &per_ms))
		return expected(kind, text, problem);
	return json_pack("{s:I,s:o}", "limit", (json_int_t)limit, "per_seconds",
	    per_ms % 1000 == 0 ? json_integer(per_ms / 1000)
			       : json_real((double)per_ms / 1000));
}

static json_t *
parse_quota(
    const struct value_kind *kind, const char *text, struct problem *problem)
{
	uint64_t limit;
	enum quota_period period;

	if (!quota_parse(text, &limit, &period))
		return expected(kind, text, problem);
	return json_pack("{s:I,s:s}", "limit", (json_int_t)limit, "per",
	    quota_period_text(period));
}

static json_t *
parse_timestamp(
    const struct value_kind *kind, const char *text, struct problem *problem)
{
	int64_t seconds;

	return timestamp_parse(text, &seconds) ? json_integer(seconds)
					       : expected(kind, text, problem);
}

#define DURATION_LIMITS "in ms, s, m, h, d, w, such as 90s, 24h, 1d12h"

const struct value_kind value_duration = {parse_duration,
    "a duration such as 90s, 24h or 1d12h", DURATION_LIMITS, 0,
    COMPLETE_NOTHING};
const struct value_kind value_positive_duration = {parse_positive_duration,
    "a duration above 0 such as 90s, 24h or 1d12h", DURATION_LIMITS, 0,
    COMPLETE_NOTHING};
const struct value_kind value_expires = {parse_expires,
    "a duration such as 90d, a date such as 2027-06-30 (end of that day, UTC) "
    "or RFC 3339, or never",
    "90d, 2027-06-30 (end of that day, UTC), RFC 3339, or never", 0,
    COMPLETE_NOTHING};
const struct value_kind value_rate = {parse_rate, "N/DURATION such as 100/60s",
    "such as 100/60s: at most 100 at once, refilled in 60 s", 0,
    COMPLETE_NOTHING};
const struct value_kind value_quota = {parse_quota,
    "N/day, N/month or N/total such as 10000/month",
    "such as 10000/month; days and months are those of UTC", 0,
    COMPLETE_NOTHING};
const struct value_kind value_timestamp = {parse_timestamp,
    "Unix seconds, as date +%s prints them", "Unix seconds", 0,
    COMPLETE_NOTHING};

/* Addresses */

static json_t *
parse_address(
    const struct value_kind *kind, const char *text, struct problem *problem)
{
	struct address address;

	return address_parse(text, &address) ? json_string(text)
					     : expected(kind, text, problem);
}

static json_t *
parse_cidr(
    const struct value_kind *kind, const char *text, struct problem *problem)
{
	char network[CIDR_TEXT_MAX];
	struct cidr cidr;

	if (!cidr_parse(text, &cidr))
		return expected(kind, text, problem);
	cidr_text(&cidr, network);
	return json_string(network);
}

static json_t *
parse_allow_entry(
    const struct value_kind *kind, const char *text, struct problem *problem)
{
	char network[CIDR_TEXT_MAX];
	size_t len = strcspn(text, "=");
	struct cidr cidr;
	struct problem inner;
	json_t *label = NULL;

	snprintf(network, sizeof network, "%.*s", (int)len, text);
	if (len >= sizeof network || !cidr_parse(network, &cidr))
		return expected(kind, text, problem);
	if (text[len] == '=' && text[len + 1] != '\0') {
		label = value_parse(&value_label, text + len + 1, &inner);
		if (label == NULL) {
			snprintf(problem->text, sizeof problem->text,
			    "label: %.200s", inner.text);
			return NULL;
		}
	}
	cidr_text(&cidr, network);
	return json_pack("{s:s,s:o}", "cidr", network, "label",
	    label != NULL ? label : json_null());
}

const struct value_kind value_address = {parse_address,
    "a numeric IPv4 or IPv6 address", "IPv4 or IPv6", 0, COMPLETE_NOTHING};
const struct value_kind value_cidr = {parse_cidr,
    "an address or a network such as 203.0.113.0/24, no bits set beyond the "
    "prefix length",
    "IPv4 or IPv6, such as 203.0.113.0/24", 0, COMPLETE_NOTHING};
const struct value_kind value_allow_entry = {parse_allow_entry,
    "ADDRESS or CIDR[=LABEL] such as 203.0.113.0/24=Office, no bits set beyond "
    "the prefix length",
    "IPv4 or IPv6, such as 203.0.113.0/24=Office", 0, COMPLETE_NOTHING};
