/* SPDX-License-Identifier: BSD-2-Clause */
#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1024 }; /* its newline included */

static const char cut_mark[] = "…";

/* Threads other than the loop's log, too. */
static atomic_int max_level = LOG_LEVEL_NOTICE;

void
log_set_level(enum log_level level)
{
	atomic_store(&max_level, (int)level);
}

/*
 * JOURNAL_STREAM is inherited by children whose stderr was redirected, so it
 * has to name the very stream. Asked at each line: lines are rare, and this
 * way nothing is to be set up or shared.
 */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	char mine[64];

	if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
		return false;
	snprintf(mine, sizeof mine, "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	return strcmp(stream, mine) == 0;
}

static const char *
level_word(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return "error: ";
	case LOG_LEVEL_WARNING:
		return "warning: ";
	case LOG_LEVEL_DEBUG:
		return "debug: ";
	case LOG_LEVEL_NOTICE:
	case LOG_LEVEL_INFO:
		break;
	}
	return "";
}

static bool
is_utf8_tail(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* The length after cutting at most max bytes of a line that is longer. */
static size_t
cut(char *line, size_t max)
{
	size_t len = max - (sizeof cut_mark - 1);

	while (len > 0 && is_utf8_tail(line[len]))
		len--;
	memcpy(line + len, cut_mark, sizeof cut_mark - 1);
	return len + sizeof cut_mark - 1;
}

__attribute__((format(printf, 2, 0))) static void
log_line(enum log_level level, const char *format, va_list args)
{
	char line[LINE_MAX_BYTES + 1]; /* vsnprintf's NUL */
	const size_t max = LINE_MAX_BYTES - 1;
	size_t len;
	int n;

	if ((int)level > atomic_load(&max_level))
		return;
	if (stderr_is_journal())
		n = snprintf(line, sizeof line, "<%d>", (int)level);
	else
		n = snprintf(
		    line, sizeof line, "apikeyd: %s", level_word(level));
	len = (size_t)n;
	n = vsnprintf(line + len, sizeof line - len, format, args);
	if (n < 0)
		return;
	len += (size_t)n;
	if (len > max)
		len = cut(line, max);
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	}
	line[len++] = '\n';
	/* Nobody could be told that logging failed. */
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}

#define LOG_FUNCTION(name, level)              \
	void name(const char *format, ...)     \
	{                                      \
		va_list args;                  \
                                               \
		va_start(args, format);        \
		log_line(level, format, args); \
		va_end(args);                  \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_notice, LOG_LEVEL_NOTICE)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
