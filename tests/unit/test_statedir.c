/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state directory and the master key: owner by mode by kind of file. As
 * root, foreign files are made by chown; as another user, that part is left
 * out, for there is no way to make one.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/master_key.h"
#include "daemon/statedir.h"
#include "stderr_text.h"
#include "suite.h"

#define KEY_TEXT                           \
	"00112233445566778899aabbccddeeff" \
	"00112233445566778899AABBCCDDEEFF"

static char root[] = "/tmp/apikeyd-test-XXXXXX";
static char state[64];
static struct stderr_text capture;

static void
set_up(void)
{
	unsetenv("CREDENTIALS_DIRECTORY");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(state, sizeof state, "%s/state", root);
}

static void
tear_down(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", "-rf", root, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

static const char *
in_state(const char *name)
{
	static char path[128];

	snprintf(path, sizeof path, "%s/%s", state, name);
	return path;
}

static void
make_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

/* statedir_open() in a process of its own, which gives the lock back. */
static bool
opens(const char *path)
{
	int status;
	pid_t pid;

	stderr_begin(&capture);
	pid = fork();
	if (pid == 0)
		_exit(statedir_open(path) >= 0 ? 0 : 1);
	waitpid(pid, &status, 0);
	stderr_end(&capture);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status) == 0;
}

static void
expect_said(const char *text)
{
	ck_assert_msg(
	    strstr(capture.text, text) != NULL, "said: %s", capture.text);
}

START_TEST(directory_made)
{
	mode_t mask = umask(0077);

	ck_assert(opens(state));
	umask(mask);
	ck_assert_uint_eq(mode_of(state), 0700);
	ck_assert(!opens(in_state("a/b")));
	expect_said("state/a/b: cannot make the directory");
}
END_TEST

START_TEST(directory_modes)
{
	static const mode_t modes[] = {
	    0700, 0750, 0755, 0777, 0701, 0770, 0720};

	ck_assert_int_eq(mkdir(state, 0700), 0);
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		ck_assert_int_eq(chmod(state, modes[i]), 0);
		ck_assert(opens(state));
		ck_assert_uint_eq(mode_of(state), 0700);
		ck_assert((modes[i] != 0700) ==
		    (strstr(capture.text, "warning: ") != NULL));
	}
	ck_assert_int_eq(chmod(state, 01777), 0);
	ck_assert(!opens(state));
	ck_assert_uint_eq(mode_of(state), 01777);
}
END_TEST

START_TEST(directory_links_and_files)
{
	char link[80];

	ck_assert_int_eq(mkdir(state, 0700), 0);
	snprintf(link, sizeof link, "%s/link", root);
	ck_assert_int_eq(symlink(state, link), 0);
	ck_assert(!opens(link));
	expect_said("symbolic link");
	strcat(link, "/");
	ck_assert(!opens(link));
	expect_said("symbolic link");
	ck_assert(!rundir_prepare(link));
	make_file(in_state("file"), "", 0600);
	ck_assert(!opens(in_state("file")));
	expect_said("must be a directory");
	ck_assert(!opens(""));
}
END_TEST

START_TEST(foreign_owners)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(mkdir(state, 0700), 0);
	ck_assert_int_eq(chown(state, 12345, (gid_t)-1), 0);
	ck_assert(!opens(state));
	expect_said("belongs to uid 12345");
	ck_assert_int_eq(chown(state, 0, (gid_t)-1), 0);
	make_file(in_state("lock"), "", 0600);
	ck_assert_int_eq(chown(in_state("lock"), 12345, (gid_t)-1), 0);
	ck_assert(!opens(state));
	expect_said("state/lock: belongs to uid 12345");
}
END_TEST

START_TEST(lock_files)
{
	ck_assert_int_eq(mkdir(state, 0700), 0);
	ck_assert_int_eq(symlink("elsewhere", in_state("lock")), 0);
	ck_assert(!opens(state));
	ck_assert_int_ne(access(in_state("elsewhere"), F_OK), 0);
	unlink(in_state("lock"));
	ck_assert_int_eq(mkfifo(in_state("lock"), 0600), 0);
	ck_assert(!opens(state));
	expect_said("not a regular file");
	unlink(in_state("lock"));
	make_file(in_state("lock"), "", 0666);
	ck_assert(opens(state));
	ck_assert_uint_eq(mode_of(in_state("lock")), 0600);
}
END_TEST

