/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints the settings' defaults as a configuration file would say them. */
#include <stdio.h>

#include "daemon/settings.h"

static const char *
level_name(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return "error";
	case LOG_LEVEL_WARNING:
		return "warning";
	case LOG_LEVEL_NOTICE:
		return "notice";
	case LOG_LEVEL_INFO:
		return "info";
	case LOG_LEVEL_DEBUG:
		return "debug";
	}
	return "none";
}

int
main(void)
{
	struct settings s;

	settings_default(&s);
	printf("verify_socket_group = \"%s\"\n", s.verify_socket_group);
	printf("master_key_file = \"%s\"\n", s.master_key_file);
	printf("log_level = \"%s\"\n", level_name(s.log_level));
	printf("log_verifications = \"%s\"\n",
	    verify_log_mode_text(s.log_verifications));
	printf("max_connections = %u\n", s.limits.connections);
	printf("max_connections_per_uid = %u\n", s.limits.connections_per_uid);
	printf(
	    "request_timeout = \"%us\"\n", s.limits.request_timeout_ms / 1000);
	printf("signature_window = \"%us\"\n", s.signature_window);
	printf("expected_keys = %u\n", s.expected_keys);
	printf("usage_retention = \"%ud\"\n", s.usage_retention);
	printf(
	    "usage_flush_interval = \"%us\"\n", s.usage_flush_interval / 1000);
	printf("usage_journal_size = %u\n", s.usage_journal_size);
	return 0;
}
