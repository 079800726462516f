/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One line to stderr a call. Where stderr is the journal (JOURNAL_STREAM names
 * it, see systemd.exec(5)) each line begins with its priority, "<4>"; else
 * with "apikeyd: ".
 *
 * Callers pass what they made or checked themselves: key IDs, uids, error
 * codes, paths of the configuration. Bytes from a socket never go into a log
 * line, and neither does anything secret. Control characters that get here
 * all the same (from a path, say) are written as '?'.
 *
 * Logging never waits: a line that stderr does not take at once is lost, and
 * the next one that gets through is preceded by how many were.
 */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journald.h"

enum log_level { /* the numbers of syslog(3) */
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* Lines above this level are dropped. Start: LOG_LEVEL_NOTICE. */
void log_set_level(enum log_level level);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line with fields that the journal keeps beside its text, where that is
 * where lines go; elsewhere the text alone. */
void
log_event(enum log_level level, const struct log_field *fields, size_t count,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* For lines a stranger can cause as often as he likes. Zeroed at first; one
 * thread's. */
struct log_throttle {
	int64_t at;               /* monotonic_ms() of the last line */
	unsigned long long count; /* of events since then */
};
/*
 * Counts an event. True at most once a second: write a line then, which says
 * *count, the events since the last such line with this one.
 */
bool log_throttle(struct log_throttle *throttle, unsigned long long *count);
/* Whether an event now, monotonic_ms(), gets a line. */
bool log_throttle_open(const struct log_throttle *throttle, int64_t now);

#endif
