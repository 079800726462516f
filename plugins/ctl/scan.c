/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * key scan: looks for tokens in files, asks the daemon which of them are
 * secrets of its keys, names those keys, and revokes them where that is
 * wanted. The tokens themselves are never shown.
 */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "call.h"
#include "proto/token.h"
#include "scan_revoke.h"
#include "token_finder.h"

/* So many tokens are asked about in one call; the daemon takes no more. */
enum { BATCH_MAX = 256 };

struct sighting {
	char *file;
	uint64_t line;
	char token[TOKEN_MAX + 1];
};

struct scan {
	struct invocation *inv;
	struct token_finder finder;
	struct sighting batch[BATCH_MAX];
	size_t batched;
	json_t *found;      /* what is told of each proven token */
	size_t unknown;     /* tokens that open nothing */
	size_t files;       /* that were read */
	size_t unread;      /* that could not be */
	enum ctl_exit code; /* of a call that failed */
};

static void
forget_batch(struct scan *scan)
{
	for (size_t i = 0; i < scan->batched; i++)
		free(scan->batch[i].file);
	explicit_bzero(scan->batch, sizeof scan->batch);
	scan->batched = 0;
}

static void
print_sighting(const struct sighting *sighting, const json_t *key)
{
	static const char *const facts[] = {"id", "name", "account", "status"};

	output_text(stdout, sighting->file);
	printf(":%llu: ", (unsigned long long)sighting->line);
	for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
		const char *fact =
		    json_string_value(json_object_get(key, facts[i]));

		fputs(i > 0 ? ", " : "", stdout);
		output_text(stdout, fact != NULL ? fact : "?");
	}
	putchar('\n');
}

