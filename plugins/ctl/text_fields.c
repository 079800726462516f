/* SPDX-License-Identifier: BSD-2-Clause */
/* Members of the daemon's objects as text for people. */
#include "output.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proto/text.h"

/* asprintf() leaves its pointer undefined where memory is short. */
__attribute__((format(printf, 1, 2))) static char *
format(const char *pattern, ...)
{
	va_list arguments;
	char *text;
	int len;

	va_start(arguments, pattern);
	len = vasprintf(&text, pattern, arguments);
	va_end(arguments);
	return len < 0 ? NULL : text;
}

char *
text_plain(json_t *value)
{
	const char *text = json_string_value(value);

	if (json_is_integer(value))
		return format(
		    "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	if (json_is_real(value))
		return format("%.1f", json_real_value(value));
	return strdup(text != NULL && *text != '\0' ? text : "-");
}

char *
text_yes_no(json_t *value)
{
	return strdup(json_is_true(value) ? "yes" : "no");
}

char *
text_time(json_t *value)
{
	const char *text = json_string_value(value);

	return strdup(text != NULL ? text : "Never");
}

/*
 * In the largest unit of which there is at least one, to the nearest: what was
 * made for 90 days is not "in 89d" a second later.
 */
static char *
distance(const char *before, int64_t milliseconds, const char *after)
{
	static const struct {
		int64_t seconds;
		char unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	int64_t seconds = (milliseconds + 500) / 1000;
	size_t i = 0;

	while (units[i].seconds > seconds && units[i].seconds > 1)
		i++;
	return format("%s%" PRId64 "%c%s", before,
	    (seconds + units[i].seconds / 2) / units[i].seconds, units[i].unit,
	    after);
}

char *
text_when(json_t *value)
{
	const char *text = json_string_value(value);
	struct timespec now;
	int64_t at, now_ms;

	/* A script wants the time itself. */
	if (text == NULL || !isatty(STDOUT_FILENO) || !time_parse(text, &at))
		return text_time(value);
	clock_gettime(CLOCK_REALTIME, &now);
	now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	return at > now_ms ? distance("in ", at - now_ms, "")
			   : distance("", now_ms - at, " ago");
}

char *
text_list(json_t *value)
{
	char *text = NULL;
	size_t i, size;
	json_t *item;
	FILE *out;

	if (json_array_size(value) == 0)
		return strdup("-");
	out = open_memstream(&text, &size);
	if (out == NULL)
		return NULL;
	json_array_foreach (value, i, item) {
		fprintf(out, "%s%s", i > 0 ? ", " : "",
		    json_is_string(item) ? json_string_value(item) : "?");
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

char *
text_duration(json_t *value)
{
	static const struct {
		int64_t milliseconds;
		const char *name;
	} units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"},
	    {1, "ms"}};
	int64_t left = json_integer_value(value);
	char *text = NULL;
	size_t size;
	FILE *out;

	if (!json_is_integer(value))
		return strdup("-");
	if (left <= 0)
		return strdup("0s");
	out = open_memstream(&text, &size);
	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		int64_t count = left / units[i].milliseconds;

		left -= count * units[i].milliseconds;
		if (count > 0)
			fprintf(out, "%" PRId64 "%s", count, units[i].name);
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

char *
text_seconds(json_t *value)
{
	json_t *milliseconds;
	char *text;

	if (!json_is_integer(value))
		return strdup("-");
	milliseconds = json_integer(json_integer_value(value) * 1000);
	text = text_duration(milliseconds);
	json_decref(milliseconds);
	return text;
}

char *
text_bytes(json_t *value)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double bytes = (double)json_integer_value(value);
	size_t i = 0;

	if (!json_is_integer(value))
		return strdup("-");
	for (; bytes >= 1024 && i + 1 < sizeof units / sizeof units[0]; i++)
		bytes /= 1024;
	return format(i == 0 ? "%.0f %s" : "%.1f %s", bytes, units[i]);
}

char *
text_counts(json_t *value)
{
	json_t *words = json_array(), *count;
	const char *name;
	char *text;

	json_object_foreach (value, name, count) {
		if (json_integer_value(count) > 0)
			json_array_append_new(words,
			    json_sprintf("%s %" JSON_INTEGER_FORMAT, name,
				json_integer_value(count)));
	}
	text = text_list(words);
	json_decref(words);
	return text;
}
