/* SPDX-License-Identifier: BSD-2-Clause */
#include "counted_log.h"

#include <stdarg.h>
#include <stdio.h>

#include "daemon/log.h"

unsigned errors, notices;
char last_error[512];

void
log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(last_error, sizeof last_error, format, args);
	va_end(args);
	errors++;
}

void
log_warning(const char *format, ...)
{
	(void)format;
}

void
log_notice(const char *format, ...)
{
	(void)format;
	notices++;
}
