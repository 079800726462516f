/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "instant.h"
#include "log.h"
#include "store_tdb.h"
#include "trusted.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14; older ones refuse it */
#endif

enum {
	FILE_HEADER_BYTES = 4096, /* a page, so that segments begin with one */
	JOURNAL_VERSION = 1,
	AHEAD = 2, /* segments whose pages are readied */
	/* New rings begin at a position that no ring of before has reached:
	 * a byte takes longer than a millisecond's 1,048,576th part. */
	POSITIONS_PER_MS_SHIFT = 20,
};

#define FILE_MAGIC    UINT64_C(0x414b4a6f75726e31) /* "AKJourn1" */
#define SEGMENT_MAGIC UINT64_C(0x414b536567656e74) /* "AKSegent" */

/* In the machine's own byte order: another one's magic is wrong. */
struct file_header {
	uint64_t magic, version, segment_bytes, segments, check;
};
struct segment_header {
	uint64_t magic, position, epoch, check;
};
struct record_header {
	uint64_t check;
	uint64_t len; /* of the payload; zeros up to a multiple of 8 follow */
};

/* A few multiplications: against torn and stale records, not against
 * people. */
static inline uint64_t
mix(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * UINT64_C(0x9E3779B97F4A7C15);
	return sum ^ sum >> 32;
}

static inline uint64_t
checksum(uint64_t seed, const void *data, size_t len)
{
	const uint8_t *at = data;
	uint64_t word;

	for (size_t i = 0; i < len; i += sizeof word) {
		memcpy(&word, at + i, sizeof word);
		seed = mix(seed, word);
	}
	return mix(seed, len);
}

static inline uint64_t
record_check(
    uint64_t epoch, uint64_t position, const struct record_header *record)
{
	size_t padded = (record->len + 7) & ~UINT64_C(7);

	return checksum(
	    mix(epoch, position), &record->len, sizeof record->len + padded);
}

static inline uint64_t
record_size(uint64_t len)
{
	return sizeof(struct record_header) + ((len + 7) & ~UINT64_C(7));
}

static inline uint8_t *
place(const struct journal *journal, uint64_t position)
{
	return journal->segments + position % journal->ring_bytes;
}

static inline uint64_t
segment_of(const struct journal *journal, uint64_t position)
{
	return position - position % journal->segment_bytes;
}

/* The file */

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
	    header->segment_bytes % FILE_HEADER_BYTES == 0 &&
	    header->segment_bytes >= JOURNAL_SIZE_MIN / JOURNAL_SEGMENTS &&
	    header->segment_bytes < UINT64_C(1) << 40 &&
	    file_bytes ==
	    FILE_HEADER_BYTES + header->segments * header->segment_bytes;
}