START_TEST(second_daemon)
{
	char expected[128];
	int dir = statedir_open(state);

	ck_assert_int_ge(dir, 0);
	ck_assert(!opens(state));
	snprintf(expected, sizeof expected, "another apikeyd (pid %ld) uses %s",
	    (long)getpid(), state);
	expect_said(expected);
	close(dir);
}
END_TEST

START_TEST(runtime_directory)
{
	ck_assert(rundir_prepare(state));
	ck_assert_uint_eq(mode_of(state), 0755);
	ck_assert(rundir_prepare(state));
	ck_assert_int_eq(chmod(state, 0777), 0);
	ck_assert(rundir_prepare(state));
	ck_assert_uint_eq(mode_of(state), 0755);
}
END_TEST

/* Named by mistake: left as it is. */
START_TEST(somebody_elses_directory)
{
	struct stat st;

	ck_assert_int_eq(mkdir(state, 0755), 0);
	ck_assert_int_eq(chmod(state, 0755), 0);
	make_file(in_state("index.html"), "", 0644);
	ck_assert_int_lt(statedir_open(state), 0);
	ck_assert_uint_eq(mode_of(state), 0755);
	ck_assert_int_ne(stat(in_state("lock"), &st), 0);
}
END_TEST

START_TEST(contents)
{
	int dir = statedir_open(state);

	ck_assert_int_eq(statedir_look(dir, "state"), STATEDIR_FIRST_START);
	make_file(in_state("master.key"), "", 0400);
	ck_assert_int_eq(statedir_look(dir, "state"), STATEDIR_BROKEN);
	make_file(in_state("keys.tdb.new"), "", 0600);
	ck_assert_int_eq(statedir_look(dir, "state"), STATEDIR_RESUME);
	make_file(in_state("master.key.new"), "", 0400);
	ck_assert_int_eq(statedir_look(dir, "state"), STATEDIR_RESUME);
	make_file(in_state("audit.log"), "", 0600);
	ck_assert_int_eq(statedir_look(dir, "state"), STATEDIR_BROKEN);
	make_file(in_state("keys.tdb"), "", 0600);
	ck_assert_int_eq(statedir_look(dir, "state"), STATEDIR_STORE);
	unlink(in_state("keys.tdb.new"));
	ck_assert_int_eq(statedir_look(dir, "state"), STATEDIR_STORE);
	close(dir);
}
END_TEST

static uint8_t key[MASTER_KEY_BYTES];
static struct master_key_source source;

static bool
reads_key(int dir, const char *file, bool may_create)
{
	bool ok;

	memset(key, 0x5a, sizeof key);
	stderr_begin(&capture);
	ok = master_key_read(dir, state, file, may_create, key, &source);
	stderr_end(&capture);
	ck_assert_ptr_null(strstr(capture.text, "2233"));
	return ok;
}

START_TEST(key_created)
{
	uint8_t first[MASTER_KEY_BYTES];
	int dir = statedir_open(state);
	mode_t mask;

	ck_assert(!reads_key(dir, "", false));
	expect_said("master.key: the master key is missing");
	make_file(in_state("master.key.new"), "left over", 0400);
	mask = umask(0777);
	ck_assert(reads_key(dir, "", true));
	umask(mask);
	ck_assert_str_eq(source.text, in_state("master.key"));
	ck_assert_uint_eq(mode_of(in_state("master.key")), 0400);
	ck_assert_int_ne(access(in_state("master.key.new"), F_OK), 0);
	memcpy(first, key, sizeof first);
	ck_assert(reads_key(dir, "", true));
	ck_assert_int_eq(memcmp(first, key, sizeof first), 0);
	close(dir);
}
END_TEST

