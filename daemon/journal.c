/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "instant.h"
#include "journal_file.h"
#include "journal_impl.h"
#include "log.h"
#include "mapping.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14; older ones refuse it */
#endif

enum {
	AHEAD = 2, /* segments whose pages are readied */
	/* New rings begin at a position that no ring of before has reached:
	 * a byte takes longer than a millisecond's 1,048,576th part. */
	POSITIONS_PER_MS_SHIFT = 20,
};

static uint8_t *
map_of(const struct journal *journal)
{
	return journal->segments - JOURNAL_HEADER_BYTES;
}

static size_t
map_bytes(const struct journal *journal)
{
	return JOURNAL_HEADER_BYTES + journal->ring_bytes;
}

bool
journal_open(struct journal *journal, const char *directory, size_t bytes)
{
	uint64_t end, tail;
	void *map;
	int fd;

	memset(journal, 0, sizeof *journal);
	journal->fd = -1;
	atomic_init(&journal->renewed_fd, -1);
	fd = journal_file_open(
	    directory, bytes, &journal->segment_bytes, &journal->made);
	if (fd < 0)
		return false;
	journal->ring_bytes = JOURNAL_SEGMENTS * journal->segment_bytes;
	map = mmap(NULL, map_bytes(journal), PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	if (map == MAP_FAILED ||
	    getrandom(&journal->epoch, sizeof journal->epoch, 0) !=
		sizeof journal->epoch ||
	    !mapping_guard(map, map_bytes(journal))) {
		log_error("%s/usage.journal: cannot be mapped: %s", directory,
		    strerror(errno));
		close(fd);
		return false;
	}
	journal->fd = fd;
	journal->segments = (uint8_t *)map + JOURNAL_HEADER_BYTES;
	end = journal_find_end(journal);
	tail = end > journal->ring_bytes ? end - journal->ring_bytes : 0;
	if (end == 0)
		end = tail = segment_of(
		    journal, (uint64_t)now_ms() << POSITIONS_PER_MS_SHIFT);
	atomic_init(&journal->tail, tail);
	atomic_init(&journal->head, end);
	journal->opened_at = end;
	journal->segment_end = journal->synced = journal->touched = end;
	return true;
}

void
journal_close(struct journal *journal)
{
	int renewed = atomic_exchange(&journal->renewed_fd, -1);

	if (renewed >= 0)
		close(renewed);
	if (journal->fd < 0)
		return;
	mapping_unguard(map_of(journal));
	munmap(map_of(journal), map_bytes(journal));
	close(journal->fd);
	journal->fd = -1;
}

/* After its file was lost */

bool
journal_is_lost(const struct journal *journal)
{
	return journal->fd >= 0 && mapping_is_lost(map_of(journal));
}

bool
journal_renew(struct journal *journal, const char *directory)
{
	int fd;

	if (atomic_load(&journal->renewed_fd) >= 0)
		return true;
	fd = journal_file_renew(directory, journal->ring_bytes);
	if (fd < 0)
		return false;
	/* Nothing is ready in its mapping. */
	journal->touched = segment_of(journal, atomic_load(&journal->head));
	atomic_store(&journal->renewed_fd, fd);
	return true;
}

bool
journal_adopt(struct journal *journal)
{
	int fd = atomic_exchange(&journal->renewed_fd, -1);
	unsigned losses = mapping_losses();
	bool mapped;

	if (fd < 0)
		return false;
	mapped =
	    /* cppcheck-suppress leakReturnValNotUsed ; where it was */
	    mmap(map_of(journal), map_bytes(journal), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED &&
	    dup3(fd, journal->fd, O_CLOEXEC) >= 0;
	close(fd);
	if (!mapped)
		return false;
	/* As if the segment were full: what is appended next begins one. */
	atomic_store(&journal->head, journal->segment_end);
	journal_release(journal, journal->segment_end);
	mapping_replaced(losses);
	return true;
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
	uint64_t tail =
	    atomic_load_explicit(&journal->tail, memory_order_relaxed);

	while (tail < position &&
	    !atomic_compare_exchange_weak_explicit(&journal->tail, &tail,
		position, memory_order_release, memory_order_relaxed))
		;
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

	/* Nothing will be taken out of a lost one. */
	if (journal_is_lost(journal))
		return false;
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
	record = journal->begun = (void *)place(journal, head);
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
	struct record_header *record = journal->begun;

	record->check = record_check(journal->epoch, head, record);
	atomic_store_explicit(
	    &journal->head, head + record_size(len), memory_order_release);
}

/* Lasting */

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
