/* SPDX-License-Identifier: BSD-2-Clause */
#include "audit.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apikeyd.h"

void
acknowledged_add(
    struct acknowledged *acknowledged, const char *id, bool may_lack)
{
	struct acknowledged_change *change;

	if (acknowledged->count == acknowledged->room) {
		acknowledged->room = 2 * acknowledged->room + 64;
		acknowledged->changes = reallocarray(acknowledged->changes,
		    acknowledged->room, sizeof *acknowledged->changes);
		if (acknowledged->changes == NULL)
			bail_out("out of memory");
	}
	change = &acknowledged->changes[acknowledged->count++];
	change->may_lack = may_lack;
	snprintf(change->id, sizeof change->id, "%s", id);
}

void
acknowledged_clear(struct acknowledged *acknowledged)
{
	free(acknowledged->changes);
	*acknowledged = (struct acknowledged){NULL, 0, 0};
}

/* How many changes a line says have none. */
static uint64_t
omitted_by(const json_t *entry)
{
	const char *outcome =
	    json_string_value(json_object_get(entry, "outcome"));

	return outcome != NULL && strcmp(outcome, "omitted") == 0
	    ? (uint64_t)json_integer_value(json_object_get(entry, "count"))
	    : 0;
}

/* The operation that a line says is done; NULL: it says something else. */
static const char *
done_operation(const json_t *entry)
{
	const char *outcome =
	    json_string_value(json_object_get(entry, "outcome"));

	return outcome != NULL && strcmp(outcome, "done") == 0
	    ? json_string_value(json_object_get(entry, "operation_id"))
	    : NULL;
}

bool
audit_read(struct audit_lines *lines, const char *path, char *text, size_t size)
{
	FILE *log = fopen(path, "re");
	bool sound = true;
	char *line = NULL;
	size_t room = 0;

	if (log == NULL)
		bail_out("%s: %s", path, strerror(errno));
	if (lines->done == NULL)
		lines->done = json_object();
	fseeko(log, lines->read, SEEK_SET);
	while (getline(&line, &room, log) > 0) {
		json_t *entry = json_loads(line, 0, NULL);
		const char *id = done_operation(entry);

		if (id != NULL && json_object_get(lines->done, id) != NULL) {
			snprintf(text, size,
			    "%s has two lines in the audit log", id);
			sound = false;
		}
		if (id != NULL)
			json_object_set_new(lines->done, id, json_true());
		lines->omitted += omitted_by(entry);
		json_decref(entry);
	}
	lines->read = ftello(log);
	free(line);
	fclose(log);
	return sound;
}

bool
audit_has(struct audit_lines *lines, const struct acknowledged *acknowledged,
    uint64_t pending, char *text, size_t size)
{
	for (size_t i = 0; i < acknowledged->count; i++) {
		const struct acknowledged_change *change =
		    &acknowledged->changes[i];

		if (json_object_get(lines->done, change->id) != NULL)
			continue;
		if (change->may_lack &&
		    ++lines->lacking <= lines->omitted + pending)
			continue;
		snprintf(
		    text, size, "%s has no line in the audit log", change->id);
		return false;
	}
	return true;
}
