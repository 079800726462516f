/* SPDX-License-Identifier: BSD-2-Clause */
/* key export: a line for each key, as key import takes them. */
#include <stdio.h>
#include <time.h>

#include "call.h"
#include "proto/text.h"

/* The first line says which store's hashes these are. */
static void
print_head(json_t *page)
{
	char now[TIME_TEXT_MAX];
	json_t *head;

	time_text((int64_t)time(NULL) * 1000, now);
	head = json_pack("{s:i, s:O, s:s}", "apikeyd_export", 1, "hash_check",
	    json_object_get(page, "hash_check"), "exported_at", now);
	json_dumpf(head, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(head);
}

static enum ctl_exit
export_page(
    const struct invocation *inv, struct varlink_client *client, json_t **after)
{
	bool first = json_object_get(inv->parameters, "after") == NULL;
	json_t *page, *key, *next;
	enum ctl_exit code;
	size_t i;

	code = call_on(inv, client, "ExportKeys", inv->parameters, &page);
	if (code != CTL_DONE)
		return code;
	if (first)
		print_head(page);
	json_array_foreach (json_object_get(page, "keys"), i, key) {
		json_dumpf(key, stdout, JSON_COMPACT);
		putchar('\n');
	}
	next = json_object_get(page, "next");
	*after = json_is_string(next) ? json_incref(next) : NULL;
	json_decref(page);
	return code;
}

static enum ctl_exit
run_export(struct invocation *inv)
{
	struct varlink_client client;
	json_t *after = NULL;
	enum ctl_exit code;

	varlink_init(&client, inv->socket);
	do {
		code = export_page(inv, &client, &after);
		if (code == CTL_DONE && after != NULL)
			json_object_set_new(inv->parameters, "after", after);
	} while (code == CTL_DONE && after != NULL && !ferror(stdout));
	varlink_close(&client);
	if (code != CTL_DONE)
		fputs("apikeyctl: key export: this export is not whole\n",
		    stderr);
	return code;
}

static const struct option_row export_options[] = {
    OPTION_ACCOUNT("of this account"),
    {0},
};

const struct command export_commands[] = {
    {.noun = "key",
	.verb = "export",
	.summary = "Print keys as lines of JSON, with hashes and no secrets",
	.note = "For `apikeyctl key import` into the same store, such as one "
		"restored from an older backup:\nthe hashes are good under "
		"that store's own key alone. To move a whole store:\n"
		"`apikeyctl store backup` and `apikeyd --restore`. hmac keys "
		"are listed, but their secret\nleaves no store, so no import "
		"takes them.",
	.example = "apikeyctl key export >keys.ndjson",
	.options = export_options,
	.run = run_export},
    {0},
};
