/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each byte of a state directory flipped in turn, one at a time, as a disk
 * might: a start refuses it and names the file, or it is found by the checks,
 * or it does not matter. It ends no process, every token's verdict is what it
 * was, and no call that was counted is missing unless something is said.
 *
 *   flipped_bytes DIRECTORY TOKENS
 *
 * Both are a fixture's, see tests/fixtures/make.sh. Free room, which is long
 * runs of the same byte, is looked at here and there.
 *
 *   FLIP_STRIDE   used bytes from one that is flipped to the next (499)
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/audit_check.h"
#include "daemon/index.h"
#include "daemon/instant.h"
#include "daemon/store.h"
#include "daemon/usage.h"
#include "daemon/usage_impl.h"
#include "daemon/usage_rows.h"
#include "daemon/verify.h"
#include "tests/unit/suite.h"

enum {
	FILES_MAX = 8,
	TOKENS_MAX = 32,
	COMPARED = 32 << 20, /* of a file: all of it */
	RUN = 64,            /* so many of the same are free room */
	FREE_STRIDE = 4099,
	PATIENCE_S = 60,
	/* Of its key on that day and for ever, its account, its product. */
	ROWS_OF_A_CALL = 4,
};

enum outcome { HARMLESS, FOUND, REFUSED, WRONG, OUTCOMES };

struct file {
	char name[NAME_MAX + 1];
	uint8_t *data;
	size_t len;
};

static struct file files[FILES_MAX];
static size_t file_count;
static struct {
	char verdict[32], text[TOKEN_MAX + 1];
} tokens[TOKENS_MAX];
static size_t token_count;
static const char *directory;
static uint8_t master[SECRET_KEY_BYTES];
static uint64_t audit_lines;
/* What was counted, as the last start has it, and as it was at first. */
static struct {
	uint64_t last, first;
} * counted;

/* In a child: what a start makes of the directory */

static bool
verdicts_hold(struct index *index, const struct keyring *ring)
{
	static struct verifier verifier;

	verifier_init(&verifier, index, ring);
	verifier.signature_window = 300;
	for (size_t i = 0; i < token_count; i++) {
		struct verify_request request = {
		    .credential = bytes_of(tokens[i].text)};
		struct verify_reply reply;
		char id[KEY_ID_SIZE];

		verify(&verifier, &request, 1000, now_ms(), &reply, id);
		if (strcmp(verdict_text((enum verdict)reply.verdict),
			tokens[i].verdict) != 0) {
			fprintf(stderr, "%s: %s instead of %s\n", id,
			    verdict_text((enum verdict)reply.verdict),
			    tokens[i].verdict);
			return false;
		}
	}
	return true;
}

static bool
audit_sound(const struct keyring *ring)
{
	struct audit_check check = {.ring = ring};
	char line[4096];
	bool torn = false;
	size_t len = 0;
	FILE *file;
	int c;

	snprintf(line, sizeof line, "%s/audit.log", directory);
	file = fopen(line, "re");
	if (file == NULL)
		return false;
	while ((c = getc(file)) != EOF) {
		if (c != '\n' && len < sizeof line) {
			line[len++] = (char)c;
			continue;
		}
		audit_check_line(
		    &check, (struct bytes){(const uint8_t *)line, len});
		len = 0;
	}
	torn = len > 0;
	fclose(file);
	audit_check_end(&check, audit_lines, torn);
	if (check.fault != AUDIT_SOUND)
		fprintf(stderr, "audit.log: line %llu: %s\n",
		    (unsigned long long)check.line,
		    audit_fault_text(check.fault));
	return check.fault == AUDIT_SOUND;
}

static bool
go_on(struct usage *usage)
{
	(void)usage;
	return true;
}

static void
add_row(void *context, struct bytes name, struct bytes data)
{
	struct arena arena = {0};
	struct usage_row row;
	uint64_t total;

	(void)context;
	(void)name;
	if (row_decode(&arena, data, &row) && row_adds_up(&row, &total))
		counted->last += total;
	arena_free(&arena);
}

static void
add_total(void *context, struct bytes name, struct bytes data)
{
	struct usage_total total;

	(void)context;
	(void)name;
	if (total_decode(data, &total))
		for (size_t i = 0; i < VERDICT_COUNT; i++)
			counted->last += total.verdicts[i];
}

static void
add_day(void *context, uint32_t day)
{
	struct usage *usage = context;
	uint64_t damaged = 0;
	bool failed;
	struct usage_file *file =
	    usage_files_day(&usage->files, day, false, &failed);

	if (file != NULL)
		usage_file_traverse(
		    &usage->files, file, add_row, NULL, &damaged);
}

