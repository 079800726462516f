/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal.h"
#include "journal_sum.h"
#include "log.h"
#include "state_file.h"
#include "trusted.h"

enum { JOURNAL_VERSION = 1 };

#define FILE_MAGIC UINT64_C(0x414b4a6f75726e31) /* "AKJourn1" */

/* In the machine's own byte order: another one's magic is wrong. */
struct file_header {
	uint64_t magic, version, segment_bytes, segments, check;
};

static uint64_t
header_check(const struct file_header *header)
{
	return checksum(0, header, offsetof(struct file_header, check));
}

static bool
header_sound(const struct file_header *header, uint64_t file_bytes)
{
	return header->magic == FILE_MAGIC &&
	    header->version == JOURNAL_VERSION &&
	    header->check == header_check(header) &&
	    header->segments == JOURNAL_SEGMENTS &&
	    header->segment_bytes % JOURNAL_HEADER_BYTES == 0 &&
	    header->segment_bytes >= JOURNAL_SIZE_MIN / JOURNAL_SEGMENTS &&
	    header->segment_bytes < UINT64_C(1) << 40 &&
	    file_bytes ==
	    JOURNAL_HEADER_BYTES + header->segments * header->segment_bytes;
}

static bool
write_new_file(int fd, size_t bytes)
{
	uint64_t segment = bytes / JOURNAL_SEGMENTS / JOURNAL_HEADER_BYTES *
	    JOURNAL_HEADER_BYTES;
	struct file_header header = {.magic = FILE_MAGIC,
	    .version = JOURNAL_VERSION,
	    .segment_bytes = segment,
	    .segments = JOURNAL_SEGMENTS};

	header.check = header_check(&header);
	errno = posix_fallocate(
	    fd, 0, (off_t)(JOURNAL_HEADER_BYTES + JOURNAL_SEGMENTS * segment));
	return errno == 0 &&
	    pwrite(fd, &header, sizeof header, 0) == sizeof header;
}

/* Under another name, which it has until it is whole. */
static bool
make_file(const char *directory, const char *path, size_t bytes)
{
	char unfinished[PATH_MAX];
	bool made = false;
	int fd;

	if (!state_path(unfinished, directory, "usage.journal.new"))
		return false;
	unlink(unfinished);
	fd = open(unfinished, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0) {
		made = write_new_file(fd, bytes);
		if (!made)
			log_error("%s: cannot have %zu bytes for it: %s",
			    unfinished, bytes, strerror(errno));
		close(fd);
	} else {
		log_error("%s: %s", unfinished, strerror(errno));
	}
	if (made && state_publish(unfinished, directory, path))
		return true;
	unlink(unfinished);
	return false;
}

static int
open_file(const char *path)
{
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 && errno != ENOENT)
		log_error("%s: %s", path, strerror(errno));
	if (fd >= 0 && !trusted_file(fd, path)) {
		close(fd);
		errno = EPERM;
		return -1;
	}
	return fd;
}

static bool
read_header(int fd, struct file_header *header)
{
	struct stat st;

	return fstat(fd, &st) == 0 &&
	    pread(fd, header, sizeof *header, 0) == sizeof *header &&
	    header_sound(header, (uint64_t)st.st_size);
}

/* What is damaged is kept for whoever wants to look at it. */
static bool
put_aside(const char *directory, const char *path)
{
	char aside[PATH_MAX];

	if (!state_path(aside, directory, "usage.journal.damaged"))
		return false;
	log_error("%s: is damaged; events that were not yet taken out of it "
		  "are not counted. It is %s now",
	    path, aside);
	if (rename(path, aside) == 0)
		return true;
	log_error("%s: %s", path, strerror(errno));
	return false;
}

static int
make_and_open(const char *directory, const char *path, size_t bytes,
    struct file_header *header)
{
	int fd;

	if (!make_file(directory, path, bytes))
		return -1;
	fd = open_file(path);
	if (fd < 0 || read_header(fd, header))
		return fd;
	log_error("%s: cannot be read back", path);
	close(fd);
	return -1;
}

int
journal_file_open(
    const char *directory, size_t bytes, uint64_t *segment_bytes, bool *made)
{
	struct file_header header;
	char path[PATH_MAX];
	int fd;

	*made = false;
	if (!state_path(path, directory, "usage.journal"))
		return -1;
	fd = open_file(path);
	if (fd >= 0 && !read_header(fd, &header)) {
		close(fd);
		if (!put_aside(directory, path))
			return -1;
		fd = -1;
		errno = ENOENT;
	}
	if (fd < 0 && errno == ENOENT) {
		fd = make_and_open(directory, path, bytes, &header);
		*made = fd >= 0;
	}
	if (fd >= 0)
		*segment_bytes = header.segment_bytes;
	return fd;
}

int
journal_file_renew(const char *directory, size_t bytes)
{
	struct file_header header;
	char path[PATH_MAX];

	if (!state_path(path, directory, "usage.journal") ||
	    (access(path, F_OK) == 0 && !put_aside(directory, path)))
		return -1;
	return make_and_open(directory, path, bytes, &header);
}
