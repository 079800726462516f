/* SPDX-License-Identifier: BSD-2-Clause */
#include "master_key.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "log.h"
#include "trusted.h"

enum {
	HEX_LEN = MASTER_KEY_BYTES * 2,
	FILE_MAX = 256, /* the digits and generous white space */
};

static const char file_name[] = "master.key";
static const char new_name[] = "master.key.new";
static const char credential_name[] = "apikeyd.master-key";

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
key_parse(char *text, size_t len, uint8_t key[MASTER_KEY_BYTES])
{
	while (len > 0 && is_space(text[0])) {
		text++;
		len--;
	}
	while (len > 0 && is_space(text[len - 1]))
		len--;
	if (len != HEX_LEN)
		return false;
	text[len] = '\0';
	return secret_from_hex(text, key, MASTER_KEY_BYTES);
}

/* Up to size bytes; -1 with errno. */
static ssize_t
read_up_to(int fd, char *out, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, out + len, size - len);

		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0)
			len += (size_t)n;
	}
	return (ssize_t)len;
}

static bool
write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return true;
}

static bool
read_key(int fd, const char *path, uint8_t key[MASTER_KEY_BYTES])
{
	char text[FILE_MAX];
	ssize_t n = read_up_to(fd, text, sizeof text);
	bool ok = false;

	if (n < 0)
		log_error("%s: %s", path, strerror(errno));
	else if (n == sizeof text || !key_parse(text, (size_t)n, key))
		log_error("%s: not a master key: expected %d hexadecimal "
			  "digits and nothing else",
		    path, HEX_LEN);
	else
		ok = true;
	secret_wipe(text, sizeof text);
	if (!ok)
		secret_wipe(key, MASTER_KEY_BYTES);
	return ok;
}

enum found { FOUND_NONE, FOUND_KEY, FOUND_BAD };

/* Reads name in dir (or a whole path); path is for the log. */
static enum found
load(int dir, const char *name, const char *path,
    bool (*trusted)(int fd, const char *path), uint8_t key[MASTER_KEY_BYTES])
{
	int fd =
	    openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool ok;

	if (fd < 0) {
		if (errno == ENOENT)
			return FOUND_NONE;
		if (errno == ELOOP)
			log_error("%s: is a symbolic link; name the file "
				  "itself",
			    path);
		else
			log_error("%s: cannot read the master key: %s", path,
			    strerror(errno));
		return FOUND_BAD;
	}
	ok = trusted(fd, path) && read_key(fd, path, key);
	close(fd);
	return ok ? FOUND_KEY : FOUND_BAD;
}

static bool
write_key(int fd, const uint8_t key[MASTER_KEY_BYTES])
{
	char text[HEX_LEN + 1];
	bool ok;

	secret_to_hex(key, MASTER_KEY_BYTES, text);
	text[HEX_LEN] = '\n';
	/* The mode once more: a umask may have taken our own right to read. */
	ok = write_all(fd, text, sizeof text) && fchmod(fd, 0400) == 0 &&
	    fsync(fd) == 0;
	secret_wipe(text, sizeof text);
	return ok;
}

