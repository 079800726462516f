/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration file: what is taken, and what is said about the rest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/settings.h"
#include "stderr_text.h"
#include "suite.h"

static char path[] = "/tmp/apikeyd-test-XXXXXX";

static void
write_file(const char *text)
{
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void
remove_file(void)
{
	unlink(path);
	memcpy(path + strlen(path) - 6, "XXXXXX", 6);
}

START_TEST(everything)
{
	struct settings settings;

	write_file("# a comment\n"
		   "verify_socket_group = \"web\"\n"
		   "master_key_file = /etc/apikeyd/key\n"
		   "log_level = debug\n"
		   "max_connections = 10\n"
		   "max_connections_per_uid = 5\n"
		   "request_timeout = 1m30s\n"
		   "signature_window = 2m\n"
		   "expected_keys = 1000000\n");
	settings_default(&settings);
	ck_assert(settings_read(&settings, path, true));
	ck_assert_str_eq(settings.verify_socket_group, "web");
	ck_assert_str_eq(settings.master_key_file, "/etc/apikeyd/key");
	ck_assert_int_eq(settings.log_level, LOG_LEVEL_DEBUG);
	ck_assert_uint_eq(settings.limits.connections, 10);
	ck_assert_uint_eq(settings.limits.connections_per_uid, 5);
	ck_assert_uint_eq(settings.limits.request_timeout_ms, 90000);
	ck_assert_uint_eq(settings.signature_window, 120);
	ck_assert_uint_eq(settings.expected_keys, 1000000);
	remove_file();
}
END_TEST

START_TEST(defaults)
{
	struct settings settings;

	write_file("\n");
	settings_default(&settings);
	ck_assert(settings_read(&settings, path, true));
	ck_assert_str_eq(settings.verify_socket_group, "apikey");
	ck_assert_str_eq(settings.master_key_file, "");
	ck_assert_int_eq(settings.log_level, LOG_LEVEL_NOTICE);
	ck_assert_uint_eq(settings.limits.connections, 4096);
	ck_assert_uint_eq(settings.limits.connections_per_uid, 1024);
	ck_assert_uint_eq(settings.limits.request_timeout_ms, 5000);
	ck_assert_uint_eq(settings.signature_window, 300);
	ck_assert_uint_eq(settings.expected_keys, 100000);
	remove_file();
}
END_TEST

static const struct refusal {
	const char *text;
	const char *says; /* after "apikeyd: error: FILE" */
} refusals[] = {
    {"\nmax_conections = 5\n", ":2: no such option 'max_conections'"},
    {"expected_keys = 5\nmax_connections = 0\n",
	":2: max_connections = 0: expected a number from 1 to 1000000"},
    {"max_connections = many\n", ":1: invalid integer value"},
    {"max_connections = 99999999999999999999\n", ":1: integer value"},
    {"\n\nrequest_timeout = 5\n",
	":3: request_timeout = 5: expected a duration from 10ms to 1h"},
    {"request_timeout = 2h\n", ":1: request_timeout = 2h: expected"},
    {"request_timeout = 0\n", ":1: request_timeout = 0: expected"},
    {"signature_window = 300\n",
	":1: signature_window = 300: expected a duration from 1s to 1d"},
    {"signature_window = 2d\n", ":1: signature_window = 2d: expected"},
    {"signature_window = 0\n", ":1: signature_window = 0: expected"},
    {"log_level = loud\n",
	":1: log_level = loud: expected error, warning, notice, info or"},
    {"verify_socket_group = \"\"\n", ":1: verify_socket_group: expected"},
    {"verify_socket_group = "
     "a123456789b123456789c123456789d123456789e123456789f123456789g123\n",
	":1: verify_socket_group: expected the name of a group, 1 to 63"},
    {"master_key_file = key\n",
	":1: master_key_file = key: expected an absolute path"},
    {"expected_keys = -1\n", ":1: expected_keys = -1: expected a number"},
    {"log_level\n", ":"},
    {"log_level = \"unended\n", ":"},
    {"log_level debug\n", ":1: "},
    {"}\n", ":1: "},
};

START_TEST(refuses)
{
	const struct refusal *refusal = &refusals[_i];
	struct settings settings, before;
	struct stderr_text capture;
	char expected[200];
	const char *said;
	bool ok;

	write_file(refusal->text);
	memset(&before, 0, sizeof before);
	settings_default(&before);
	settings = before;
	stderr_begin(&capture);
	ok = settings_read(&settings, path, true);
	said = stderr_end(&capture);
	snprintf(expected, sizeof expected, "apikeyd: error: %s%s", path,
	    refusal->says);
	ck_assert_msg(!ok, "taken: %s", refusal->text);
	ck_assert_msg(
	    strncmp(said, expected, strlen(expected)) == 0, "said: %s", said);
	ck_assert_msg(
	    strchr(said, '\n') == said + strlen(said) - 1, "said: %s", said);
	ck_assert_str_eq(
	    settings.verify_socket_group, before.verify_socket_group);
	ck_assert_uint_eq(settings.expected_keys, before.expected_keys);
	ck_assert_uint_eq(
	    settings.limits.connections, before.limits.connections);
	remove_file();
}
END_TEST

START_TEST(no_file)
{
	struct stderr_text capture;
	struct settings settings;
	const char *said;

	settings_default(&settings);
	ck_assert(settings_read(&settings, "/nonexistent/apikeyd", false));
	stderr_begin(&capture);
	ck_assert(!settings_read(&settings, "/nonexistent/apikeyd", true));
	ck_assert(!settings_read(&settings, "/tmp", true));
	said = stderr_end(&capture);
	ck_assert_ptr_nonnull(strstr(said, "/nonexistent/apikeyd: cannot"));
	ck_assert_ptr_nonnull(strstr(said, "/tmp: is a directory"));
}
END_TEST

/* The shipped file, into path; with "#" taken from before its settings. */
static void
copy_shipped(bool uncommented)
{
	const char *top = getenv("top_srcdir");
	char name[PATH_MAX], line[256], text[16384] = "";
	FILE *shipped;

	ck_assert_ptr_nonnull(top);
	snprintf(name, sizeof name, "%s/systemd/apikeyd.conf", top);
	shipped = fopen(name, "re");
	ck_assert_ptr_nonnull(shipped);
	while (fgets(line, sizeof line, shipped) != NULL) {
		bool setting =
		    line[0] == '#' && line[1] >= 'a' && line[1] <= 'z';

		ck_assert(line[0] == '#' || line[0] == '\n');
		ck_assert_uint_lt(strlen(text) + strlen(line), sizeof text);
		strcat(text, setting && uncommented ? line + 1 : line);
	}
	fclose(shipped);
	write_file(text);
}

static void
expect_defaults(const struct settings *got)
{
	struct settings wanted;

	memset(&wanted, 0, sizeof wanted);
	settings_default(&wanted);
	/* A setting of which systemd/apikeyd.conf says nothing, or something
	 * else than what it is by default? */
	ck_assert_mem_eq(got, &wanted, sizeof wanted);
}

START_TEST(shipped_file)
{
	struct settings settings;

	memset(&settings, 0, sizeof settings);
	settings_default(&settings);
	copy_shipped(false);
	ck_assert(settings_read(&settings, path, true));
	expect_defaults(&settings);
	remove_file();
}
END_TEST

/* Over nothing, so that what it leaves out is missed. */
START_TEST(shipped_file_has_every_setting)
{
	struct settings settings;

	memset(&settings, 0, sizeof settings);
	strcpy(settings.master_key_file, "its default is empty");
	copy_shipped(true);
	ck_assert(settings_read(&settings, path, true));
	memset(settings.master_key_file + 1, 0,
	    sizeof settings.master_key_file - 1);
	expect_defaults(&settings);
	remove_file();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("settings");
	TCase *tcase = tcase_create("refusals");

	unsetenv("JOURNAL_STREAM");
	suite_add(suite, "everything", everything);
	suite_add(suite, "defaults", defaults);
	suite_add(suite, "no file", no_file);
	tcase_add_loop_test(
	    tcase, refuses, 0, sizeof refusals / sizeof refusals[0]);
	suite_add_tcase(suite, tcase);
	suite_add(suite, "shipped_file", shipped_file);
	suite_add(suite, "shipped_file_has_every_setting",
	    shipped_file_has_every_setting);
	return suite_run(suite);
}
