/* SPDX-License-Identifier: BSD-2-Clause */
/* The audit log's parts that touch nothing: lines and their chain, the outbox,
 * the end of a file, the check of a whole one, and the summing of refusals. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/audit_check.h"
#include "daemon/audit_entry.h"
#include "daemon/audit_tail.h"
#include "daemon/refusals.h"
#include "stock.h"

enum { LINES = 20 };

static struct keyring *ring;
static struct audit_head head;
static struct outbox outbox;
static char text[LINES * 200]; /* the file */
static size_t starts[LINES + 1];

static void
with_lines(void)
{
	char members[64];
	size_t len, at = 0;

	ring = keyring_new();
	ck_assert_ptr_nonnull(ring);
	memset(&head, 0, sizeof head);
	memset(&outbox, 0, sizeof outbox);
	for (size_t i = 0; i < LINES; i++) {
		char *line;

		snprintf(members, sizeof members, "\"n\":%zu", i);
		line = audit_line_make(ring, &head, members, &len);
		ck_assert_ptr_nonnull(line);
		starts[i] = at;
		memcpy(text + at, line, len);
		at += len;
		outbox_add(&outbox, head.sequence, line, len);
	}
	starts[LINES] = at;
}

static void
without_lines(void)
{
	outbox_clear(&outbox);
	keyring_free(ring);
}

static struct bytes
bytes_at(size_t from, size_t to)
{
	return (struct bytes){(const uint8_t *)text + from, to - from};
}

/* Lines */

START_TEST(line_is_one_object)
{
	struct audit_head claims;
	struct bytes all = bytes_at(0, starts[1]), line;

	ck_assert(audit_line_next(&all, &line));
	ck_assert_uint_eq(all.len, 0);
	ck_assert(
	    memcmp(line.data, "{\"sequence\":1,\"n\":0,\"mac\":\"", 27) == 0);
	ck_assert(audit_line_parse(line, &claims));
	ck_assert_uint_eq(claims.sequence, 1);
	ck_assert(!audit_line_next(&all, &line));
}
END_TEST

START_TEST(every_flipped_bit_breaks_the_seal)
{
	struct bytes all = bytes_at(starts[1], starts[2]), line;
	struct audit_head first;

	ck_assert(audit_line_parse(bytes_at(0, starts[1] - 1), &first));
	ck_assert(audit_line_next(&all, &line));
	ck_assert(audit_line_is_sealed(ring, line, first.mac));
	for (size_t i = 0; i < 8 * line.len; i++) {
		text[starts[1] + i / 8] ^= (char)(1 << i % 8);
		ck_assert(!audit_line_is_sealed(ring, line, first.mac));
		text[starts[1] + i / 8] ^= (char)(1 << i % 8);
	}
	first.mac[0] ^= 1;
	ck_assert(!audit_line_is_sealed(ring, line, first.mac));
}
END_TEST

START_TEST(other_shapes)
{
	static const char *const others[] = {"", "{}", "{\"sequence\":1}",
	    "{\"sequence\":,\"mac\":\"00000000000000000000000000000000\"}",
	    "{\"sequence\":01,\"mac\":\"00000000000000000000000000000000\"}",
	    "{\"sequence\":-1,\"mac\":\"00000000000000000000000000000000\"}",
	    "{\"sequence\":1,\"mac\":\"0000000000000000000000000000000g\"}",
	    ("{\"sequence\":99999999999999999999,\"mac\":"
	     "\"00000000000000000000000000000000\"}")};
	struct audit_head claims;

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		ck_assert(!audit_line_parse(bytes_of(others[i]), &claims));
}
END_TEST

/* The check of a whole log */

/* Of lines in this order, -1 at the end; up to expects so many. */
static struct audit_check
check_of(const int order[], uint64_t expected)
{
	struct audit_check check = {.ring = ring};

	for (size_t i = 0; order[i] >= 0; i++)
		audit_check_line(&check,
		    bytes_at(starts[order[i]], starts[order[i] + 1] - 1));
	audit_check_end(&check, expected, false);
	return check;
}

static void
finds(const int order[], uint64_t expected, enum audit_fault fault,
    uint64_t line, uint64_t sequence)
{
	struct audit_check check = check_of(order, expected);

	ck_assert_int_eq(check.fault, fault);
	ck_assert_uint_eq(check.line, line);
	ck_assert_uint_eq(check.sequence, sequence);
}

