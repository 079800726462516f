/* SPDX-License-Identifier: BSD-2-Clause */
#include "audit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "log.h"
#include "state_file.h"
#include "trusted.h"

enum {
	/* More than the outbox can hold, and the line before it. */
	TAIL_MAX = OUTBOX_SLOTS * OUTBOX_PIECE_MAX + 4 * AUDIT_LINE_MAX,
	/* Room is asked for in such steps, before it is needed: what lies in
	 * it gets onto a disk that has become full. */
	ROOM_STEP = 1 << 20,
};

/* -1 with errno ENOENT where there is none; else -1 after logging. */
static int
open_existing(const char *path)
{
	int fd =
	    open(path, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 && errno != ENOENT) {
		log_error("%s: %s", path,
		    errno == ELOOP
			? "is a symbolic link; move the file itself here"
			: strerror(errno));
		errno = 0;
	}
	if (fd >= 0 && !trusted_file(fd, path)) {
		close(fd);
		errno = 0;
		return -1;
	}
	return fd;
}

static bool
read_at(int fd, uint8_t *data, size_t len, uint64_t at)
{
	while (len > 0) {
		ssize_t n = pread(fd, data, len, (off_t)at);

		if (n <= 0 && !(n < 0 && errno == EINTR))
			return false;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
			at += (uint64_t)n;
		}
	}
	return true;
}

/* Reads the end of the file and has it judged. */
static bool
look_at_tail(struct audit_file *file, const struct keyring *ring,
    const struct outbox *outbox, const struct audit_head *head)
{
	size_t len = file->size < TAIL_MAX ? (size_t)file->size : TAIL_MAX;
	uint64_t at = file->size - len;
	uint8_t *bytes = malloc(len + 1);
	bool done =
	    bytes != NULL && (len == 0 || read_at(file->fd, bytes, len, at));

	if (done) {
		file->tail = audit_tail_judge(
		    ring, (struct bytes){bytes, len}, at == 0, outbox, head);
		file->size = at + file->tail.keep;
	} else {
		log_error("%s: cannot be read: %s", file->path,
		    bytes != NULL ? strerror(errno) : "out of memory");
	}
	free(bytes);
	return done;
}

bool
audit_file_open(struct audit_file *file, const char *directory,
    const struct keyring *ring, const struct outbox *outbox,
    const struct audit_head *head)
{
	struct stat st = {.st_size = 0};

	*file = (struct audit_file){.fd = -1};
	if (!state_path(file->path, directory, "audit.log"))
		return false;
	file->fd = open_existing(file->path);
	if (file->fd < 0 && errno != ENOENT)
		return false;
	if (file->fd >= 0 && fstat(file->fd, &st) != 0) {
		log_error("%s: %s", file->path, strerror(errno));
		return false;
	}
	file->size = (uint64_t)st.st_size;
	if (!look_at_tail(file, ring, outbox, head))
		return false;
	if (file->tail.state != AUDIT_TAIL_AHEAD)
		return true;
	log_error("%s tells of change %" PRIu64 ", but keys.tdb beside it ends "
		  "with %" PRIu64 ": an older keys.tdb was put back, in which "
		  "keys may be good that have been revoked; nothing was "
		  "changed, put back the newer one",
	    file->path, file->tail.sequence, head->sequence);
	return false;
}

/* Settling */

