/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether what was counted adds up: every row, and the rows of a day. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usage_impl.h"
#include "usage_rows.h"

struct check {
	struct usage *usage;
	struct usage_findings *findings;
	FILE *text;
	struct arena arena;
	bool (*between)(struct usage *usage, bool after_file);
	const char *file;
	bool no_memory; /* for some of the file */
	bool left;      /* as between() wished */
	uint64_t keys, accounts, products;
};

__attribute__((format(printf, 2, 3))) static void
found(struct check *check, const char *format, ...)
{
	va_list args;

	if (check->findings->problems++ >= USAGE_FINDINGS_TOLD)
		return;
	va_start(args, format);
	vfprintf(check->text, format, args);
	va_end(args);
	putc('\n', check->text);
}

/* A row's name for people: a key's ID, or the number of what else it is. */
static void
print_name(struct bytes name, char out[64])
{
	uint64_t id = 0;

	if (name.data[0] == ROW_OF_KEY && name.len == 1 + TOKEN_ID_LEN) {
		snprintf(out, 64, "key %.*s", TOKEN_ID_LEN,
		    (const char *)name.data + 1);
	} else if (name.len == 1 + sizeof id) {
		memcpy(&id, name.data + 1, sizeof id);
		snprintf(out, 64, "%s %016" PRIx64,
		    name.data[0] == ROW_OF_ACCOUNT ? "account" : "product", id);
	} else {
		snprintf(out, 64, "a service");
	}
}

enum { PAUSE_ROWS = 1024 }; /* between two looks at what else there is to do */

/* Counts the row. */
static bool
goes_on(struct check *check)
{
	if (!check->left && check->findings->rows++ % PAUSE_ROWS == 0 &&
	    check->between != NULL && !check->between(check->usage, false))
		check->left = true;
	return !check->left;
}

static void
check_row(void *context, struct bytes name, struct bytes data)
{
	struct check *check = context;
	struct usage_row row;
	char text[64];
	uint64_t total;

	if (!goes_on(check))
		return;
	print_name(name, text);
	errno = 0;
	if (!row_decode(&check->arena, data, &row)) {
		if (errno == ENOMEM)
			check->no_memory = true;
		else
			found(check, "%s: the row of %s makes no sense",
			    check->file, text);
	} else {
		if (!row_adds_up(&row, &total))
			found(check,
			    "%s: the row of %s does not add up: verdicts, "
			    "endpoints and addresses differ",
			    check->file, text);
		if (name.data[0] == ROW_OF_KEY)
			check->keys += total;
		else if (name.data[0] == ROW_OF_ACCOUNT)
			check->accounts += total;
		else if (name.data[0] == ROW_OF_PRODUCT)
			check->products += total;
	}
	arena_free(&check->arena);
}

static void
check_total(void *context, struct bytes name, struct bytes data)
{
	struct check *check = context;
	struct usage_total total;
	char text[64];

	if (!goes_on(check))
		return;
	print_name(name, text);
	if (!total_decode(data, &total))
		found(check, "%s: the row of %s makes no sense", check->file,
		    text);
}

/* A batch that could not be taken in whole, as on a full disk, has left a day
 * with the events of some rows and not of others; it is done again. */
static bool
is_in_midst(const struct check *check, const struct usage_file *file)
{
	return file->taken > atomic_load_explicit(&check->usage->journal.tail,
				 memory_order_relaxed);
}

static void
check_file(struct check *check, struct usage_file *file, usage_row_fn *row)
{
	uint64_t damaged = 0;

	check->findings->files++;
	check->file = strrchr(file->path, '/') + 1;
	check->no_memory = false;
	check->keys = check->accounts = check->products = 0;
	if (!usage_file_traverse(
		&check->usage->files, file, row, check, &damaged)) {
		if (file->complaints.no_memory)
			check->no_memory = true;
		else
			found(
			    check, "%s: its structure is damaged", check->file);
	}
	/* What was not looked at may well be sound. */
	if (check->no_memory)
		found(
		    check, "%s: out of memory while it was read", check->file);
	if (damaged > 0)
		found(check, "%s: %" PRIu64 " rows are damaged", check->file,
		    damaged);
	else if (!check->no_memory && !check->left &&
	    !is_in_midst(check, file) &&
	    (check->keys != check->accounts || check->keys != check->products))
		found(check,
		    "%s: its keys have %" PRIu64 " calls, its accounts %" PRIu64
		    ", its products %" PRIu64,
		    check->file, check->keys, check->accounts, check->products);
}

static void
check_day(void *context, uint32_t day)
{
	struct check *check = context;
	struct usage_file *file;
	bool failed;

	if (check->between != NULL && !check->left)
		check->left = !check->between(check->usage, true);
	if (check->left)
		return;
	file = usage_files_day(&check->usage->files, day, false, &failed);
	if (file != NULL)
		check_file(check, file, check_row);
	else
		found(check,
		    "the file of day %" PRIu32
		    " since 1970 cannot be opened: see the log",
		    day);
}

void
usage_check_files(struct usage *usage, struct usage_findings *findings,
    bool (*between)(struct usage *usage, bool after_file))
{
	struct check check = {
	    .usage = usage, .findings = findings, .between = between};
	uint64_t position;
	size_t len;

	memset(findings, 0, sizeof *findings);
	check.text = open_memstream(&findings->text, &len);
	if (check.text == NULL)
		return;
	if (usage->files.totals != NULL)
		check_file(&check, usage->files.totals, check_total);
	else
		found(&check, "totals.tdb cannot be opened: see the log");
	usage_files_each_day(&usage->files, check_day, &check);
	if (!journal_sound(&usage->journal, &position))
		found(&check,
		    "usage.journal: what is at position %" PRIu64
		    " is no event",
		    position);
	if (fclose(check.text) != 0 || check.left) {
		free(findings->text);
		findings->text = NULL;
	}
}