START_TEST(check_names_the_first_fault)
{
	struct audit_check check;

	finds((const int[]){0, 1, 2, 3, -1}, 4, AUDIT_SOUND, 0, 0);
	finds((const int[]){-1}, 0, AUDIT_SOUND, 0, 0);
	finds((const int[]){0, 1, -1}, 4, AUDIT_TRUNCATED, 3, 3);
	finds((const int[]){-1}, 1, AUDIT_TRUNCATED, 1, 1);
	finds((const int[]){1, 2, 3, -1}, 4, AUDIT_MISSING, 1, 1);
	finds((const int[]){0, 2, 3, -1}, 4, AUDIT_MISSING, 2, 2);
	finds((const int[]){0, 2, 1, 3, -1}, 4, AUDIT_REORDERED, 2, 2);
	finds((const int[]){0, 1, 1, 2, 3, -1}, 4, AUDIT_REORDERED, 3, 3);
	finds((const int[]){0, 1, 2, 3, 0, -1}, 4, AUDIT_REORDERED, 5, 5);
	text[starts[2] + 15]++;
	finds((const int[]){0, 1, 2, 3, -1}, 4, AUDIT_BROKEN, 3, 3);
	check = (struct audit_check){.ring = ring};
	audit_check_line(&check, bytes_at(0, starts[1] - 1));
	audit_check_end(&check, 1, true);
	ck_assert_int_eq(check.fault, AUDIT_BROKEN);
}
END_TEST

/* The end of the file at a start */

static struct audit_tail
judge(size_t from, size_t to)
{
	return audit_tail_judge(
	    ring, bytes_at(from, to), from == 0, &outbox, &head);
}

/* Leaves the newest lines in the outbox. */
static void
keep_newest(unsigned count)
{
	outbox.in_file = LINES - count;
	outbox_forget_filed(&outbox);
}

/* A crash at every byte: nothing is lost, nothing is there twice. */
START_TEST(torn_anywhere)
{
	for (size_t end = 0; end <= starts[LINES]; end++) {
		struct audit_tail tail = judge(0, end);
		unsigned whole = 0;

		while (whole < LINES && starts[whole + 1] <= end)
			whole++;
		ck_assert_int_eq(tail.state, AUDIT_TAIL_JOINS);
		ck_assert_uint_eq(tail.keep, starts[whole]);
		ck_assert_uint_eq(tail.from, whole);
		ck_assert(!tail.foreign);
	}
}
END_TEST

/* The same where the outbox begins later, and the tail with it. */
START_TEST(torn_with_less_in_the_outbox)
{
	keep_newest(5);
	for (size_t end = starts[15]; end <= starts[LINES]; end++) {
		struct audit_tail tail = judge(starts[3] + 7, end);
		unsigned whole = 15;

		while (whole < LINES && starts[whole + 1] <= end)
			whole++;
		ck_assert_int_eq(tail.state, AUDIT_TAIL_JOINS);
		ck_assert_uint_eq(tail.keep, starts[whole] - (starts[3] + 7));
		ck_assert_uint_eq(tail.from, whole - 15);
	}
	/* Cut off before what the outbox has. */
	for (size_t end = 0; end < starts[15]; end++) {
		struct audit_tail tail = judge(0, end);

		ck_assert_int_eq(tail.state, AUDIT_TAIL_GAP);
		ck_assert_uint_eq(tail.from, 0);
	}
}
END_TEST

START_TEST(spoilt_lines_are_written_again)
{
	struct audit_tail tail;

	memset(text + starts[7], 0, starts[8] - starts[7] - 1);
	tail = judge(0, starts[LINES]);
	ck_assert_int_eq(tail.state, AUDIT_TAIL_JOINS);
	ck_assert_uint_eq(tail.keep, starts[7]);
	ck_assert_uint_eq(tail.from, 7);
	ck_assert(tail.foreign);
}
END_TEST

