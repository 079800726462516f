/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring: what was appended comes out once, and nothing else does. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/journal.h"
#include "stock.h"

enum { SIZE = JOURNAL_SIZE_MIN, SEGMENT = SIZE / JOURNAL_SEGMENTS };

static char directory[64], path[128];

static void
setup(void)
{
	strcpy(directory, "/tmp/apikeyd-journal.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/usage.journal", directory);
}

static void
teardown(void)
{
	char command[128];

	snprintf(command, sizeof command, "rm -r %s", directory);
	ck_assert_int_eq(system(command), 0);
}

static struct journal
opened(void)
{
	struct journal journal;

	ck_assert(journal_open(&journal, directory, SIZE));
	return journal;
}

/* A record that says which one it is, and how long. */
static bool
append(struct journal *journal, uint64_t number, size_t len)
{
	uint8_t *out = journal_begin(journal, len);

	if (out == NULL)
		return false;
	memset(out, (int)(number & 0xff), len);
	memcpy(out, &number, sizeof number);
	journal_end(journal, len);
	return true;
}

static size_t
len_of(uint64_t number)
{
	return 8 + number * 7919 % (JOURNAL_PAYLOAD_MAX - 8);
}

/* Takes what is there from a position on: numbers first, first + 1 and so on,
 * each once. Returns how many there were. */
static uint64_t
take(struct journal *journal, uint64_t from, uint64_t first)
{
	struct journal_reader reader = journal_read_from(journal, from);
	uint64_t position, number, count = 0, last = 0, wrong = 0;
	struct bytes payload;

	while (journal_next(&reader, &position, &payload)) {
		ck_assert(count == 0 || position > last);
		last = position;
		memcpy(&number, payload.data, sizeof number);
		ck_assert_uint_eq(number, first + count);
		ck_assert_uint_eq(payload.len, len_of(number));
		for (size_t i = 8; i < payload.len; i++)
			wrong += payload.data[i] != (number & 0xff);
		count++;
	}
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_eq(reader.position, atomic_load(&journal->head));
	return count;
}

static uint64_t
head_of(struct journal *journal)
{
	return atomic_load(&journal->head);
}

START_TEST(gives_back_what_was_appended)
{
	struct journal journal = opened();
	uint64_t start = head_of(&journal);

	for (uint64_t i = 0; i < 500; i++)
		ck_assert(append(&journal, i, len_of(i)));
	ck_assert_uint_eq(take(&journal, start, 0), 500);
	/* A second time, the same: taking leaves it alone. */
	ck_assert_uint_eq(take(&journal, start, 0), 500);
	ck_assert_uint_eq(take(&journal, head_of(&journal), 0), 0);
	journal_close(&journal);
}
END_TEST

START_TEST(keeps_it_when_killed)
{
	struct journal journal = opened();
	uint64_t start = head_of(&journal);

	ck_assert(journal.made);
	for (uint64_t run = 0; run < 10; run++) {
		for (uint64_t i = 0; i < 30; i++)
			ck_assert(append(
			    &journal, run * 30 + i, len_of(run * 30 + i)));
		/* One more is begun, and never ended. */
		memset(journal_begin(&journal, 100), 1, 100);
		journal_close(&journal);
		journal = opened();
		ck_assert(!journal.made);
		journal_release(&journal, start);
		ck_assert_uint_eq(take(&journal, start, 0), (run + 1) * 30);
	}
	journal_close(&journal);
}
END_TEST

START_TEST(goes_round_as_room_is_given_back)
{
	struct journal journal = opened();
	uint64_t number = 0, taken = 0, from = head_of(&journal), position;

	for (int turn = 0; turn < 40; turn++) {
		while (append(&journal, number, len_of(number)))
			number++;
		/* All but less than two segments of it are full. */
		ck_assert_uint_ge(
		    head_of(&journal) - from, (JOURNAL_SEGMENTS - 2) * SEGMENT);
		ck_assert(journal_sound(&journal, &position));
		taken += take(&journal, from, taken);
		ck_assert_uint_eq(taken, number);
		from = head_of(&journal);
		journal_release(&journal, from);
		journal_touch_ahead(&journal);
	}
	journal_close(&journal);
}
END_TEST

