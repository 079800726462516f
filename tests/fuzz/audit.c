/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of audit.log, and what the outbox has of it. Input: lines, each with
 * a letter before it that says what becomes of it:
 *
 *   F  a line of the chain, in the file alone     B  in file and outbox
 *   O  in the outbox alone                        R  bytes that are no line
 *   C  as many bytes as the line has are cut off the file
 */
#include "daemon/audit_tail.h"
#include "fuzz.h"

enum { FILE_MAX = 1 << 16, OUTBOX_LINES = 60 };

static struct keyring *ring;
static uint8_t file[FILE_MAX];

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_require(secret_init(), "libsodium works");
	ring = keyring_new();
	fuzz_require(ring != NULL, "there is memory");
	return 0;
}

/* What has been made so far. */
struct log {
	struct audit_head head;
	struct outbox outbox;
	size_t len; /* of the file */
	bool tidy;  /* nothing was cut off, and no bytes are no line */
};

static void
put(struct log *log, const void *data, size_t len)
{
	if (len > FILE_MAX - log->len) {
		log->tidy = false;
		return;
	}
	memcpy(file + log->len, data, len);
	log->len += len;
}

static void
add_line(struct log *log, char where, const char *members)
{
	struct audit_head before = log->head;
	struct bytes text;
	size_t len;
	char *line;

	if (log->outbox.count == OUTBOX_LINES ||
	    outbox_free_slots(&log->outbox) <
		outbox_pieces(strlen(members) + AUDIT_ENVELOPE))
		return;
	/* The outbox has all lines from one on. */
	if (where == 'F' && log->outbox.count > 0)
		where = 'B';
	line = audit_line_make(ring, &log->head, members, &len);
	fuzz_require(line != NULL && len <= strlen(members) + AUDIT_ENVELOPE,
	    "a line is made");
	text = (struct bytes){(const uint8_t *)line, len - 1};
	fuzz_require(audit_line_is_sealed(ring, text, before.mac),
	    "a line follows the one before it");
	if (where != 'O')
		put(log, line, len);
	if (where == 'F')
		free(line);
	else
		outbox_add(&log->outbox, log->head.sequence, line, len);
}

static void
take(struct log *log, char letter, const char *text)
{
	size_t len = strlen(text);

	switch (letter) {
	case 'F':
	case 'B':
	case 'O':
		if (len <= AUDIT_MEMBERS_MAX)
			add_line(log, letter, text);
		break;
	case 'C':
		log->len -= len < log->len ? len : log->len;
		log->tidy = false;
		break;
	default:
		put(log, text, len);
		log->tidy = false;
	}
}

/* All lines of the file, whoever has written them. */
static void
check_lines(struct bytes text)
{
	struct audit_head claims;
	struct bytes line;

	while (audit_line_next(&text, &line)) {
		if (audit_line_parse(line, &claims))
			fuzz_require(
			    claims.sequence > 0, "a line has a number");
	}
}

/* Through the store's records and back. */
static void
check_outbox(const struct log *log)
{
	static struct outbox_image image;
	struct outbox again = {.count = 0};
	struct record_view view;
	struct record record;
	const char *problem;

	memset(&image, 0, sizeof image);
	for (unsigned i = 0; i < log->outbox.count; i++) {
		const struct outbox_line *line = outbox_line(&log->outbox, i);

		for (unsigned n = 0; n < line->pieces; n++) {
			outbox_record(&record, line, n);
			record_seal(&record, line->sequence, ring);
			fuzz_require(
			    record_open((struct bytes){record.name.bytes,
					    record.name.len},
				(struct bytes){record.data, record.len}, ring,
				&view, &problem) &&
				outbox_load(&image, &view),
			    "a piece of a line can be read");
		}
	}
	if (log->outbox.count == 0)
		return;
	fuzz_require(outbox_restore(&again, &image, log->head.sequence) &&
		again.count == log->outbox.count,
	    "the outbox is found as it was");
	for (unsigned i = 0; i < again.count; i++) {
		const struct outbox_line *a = outbox_line(&log->outbox, i);
		const struct outbox_line *b = outbox_line(&again, i);

		fuzz_require(a->len == b->len && a->sequence == b->sequence &&
			memcmp(a->text, b->text, a->len) == 0,
		    "a line is what it was");
	}
	outbox_clear(&again);
}

static void
check_judgement(const struct log *log, bool whole)
{
	struct bytes text = {file, log->len};
	struct audit_tail found =
	    audit_tail_judge(ring, text, whole, &log->outbox, &log->head);

	fuzz_require(found.keep <= log->len && found.from <= log->outbox.count,
	    "what is kept is there");
	fuzz_require(
	    found.state != AUDIT_TAIL_AHEAD, "no line is of the future");
	fuzz_require(found.keep == 0 || file[found.keep - 1] == '\n',
	    "what is kept ends with a line");
	if (log->tidy && whole && log->outbox.count > 0)
		fuzz_require(found.state == AUDIT_TAIL_JOINS && !found.foreign,
		    "what nobody has touched is whole");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *at = text, *end = text + size;
	struct log log = {.tidy = true};

	while (at < end) {
		char *stop = memchr(at, '\n', (size_t)(end - at));

		if (stop == NULL)
			stop = end;
		*stop = '\0';
		if (*at != '\0')
			take(&log, *at, at + 1);
		at = stop + 1;
	}
	check_lines((struct bytes){file, log.len});
	check_judgement(&log, true);
	check_judgement(&log, false);
	check_outbox(&log);
	outbox_clear(&log.outbox);
	free(text);
	return 0;
}