static bool
write_new_file(int fd, size_t bytes)
{
	uint64_t segment =
	    bytes / JOURNAL_SEGMENTS / FILE_HEADER_BYTES * FILE_HEADER_BYTES;
	struct file_header header = {.magic = FILE_MAGIC,
	    .version = JOURNAL_VERSION,
	    .segment_bytes = segment,
	    .segments = JOURNAL_SEGMENTS};

	header.check = header_check(&header);
	errno = posix_fallocate(
	    fd, 0, (off_t)(FILE_HEADER_BYTES + JOURNAL_SEGMENTS * segment));
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

	if (!store_path(unfinished, directory, "usage.journal.new"))
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
	if (made && store_publish(unfinished, directory, path))
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

	if (!store_path(aside, directory, "usage.journal.damaged"))
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
open_or_make(const char *directory, const char *path, size_t bytes,
    struct file_header *header, bool *made)
{
	int fd = open_file(path);

	if (fd >= 0 && !read_header(fd, header)) {
		close(fd);
		if (!put_aside(directory, path))
			return -1;
		fd = -1;
		errno = ENOENT;
	}
	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (!make_file(directory, path, bytes))
		return -1;
	*made = true;
	fd = open_file(path);
	if (fd < 0 || read_header(fd, header))
		return fd;
	log_error("%s: cannot be read back", path);
	close(fd);
	return -1;
}

/* Segments */

static bool
segment_sound(const struct journal *journal, uint64_t position,
    struct segment_header *header)
{
	memcpy(header, place(journal, position), sizeof *header);
	return header->magic == SEGMENT_MAGIC && header->position == position &&
	    header->check ==
	    checksum(0, header, offsetof(struct segment_header, check));
}

/* Behind the last segment that any run has begun. */
static uint64_t
end_of_all(const struct journal *journal)
{
	uint64_t end = 0;

	for (uint64_t i = 0; i < JOURNAL_SEGMENTS; i++) {
		uint64_t at = i * journal->segment_bytes;
		struct segment_header header;

		memcpy(&header, journal->segments + at, sizeof header);
		if (header.position % journal->ring_bytes == at &&
		    segment_sound(journal, header.position, &header) &&
		    header.position + journal->segment_bytes > end)
			end = header.position + journal->segment_bytes;
	}
	return end;
}

bool
journal_open(struct journal *journal, const char *directory, size_t bytes)
{
	struct file_header header;
	char path[PATH_MAX];
	uint64_t end, tail;
	void *map;
	int fd;

	memset(journal, 0, sizeof *journal);
	journal->fd = -1;
	if (!store_path(path, directory, "usage.journal") ||
	    (fd = open_or_make(
		 directory, path, bytes, &header, &journal->made)) < 0)
		return false;
	journal->segment_bytes = header.segment_bytes;
	journal->ring_bytes = JOURNAL_SEGMENTS * header.segment_bytes;
	map = mmap(NULL, FILE_HEADER_BYTES + journal->ring_bytes,
	    PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED ||
	    getrandom(&journal->epoch, sizeof journal->epoch, 0) !=
		sizeof journal->epoch) {
		log_error("%s: cannot be mapped: %s", path, strerror(errno));
		close(fd);
		return false;
	}
	journal->fd = fd;
	journal->segments = (uint8_t *)map + FILE_HEADER_BYTES;
	end = end_of_all(journal);
	tail = end > journal->ring_bytes ? end - journal->ring_bytes : 0;
	if (end == 0)
		end = tail = segment_of(
		    journal, (uint64_t)now_ms() << POSITIONS_PER_MS_SHIFT);
	atomic_init(&journal->tail, tail);
	atomic_init(&journal->head, end);
	journal->segment_end = journal->synced = journal->touched = end;
	return true;
}

void
journal_close(struct journal *journal)
{
	if (journal->fd < 0)
		return;
	munmap(journal->segments - FILE_HEADER_BYTES,
	    FILE_HEADER_BYTES + journal->ring_bytes);
	close(journal->fd);
	journal->fd = -1;
}

void
journal_skip_to(struct journal *journal, uint64_t position)
{
	uint64_t head =
	    segment_of(journal, position + journal->segment_bytes - 1);

	if (head <= journal->segment_end)
		return;
	atomic_store(&journal->head, head);
	journal->segment_end = journal->synced = journal->touched = head;
}

void
journal_release(struct journal *journal, uint64_t position)
{
	atomic_store_explicit(&journal->tail, position, memory_order_release);
}

/* Appending */

/* The segment behind the one that is full, if nobody needs it any more. */
static bool
enter_segment(struct journal *journal)
{
	uint64_t position = journal->segment_end;
	uint64_t tail =
	    atomic_load_explicit(&journal->tail, memory_order_acquire);
	struct segment_header header = {.magic = SEGMENT_MAGIC,
	    .position = position,
	    .epoch = journal->epoch};

	if (position + journal->segment_bytes >
	    segment_of(journal, tail) + journal->ring_bytes)
		return false;
	header.check =
	    checksum(0, &header, offsetof(struct segment_header, check));
	memcpy(place(journal, position), &header, sizeof header);
	journal->segment_end = position + journal->segment_bytes;
	atomic_store_explicit(
	    &journal->head, position + sizeof header, memory_order_release);
	return true;
}

void *
journal_begin(struct journal *journal, size_t len)
{
	uint64_t head =
	    atomic_load_explicit(&journal->head, memory_order_relaxed);
	struct record_header *record;

	if (record_size(len) > journal->segment_end - head) {
		if (!enter_segment(journal))
			return NULL;
		head =
		    atomic_load_explicit(&journal->head, memory_order_relaxed);
	}
	record = (void *)place(journal, head);
	record->len = len;
	if (len % 8 != 0) /* what does not fill its word is zeros */
		memset((uint8_t *)(record + 1) + len / 8 * 8, 0, 8);
	return record + 1;
}

void
journal_end(struct journal *journal, size_t len)
{
	uint64_t head =
	    atomic_load_explicit(&journal->head, memory_order_relaxed);
	struct record_header *record = (void *)place(journal, head);

	record->check = record_check(journal->epoch, head, record);
	atomic_store_explicit(
	    &journal->head, head + record_size(len), memory_order_release);
}

/* Taking */

struct journal_reader
journal_read_from(const struct journal *journal, uint64_t position)
{
	struct journal_reader reader = {.journal = journal,
	    .position = position,
	    .end = atomic_load_explicit(&journal->head, memory_order_acquire)};
	struct segment_header header;

	/* Further back there are no segments any more. */
	if (reader.end - position > journal->ring_bytes)
		reader.position = segment_of(journal,
		    reader.end + journal->segment_bytes - 1 -
			journal->ring_bytes);
	if (reader.position % journal->segment_bytes != 0 &&
	    segment_sound(
		journal, segment_of(journal, reader.position), &header))
		reader.epoch = header.epoch;
	return reader;
}

/* The record at the reader's position, or NULL: there the segment ends. */
static const struct record_header *
record_here(const struct journal_reader *reader)
{
	const struct journal *journal = reader->journal;
	uint64_t left =
	    journal->segment_bytes - reader->position % journal->segment_bytes;
	const struct record_header *record =
	    (const void *)place(journal, reader->position);

	if (left < sizeof *record || record->len > JOURNAL_PAYLOAD_MAX ||
	    record_size(record->len) > left ||
	    record->check !=
		record_check(reader->epoch, reader->position, record))
		return NULL;
	return record;
}

bool
journal_next(
    struct journal_reader *reader, uint64_t *position, struct bytes *payload)
{
	const struct journal *journal = reader->journal;
	const struct record_header *record;
	struct segment_header header;

	while (reader->position < reader->end) {
		uint64_t start = segment_of(journal, reader->position);

		if (reader->position == start) {
			if (!segment_sound(journal, start, &header)) {
				reader->position += journal->segment_bytes;
				continue;
			}
			reader->epoch = header.epoch;
			reader->position += sizeof header;
			continue;
		}
		record = record_here(reader);
		if (record != NULL) {
			*position = reader->position;
			*payload = (struct bytes){
			    (const uint8_t *)(record + 1), record->len};
			reader->position += record_size(record->len);
			return true;
		}
		reader->position = start + journal->segment_bytes;
	}
	/* Behind the end of a run there may be nothing for a while. */
	reader->position = reader->end;
	return false;
}

bool
journal_sync(struct journal *journal)
{
	uint64_t head =
	    atomic_load_explicit(&journal->head, memory_order_acquire);

	if (head == journal->synced)
		return true;
	/* On Linux this takes pages along that were dirtied by mapping. */
	if (fdatasync(journal->fd) != 0)
		return false;
	journal->synced = head;
	return true;
}

static void
advise(struct journal *journal, uint64_t from, uint64_t to, int advice)
{
	for (; from < to; from += journal->segment_bytes)
		madvise(place(journal, from), journal->segment_bytes, advice);
}

void
journal_touch_ahead(struct journal *journal)
{
	uint64_t head =
	    atomic_load_explicit(&journal->head, memory_order_acquire);
	uint64_t tail =
	    atomic_load_explicit(&journal->tail, memory_order_relaxed);
	uint64_t to =
	    segment_of(journal, head) + (AHEAD + 1) * journal->segment_bytes;
	uint64_t free_to = segment_of(journal, tail) + journal->ring_bytes;

	if (to > free_to)
		to = free_to;
	if (to <= journal->touched)
		return;
	/* What lies in [to, free_to) is of the ring's last turn. */
	advise(journal, to, free_to, MADV_DONTNEED);
	advise(journal, segment_of(journal, journal->touched), to,
	    MADV_POPULATE_WRITE);
	journal->touched = to;
}

bool
journal_sound(const struct journal *journal, uint64_t *position)
{
	uint64_t tail =
	    atomic_load_explicit(&journal->tail, memory_order_relaxed);
	struct journal_reader reader = journal_read_from(journal, tail);
	struct bytes payload;
	uint64_t at, last = reader.position;

	while (journal_next(&reader, &at, &payload)) {
		/* Between two records of this run there is room for none, or
		 * a segment's end that was too short for one more. */
		if (at / journal->segment_bytes !=
			last / journal->segment_bytes &&
		    reader.epoch == journal->epoch &&
		    last % journal->segment_bytes != 0 &&
		    journal->segment_bytes - last % journal->segment_bytes >
			record_size(JOURNAL_PAYLOAD_MAX)) {
			struct segment_header header;

			*position = last;
			if (segment_sound(
				journal, segment_of(journal, last), &header) &&
			    header.epoch == journal->epoch)
				return false;
		}
		last = reader.position;
	}
	return true;
}