/* Puts the key on disk as master.key.new; errno where that fails. */
static bool
stage(int dir, const uint8_t key[MASTER_KEY_BYTES])
{
	bool ok;
	int fd, error;

	if (unlinkat(dir, new_name, 0) != 0 && errno != ENOENT)
		return false;
	fd = openat(dir, new_name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	if (fd < 0)
		return false;
	ok = write_key(fd, key) && fsync(dir) == 0;
	error = errno;
	close(fd);
	if (!ok)
		unlinkat(dir, new_name, 0);
	errno = error;
	return ok;
}

static bool
replace(int dir)
{
	return renameat(dir, new_name, dir, file_name) == 0 && fsync(dir) == 0;
}

static void
own_path(char out[PATH_MAX + sizeof new_name + 1], const char *state_directory,
    const char *name)
{
	snprintf(out, PATH_MAX + sizeof new_name + 1, "%s/%s", state_directory,
	    name);
}

/* Under its name there is never but a whole key that is on disk. */
static bool
create_logged(int dir, const char *path, uint8_t key[MASTER_KEY_BYTES])
{
	randombytes_buf(key, MASTER_KEY_BYTES);
	if (stage(dir, key) && replace(dir)) {
		log_notice("%s: new master key; keep a copy in a safe place, "
			   "without it the store cannot be read",
		    path);
		return true;
	}
	log_error("%s: cannot make a master key: %s", path, strerror(errno));
	secret_wipe(key, MASTER_KEY_BYTES);
	return false;
}

static enum found
load_credential(uint8_t key[MASTER_KEY_BYTES], struct master_key_source *source)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_MAX];

	if (directory == NULL || directory[0] == '\0')
		return FOUND_NONE;
	source->origin = MASTER_KEY_CREDENTIAL;
	snprintf(source->text, sizeof source->text, "credential %s",
	    credential_name);
	if (snprintf(path, sizeof path, "%s/%s", directory, credential_name) >=
	    (int)sizeof path) {
		log_error("CREDENTIALS_DIRECTORY is too long");
		return FOUND_BAD;
	}
	return load(AT_FDCWD, path, path, trusted_credential, key);
}

bool
master_key_read_file(const char *path, uint8_t key[MASTER_KEY_BYTES])
{
	enum found found = load(AT_FDCWD, path, path, trusted_file, key);

	if (found == FOUND_NONE)
		log_error("%s: the master key file is missing", path);
	return found == FOUND_KEY;
}

bool
master_key_read(int dir, const char *state_directory, const char *file,
    bool may_create, uint8_t key[MASTER_KEY_BYTES],
    struct master_key_source *source)
{
	char path[PATH_MAX + sizeof new_name + 1];
	enum found found = load_credential(key, source);

	if (found != FOUND_NONE)
		return found == FOUND_KEY;
	if (file != NULL && file[0] != '\0') {
		source->origin = MASTER_KEY_FILE;
		snprintf(source->text, sizeof source->text, "%s", file);
		return master_key_read_file(file, key);
	}
	own_path(path, state_directory, file_name);
	source->origin = MASTER_KEY_OWN;
	snprintf(source->text, sizeof source->text, "%s", path);
	found = load(dir, file_name, path, trusted_file, key);
	if (found != FOUND_NONE)
		return found == FOUND_KEY;
	if (may_create)
		return create_logged(dir, path, key);
	log_error("%s: the master key is missing; put it back, the store "
		  "cannot be read without it",
	    path);
	return false;
}

/* Of a key that is to take master.key's place. */

bool
master_key_stage(
    int dir, const char *state_directory, const uint8_t key[MASTER_KEY_BYTES])
{
	if (stage(dir, key))
		return true;
	log_error("%s/%s: cannot write the key there: %s", state_directory,
	    new_name, strerror(errno));
	return false;
}

bool
master_key_is_staged(int dir)
{
	return faccessat(dir, new_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool
master_key_read_staged(
    int dir, const char *state_directory, uint8_t key[MASTER_KEY_BYTES])
{
	char path[PATH_MAX + sizeof new_name + 1];

	own_path(path, state_directory, new_name);
	return load(dir, new_name, path, trusted_file, key) == FOUND_KEY;
}

bool
master_key_replace(int dir, const char *state_directory)
{
	if (replace(dir))
		return true;
	log_error("%s/%s: cannot take %s's place: %s", state_directory,
	    new_name, file_name, strerror(errno));
	return false;
}

bool
master_key_unstage(int dir, const char *state_directory)
{
	if (unlinkat(dir, new_name, 0) == 0 && fsync(dir) == 0)
		return true;
	log_error("%s/%s: cannot remove it: %s", state_directory, new_name,
	    strerror(errno));
	return false;
}