/* Changes a byte of the file. */
static void
damage(off_t at)
{
	int fd = open(path, O_RDWR);
	uint8_t byte;

	ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/* What comes out of so many that went in, in their order: how many do not. */
static unsigned
missing(struct journal *journal, uint64_t from, unsigned total, bool *last)
{
	struct journal_reader reader = journal_read_from(journal, from);
	uint64_t position, number, expected = 0;
	unsigned count = 0;
	struct bytes payload;

	while (journal_next(&reader, &position, &payload)) {
		memcpy(&number, payload.data, sizeof number);
		ck_assert_uint_ge(number, expected);
		ck_assert_uint_eq(payload.len, len_of(number));
		for (size_t i = 8; i < payload.len; i++)
			ck_assert_uint_eq(payload.data[i], number & 0xff);
		expected = number + 1;
		count++;
	}
	*last = expected == total;
	return total - count;
}

/* Whatever byte is changed: but for the record that it is in, all that went in
 * comes out, and what does not is said; or none of it does, and that is said.
 * Of the last one nobody can tell whether it was ever whole. */
START_TEST(misses_damaged_records)
{
	struct journal journal = opened();
	uint64_t start = head_of(&journal), end, position;
	uint64_t seed = 5;
	unsigned count, some = 0, all = 0;
	bool last;

	for (uint64_t i = 0; i < 100; i++)
		ck_assert(append(&journal, i, len_of(i)));
	end = head_of(&journal);
	ck_assert_uint_lt(end - start, SEGMENT);
	journal_close(&journal);
	for (unsigned i = 0; i < 120 + 32; i++) {
		/* Of the segment's header each. */
		uint64_t byte = i < 32 ? i : suite_below(&seed, end - start);
		off_t at = (off_t)(4096 + start % SIZE + byte);

		damage(at);
		ck_assert(journal_open(&journal, directory, SIZE));
		count = missing(&journal, start, 100, &last);
		ck_assert(count <= 1 || count == 100);
		if (count > 0)
			ck_assert(!last || journal.told_to > 0);
		else
			ck_assert_uint_eq(journal.told_to, 0);
		/* A power cut leaves the same. */
		ck_assert(journal_sound(&journal, &position));
		some += count == 1;
		all += count == 100;
		journal_close(&journal);
		damage(at);
	}
	ck_assert_uint_gt(some, 20);
	/* The run's own mark, and where the segment is. */
	ck_assert_uint_le(all, 16);
	journal = opened();
	ck_assert_uint_eq(take(&journal, start, 0), 100);
	journal_close(&journal);
}
END_TEST

/* Of several segments: which run wrote them and where they are, their records
 * and their neighbours know as well. */
START_TEST(misses_no_header)
{
	struct journal journal = opened();
	uint64_t start = head_of(&journal), end;
	bool last;

	for (uint64_t i = 0; i < 600; i++)
		ck_assert(append(&journal, i, len_of(i)));
	end = head_of(&journal);
	ck_assert_uint_gt(end - start, 2 * SEGMENT);
	journal_close(&journal);
	for (uint64_t segment = start; segment < end; segment += SEGMENT)
		for (uint64_t byte = 0; byte < 32; byte += 5) {
			off_t at = (off_t)(4096 + segment % SIZE + byte);

			damage(at);
			journal = opened();
			ck_assert_uint_ge(head_of(&journal), end);
			ck_assert_uint_eq(
			    missing(&journal, start, 600, &last), 0);
			ck_assert_uint_eq(journal.told_to, 0);
			journal_close(&journal);
			damage(at);
		}
}
END_TEST

/* The last record of each segment that is full, too: the next one would have
 * had its place. */
START_TEST(misses_the_end_of_a_segment)
{
	enum { COUNT = 2000, LEN = 100, ENDS = 2 };
	struct journal journal = opened();
	uint64_t start = head_of(&journal), position, before = start;
	struct journal_reader reader;
	struct bytes payload;
	off_t ends[ENDS];
	size_t count = 0;

	for (uint64_t i = 0; i < COUNT; i++)
		ck_assert(append(&journal, i, LEN));
	reader = journal_read_from(&journal, start);
	while (count < ENDS && journal_next(&reader, &position, &payload)) {
		if (position / SEGMENT != before / SEGMENT)
			ends[count++] = (off_t)(4096 + before % SIZE);
		before = position;
	}
	ck_assert_uint_eq(count, ENDS);
	journal_close(&journal);
	for (size_t i = 0; i < ENDS; i++) {
		damage(ends[i]);
		journal = opened();
		reader = journal_read_from(&journal, start);
		for (count = 0; journal_next(&reader, &position, &payload);)
			count++;
		ck_assert_uint_eq(count, COUNT - 1);
		ck_assert_uint_ne(journal.told_to, 0);
		journal_close(&journal);
		damage(ends[i]);
	}
}
END_TEST

/* Beneath the run that has appended it, its last record as well. */
START_TEST(knows_its_own_damage)
{
	struct journal journal = opened();
	uint64_t start = head_of(&journal), position;
	off_t at;
	bool last;

	for (uint64_t i = 0; i < 100; i++)
		ck_assert(append(&journal, i, len_of(i)));
	ck_assert(journal_sound(&journal, &position));
	at = (off_t)(4096 + head_of(&journal) % SIZE - 1);
	damage(at);
	ck_assert_uint_eq(missing(&journal, start, 100, &last), 1);
	ck_assert(!last);
	ck_assert(!journal_sound(&journal, &position));
	ck_assert_uint_lt(position, head_of(&journal));
	ck_assert_uint_gt(position, head_of(&journal) - 600);
	journal_close(&journal);
}
END_TEST

/* A later segment is taken though an earlier one is torn. */
START_TEST(goes_on_behind_a_torn_segment)
{
	struct journal journal = opened();
	uint64_t start = head_of(&journal), position, number, last = 0;
	struct journal_reader reader;
	struct bytes payload;
	bool gap = false;

	for (uint64_t i = 0; i < 600; i++)
		ck_assert(append(&journal, i, len_of(i)));
	ck_assert_uint_gt(head_of(&journal) - start, 2 * SEGMENT);
	journal_close(&journal);
	damage((off_t)(4096 + start % SIZE + SEGMENT / 2));
	journal = opened();
	reader = journal_read_from(&journal, start);
	while (journal_next(&reader, &position, &payload)) {
		memcpy(&number, payload.data, sizeof number);
		ck_assert(number == 0 || number > last);
		gap = gap || number > last + 1;
		last = number;
	}
	ck_assert(gap);
	ck_assert_uint_eq(last, 599);
	journal_close(&journal);
}
END_TEST

/* After a power cut pages of one time lie beside those of another: records of
 * another run are none, even where they lie just right. */
START_TEST(takes_no_record_of_another_run)
{
	static uint8_t before[SEGMENT];
	struct journal journal = opened();
	uint64_t start = head_of(&journal) + (UINT64_C(1) << 40), used;

	journal_skip_to(&journal, start);
	journal_release(&journal, start);
	for (uint64_t i = 0; i < 100; i++)
		ck_assert(append(&journal, i, len_of(i)));
	memcpy(before, journal.segments + start % SIZE, SEGMENT);
	/* As if nothing of it had reached the disk. */
	memset(journal.segments + start % SIZE, 0, SEGMENT);
	journal_close(&journal);
	journal = opened();
	journal_skip_to(&journal, start);
	journal_release(&journal, start);
	ck_assert_uint_eq(head_of(&journal), start);
	ck_assert_uint_eq(take(&journal, start, 0), 0);
	/* The same three records at the same place, and then what was there
	 * before. */
	for (uint64_t i = 0; i < 3; i++)
		ck_assert(append(&journal, i, len_of(i)));
	used = head_of(&journal) - start;
	memcpy(journal.segments + start % SIZE + used, before + used,
	    SEGMENT - used);
	journal_close(&journal);
	journal = opened();
	ck_assert_uint_eq(take(&journal, start, 0), 3);
	journal_close(&journal);
}
END_TEST

/* A batch may be taken on while its journal is lost and adopted. */
START_TEST(releases_no_room_twice)
{
	struct journal journal = opened();
	uint64_t start = head_of(&journal), end;

	journal_release(&journal, start);
	end = start + SEGMENT;
	journal_release(&journal, end);
	journal_release(&journal, start);
	ck_assert_uint_eq(atomic_load(&journal.tail), end);
	journal_close(&journal);
}
END_TEST

START_TEST(never_goes_back)
{
	struct journal journal = opened();
	uint64_t start = head_of(&journal);

	journal_skip_to(&journal, start - 5);
	ck_assert_uint_eq(head_of(&journal), start);
	journal_skip_to(&journal, start + 10 * (uint64_t)SIZE + 5);
	ck_assert_uint_gt(head_of(&journal), start + 10 * (uint64_t)SIZE);
	ck_assert_uint_eq(head_of(&journal) % SEGMENT, 0);
	journal_release(&journal, head_of(&journal));
	start = head_of(&journal);
	ck_assert(append(&journal, 0, len_of(0)));
	ck_assert_uint_eq(take(&journal, start, 0), 1);
	journal_close(&journal);
	journal = opened();
	ck_assert_uint_ge(head_of(&journal), start + SEGMENT);
	ck_assert_uint_eq(take(&journal, start, 0), 1);
	journal_close(&journal);
}
END_TEST

/* Anything in place of the file: it is put aside, or there is nothing in it. */
START_TEST(takes_nothing_out_of_garbage)
{
	char aside[sizeof path + 8];
	struct journal journal = opened();
	static uint8_t bytes[SIZE + 4096];
	uint64_t seed = 77, position;
	struct journal_reader reader;
	struct bytes payload;
	struct stat st;
	int fd;

	journal_close(&journal);
	suite_fill(&seed, bytes, sizeof bytes);
	fd = open(path, O_RDWR);
	ck_assert_int_eq(pwrite(fd, bytes, SIZE, 4096), SIZE);
	journal = opened();
	ck_assert(!journal.made);
	reader = journal_read_from(&journal, 0);
	ck_assert(!journal_next(&reader, &position, &payload));
	journal_close(&journal);
	ck_assert_int_eq(pwrite(fd, bytes, 4096, 0), 4096);
	close(fd);
	journal = opened();
	ck_assert(journal.made);
	journal_close(&journal);
	snprintf(aside, sizeof aside, "%s.damaged", path);
	ck_assert_int_eq(stat(aside, &st), 0);
	/* One that was cut off is not mapped. */
	ck_assert_int_eq(truncate(path, SIZE / 2), 0);
	journal = opened();
	ck_assert(journal.made);
	ck_assert(append(&journal, 0, len_of(0)));
	journal_close(&journal);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("elsewhere", path), 0);
	ck_assert(!journal_open(&journal, directory, SIZE));
}
END_TEST

