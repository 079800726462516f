/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * key import: lines of JSON to the daemon, some at a time on one connection,
 * and then all of them into force; or none.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "call.h"
#include "clock.h"

enum {
	CALL_LINES = 250,
	CALL_BYTES = 40 * 1024, /* the daemon takes messages of 64 KiB */
	LINE_MAX_BYTES = 32 * 1024,
	ERRORS_SHOWN = 20,
	PROGRESS_MS = 100,
	BAR_WIDTH = 30,
};

struct import {
	struct invocation *inv;
	const char *path; /* "-": standard input */
	struct varlink_client client;
	FILE *file;
	off_t size;     /* of the file; 0: not known */
	uint64_t line;  /* read last; the first is 1 */
	uint64_t first; /* of those that wait to be sent */
	json_t *lines;  /* those */
	size_t bytes;   /* of them, about */
	uint64_t sent;
	bool begun;
	bool repeated; /* it was made before */
	size_t errors;
	enum ctl_exit code; /* of the first error */
	int64_t shown_at;
	bool tty;
};

static void
clear_progress(const struct import *import)
{
	if (import->tty && import->shown_at != 0)
		fputs("\r\033[K", stderr);
}

static void
show_progress(struct import *import)
{
	int64_t now = monotonic_ms();
	off_t at;
	int filled;

	if (!import->tty || now - import->shown_at < PROGRESS_MS)
		return;
	import->shown_at = now;
	at = import->size > 0 ? ftello(import->file) : 0;
	if (import->size <= 0 || at < 0) {
		fprintf(
		    stderr, "\r%llu keys", (unsigned long long)import->sent);
		return;
	}
	filled = (int)(at * BAR_WIDTH / import->size);
	filled = filled < BAR_WIDTH ? filled : BAR_WIDTH;
	fprintf(stderr, "\r[%.*s%*s] %3d%%  %llu keys", filled,
	    "##############################", BAR_WIDTH - filled, "",
	    (int)(at * 100 / import->size), (unsigned long long)import->sent);
}

static void
note_error(struct import *import, uint64_t line, const char *field,
    const char *message, enum ctl_exit code)
{
	if (import->errors++ == 0)
		import->code = code;
	if (import->errors > ERRORS_SHOWN)
		return;
	clear_progress(import);
	fprintf(stderr, "apikeyctl: line %llu: ", (unsigned long long)line);
	if (field != NULL) {
		output_text(stderr, field);
		fputs(": ", stderr);
	}
	output_text(stderr, message);
	fputc('\n', stderr);
}

static enum ctl_exit
begin(struct import *import, const json_t *head)
{
	json_t *parameters = json_object(), *answer;
	enum ctl_exit code;

	json_object_set(parameters, "operation_id",
	    json_object_get(import->inv->parameters, "operation_id"));
	if (head != NULL)
		json_object_set(parameters, "hash_check",
		    json_object_get(head, "hash_check"));
	code = call_on(
	    import->inv, &import->client, "BeginImport", parameters, &answer);
	json_decref(parameters);
	if (code != CTL_DONE)
		return code;
	import->begun = true;
	if (json_is_true(json_object_get(answer, "repeated"))) {
		fputs("This import had been made before: nothing was changed "
		      "now.\n",
		    stderr);
		import->begun = false;
		import->repeated = true;
		if (import->inv->json)
			output_json(json_object_get(answer, "import"));
	}
	json_decref(answer);
	return CTL_DONE;
}

static void
note_answer(struct import *import, json_t *answer)
{
	json_t *errors = json_object_get(answer, "errors"), *error;
	char name[64];
	size_t i;

	json_array_foreach (errors, i, error) {
		const char *message =
		    json_string_value(json_object_get(error, "message"));
		const char *kind =
		    json_string_value(json_object_get(error, "error"));

		snprintf(name, sizeof name, CALL_INTERFACE "%s",
		    kind != NULL ? kind : "?");
		note_error(import,
		    (uint64_t)json_integer_value(
			json_object_get(error, "line")),
		    json_string_value(json_object_get(error, "field")),
		    message != NULL ? message : name, call_exit(name));
	}
}