START_TEST(older_store_is_seen)
{
	struct audit_head older;
	struct audit_tail tail;

	ck_assert(
	    audit_line_parse(bytes_at(starts[11], starts[12] - 1), &older));
	outbox_take_back(&outbox, 12);
	tail = audit_tail_judge(
	    ring, bytes_at(0, starts[LINES]), true, &outbox, &older);
	ck_assert_int_eq(tail.state, AUDIT_TAIL_AHEAD);
	ck_assert_uint_eq(tail.sequence, 13);
	/* Also where its own end is no longer in the tail. */
	tail = audit_tail_judge(
	    ring, bytes_at(starts[15], starts[LINES]), false, &outbox, &older);
	ck_assert_int_eq(tail.state, AUDIT_TAIL_AHEAD);
	/* But nobody without the key can say so. */
	text[starts[12] + 16]++;
	tail = audit_tail_judge(
	    ring, bytes_at(0, starts[13]), true, &outbox, &older);
	ck_assert_int_eq(tail.state, AUDIT_TAIL_JOINS);
}
END_TEST

/* The outbox */

static void
load_slots(struct outbox_image *image, const struct record slots[OUTBOX_SLOTS])
{
	memset(image, 0, sizeof *image);
	for (size_t i = 0; i < OUTBOX_SLOTS; i++) {
		const struct record *slot = &slots[i];
		struct record_view view;
		const char *problem;

		if (slot->len > 0)
			ck_assert(record_open((struct bytes){slot->name.bytes,
						  slot->name.len},
				      (struct bytes){slot->data, slot->len},
				      NULL, &view, &problem) &&
			    outbox_load(image, &view));
	}
}

/* Lines of every length, several times around: what is found again is the
 * newest lines, without a gap, and all that had not been forgotten. */
START_TEST(outbox_around_and_around)
{
	static struct record slots[OUTBOX_SLOTS];
	static struct outbox_image image;
	static char members[AUDIT_MEMBERS_MAX + 1];
	struct audit_head chain = {.sequence = 0};
	struct outbox there = {.count = 0}, again = {.count = 0};

	for (size_t i = 0; i < 300; i++) {
		size_t len, want = i * 7919 % AUDIT_MEMBERS_MAX;
		unsigned kept;
		char *line;

		memset(members, 'x', want);
		members[want] = '\0';
		line = audit_line_make(ring, &chain, members, &len);
		ck_assert_uint_le(len, AUDIT_LINE_MAX);
		if (outbox_pieces(len) > outbox_free_slots(&there)) {
			there.in_file = there.count;
			outbox_forget_filed(&there);
		}
		outbox_add(&there, chain.sequence, line, len);
		kept = there.count;
		for (unsigned n = 0; n < outbox_line(&there, kept - 1)->pieces;
		     n++) {
			struct record record;

			outbox_record(
			    &record, outbox_line(&there, kept - 1), n);
			slots[record.name.bytes[1]] = record;
		}
		load_slots(&image, slots);
		ck_assert(outbox_restore(&again, &image, chain.sequence));
		ck_assert_uint_ge(again.count, kept);
		for (unsigned k = 0; k < kept; k++) {
			const struct outbox_line *a =
			    outbox_line(&there, kept - 1 - k);
			const struct outbox_line *b =
			    outbox_line(&again, again.count - 1 - k);

			ck_assert(a->sequence == b->sequence &&
			    a->len == b->len && a->slot == b->slot &&
			    memcmp(a->text, b->text, a->len) == 0);
		}
		ck_assert_uint_eq(again.next_slot, there.next_slot);
	}
	/* The newest one has to be there. */
	ck_assert(!outbox_restore(&again, &image, chain.sequence + 1));
	outbox_clear(&again);
	outbox_clear(&there);
}
END_TEST

START_TEST(outbox_takes_back)
{
	unsigned used = outbox.used, next = outbox.next_slot;
	size_t len;
	char *line = audit_line_make(ring, &head, "\"n\":0", &len);

	outbox_add(&outbox, head.sequence, line, len);
	outbox_take_back(&outbox, LINES);
	ck_assert_uint_eq(outbox.used, used);
	ck_assert_uint_eq(outbox.next_slot, next);
	ck_assert_uint_eq(outbox.count, LINES);
}
END_TEST

/* Refusals */

START_TEST(refusals_are_summed_up)
{
	struct refusals refusals = {.others = {.uid = 0}};
	struct refusal_sum sum;

	for (int i = 0; i < 25; i++)
		ck_assert(refusals_note(&refusals, 1000, 100 + i) == (i < 10));
	ck_assert(refusals_note(&refusals, 1001, 200));
	ck_assert(!refusals_due(&refusals, 60099, false, &sum));
	ck_assert(refusals_due(&refusals, 60100, false, &sum));
	ck_assert(sum.known && sum.uid == 1000 && sum.count == 15);
	ck_assert(!refusals_due(&refusals, 60300, false, &sum));
	/* Another minute. */
	ck_assert(refusals_note(&refusals, 1000, 60101));
	refusals_put_back(
	    &refusals, &(struct refusal_sum){true, 1000, 1}, 60102);
	ck_assert(refusals_due(&refusals, 60103, true, &sum));
	ck_assert(sum.uid == 1000 && sum.count == 1);
}
END_TEST

