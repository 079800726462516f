/* SPDX-License-Identifier: BSD-2-Clause */
/* key usage: what a key, an account or a product was used for, and when. */
#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "call.h"
#include "chart.h"
#include "proto/text.h"

enum { TOP = 10 };

static const struct positional_row subject_key[] = {
    {.name = "ID", .field = "id", .kind = &value_key_id, .optional = true},
    {0},
};

static const struct option_row usage_options[] = {
    OPTION_ACCOUNT("of all keys of this account"),
    OPTION_PRODUCT("of all keys for this product"),
    {.name = "window",
	.metavar = "24h|7d|30d",
	.field = "window",
	.kind = &value_window,
	.help = "how far back; default 24h"},
    {.name = "all",
	.field = "all",
	.help = "list all endpoints and addresses, not the first 10"},
    {0},
};

static const struct column endpoint_columns[] = {
    {"ENDPOINT", "endpoint", text_plain, COLUMN_SHRINK, 0},
    {"CALLS", "calls", text_plain, COLUMN_NUMBER, 0},
    {0},
};

static const struct column address_columns[] = {
    {"ADDRESS", "address", text_plain, COLUMN_WHOLE, 0},
    {"CALLS", "calls", text_plain, COLUMN_NUMBER, 0},
    {"LAST", "last_at", text_when, COLUMN_WHOLE, 0},
    {0},
};

static const struct field summary_fields[] = {
    {"id", "Key", text_plain, ABSENT_NULL, true},
    {"account", "Account", text_plain, ABSENT_NULL, true},
    {"product", "Product", text_plain, ABSENT_NULL, true},
    {"period", "Period", text_plain, ABSENT_NULL, false},
    {"total", "Calls", text_plain, ABSENT_NULL, false},
    {"verdicts", "Verdicts", text_counts, ABSENT_NULL, false},
    {"peak", "Peak", text_plain, ABSENT_NULL, true},
    {"last_used", "Last used", text_plain, ABSENT_NULL, true},
    {0},
};

static int64_t
time_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	int64_t at = 0;

	if (text != NULL)
		time_parse(text, &at);
	return at;
}

static uint64_t
calls_of(const json_t *object)
{
	return (uint64_t)json_integer_value(json_object_get(object, "calls"));
}

/* "2026-11-21 03:00": RFC 3339 has its parts at fixed places. */
static void
minute_text(int64_t at, char out[TIME_TEXT_MAX])
{
	time_text(at, out);
	out[sizeof "YYYY-MM-DDTHH:MM" - 1] = '\0';
	out[sizeof "YYYY-MM-DD" - 1] = ' ';
}

static json_t *
period_json(int64_t from, int64_t to)
{
	char begin[TIME_TEXT_MAX], end[TIME_TEXT_MAX];

	minute_text(from, begin);
	minute_text(to, end);
	return json_sprintf("%s to %s UTC", begin, end);
}

static const char *
unit_text(int64_t step)
{
	const int64_t hour = 3600000;

	return step == hour ? "hour" : step == 6 * hour ? "6 hours" : "day";
}

/* Length of a series' steps in milliseconds. */
static int64_t
step_of(const json_t *usage)
{
	const json_t *series = json_object_get(usage, "series");
	size_t count = json_array_size(series);

	return count == 0
	    ? 0
	    : (time_of(usage, "to") - time_of(usage, "from")) / (int64_t)count;
}

/* "120 calls in the hour from 2026-11-21 09:00"; NULL: there was none. */
static json_t *
peak_json(const json_t *usage)
{
	const json_t *best = NULL;
	char begin[TIME_TEXT_MAX];
	json_t *step;
	size_t i;

	json_array_foreach (json_object_get(usage, "series"), i, step) {
		if (best == NULL || calls_of(step) > calls_of(best))
			best = step;
	}
	if (best == NULL || calls_of(best) == 0)
		return json_null();
	minute_text(time_of(best, "from"), begin);
	return json_sprintf("%" PRIu64 " in the %s from %s", calls_of(best),
	    unit_text(step_of(usage)), begin);
}

/* Of a key: which it tells itself. */
static enum ctl_exit
last_use(const struct invocation *inv, const char *id, json_t **out)
{
	json_t *parameters = json_pack("{s:s}", "id", id), *answer;
	enum ctl_exit code = call_once(inv, "GetKey", parameters, &answer);
	const json_t *key = json_object_get(answer, "key");
	const char *at =
	    json_string_value(json_object_get(key, "last_used_at"));
	const char *from =
	    json_string_value(json_object_get(key, "last_used_address"));

	*out = NULL;
	if (code == CTL_DONE)
		*out = at == NULL
		    ? json_string("Never")
		    : json_sprintf("%s%s%s", at, from != NULL ? " from " : "",
			  from != NULL ? from : "");
	json_decref(answer);
	json_decref(parameters);
	return code;
}