START_TEST(key_texts)
{
	static const struct {
		const char *text;
		bool good;
	} texts[] = {
	    {KEY_TEXT, true},
	    {KEY_TEXT "\n", true},
	    {" \t\r\n" KEY_TEXT "\r\n\n", true},
	    {"", false},
	    {"\n", false},
	    {KEY_TEXT "0", false},
	    {KEY_TEXT " 0", false},
	    {"0x" KEY_TEXT, false},
	    {"00112233445566778899aabbccddeeff", false},
	    {"g0112233445566778899aabbccddeeff"
	     "00112233445566778899AABBCCDDEEFF",
		false},
	    {"00112233445566778899aabbccddeef "
	     "00112233445566778899AABBCCDDEEFF",
		false},
	};
	int dir = statedir_open(state);

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		make_file(in_state("master.key"), texts[i].text, 0600);
		ck_assert_int_eq(reads_key(dir, "", true), texts[i].good);
		if (texts[i].good)
			ck_assert_uint_eq(key[30], 0xee);
		else
			expect_said("expected 64 hexadecimal digits");
	}
	close(dir);
}
END_TEST

START_TEST(key_files)
{
	int dir = statedir_open(state);
	char file[128];

	snprintf(file, sizeof file, "%s/key", root);
	ck_assert(!reads_key(dir, file, true));
	expect_said("key: the master key file is missing");
	make_file(file, KEY_TEXT, 0644);
	ck_assert(reads_key(dir, file, true));
	ck_assert_str_eq(source.text, file);
	expect_said("warning: ");
	ck_assert_uint_eq(mode_of(file), 0600);
	ck_assert(reads_key(dir, file, true));
	ck_assert_str_eq(capture.text, "");
	ck_assert_int_eq(link(file, in_state("second")), 0);
	ck_assert(!reads_key(dir, file, true));
	unlink(in_state("second"));
	ck_assert_int_eq(symlink(file, in_state("master.key")), 0);
	ck_assert(!reads_key(dir, "", true));
	expect_said("symbolic link");
	unlink(in_state("master.key"));
	ck_assert_int_eq(mkfifo(in_state("master.key"), 0600), 0);
	ck_assert(!reads_key(dir, "", true));
	if (geteuid() == 0) {
		ck_assert_int_eq(chown(file, 12345, (gid_t)-1), 0);
		ck_assert(!reads_key(dir, file, true));
		expect_said("belongs to uid 12345");
	}
	close(dir);
}
END_TEST

START_TEST(key_credential)
{
	int dir = statedir_open(state);
	char file[128];

	setenv("CREDENTIALS_DIRECTORY", root, 1);
	ck_assert(reads_key(dir, "", true)); /* none there: master.key */
	ck_assert_str_eq(source.text, in_state("master.key"));
	snprintf(file, sizeof file, "%s/apikeyd.master-key", root);
	make_file(file, KEY_TEXT, 0440);
	ck_assert(reads_key(dir, "/nonexistent", true));
	ck_assert_str_eq(source.text, "credential apikeyd.master-key");
	ck_assert_uint_eq(key[1], 0x11);
	ck_assert_int_eq(chmod(file, 0444), 0);
	ck_assert(!reads_key(dir, "", true));
	expect_said("too open");
	unlink(file);
	ck_assert_int_eq(symlink(in_state("master.key"), file), 0);
	ck_assert(!reads_key(dir, "", true));
	expect_said("symbolic link");
	close(dir);
}
END_TEST

static void
add(Suite *suite, const char *name, const TTest *test)
{
	suite_add_between(suite, name, test, set_up, tear_down);
}

int
main(void)
{
	Suite *suite = suite_create("statedir");

	unsetenv("JOURNAL_STREAM");
	add(suite, "directory made", directory_made);
	add(suite, "directory modes", directory_modes);
	add(suite, "links and files", directory_links_and_files);
	add(suite, "foreign owners", foreign_owners);
	add(suite, "lock files", lock_files);
	add(suite, "second daemon", second_daemon);
	add(suite, "runtime directory", runtime_directory);
	add(suite, "somebody_elses_directory", somebody_elses_directory);
	add(suite, "contents", contents);
	add(suite, "key created", key_created);
	add(suite, "key texts", key_texts);
	add(suite, "key files", key_files);
	add(suite, "key credential", key_credential);
	return suite_run(suite);
}
