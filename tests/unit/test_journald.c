/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries of the journal: as its protocol has them, whatever is in them. */
#include <string.h>

#include "daemon/journald.h"
#include "suite.h"

static char entry[JOURNALD_ENTRY_MAX];

static size_t
make(const char *text, const struct log_field *fields, size_t count)
{
	memset(entry, 0x5a, sizeof entry);
	return journald_entry(entry, 5, text, strlen(text), fields, count);
}

START_TEST(whole_entry)
{
	static const struct log_field fields[] = {
	    {"VERDICT", "valid"}, {"KEY_ID", "ak_0123456789ab"}};
	static const char wanted[] = "PRIORITY=5\n"
				     "SYSLOG_IDENTIFIER=apikeyd\n"
				     "MESSAGE=a line\n"
				     "VERDICT=valid\n"
				     "KEY_ID=ak_0123456789ab\n";

	ck_assert_uint_eq(make("a line", fields, 2), strlen(wanted));
	ck_assert_mem_eq(entry, wanted, strlen(wanted));
}
END_TEST

START_TEST(nothing_becomes_a_field)
{
	static const struct log_field fields[] = {
	    {"SERVICE", "a\nPRIORITY=0\r\x7f"}};
	static const char wanted[] = "PRIORITY=5\n"
				     "SYSLOG_IDENTIFIER=apikeyd\n"
				     "MESSAGE=one?_UID=0\n"
				     "SERVICE=a?PRIORITY=0??\n";

	ck_assert_uint_eq(make("one\n_UID=0", fields, 1), strlen(wanted));
	ck_assert_mem_eq(entry, wanted, strlen(wanted));
}
END_TEST

START_TEST(too_long)
{
	char text[JOURNALD_ENTRY_MAX + 1];
	size_t rest = strlen("PRIORITY=5\nSYSLOG_IDENTIFIER=apikeyd\n"
			     "MESSAGE=\n");

	memset(text, 'a', sizeof text);
	text[JOURNALD_ENTRY_MAX - rest] = '\0';
	ck_assert_uint_eq(make(text, NULL, 0), JOURNALD_ENTRY_MAX);
	text[JOURNALD_ENTRY_MAX - rest] = 'a';
	text[JOURNALD_ENTRY_MAX - rest + 1] = '\0';
	ck_assert_uint_eq(make(text, NULL, 0), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("journald");

	suite_add(suite, "whole_entry", whole_entry);
	suite_add(suite, "nothing_becomes_a_field", nothing_becomes_a_field);
	suite_add(suite, "too_long", too_long);
	return suite_run(suite);
}
