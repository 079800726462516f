/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store backup: portions out of the daemon into a file, which has its name only
 * once it is whole and on the disk.
 */
#include "backup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "output.h"

struct saving {
	const char *path;
	char partial[PATH_MAX]; /* FILE.new; empty for standard output */
	int fd;
	uint64_t bytes;
	json_t *backup; /* the daemon's last word: it was all */
	bool failed;    /* and stderr says why */
};

static bool
fail(struct saving *saving, const char *path, const char *why)
{
	fprintf(stderr, "apikeyctl: %s: %s\n", path, why);
	saving->failed = true;
	return false;
}

static bool
write_all(struct saving *saving, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(saving->fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail(saving,
			    saving->partial[0] != '\0' ? saving->partial : "-",
			    strerror(errno));
		data += n;
		len -= (size_t)n;
		saving->bytes += (size_t)n;
	}
	return true;
}

static bool
save_data(struct saving *saving, const char *text)
{
	size_t text_len = text != NULL ? strlen(text) : 0;
	uint8_t *data = malloc(text_len + 1);
	bool saved;
	size_t len;

	if (data == NULL)
		return fail(saving, saving->path, "out of memory");
	if (text == NULL ||
	    sodium_base642bin(data, text_len, text, text_len, NULL, &len, NULL,
		sodium_base64_VARIANT_ORIGINAL) != 0)
		saved = fail(
		    saving, saving->path, "the daemon's answer makes no sense");
	else
		saved = write_all(saving, data, len);
	free(data);
	return saved;
}

/* False at the end, or where it is no use going on. */
static bool
take_portion(void *context, const json_t *parameters)
{
	struct saving *saving = context;
	json_t *backup = json_object_get(parameters, "backup");

	if (!save_data(
		saving, json_string_value(json_object_get(parameters, "data"))))
		return false;
	if (!json_is_object(backup))
		return true;
	saving->backup = json_incref(backup);
	return false;
}

/* What is there already may be the only copy of something. */
static enum ctl_exit
open_partial(struct saving *saving)
{
	if (strcmp(saving->path, "-") == 0) {
		saving->fd = STDOUT_FILENO;
		if (isatty(saving->fd) == 0)
			return CTL_DONE;
		fail(
		    saving, "-", "a backup is not for a terminal: name a file");
		return CTL_USAGE;
	}
	if (snprintf(saving->partial, sizeof saving->partial, "%s.new",
		saving->path) >= (int)sizeof saving->partial) {
		fail(saving, saving->path, strerror(ENAMETOOLONG));
		return CTL_USAGE;
	}
	if (faccessat(AT_FDCWD, saving->path, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		fail(saving, saving->path,
		    "exists already and is not written over: name another "
		    "file, or move it away");
		return CTL_CONFLICT;
	}
	saving->fd = open(
	    saving->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (saving->fd >= 0)
		return CTL_DONE;
	if (errno != EEXIST) {
		fail(saving, saving->partial, strerror(errno));
		return CTL_USAGE;
	}
	fail(saving, saving->partial,
	    "exists: of a backup that is being made, or was cut off; remove "
	    "it if it was");
	return CTL_CONFLICT;
}

static bool
sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char directory[PATH_MAX] = ".";
	bool done;
	int fd;

	if (slash != NULL)
		snprintf(directory, sizeof directory, "%.*s",
		    (int)(slash == path ? 1 : slash - path), path);
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	done = fsync(fd) == 0;
	close(fd);
	return done;
}

/* Never over a file that has come meanwhile, where the file system can tell. */
static bool
rename_new(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return true;
	return errno == EINVAL && rename(from, to) == 0;
}

static bool
publish(struct saving *saving)
{
	uint64_t wanted = (uint64_t)json_integer_value(
	    json_object_get(saving->backup, "bytes"));

	if (wanted != saving->bytes)
		return fail(saving, saving->path,
		    "the daemon sent more or less of it "
		    "than it says");
	if (saving->partial[0] == '\0')
		return true;
	if (fsync(saving->fd) != 0)
		return fail(saving, saving->partial, strerror(errno));
	if (!rename_new(saving->partial, saving->path) ||
	    !sync_directory(saving->path))
		return fail(saving, saving->path, strerror(errno));
	return true;
}

static void
report(const struct invocation *inv, const struct saving *saving)
{
	FILE *out = saving->partial[0] != '\0' ? stdout : stderr;

	if (inv->json && out == stdout) {
		output_json(saving->backup);
		return;
	}
	fputs("Backed up to ", out);
	output_text(out, saving->path);
	fprintf(out,
	    ": %lld records, %lld bytes, up to line %lld of audit.log. "
	    "Restoring it takes the master key.\n",
	    (long long)json_integer_value(
		json_object_get(saving->backup, "records")),
	    (long long)saving->bytes,
	    (long long)json_integer_value(
		json_object_get(saving->backup, "audit_sequence")));
}

enum ctl_exit
run_backup(struct invocation *inv)
{
	struct saving saving = {.fd = -1};
	char path[PATH_MAX];
	enum ctl_exit code;

	snprintf(path, sizeof path, "%s", parameter_text(inv, "path"));
	json_object_del(inv->parameters, "path");
	saving.path = path;
	code = open_partial(&saving);
	if (code != CTL_DONE)
		return code;
	code = call_follow(inv, "BackupStore", take_portion, &saving, -1);
	if (saving.backup != NULL && publish(&saving))
		report(inv, &saving);
	else if (code == CTL_DONE)
		code = CTL_REFUSED;
	if (saving.partial[0] != '\0') {
		if (code != CTL_DONE)
			unlink(saving.partial);
		close(saving.fd);
	}
	json_decref(saving.backup);
	return code;
}
