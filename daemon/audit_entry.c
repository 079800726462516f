/* SPDX-License-Identifier: BSD-2-Clause */
#include "audit_entry.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "audit_line.h"
#include "json_memory.h"
#include "proto/text.h"

/* Longer values are left out where a line gets too long. */
enum { LONG_VALUE = 512 };

/* What stands in the line itself, and what no operator has changed. A token is
 * in no view that comes here; should it ever be, it goes no further. */
static const char *const left_out[] = {"id", "slug", "login", "uid", "account",
    "created_at", "created_by", "sequence", "keys", "token", "last_used_at",
    "last_used_address", "previous_last_used_at", "previous_last_used_address"};

static void
leave_out_those(json_t *view)
{
	for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++)
		json_object_del(view, left_out[i]);
	json_object_del(json_object_get(view, "quota"), "used");
}

static bool
says_nothing(const json_t *value)
{
	return value == NULL || json_is_null(value) || json_is_false(value) ||
	    (json_is_array(value) && json_array_size(value) == 0);
}

/* Of the first, what the second has otherwise; both as they were. */
static json_t *
difference(json_t *view, json_t *other)
{
	json_t *result, *value;
	const char *name;

	if (view == NULL)
		return NULL;
	result = json_object();
	json_object_foreach (view, name, value) {
		json_t *same = json_object_get(other, name);

		if (other == NULL ? !says_nothing(value)
				  : !json_equal(value, same))
			json_object_set(result, name, value);
	}
	return result;
}

void
audit_entry_diff(json_t **before, json_t **after)
{
	json_t *old = *before, *new = *after;

	leave_out_those(old);
	leave_out_those(new);
	*before = difference(old, new);
	*after = difference(new, old);
	json_decref(old);
	json_decref(new);
}

static void
set_text(json_t *object, const char *name, const char *text)
{
	if (text != NULL)
		json_object_set_new(object, name, json_string(text));
}

static void
set_view(json_t *object, const char *name, json_t *view)
{
	if (view != NULL && json_object_size(view) > 0)
		json_object_set(object, name, view);
}

static json_t *
entry_object(const struct audit_entry *entry)
{
	json_t *object = json_object();
	char at[TIME_TEXT_MAX];

	time_text(entry->at, at);
	set_text(object, "time", at);
	if (entry->uid >= 0)
		json_object_set_new(object, "uid", json_integer(entry->uid));
	set_text(object, "login", entry->login);
	set_text(object, "method", entry->method);
	set_text(object, "kind", entry->kind);
	set_text(object, "name", entry->name);
	set_text(object, "account", entry->account);
	set_text(object, "operation_id", entry->operation_id);
	set_text(object, "reason", entry->reason);
	set_view(object, "before", entry->before);
	set_view(object, "after", entry->after);
	if (entry->count > 0)
		json_object_set_new(
		    object, "count", json_integer((json_int_t)entry->count));
	set_text(object, "outcome", entry->outcome);
	return object;
}

/* Puts its length in the place of each long value of this member, in a copy:
 * the view itself is borrowed. */
static void
shorten(json_t *object, const char *member)
{
	json_t *view = json_copy(json_object_get(object, member));
	const char *name;
	json_t *value;
	void *next;

	if (view == NULL)
		return;
	json_object_foreach_safe(view, next, name, value)
	{
		size_t len =
		    json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);

		if (len > LONG_VALUE)
			json_object_set_new(view, name,
			    json_sprintf("(%zu bytes, left out)", len));
	}
	json_object_set_new(object, member, view);
}

static char *
inside_of(const json_t *object)
{
	size_t len;
	char *text = json_text(object, JSON_COMPACT, &len);

	if (text == NULL)
		return NULL;
	memmove(text, text + 1, len - 2);
	text[len - 2] = '\0';
	return text;
}

char *
audit_entry_text(const struct audit_entry *entry)
{
	json_t *object = entry_object(entry);
	char *text = inside_of(object);

	if (text != NULL && strlen(text) > AUDIT_MEMBERS_MAX) {
		free(text);
		shorten(object, "before");
		shorten(object, "after");
		text = inside_of(object);
	}
	json_decref(object);
	return text;
}
