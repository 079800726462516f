/* SPDX-License-Identifier: BSD-2-Clause */
#include "listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

bool
listing_begin(
    struct listing *listing, const struct command *command, bool as_json)
{
	memset(listing, 0, sizeof *listing);
	listing->command = command;
	if (as_json)
		listing->json = open_memstream(&listing->text, &listing->len);
	else
		listing->rows = json_array();
	return listing->json != NULL || listing->rows != NULL;
}

void
listing_add(struct listing *listing, const json_t *item)
{
	const struct column *c = listing->command->columns;
	json_t *row;

	if (listing->json != NULL) {
		row = fields_complete(listing->command->fields, item);
		fputs(listing->count > 0 ? ",\n" : "", listing->json);
		json_dumpf(row, listing->json, output_json_style());
		json_decref(row);
	} else {
		row = json_object();
		for (; c->head != NULL; c++)
			json_object_set(
			    row, c->name, json_object_get(item, c->name));
		json_array_append_new(listing->rows, row);
	}
	listing->count++;
}

void
listing_print(struct listing *listing)
{
	json_t *row;
	size_t i;

	if (listing->json != NULL) {
		if (fflush(listing->json) != 0)
			output_fail(ENOMEM);
		printf("[%s]\n", listing->text != NULL ? listing->text : "");
	} else if (listing->count == 0) {
		fprintf(stderr, "No %s.\n", listing->command->result);
	} else if (listing->command->print_line != NULL &&
	    output_is_too_wide(listing->command->columns, listing->rows)) {
		json_array_foreach (listing->rows, i, row) {
			listing->command->print_line(row);
		}
	} else {
		output_table(listing->command->columns, listing->rows);
	}
}

void
listing_end(struct listing *listing)
{
	json_decref(listing->rows);
	if (listing->json != NULL)
		fclose(listing->json);
	free(listing->text);
}