/* Cut off while it is mapped: what is appended goes nowhere, until there is
 * another file, and the process goes on. */
START_TEST(goes_on_when_cut)
{
	struct journal journal = opened();
	uint64_t start = head_of(&journal);

	for (uint64_t i = 0; i < 500; i++)
		ck_assert(append(&journal, i, len_of(i)));
	ck_assert(!journal_is_lost(&journal));
	ck_assert(!journal_adopt(&journal));
	for (int round = 0; round < 3; round++) {
		uint64_t head = head_of(&journal), count = 0;

		ck_assert_int_eq(truncate(path, round * 8192), 0);
		while (append(&journal, count, len_of(count)))
			count++;
		ck_assert_uint_lt(count, SEGMENT);
		ck_assert(journal_is_lost(&journal));
		ck_assert_uint_eq(take(&journal, start, 0), 0);
		ck_assert(journal_renew(&journal, directory));
		ck_assert(journal_renew(&journal, directory));
		ck_assert(journal_is_lost(&journal));
		ck_assert(journal_adopt(&journal));
		ck_assert(!journal_is_lost(&journal));
		ck_assert_uint_gt(head_of(&journal), head);
		start = head_of(&journal);
		ck_assert_uint_eq(atomic_load(&journal.tail), start);
		for (uint64_t i = 0; i < 500; i++)
			ck_assert(append(&journal, i, len_of(i)));
		journal_touch_ahead(&journal);
		ck_assert(journal_sync(&journal));
		ck_assert_uint_eq(take(&journal, start, 0), 500);
	}
	journal_close(&journal);
	journal = opened();
	ck_assert(!journal.made);
	ck_assert_uint_eq(take(&journal, start, 0), 500);
	journal_close(&journal);
}
END_TEST

