/* SPDX-License-Identifier: BSD-2-Clause */
#include "audit.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apikeyd.h"

void
acknowledged_add(struct acknowledged *acknowledged, const char *id)
{
	if (acknowledged->count == acknowledged->room) {
		acknowledged->room = 2 * acknowledged->room + 64;
		acknowledged->ids = reallocarray(acknowledged->ids,
		    acknowledged->room, sizeof *acknowledged->ids);
		if (acknowledged->ids == NULL)
			bail_out("out of memory");
	}
	snprintf(acknowledged->ids[acknowledged->count++],
	    sizeof *acknowledged->ids, "%s", id);
}

void
acknowledged_clear(struct acknowledged *acknowledged)
{
	free(acknowledged->ids);
	*acknowledged = (struct acknowledged){NULL, 0, 0};
}

/* How many lines say that an operation is done, by its id. */
static json_t *
count_lines(const char *path)
{
	FILE *log = fopen(path, "re");
	json_t *counts = json_object();
	char *line = NULL;
	size_t size = 0;

	if (log == NULL)
		bail_out("%s: %s", path, strerror(errno));
	while (getline(&line, &size, log) > 0) {
		json_t *entry = json_loads(line, 0, NULL);
		const char *id =
		    json_string_value(json_object_get(entry, "operation_id"));
		const char *outcome =
		    json_string_value(json_object_get(entry, "outcome"));

		if (id != NULL && outcome != NULL &&
		    strcmp(outcome, "done") == 0)
			json_object_set_new(counts, id,
			    json_integer(json_integer_value(
					     json_object_get(counts, id)) +
				1));
		json_decref(entry);
	}
	free(line);
	fclose(log);
	return counts;
}

bool
acknowledged_has_lines(const struct acknowledged *acknowledged,
    const char *path, char *text, size_t size)
{
	json_t *counts = count_lines(path);
	bool has = true;

	for (size_t i = 0; i < acknowledged->count && has; i++) {
		const char *id = acknowledged->ids[i];
		json_int_t count =
		    json_integer_value(json_object_get(counts, id));

		has = count == 1;
		if (!has)
			snprintf(text, size,
			    "%s has %lld lines in the audit log", id,
			    (long long)count);
	}
	json_decref(counts);
	return has;
}