/* Of every row of every file, with what was in the journal. */
static void
count(struct usage *usage)
{
	uint64_t damaged = 0;

	usage_take(usage, SIZE_MAX, go_on);
	counted->last = 0;
	if (usage->files.totals != NULL)
		usage_file_traverse(&usage->files, usage->files.totals,
		    add_total, NULL, &damaged);
	usage_files_each_day(&usage->files, add_day, usage);
}

static enum outcome
start(void)
{
	const struct usage_options options = {.directory = directory,
	    .expected_keys = 100,
	    .retention_days = 36500,
	    .flush_ms = 100000,
	    .journal_bytes = 16 << 20};
	struct usage_options with_ring = options;
	struct index *index = index_new();
	struct loader *loader = loader_new(index);
	struct usage_findings findings;
	struct keyring *ring;
	struct usage *usage;
	bool sound;

	if (store_open(directory, 100, master, &ring, load_record, loader) ==
		NULL ||
	    !load_finish(loader))
		return REFUSED;
	with_ring.ring = ring;
	usage = usage_open(&with_ring, index);
	if (usage == NULL)
		return REFUSED;
	if (!verdicts_hold(index, ring))
		return WRONG;
	count(usage);
	usage_check_files(usage, &findings, NULL);
	if (findings.problems > 0)
		fputs(findings.text, stderr);
	sound = audit_sound(ring);
	/* Of what another run has left in the journal the log tells. */
	return findings.problems == 0 && sound && usage->journal.told_to == 0
	    ? HARMLESS
	    : FOUND;
}

/* The directory */

/* What the test itself needs, also outside of a check. */
static void
require(bool what)
{
	if (what)
		return;
	puts("Bail out! the fixture cannot be used");
	exit(99);
}

static const char *
path_of(const char *name)
{
	static char path[PATH_MAX];

	require(
	    snprintf(path, sizeof path, "%s/%s", directory, name) < PATH_MAX);
	return path;
}

static void
write_file(const struct file *file)
{
	int fd = open(path_of(file->name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, file->data, file->len), (ssize_t)file->len);
	close(fd);
}

static bool
is_as_it_was(const struct file *file)
{
	static uint8_t now[COMPARED];
	size_t len = file->len < COMPARED ? file->len : COMPARED;
	int fd = open(path_of(file->name), O_RDONLY | O_CLOEXEC);
	struct stat st;
	bool same = fd >= 0 && fstat(fd, &st) == 0 &&
	    (size_t)st.st_size == file->len &&
	    read(fd, now, len) == (ssize_t)len &&
	    memcmp(now, file->data, len) == 0;

	if (fd >= 0)
		close(fd);
	return same;
}

static void
restore(void)
{
	DIR *stream = opendir(directory);
	const struct dirent *entry;

	while ((entry = readdir(stream)) != NULL) {
		size_t i = 0;

		while (
		    i < file_count && strcmp(files[i].name, entry->d_name) != 0)
			i++;
		if (i == file_count && entry->d_name[0] != '.' &&
		    strcmp(entry->d_name, "master.key") != 0)
			unlink(path_of(entry->d_name));
	}
	closedir(stream);
	for (size_t i = 0; i < file_count; i++)
		if (!is_as_it_was(&files[i]))
			write_file(&files[i]);
}

static void
put_byte(const struct file *file, size_t at, uint8_t byte)
{
	int fd = open(path_of(file->name), O_WRONLY | O_CLOEXEC);

	ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)at), 1);
	close(fd);
}

/* One flip */

/* text: what was said. */
static enum outcome
outcome_of_start(char *text, size_t size)
{
	int said = memfd_create("said", MFD_CLOEXEC), status = 0;
	pid_t child;
	ssize_t len;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		dup2(said, STDERR_FILENO);
		alarm(PATIENCE_S);
		_exit((int)start());
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	len = pread(said, text, size - 1, 0);
	text[len > 0 ? len : 0] = '\0';
	close(said);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) < OUTCOMES,
	    "wait status %#x: %s", (unsigned)status, text);
	return (enum outcome)WEXITSTATUS(status);
}

/* Of the last call before a kill nobody can tell whether it was ever whole. */
static bool
may_be_the_last(const struct file *file, const char *text)
{
	return strcmp(file->name, "usage.journal") == 0 && text[0] == '\0' &&
	    counted->first - counted->last <= ROWS_OF_A_CALL;
}