static enum ctl_exit
send_lines(struct import *import)
{
	json_t *parameters, *answer;
	enum ctl_exit code;

	if (json_array_size(import->lines) == 0)
		return CTL_DONE;
	parameters = json_pack("{s:I, s:O}", "first_line",
	    (json_int_t)import->first, "keys", import->lines);
	code = call_on(
	    import->inv, &import->client, "AddToImport", parameters, &answer);
	json_decref(parameters);
	if (code != CTL_DONE)
		return code;
	import->sent += json_array_size(import->lines);
	json_array_clear(import->lines);
	import->bytes = 0;
	note_answer(import, answer);
	json_decref(answer);
	show_progress(import);
	return CTL_DONE;
}

/* Logins become uids here, since the daemon does not look them up. */
static bool
resolve_callers(struct import *import, json_t *object)
{
	json_t *callers = json_object_get(object, "callers"), *caller;
	struct problem problem;
	size_t i;

	json_array_foreach (callers, i, caller) {
		json_t *value;

		if (!json_is_string(caller))
			continue;
		value = value_parse(
		    &value_caller, json_string_value(caller), &problem);
		if (value == NULL) {
			note_error(import, import->line, "callers",
			    problem.text, CTL_USAGE);
			return false;
		}
		json_array_set_new(callers, i, value);
	}
	return true;
}

/* A line is added to those to be sent. */
static enum ctl_exit
take_line(struct import *import, const char *text, size_t len)
{
	json_error_t error;
	json_t *object = len <= LINE_MAX_BYTES
	    ? json_loadb(text, len, JSON_REJECT_DUPLICATES, &error)
	    : NULL;
	enum ctl_exit code = CTL_DONE;
	size_t size = len;

	if (!json_is_object(object)) {
		note_error(import, import->line, NULL,
		    len > LINE_MAX_BYTES ? "longer than 32768 bytes"
					 : "expected a JSON object",
		    CTL_USAGE);
		json_decref(object);
		return CTL_DONE;
	}
	if (!import->begun) {
		bool head = json_object_get(object, "apikeyd_export") != NULL;

		code = begin(import, head ? object : NULL);
		if (head || code != CTL_DONE || !import->begun) {
			json_decref(object);
			return code;
		}
	}
	if (import->bytes + size > CALL_BYTES ||
	    json_array_size(import->lines) == CALL_LINES ||
	    /* lines of one call follow one another */
	    import->first + json_array_size(import->lines) != import->line)
		code = send_lines(import);
	if (json_array_size(import->lines) == 0)
		import->first = import->line;
	if (resolve_callers(import, object))
		json_array_append(import->lines, object);
	import->bytes += size;
	json_decref(object);
	return code;
}

static bool
is_blank(const char *text, size_t len)
{
	return strspn(text, " \t\r\n") >= len;
}

/* errno is that of the reading. */
static void
report_unread(const struct import *import)
{
	const char *why = strerror(errno);

	fputs("apikeyctl: key import: ", stderr);
	output_text(stderr, import->path);
	fprintf(stderr, ": %s\n", why);
}

static enum ctl_exit
read_all(struct import *import)
{
	char *text = NULL;
	size_t room = 0;
	ssize_t len;
	enum ctl_exit code = CTL_DONE;

	while (code == CTL_DONE && import->errors < ERRORS_SHOWN &&
	    (len = getline(&text, &room, import->file)) >= 0) {
		import->line++;
		if (is_blank(text, (size_t)len))
			continue;
		code = take_line(import, text, (size_t)len);
		if (import->repeated)
			break;
	}
	if (code == CTL_DONE && ferror(import->file)) {
		report_unread(import);
		code = CTL_REFUSED;
	}
	if (text != NULL)
		explicit_bzero(text, room);
	free(text);
	return code == CTL_DONE ? send_lines(import) : code;
}

