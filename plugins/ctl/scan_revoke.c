/* SPDX-License-Identifier: BSD-2-Clause */
#include "scan_revoke.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "prompt.h"
#include "proto/text.h"

enum { REASON_ROOM = 128 + 1 };

/* "found by scan in FILE", fit for a reason: its end is what tells files
 * apart where it is too long. */
static void
reason_for(const char *file, char reason[REASON_ROOM])
{
	static const char begin[] = "found by scan in ";
	size_t room = REASON_ROOM - sizeof begin, len = strlen(file);
	const char *end = len > room ? file + len - (room - 3) : file;

	snprintf(reason, REASON_ROOM, "%s%s%s", begin, end != file ? "..." : "",
	    end);
	if (label_valid(reason, 1, REASON_ROOM - 1))
		return;
	for (char *c = reason; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

static bool
is_revoked(const json_t *item)
{
	const char *status = json_string_value(json_object_get(item, "status"));

	return status == NULL || strcmp(status, "revoked") == 0;
}

/* Whether a sighting is the first of its key, which is not revoked yet. */
static bool
to_revoke(const json_t *found, size_t i)
{
	const json_t *item = json_array_get(found, i);

	if (is_revoked(item))
		return false;
	for (size_t before = 0; before < i; before++)
		if (json_equal(json_object_get(item, "id"),
			json_object_get(json_array_get(found, before), "id")))
			return false;
	return true;
}

size_t
scan_to_revoke(const json_t *found)
{
	size_t count = 0, n = json_array_size(found);

	for (size_t i = 0; i < n; i++)
		count += to_revoke(found, i);
	return count;
}

/* --revoke is the order to; whoever sits there is asked once more, having seen
 * which keys it is about. A cron job has nobody to ask and has to revoke. */
static bool
may_revoke(const struct invocation *inv, size_t count)
{
	char question[96];
	bool yes;
	int tty;

	if (json_object_get(inv->parameters, "yes") != NULL ||
	    !isatty(STDERR_FILENO))
		return true;
	tty = prompt_open();
	if (tty < 0)
		return true;
	output_flush(); /* what the question is about */
	snprintf(question, sizeof question,
	    "Revoke %zu key%s? Callers get errors at once. [y/N] ", count,
	    count == 1 ? "" : "s");
	yes = prompt_confirm(tty, question);
	close(tty);
	if (!yes)
		fputs("apikeyctl: nothing was revoked\n", stderr);
	return yes;
}

/* Each sighting of the key says so from now on. */
static void
note_revoked(json_t *found, const char *id)
{
	json_t *item;
	size_t i;

	json_array_foreach (found, i, item) {
		const char *its =
		    json_string_value(json_object_get(item, "id"));

		if (its != NULL && strcmp(its, id) == 0)
			json_object_set_new(
			    item, "status", json_string("revoked"));
	}
}

static enum ctl_exit
revoke_one(const struct invocation *inv, json_t *found, const json_t *item)
{
	char reason[REASON_ROOM];
	json_t *id = json_object_get(item, "id");
	json_t *parameters, *answer;
	enum ctl_exit code;

	reason_for(json_string_value(json_object_get(item, "file")), reason);
	parameters = json_pack("{s:O, s:s}", "id", id, "reason", reason);
	code = call_once(inv, "RevokeKey", parameters, &answer);
	json_decref(parameters);
	json_decref(answer);
	if (code != CTL_DONE)
		return code;
	fprintf(stderr, "Revoked key %s.\n", json_string_value(id));
	note_revoked(found, json_string_value(id));
	return code;
}

enum ctl_exit
scan_revoke(const struct invocation *inv, json_t *found)
{
	enum ctl_exit code, worst = CTL_REFUSED;
	size_t count = scan_to_revoke(found), n = json_array_size(found);

	if (count == 0 || !may_revoke(inv, count))
		return CTL_REFUSED;
	for (size_t i = 0; i < n; i++) {
		if (!to_revoke(found, i))
			continue;
		code = revoke_one(inv, found, json_array_get(found, i));
		if (code != CTL_DONE)
			worst = code;
	}
	return worst;
}
