/* SPDX-License-Identifier: BSD-2-Clause */
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char buffer[64 * 1024];

/* The first failure is the cause; a later one only says EIO. */
static int failed;

void
output_fail(int error)
{
	if (failed == 0)
		failed = error;
}

void
output_begin(void)
{
	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
}

int
output_flush(void)
{
	errno = 0;
	if (fflush(stdout) != 0 || ferror(stdout))
		output_fail(errno != 0 ? errno : EIO);
	return failed;
}

int
output_end(void)
{
	int error = output_flush();

	/* NFS and quotas report a full disk no sooner than here. */
	if (close(STDOUT_FILENO) != 0 && error == 0 && errno != EBADF)
		error = errno;
	explicit_bzero(buffer, sizeof buffer);
	return error;
}

/*
 * How many bytes at s are not to be shown as they are: a control character
 * (C0, DEL, C1 in UTF-8), or what this locale has no character for.
 */
static size_t
hidden_len(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;

	if (u[0] < 0x20 || u[0] == 0x7f || (u[0] >= 0x80 && MB_CUR_MAX == 1))
		return 1;
	return u[0] == 0xc2 && u[1] >= 0x80 && u[1] < 0xa0 ? 2 : 0;
}

void
output_text(FILE *out, const char *text)
{
	while (*text != '\0') {
		size_t len = hidden_len(text);

		if (len == 0)
			fputc(*text++, out);
		for (; len > 0; len--)
			fprintf(out, "\\x%02x", (unsigned char)*text++);
	}
}

size_t
output_json_style(void)
{
	return isatty(STDOUT_FILENO) ? JSON_INDENT(2) : JSON_COMPACT;
}

void
output_json(const json_t *value)
{
	errno = 0;
	if (json_dumpf(value, stdout, output_json_style()) != 0)
		output_fail(errno != 0 ? errno : ENOMEM);
	putchar('\n');
}

/* 60.0 becomes 60, wherever it is inside value; returns what to put there. */
static json_t *
whole_numbers(json_t *value)
{
	const char *name;
	json_t *member;
	size_t i;
	void *next;
	double real;

	json_object_foreach_safe(value, next, name, member)
	{
		json_object_set_new(value, name, whole_numbers(member));
	}
	json_array_foreach (value, i, member) {
		json_array_set_new(value, i, whole_numbers(member));
	}
	real = json_real_value(value);
	if (json_is_real(value) && real > -1e15 && real < 1e15 &&
	    !((double)(json_int_t)real < real) &&
	    !((double)(json_int_t)real > real))
		return json_integer((json_int_t)real);
	return json_incref(value);
}

static json_t *
absent(const struct field *field)
{
	return field->absent == ABSENT_LIST ? json_array() : json_null();
}

json_t *
fields_complete(const struct field *fields, const json_t *object)
{
	json_t *out = json_object();
	json_t *numbers = json_deep_copy(object);

	for (const struct field *f = fields; f != NULL && f->name; f++) {
		json_t *value = json_object_get(object, f->name);

		if (value != NULL && !json_is_null(value))
			json_object_set(out, f->name, value);
		else if (f->absent != ABSENT_LEFT_OUT)
			json_object_set_new(out, f->name, absent(f));
		json_object_del(numbers, f->name);
	}
	json_object_update(out, numbers);
	json_decref(numbers);
	numbers = whole_numbers(out);
	json_decref(out);
	return numbers;
}

void
output_fields(const struct field *fields, const json_t *object)
{
	size_t width = 0;

	for (const struct field *f = fields; f->name != NULL; f++)
		if (f->label != NULL && strlen(f->label) > width)
			width = strlen(f->label);
	for (const struct field *f = fields; f->name != NULL; f++) {
		json_t *value = json_object_get(object, f->name);
		char *text, *line, *rest;

		if (f->label == NULL ||
		    (f->quiet && (value == NULL || json_is_null(value))))
			continue;
		text = f->text(value);
		if (text == NULL)
			output_fail(ENOMEM);
		printf("%s:%*s", f->label, (int)(width - strlen(f->label)), "");
		/* A field may be of several lines, such as an allow-list. */
		rest = text;
		while ((line = strsep(&rest, "\n")) != NULL) {
			if (line != text)
				printf("%*s", (int)width + 1, "");
			putchar(' ');
			output_text(stdout, line);
			putchar('\n');
		}
		free(text);
	}
}