/* Hours are labelled every 4, days where they begin, every fifth of many. */
static void
label_bar(struct chart_bar *bar, int64_t from, int64_t step, size_t number)
{
	const int64_t hour = 3600000;
	char text[TIME_TEXT_MAX];

	time_text(from, text);
	if (step == hour && number % 4 == 0)
		memcpy(bar->label, text + sizeof "YYYY-MM-DDT" - 1, 5);
	else if (step > hour && step < 24 * hour
		? from / step % (24 * hour / step) == 0
		: step >= 24 * hour && number % 5 == 0)
		memcpy(bar->label, text + sizeof "YYYY-" - 1, 5);
}

/* By what the environment says, whatever main() has made of it. */
static bool
takes_utf8(void)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool utf8;

	if (locale == (locale_t)0)
		return false;
	utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
	freelocale(locale);
	return utf8;
}

static void
print_chart(const json_t *usage)
{
	struct chart_bar bars[CHART_BARS_MAX] = {{0, ""}};
	size_t count = 0, i;
	json_t *step;

	json_array_foreach (json_object_get(usage, "series"), i, step) {
		if (count == CHART_BARS_MAX)
			break;
		bars[count].count = calls_of(step);
		label_bar(
		    &bars[count], time_of(step, "from"), step_of(usage), count);
		count++;
	}
	putchar('\n');
	chart_print(stdout, bars, count, takes_utf8());
}

/* The first of a list, and in one line how much the rest is. */
static void
print_top(const struct column *columns, const json_t *list,
    const json_t *others, bool all, const char *what)
{
	uint64_t rest = 0, unlisted = (uint64_t)json_integer_value(others);
	json_t *top = json_array(), *item;
	size_t i, more = 0;

	json_array_foreach (list, i, item) {
		if (all || i < TOP) {
			json_array_append(top, item);
		} else {
			more++;
			rest += calls_of(item);
		}
	}
	putchar('\n');
	if (json_array_size(top) > 0)
		output_table(columns, top);
	if (more > 0)
		printf("%zu more %s, %" PRIu64 " calls; --all lists them\n",
		    more, what, rest);
	if (unlisted > 0)
		printf("Other %s, not told apart: %" PRIu64 " calls\n", what,
		    unlisted);
	json_decref(top);
}

static enum ctl_exit
print_usage(const struct invocation *inv, const json_t *usage, bool all)
{
	json_t *summary = json_copy((json_t *)usage), *last = NULL;
	const char *id = json_string_value(json_object_get(usage, "id"));
	enum ctl_exit code = id != NULL ? last_use(inv, id, &last) : CTL_DONE;

	if (code == CTL_DONE) {
		json_object_set_new(summary, "period",
		    period_json(time_of(usage, "from"), time_of(usage, "to")));
		json_object_set_new(summary, "peak", peak_json(usage));
		if (last != NULL)
			json_object_set(summary, "last_used", last);
		output_fields(summary_fields, summary);
	}
	if (code == CTL_DONE &&
	    json_integer_value(json_object_get(usage, "total")) > 0) {
		print_chart(usage);
		print_top(endpoint_columns, json_object_get(usage, "endpoints"),
		    json_object_get(usage, "other_endpoints"), all,
		    "endpoints");
		print_top(address_columns, json_object_get(usage, "addresses"),
		    json_object_get(usage, "other_addresses"), all,
		    "addresses");
	}
	json_decref(last);
	json_decref(summary);
	return code;
}

/* Exactly one of what usage can be of. */
static bool
names_one(const json_t *parameters)
{
	static const char *const names[] = {"id", "account", "product"};
	unsigned given = 0;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		given += json_object_get(parameters, names[i]) != NULL;
	return given == 1;
}

static enum ctl_exit
run_usage(struct invocation *inv)
{
	bool all = json_object_get(inv->parameters, "all") != NULL;
	enum ctl_exit code;
	json_t *answer, *usage;

	if (!names_one(inv->parameters)) {
		fputs("apikeyctl: key usage: expected a key ID, or --account, "
		      "or --product, and one of them alone\n",
		    stderr);
		return CTL_USAGE;
	}
	json_object_del(inv->parameters, "all");
	code = call_once(inv, "GetUsage", inv->parameters, &answer);
	if (code != CTL_DONE)
		return code;
	usage = json_object_get(answer, "usage");
	if (!json_is_object(usage)) {
		fputs("apikeyctl: there is no usage in the daemon's answer\n",
		    stderr);
		code = CTL_NO_DAEMON;
	} else if (inv->json) {
		output_json(usage);
	} else {
		code = print_usage(inv, usage, all);
	}
	json_decref(answer);
	return code;
}

const struct command usage_commands[] = {
    {.noun = "key",
	.verb = "usage",
	.summary = "Show what a key, account or product was used for",
	.note = "Of an ID, an --account and a --product, one has to be given.",
	.example = "apikeyctl key usage dk_7Hq2mZx0pLs9 --window 7d\n"
		   "apikeyctl key usage --account acme",
	.positionals = subject_key,
	.options = usage_options,
	.run = run_usage},
    {0},
};
