/* SPDX-License-Identifier: BSD-2-Clause */
/* What a piece of code writes to stderr, for tests of log lines. */
#ifndef TESTS_UNIT_STDERR_TEXT_H
#define TESTS_UNIT_STDERR_TEXT_H

#include <check.h>
#include <stdio.h>
#include <unistd.h>

struct stderr_text {
	FILE *file;
	int saved;
	char text[4096];
};

static inline void
stderr_begin(struct stderr_text *capture)
{
	fflush(stderr);
	capture->file = tmpfile();
	ck_assert_ptr_nonnull(capture->file);
	capture->saved = dup(STDERR_FILENO);
	dup2(fileno(capture->file), STDERR_FILENO);
}

static inline const char *
stderr_end(struct stderr_text *capture)
{
	size_t len;

	dup2(capture->saved, STDERR_FILENO);
	close(capture->saved);
	rewind(capture->file);
	len = fread(capture->text, 1, sizeof capture->text - 1, capture->file);
	capture->text[len] = '\0';
	fclose(capture->file);
	return capture->text;
}

#endif