static enum outcome
flip(const struct file *file, size_t at, size_t *missing)
{
	uint8_t flipped = file->data[at] ^ (uint8_t)(1 << at % 8);
	enum outcome outcome;
	char text[2048];

	put_byte(file, at, flipped);
	outcome = outcome_of_start(text, sizeof text);
	put_byte(file, at, file->data[at]);
	ck_assert_msg(
	    outcome != WRONG, "%s, byte %zu: %s", file->name, at, text);
	if (outcome == HARMLESS && counted->last != counted->first &&
	    !may_be_the_last(file, text)) {
		*missing += 1;
		outcome = FOUND;
	}
	if (outcome != HARMLESS)
		ck_assert_msg(strstr(text, file->name) != NULL,
		    "%s, byte %zu, is not named: %s", file->name, at, text);
	restore();
	return outcome;
}

/* How many bytes from here on are the same. */
static size_t
run_at(const struct file *file, size_t at)
{
	size_t end = at;

	while (end < file->len && file->data[end] == file->data[at])
		end++;
	return end - at;
}

static void
flip_all(const struct file *file)
{
	const char *text = getenv("FLIP_STRIDE");
	size_t stride = text != NULL ? strtoul(text, NULL, 10) : 499, at = 0;
	size_t outcomes[OUTCOMES] = {0}, missing = 0, used = 0, unused = 0,
	       flips = 0;

	while (at < file->len) {
		size_t run = run_at(file, at);
		bool is_free = run >= RUN;

		for (; run > 0; run--, at++)
			if (is_free ? unused++ % (FREE_STRIDE * stride) == 0
				    : used++ % stride == 0) {
				outcomes[flip(file, at, &missing)]++;
				flips++;
			}
	}
	printf("# %s: %zu flips, of %zu used bytes: %zu refused, %zu found, "
	       "%zu harmless; of %zu the log tells that calls are missing\n",
	    file->name, flips, used, outcomes[REFUSED], outcomes[FOUND],
	    outcomes[HARMLESS], missing);
	ck_assert_uint_gt(flips, 0);
	/* Not all of what is in these is harmless. */
	if (strcmp(file->name, "keys.tdb") == 0 ||
	    strcmp(file->name, "audit.log") == 0)
		ck_assert_uint_gt(outcomes[REFUSED] + outcomes[FOUND], 0);
}

/* The fixture */

static void
read_file(const char *name)
{
	struct file *file = &files[file_count++];
	FILE *stream = fopen(path_of(name), "re");
	struct stat st;

	require(file_count < FILES_MAX && stream != NULL);
	fstat(fileno(stream), &st);
	snprintf(file->name, sizeof file->name, "%s", name);
	file->len = (size_t)st.st_size;
	file->data = malloc(file->len);
	require(fread(file->data, 1, file->len, stream) == file->len);
	fclose(stream);
	for (size_t i = 0; strcmp(name, "audit.log") == 0 && i < file->len; i++)
		audit_lines += file->data[i] == '\n';
}

static void
read_fixture(const char *tokens_path)
{
	FILE *stream = fopen(path_of("master.key"), "re");
	char hex[2 * SECRET_KEY_BYTES + 2] = "";
	const struct dirent *entry;
	DIR *names;

	require(stream != NULL && fgets(hex, sizeof hex, stream) != NULL);
	fclose(stream);
	require(sodium_hex2bin(master, sizeof master, hex, 2 * sizeof master,
		    NULL, NULL, NULL) == 0);
	stream = fopen(tokens_path, "re");
	require(stream != NULL);
	while (token_count < TOKENS_MAX &&
	    fscanf(stream, "%31s %95s", tokens[token_count].verdict,
		tokens[token_count].text) == 2)
		token_count++;
	fclose(stream);
	names = opendir(directory);
	while ((entry = readdir(names)) != NULL)
		if (entry->d_name[0] != '.' &&
		    strcmp(entry->d_name, "master.key") != 0)
			read_file(entry->d_name);
	closedir(names);
	require(token_count > 0 && audit_lines > 0);
}

START_TEST(as_it_was_written)
{
	char text[2048];

	ck_assert_msg(
	    outcome_of_start(text, sizeof text) == HARMLESS, "%s", text);
	counted->first = counted->last;
	ck_assert_uint_gt(counted->first, 0);
	restore();
}
END_TEST

START_TEST(flipped)
{
	flip_all(&files[_i]);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *suite = suite_create("flipped bytes");
	TCase *tcase = tcase_create("flipped bytes");

	if (argc != 3 || !secret_init())
		return 99;
	directory = argv[1];
	counted = mmap(NULL, sizeof *counted, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	require(counted != MAP_FAILED);
	read_fixture(argv[2]);
	tcase_set_timeout(tcase, 0);
	tcase_add_test(tcase, as_it_was_written);
	tcase_add_loop_test(tcase, flipped, 0, (int)file_count);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