/* A line each in its turn, and none is lost from the sums. */
START_TEST(refusals_of_very_many)
{
	struct refusals refusals = {.others = {.uid = 0}};
	uint64_t lines = 0, summed = 0, calls = 100000;
	struct refusal_sum sum;

	for (uint64_t i = 0; i < calls; i++)
		lines += refusals_note(&refusals, (uint32_t)i, 5);
	ck_assert_uint_le(lines, REFUSALS_USERS + REFUSALS_A_MINUTE);
	while (refusals_due(&refusals, 6, true, &sum)) {
		ck_assert(!sum.known);
		summed += sum.count;
	}
	ck_assert_uint_eq(lines + summed, calls);
	/* The line about them could not be written: still of nobody's own. */
	refusals_put_back(&refusals, &(struct refusal_sum){.count = 7}, 7);
	ck_assert(refusals_due(&refusals, 8, true, &sum));
	ck_assert(!sum.known && sum.count == 7);
	ck_assert(!refusals_due(&refusals, 9, true, &sum));
}
END_TEST

/* Entries */

START_TEST(difference_of_views)
{
	json_t *before = json_pack("{s:s, s:s, s:i, s:[s], s:{s:i, s:i}}", "id",
	    "ak_1", "name", "old", "sequence", 1, "scopes", "a", "quota",
	    "limit", 5, "used", 1);
	json_t *after = json_pack("{s:s, s:s, s:i, s:[s], s:{s:i, s:i}, s:s}",
	    "id", "ak_1", "name", "new", "sequence", 2, "scopes", "a", "quota",
	    "limit", 5, "used", 3, "token", "a secret");
	json_t *wanted = json_pack("{s:s}", "name", "old");

	audit_entry_diff(&before, &after);
	ck_assert(json_equal(before, wanted));
	json_object_set_new(wanted, "name", json_string("new"));
	ck_assert(json_equal(after, wanted));
	json_decref(before);
	json_decref(after);
	json_decref(wanted);
}
END_TEST

START_TEST(entries_have_a_length)
{
	struct audit_entry entry = {.uid = 0,
	    .login = "root",
	    .method = "UpdateKey",
	    .outcome = "done",
	    .after = json_object()};
	json_t *list = json_array();
	char *said;

	for (int i = 0; i < 2000; i++)
		json_array_append_new(list, json_string("quite\nlong"));
	json_object_set_new(entry.after, "scopes", list);
	json_object_set_new(entry.after, "name", json_string("short"));
	said = audit_entry_text(&entry);
	ck_assert_ptr_nonnull(said);
	ck_assert_uint_le(strlen(said), AUDIT_MEMBERS_MAX);
	ck_assert_ptr_null(strchr(said, '\n'));
	ck_assert_ptr_nonnull(strstr(said, "\"name\":\"short\""));
	ck_assert_ptr_nonnull(strstr(said, "bytes, left out)"));
	free(said);
	json_decref(entry.after);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("audit");

	if (!secret_init())
		return EXIT_FAILURE;
	stock_with(with_lines, without_lines);
	stock_add(suite, "line", line_is_one_object);
	stock_add(suite, "flipped bits", every_flipped_bit_breaks_the_seal);
	stock_add(suite, "other shapes", other_shapes);
	stock_add(suite, "faults", check_names_the_first_fault);
	stock_add(suite, "torn", torn_anywhere);
	stock_add(suite, "torn, later", torn_with_less_in_the_outbox);
	stock_add(suite, "spoilt", spoilt_lines_are_written_again);
	stock_add(suite, "older store", older_store_is_seen);
	stock_add(suite, "outbox", outbox_around_and_around);
	stock_add(suite, "taken back", outbox_takes_back);
	stock_add(suite, "refusals", refusals_are_summed_up);
	stock_add(suite, "many refusals", refusals_of_very_many);
	stock_add(suite, "difference", difference_of_views);
	stock_add(suite, "length", entries_have_a_length);
	return suite_run(suite);
}