static void
print_made(json_int_t keys)
{
	printf("Imported %" JSON_INTEGER_FORMAT " key%s.\n", keys,
	    keys == 1 ? "" : "s");
}

static enum ctl_exit
commit(struct import *import)
{
	json_t *answer, *made;
	enum ctl_exit code;

	code = call_on(import->inv, &import->client, "CommitImport",
	    import->inv->parameters, &answer);
	clear_progress(import);
	if (code != CTL_DONE)
		return code;
	made = json_object_get(answer, "import");
	if (import->inv->json)
		output_json(made);
	else
		print_made(json_integer_value(json_object_get(made, "keys")));
	json_decref(answer);
	return code;
}

/* As a daemon tells of an import: that there was none. */
static void
report_empty(const struct import *import)
{
	json_t *none;

	fputs("apikeyctl: key import: there is nothing in it\n", stderr);
	if (!import->inv->json)
		return;
	none = json_pack("{s:n, s:i, s:n}", "number", "keys", 0, "imported_at");
	output_json(none);
	json_decref(none);
}

static enum ctl_exit
import_file(struct import *import)
{
	enum ctl_exit code = read_all(import);

	if (code != CTL_DONE) {
		clear_progress(import);
		return code;
	}
	if (import->errors > 0) {
		clear_progress(import);
		fprintf(stderr,
		    "apikeyctl: key import: %sthe lines above cannot be "
		    "imported, so nothing was\n",
		    import->errors >= ERRORS_SHOWN ? "at least " : "");
		return import->code;
	}
	if (import->begun)
		return commit(import);
	if (!import->repeated)
		report_empty(import);
	return CTL_DONE;
}

/* False, with errno, where there is nothing to be read. */
static bool
open_file(struct import *import)
{
	struct stat status;

	import->file =
	    strcmp(import->path, "-") == 0 ? stdin : fopen(import->path, "re");
	if (import->file == NULL)
		return false;
	if (fstat(fileno(import->file), &status) != 0)
		return true;
	if (S_ISREG(status.st_mode))
		import->size = status.st_size;
	errno = EISDIR;
	return !S_ISDIR(status.st_mode);
}

static enum ctl_exit
run_import(struct invocation *inv)
{
	json_t *path = json_incref(json_object_get(inv->parameters, "path"));
	struct import import = {.inv = inv,
	    .path = json_string_value(path),
	    .tty = isatty(STDERR_FILENO)};
	enum ctl_exit code = CTL_USAGE;

	json_object_del(inv->parameters, "path");
	import.lines = json_array();
	varlink_init(&import.client, inv->socket);
	if (!open_file(&import))
		report_unread(&import);
	else
		code = call_add_operation_id(inv) ? import_file(&import)
						  : CTL_REFUSED;
	varlink_close(&import.client);
	json_decref(import.lines);
	if (import.file != NULL && import.file != stdin)
		fclose(import.file);
	json_decref(path);
	return code;
}

static const struct positional_row import_path[] = {
    {.name = "FILE|-", .field = "path", .kind = &value_path},
    {0},
};

const struct command import_commands[] = {
    {.noun = "key",
	.verb = "import",
	.summary = "Take in keys from lines of JSON: all of them, or none",
	.note = "Lines of `apikeyctl key export`, its first one included; or "
		"keys that were made elsewhere\nand go on working: account, "
		"product, name and sha256, the SHA-256 of the token in hex,\n"
		"and what else `apikeyctl key show --json` calls a key's "
		"settings. How hard such a token\nis to guess nobody can see "
		"from its hash: take in none of less than 16 random\n"
		"characters. At most 512 bytes are tried, and nothing that has "
		"the shape of a token of ours.\n- is standard input.",
	.example = "apikeyctl key import old-keys.ndjson",
	.positionals = import_path,
	.pin = "pin",
	.run = run_import},
    {0},
};
