/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The replay of usage.journal. Input: patches of a sound file (three bytes of
 * offset, one of length, the bytes), up to one of length 0; behind it, payloads
 * with a byte of length each, which a next run appends.
 *
 * What is found is in order and within the file; without a patch all of it is
 * found, and what was appended always is.
 */
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include "daemon/journal.h"
#include "daemon/log.h"
#include "daemon/usage_event.h"
#include "directory.h"

enum {
	FILE_BYTES = 4096 + JOURNAL_SIZE_MIN,
	RECORDS = 300, /* of the sound file: more than one segment */
	DIRTY_MAX = 100,
};

/* Where its records are; so that every run has them at the same place. */
#define BEGINNING (UINT64_C(1) << 62)

static const char *directory;
static char path[128];
static uint8_t image[FILE_BYTES];

/* Epochs, the same in every run. */
ssize_t
getrandom(void *out, size_t len, unsigned flags)
{
	static uint8_t next = 1;

	(void)flags;
	memset(out, next++, len);
	return (ssize_t)len;
}

static void
append(struct journal *journal, struct bytes payload)
{
	void *out = journal_begin(journal, payload.len);

	fuzz_require(out != NULL, "there is room");
	if (payload.len > 0)
		memcpy(out, payload.data, payload.len);
	journal_end(journal, payload.len);
}

static void
make_image(void)
{
	uint8_t payload[JOURNAL_PAYLOAD_MAX];
	struct journal journal;
	int fd;

	fuzz_require(journal_open(&journal, directory, JOURNAL_SIZE_MIN),
	    "a journal is made");
	journal_skip_to(&journal, BEGINNING);
	journal_release(&journal, BEGINNING);
	for (size_t i = 0; i < RECORDS; i++) {
		memset(payload, (int)i, sizeof payload);
		append(&journal, (struct bytes){payload, 1 + i * 7 % 512});
	}
	journal_close(&journal);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	fuzz_require(fd >= 0 && read(fd, image, FILE_BYTES) == FILE_BYTES,
	    "it can be read");
	close(fd);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_set_level((enum log_level)0); /* nobody reads it */
	directory = directory_make();
	snprintf(path, sizeof path, "%s/usage.journal", directory);
	make_image();
	return 0;
}

/* What differs from the image, by offsets in the file. */
static struct range {
	size_t from, to;
} dirty[DIRTY_MAX];
static size_t dirty_count;

static void
soil(size_t from, size_t to)
{
	fuzz_require(dirty_count < DIRTY_MAX, "all changes are known");
	dirty[dirty_count++] = (struct range){from, to};
}

/* The sound file again. */
static int
open_sound(void)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	fuzz_require(fd >= 0, "there is a file");
	while (dirty_count > 0) {
		const struct range *range = &dirty[--dirty_count];
		size_t len = range->to - range->from;

		fuzz_require(pwrite(fd, image + range->from, len,
				 (off_t)range->from) == (ssize_t)len,
		    "the file is written");
	}
	return fd;
}

/* The sound file with the patches in it. Returns whether there is any. */
static bool
write_file(struct reader *r)
{
	bool patched = false;
	int fd = open_sound();

	while (!r->failed && r->left > 0 && dirty_count < DIRTY_MAX - 2) {
		size_t at = (size_t)read_u8(r) << 16 | read_u16(r);
		struct bytes patch = read_string8(r, UINT8_MAX);

		if (r->failed || patch.len == 0)
			break;
		at %= FILE_BYTES - UINT8_MAX;
		soil(at, at + patch.len);
		fuzz_require(pwrite(fd, patch.data, patch.len, (off_t)at) ==
			(ssize_t)patch.len,
		    "the file is written");
		patched = true;
	}
	close(fd);
	return patched;
}

/* What a run has appended, of whole segments. */
static void
soil_appended(struct journal *journal, uint64_t from)
{
	uint64_t to = atomic_load(&journal->head);

	for (uint64_t at = from; at < to; at += journal->segment_bytes) {
		size_t offset = 4096 + at % journal->ring_bytes;

		offset -= (offset - 4096) % journal->segment_bytes;
		soil(offset, offset + journal->segment_bytes);
	}
}

/* How many records there are from a position on. */
static size_t
read_all(struct journal *journal, uint64_t from)
{
	struct journal_reader reader = journal_read_from(journal, from);
	uint64_t position, last = 0;
	struct usage_record record;
	struct bytes payload;
	size_t count = 0;

	while (journal_next(&reader, &position, &payload)) {
		fuzz_require(
		    count == 0 || position > last, "records come in order");
		fuzz_require(payload.len <= JOURNAL_PAYLOAD_MAX &&
			payload.data >= journal->segments &&
			payload.data + payload.len <=
			    journal->segments + journal->ring_bytes,
		    "a record is in the file");
		fuzz_use_bytes(payload);
		if (usage_record_read(payload, &record))
			fuzz_use(&record, sizeof record);
		last = position;
		count++;
	}
	return count;
}

/* A next run, whose records are all found behind what there is. */
static void
append_all(struct journal *journal, struct reader *r)
{
	uint64_t before = atomic_load(&journal->head), position;
	size_t count = 0;

	journal_release(journal, before);
	while (!r->failed && r->left > 0 && count < RECORDS) {
		struct bytes payload = read_string8(r, UINT8_MAX);

		if (r->failed)
			break;
		append(journal, payload);
		count++;
	}
	fuzz_require(
	    read_all(journal, before) == count, "what was appended is found");
	journal_sound(journal, &position);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_over(data, size);
	bool patched = write_file(&r);
	struct journal journal;
	size_t found;
	uint64_t before;

	fuzz_require(journal_open(&journal, directory, JOURNAL_SIZE_MIN),
	    "a damaged journal is no end");
	found = read_all(&journal, atomic_load(&journal.tail));
	fuzz_require(patched ? found <= FILE_BYTES / 16 : found == RECORDS,
	    "what was written is found");
	before = atomic_load(&journal.head);
	append_all(&journal, &r);
	if (journal.made) { /* the damaged one has been put aside */
		directory_empty();
		dirty_count = 0;
		soil(0, FILE_BYTES);
	} else {
		soil_appended(&journal, before);
	}
	journal_close(&journal);
	return 0;
}
