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
 */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

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

#endif