/* JSON is UTF-8; a path need not be. */
static json_t *
path_json(const char *path)
{
	json_t *text = json_string(path);
	char *copy;

	if (text != NULL)
		return text;
	copy = strdup(path);
	for (char *c = copy; c != NULL && *c != '\0'; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	text = json_string(copy != NULL ? copy : "?");
	free(copy);
	return text;
}

static void
note_found(struct scan *scan, const json_t *item)
{
	size_t i = (size_t)json_integer_value(json_object_get(item, "token"));
	json_t *key = json_object_get(item, "key");
	const struct sighting *sighting;

	if (i >= scan->batched || !json_is_object(key))
		return;
	sighting = &scan->batch[i];
	scan->unknown--;
	if (!scan->inv->json)
		print_sighting(sighting, key);
	json_array_append_new(scan->found,
	    json_pack("{s:o, s:I, s:O, s:O, s:O, s:O, s:O}", "file",
		path_json(sighting->file), "line", (json_int_t)sighting->line,
		"id", json_object_get(key, "id"), "name",
		json_object_get(key, "name"), "account",
		json_object_get(key, "account"), "status",
		json_object_get(key, "status"), "secret",
		json_object_get(item, "secret")));
}

/* Asks about what has gathered. False where there was no answer. */
static bool
ask_batch(struct scan *scan)
{
	json_t *parameters, *tokens = json_array(), *answer, *item;
	size_t i;

	for (i = 0; i < scan->batched; i++)
		json_array_append_new(
		    tokens, json_string(scan->batch[i].token));
	parameters = json_pack("{s:o}", "tokens", tokens);
	scan->code =
	    call_once(scan->inv, "IdentifyTokens", parameters, &answer);
	json_decref(parameters);
	if (scan->code == CTL_DONE) {
		scan->unknown += scan->batched;
		json_array_foreach (json_object_get(answer, "tokens"), i, item)
			note_found(scan, item);
		json_decref(answer);
	}
	forget_batch(scan);
	return scan->code == CTL_DONE;
}

static bool
add_sighting(
    struct scan *scan, const char *file, const struct found_token *found)
{
	struct sighting *sighting;

	if (scan->batched == BATCH_MAX && !ask_batch(scan))
		return false;
	sighting = &scan->batch[scan->batched];
	sighting->file = strdup(file);
	if (sighting->file == NULL) {
		fputs("apikeyctl: out of memory\n", stderr);
		scan->code = CTL_REFUSED;
		return false;
	}
	scan->batched++;
	sighting->line = found->line;
	memcpy(sighting->token, found->text, found->len);
	return true;
}

static void
note_unread(struct scan *scan, const char *path, int error)
{
	fputs("apikeyctl: key scan: ", stderr);
	output_text(stderr, path);
	fprintf(stderr, ": %s\n", strerror(error));
	scan->unread++;
}

/* False where the scan cannot go on. */
static bool
scan_descriptor(struct scan *scan, int fd, const char *path)
{
	struct token_finder *finder = &scan->finder;
	struct found_token found;
	size_t room;
	ssize_t n;

	finder_init(finder);
	for (;;) {
		char *space = finder_space(finder, &room);

		n = read(fd, space, room);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			note_unread(scan, path, errno);
		if (n <= 0)
			break;
		finder_add(finder, (size_t)n);
		while (finder_next(finder, &found))
			if (!add_sighting(scan, path, &found))
				return false;
	}
	scan->files += n == 0;
	return true;
}

/* What was named itself cannot be looked at: nothing was, and nobody is to
 * take that for a clean bill. */
static bool
refuse_named(struct scan *scan, const char *path, int error)
{
	note_unread(scan, path, error);
	scan->code = CTL_USAGE;
	return false;
}

/* Read as cat(1) would, whatever it is: a shell makes a pipe of <(...). */
static bool
scan_named(struct scan *scan, const char *path)
{
	int fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	bool going_on;

	if (fd < 0)
		return refuse_named(scan, path, errno);
	going_on = scan_descriptor(scan, fd, path);
	close(fd);
	return going_on;
}

/* Between the look at a file and its opening another may have taken its
 * place: a device or a pipe is not to be opened for good. */
static bool
scan_file(struct scan *scan, const char *path)
{
	int fd = open(
	    path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW);
	struct stat status;
	bool going_on = true;

	if (fd < 0) {
		note_unread(scan, path, errno);
		return true;
	}
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		going_on = scan_descriptor(scan, fd, path);
	close(fd);
	return going_on;
}

/* False where the scan cannot go on. */
static bool
scan_entry(struct scan *scan, const FTSENT *entry)
{
	bool named = entry->fts_level == FTS_ROOTLEVEL;

	switch (entry->fts_info) {
	case FTS_F:
		return named ? scan_named(scan, entry->fts_accpath)
			     : scan_file(scan, entry->fts_accpath);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		if (named)
			return refuse_named(
			    scan, entry->fts_path, entry->fts_errno);
		note_unread(scan, entry->fts_path, entry->fts_errno);
		return true;
	case FTS_SLNONE: /* a link to nothing */
	case FTS_DEFAULT:
		return !named || scan_named(scan, entry->fts_accpath);
	default: /* directories, links */
		return true;
	}
}

/* Whatever is below path; links are followed nowhere but at path itself. */
static bool
scan_tree(struct scan *scan, const char *path)
{
	char *paths[] = {(char *)path, NULL};
	FTS *tree =
	    fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
	bool going_on = true;
	FTSENT *entry;

	if (tree == NULL) {
		note_unread(scan, path, errno);
		return true;
	}
	while (going_on && (entry = fts_read(tree)) != NULL)
		going_on = scan_entry(scan, entry);
	/* 0 at the end of the tree, and only there. */
	if (going_on && errno != 0)
		note_unread(scan, path, errno);
	fts_close(tree);
	return going_on;
}

static void
print_summary(const struct scan *scan)
{
	size_t found = json_array_size(scan->found);

	fprintf(stderr, "%zu token%s of this store in %zu file%s.\n", found,
	    found == 1 ? "" : "s", scan->files, scan->files == 1 ? "" : "s");
	if (scan->unknown > 0)
		fprintf(stderr,
		    "%zu token%s of unknown keys, or older secrets: they open "
		    "nothing here.\n",
		    scan->unknown, scan->unknown == 1 ? "" : "s");
	if (scan->unread > 0)
		fprintf(stderr,
		    "%zu could not be read: nothing is known of them.\n",
		    scan->unread);
	if (json_object_get(scan->inv->parameters, "revoke") == NULL &&
	    scan_to_revoke(scan->found) > 0)
		fputs("Whoever has read these files can use active keys. Stop "
		      "them now with --revoke or\n`apikeyctl key revoke ID`; "
		      "for a new secret: `apikeyctl key rotate ID`.\n",
		    stderr);
}

static void
print_document(const struct scan *scan)
{
	json_t *document = json_pack("{s:O, s:I, s:I, s:I}", "found",
	    scan->found, "unknown", (json_int_t)scan->unknown, "files",
	    (json_int_t)scan->files, "unread", (json_int_t)scan->unread);

	output_json(document);
	json_decref(document);
}

/* The document comes last: it tells what has become of the keys. */
static enum ctl_exit
report(const struct scan *scan)
{
	enum ctl_exit code = CTL_REFUSED;

	print_summary(scan);
	if (json_array_size(scan->found) == 0)
		code = scan->unread > 0 ? CTL_REFUSED : CTL_DONE;
	else if (json_object_get(scan->inv->parameters, "revoke") != NULL)
		code = scan_revoke(scan->inv, scan->found);
	if (scan->inv->json)
		print_document(scan);
	return code;
}

static enum ctl_exit
run_scan(struct invocation *inv)
{
	const char *path = parameter_text(inv, "path");
	struct scan *scan = calloc(1, sizeof *scan);
	enum ctl_exit code;
	bool whole;

	if (scan == NULL) {
		fputs("apikeyctl: out of memory\n", stderr);
		return CTL_REFUSED;
	}
	scan->inv = inv;
	scan->found = json_array();
	whole = strcmp(path, "-") == 0
	    ? scan_descriptor(scan, STDIN_FILENO, "-")
	    : scan_tree(scan, path);
	if (whole && scan->batched > 0)
		whole = ask_batch(scan);
	code = whole ? report(scan) : scan->code;
	forget_batch(scan);
	json_decref(scan->found);
	finder_wipe(&scan->finder);
	free(scan);
	return code;
}

static const struct option_row scan_options[] = {
    {.name = "revoke",
	.field = "revoke",
	.help = "revoke the keys whose tokens were found; asks first, where "
		"there is a terminal"},
    OPTION_YES,
    {0},
};

static const struct positional_row scan_path[] = {
    {.name = "PATH|-", .field = "path", .kind = &value_path},
    {0},
};

const struct command scan_commands[] = {
    {.noun = "key",
	.verb = "scan",
	.summary = "Look for tokens of this store in files; exit 1 when any",
	.note = "Whole directories, too; - is standard input. Links are not "
		"followed. Keys are named, tokens\nnever shown. What is "
		"compressed or encoded is not looked into, nor are tokens "
		"found that were\nimported from elsewhere.",
	.example = "apikeyctl key scan /var/www --revoke\n"
		   "git log -p | apikeyctl key scan -",
	.exits = "0 no token of this store; 1 found any, or could not read "
		 "all; 2 could not read PATH itself",
	.positionals = scan_path,
	.options = scan_options,
	.run = run_scan},
    {0},
};