/* Elsewhere the signal is what it was: nothing there is made good. */
START_TEST(does_not_hide_other_errors)
{
	struct journal journal = opened();
	volatile char *other;
	pid_t child;
	int fd = open(path, O_RDWR), status;

	other = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert(other != MAP_FAILED);
	ck_assert_int_eq(truncate(path, 0), 0);
	for (int sent = 0; sent < 2; sent++) {
		child = fork();
		if (child == 0) {
			prctl(PR_SET_DUMPABLE, 0);
			if (sent)
				raise(SIGBUS);
			_exit(other[0]);
		}
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert(WIFSIGNALED(status));
		ck_assert_int_eq(WTERMSIG(status), SIGBUS);
	}
	close(fd);
	journal_close(&journal);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("journal");

	stock_with(setup, teardown);
	stock_add(suite, "gives back what was appended",
	    gives_back_what_was_appended);
	stock_add(suite, "goes on when cut", goes_on_when_cut);
	stock_add(
	    suite, "does not hide other errors", does_not_hide_other_errors);
	stock_add(suite, "keeps it when killed", keeps_it_when_killed);
	stock_add(suite, "goes round as room is given back",
	    goes_round_as_room_is_given_back);
	stock_add(suite, "misses damaged records", misses_damaged_records);
	stock_add(suite, "misses no header", misses_no_header);
	stock_add(
	    suite, "misses the end of a segment", misses_the_end_of_a_segment);
	stock_add(suite, "knows its own damage", knows_its_own_damage);
	stock_add(suite, "goes on behind a torn segment",
	    goes_on_behind_a_torn_segment);
	stock_add(suite, "takes no record of another run",
	    takes_no_record_of_another_run);
	stock_add(suite, "releases no room twice", releases_no_room_twice);
	stock_add(suite, "never goes back", never_goes_back);
	stock_add(suite, "takes nothing out of garbage",
	    takes_nothing_out_of_garbage);
	return suite_run(suite);
}