static bool
make_file(struct audit_file *file)
{
	file->fd = open(file->path,
	    O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (file->fd >= 0)
		return true;
	log_error("%s: %s", file->path, strerror(errno));
	return false;
}

static void
warn_of_gap(const struct audit_file *file, const struct outbox *outbox)
{
	log_warning("%s: lines before %" PRIu64 " are missing or not as they "
		    "were written; `apikeyctl audit verify` says which, and "
		    "the chain goes on from there",
	    file->path,
	    outbox->count > 0 ? outbox_line(outbox, 0)->sequence : 1);
}

/* It would have said so of an older keys.tdb that was put back. */
static void
warn_of_loss(const struct audit_file *file)
{
	log_warning("%s is gone: it is made anew, with the lines that keys.tdb "
		    "still has. If keys.tdb was put back from a copy, keys may "
		    "be good that have been revoked since",
	    file->path);
}

bool
audit_file_settle(struct audit_file *file, struct outbox *outbox)
{
	struct stat st;

	if (file->fd < 0 && outbox->count > 0)
		warn_of_loss(file);
	if (file->fd < 0 && !make_file(file))
		return false;
	if (file->tail.state == AUDIT_TAIL_GAP)
		warn_of_gap(file, outbox);
	if (fstat(file->fd, &st) == 0 && (uint64_t)st.st_size > file->size) {
		if (file->tail.foreign)
			log_warning("%s: its last %" PRIu64
				    " bytes are no line "
				    "of apikeyd's and are cut off",
			    file->path, (uint64_t)st.st_size - file->size);
		if (ftruncate(file->fd, (off_t)file->size) != 0) {
			log_error("%s: %s", file->path, strerror(errno));
			return false;
		}
	}
	outbox->in_file = file->tail.from;
	if (audit_file_append(file, outbox))
		audit_file_sync(file, outbox);
	return true;
}

void
audit_file_close(struct audit_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

/* Appending */

static bool
fail(struct audit_file *file, int error)
{
	snprintf(file->reason, sizeof file->reason, "%s", strerror(error));
	if (!file->stuck)
		log_warning("%s: cannot be written (%s): its lines are kept in "
			    "keys.tdb until it can; when half the room there "
			    "is used up, changes are refused but for those "
			    "that take something away",
		    file->path, file->reason);
	file->stuck = true;
	return false;
}

/* Best effort: where there is no room ahead, there may be for the line. */
static void
reserve_room(struct audit_file *file, size_t len)
{
	if (file->size + len <= file->room)
		return;
	if (fallocate(file->fd, FALLOC_FL_KEEP_SIZE, (off_t)file->size,
		(off_t)len + ROOM_STEP) == 0)
		file->room = file->size + len + ROOM_STEP;
}

/* Somebody else has cut or written to it: go on at its end. */
static void
find_end(struct audit_file *file)
{
	struct stat st;

	if (fstat(file->fd, &st) != 0 || (uint64_t)st.st_size == file->size)
		return;
	log_warning("%s: was changed by somebody else; `apikeyctl audit "
		    "verify` says where",
	    file->path);
	file->size = (uint64_t)st.st_size;
	file->room = 0;
	file->disturbed = true;
}

bool
audit_file_append(struct audit_file *file, struct outbox *outbox)
{
	struct iovec lines[OUTBOX_SLOTS];
	size_t len = 0;
	int count = 0;
	ssize_t n;

	for (unsigned i = outbox->in_file; i < outbox->count; i++) {
		const struct outbox_line *line = outbox_line(outbox, i);

		lines[count++] = (struct iovec){line->text, line->len};
		len += line->len;
	}
	if (count == 0)
		return true;
	find_end(file);
	reserve_room(file, len);
	do
		n = writev(file->fd, lines, count);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)len) {
		int error = n < 0 ? errno : ENOSPC;

		/* Half a line would be in the way of the next one. */
		if (n > 0 && ftruncate(file->fd, (off_t)file->size) != 0)
			error = errno;
		file->room = 0;
		return fail(file, error);
	}
	file->size += len;
	outbox->in_file = outbox->count;
	if (file->stuck)
		log_notice(
		    "%s: can be written again, nothing is missing", file->path);
	file->stuck = false;
	return true;
}

/* Pages that a sync has failed for are clean for the kernel, and the next sync
 * says nothing of them: so what was appended is to be appended once more. */
static void
write_again(struct audit_file *file, struct outbox *outbox, int error)
{
	uint64_t size = file->size;

	for (; outbox->in_file > 0; outbox->in_file--)
		size -= outbox_line(outbox, outbox->in_file - 1)->len;
	file->size = size;
	file->room = 0;
	if (ftruncate(file->fd, (off_t)size) != 0)
		error = errno;
	fail(file, error);
}

bool
audit_file_sync(struct audit_file *file, struct outbox *outbox)
{
	if (outbox->in_file == 0)
		return true;
	if (fdatasync(file->fd) != 0) {
		write_again(file, outbox, errno);
		return false;
	}
	outbox_forget_filed(outbox);
	return true;
}
