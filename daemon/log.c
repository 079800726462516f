/* SPDX-License-Identifier: BSD-2-Clause */
#include "log.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "instant.h"

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

/*
 * Without waiting: the loop's thread logs, and whoever reads our stderr may
 * have stopped. A pipe that polls writable takes PIPE_BUF bytes, more than a
 * line, and files are always writable. O_NONBLOCK would do, but it belongs to
 * the open file, which others may share.
 */
static bool
write_now(const char *line, size_t len)
{
	struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};

	return poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0 &&
	    write(STDERR_FILENO, line, len) >= 0;
}

static size_t
begin_line(char *line, size_t size, enum log_level level)
{
	int n;

	if (stderr_is_journal())
		n = snprintf(line, size, "<%d>", (int)level);
	else
		n = snprintf(line, size, "apikeyd: %s", level_word(level));
	return (size_t)n;
}

/* The lines that could not be written are counted, and the next says so. */
static void
put_line(const char *line, size_t len)
{
	/* Held from poll(2) to write(2), so that no other thread takes the
	 * room in between; as neither waits, nobody waits long for it. */
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static unsigned long long lost;
	char note[128];
	size_t n;

	pthread_mutex_lock(&lock);
	if (lost > 0) {
		n = begin_line(note, sizeof note, LOG_LEVEL_WARNING);
		n += (size_t)snprintf(note + n, sizeof note - n,
		    "%llu lines were lost: stderr took no more\n", lost);
		if (write_now(note, n))
			lost = 0;
	}
	/* Behind the note only: else it would be about later lines. */
	if (lost > 0 || !write_now(line, len))
		lost++;
	pthread_mutex_unlock(&lock);
}

__attribute__((format(printf, 4, 0))) static void
log_line(enum log_level level, const struct log_field *fields, size_t count,
    const char *format, va_list args)
{
	char line[LINE_MAX_BYTES + 1]; /* vsnprintf's NUL */
	const size_t max = LINE_MAX_BYTES - 1;
	size_t begin, len;
	int n;

	if ((int)level > atomic_load(&max_level))
		return;
	len = begin = begin_line(line, sizeof line, level);
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
	if (count > 0 && stderr_is_journal() &&
	    journald_send((int)level, line + begin, len - begin, fields, count))
		return;
	line[len++] = '\n';
	put_line(line, len);
}

#define LOG_FUNCTION(name, level)                       \
	void name(const char *format, ...)              \
	{                                               \
		va_list args;                           \
                                                        \
		va_start(args, format);                 \
		log_line(level, NULL, 0, format, args); \
		va_end(args);                           \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_notice, LOG_LEVEL_NOTICE)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)

void
log_event(enum log_level level, const struct log_field *fields, size_t count,
    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(level, fields, count, format, args);
	va_end(args);
}

bool
log_throttle_open(const struct log_throttle *throttle, int64_t now)
{
	enum { INTERVAL_MS = 1000 };

	return throttle->at == 0 || now - throttle->at >= INTERVAL_MS;
}

bool
log_throttle(struct log_throttle *throttle, unsigned long long *count)
{
	int64_t now = monotonic_ms();

	throttle->count++;
	if (!log_throttle_open(throttle, now))
		return false;
	*count = throttle->count;
	*throttle = (struct log_throttle){.at = now};
	return true;
}
