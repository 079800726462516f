/* SPDX-License-Identifier: BSD-2-Clause */
#include "verify_log.h"

#include <stdio.h>
#include <string.h>

/* A secret is longer: who puts a token where a service belongs is not to find
 * it in the log. */
enum { SERVICE_SHOWN_MAX = 32 };

static const char *const modes[] = {
    [VERIFY_LOG_OFF] = "off",
    [VERIFY_LOG_SAMPLED] = "sampled",
    [VERIFY_LOG_ALL] = "all",
};

const char *
verify_log_mode_text(enum verify_log_mode mode)
{
	return modes[mode];
}

bool
verify_log_mode_parse(const char *text, enum verify_log_mode *mode)
{
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		if (strcmp(modes[i], text) == 0) {
			*mode = (enum verify_log_mode)i;
			return true;
		}
	}
	return false;
}

static bool
is_of_a_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

/* Empty where it is none to be told. */
static void
service_text(struct bytes service, char out[SERVICE_SHOWN_MAX + 1])
{
	size_t len = service.len <= SERVICE_SHOWN_MAX ? service.len : 0;

	for (size_t i = 0; i < len; i++) {
		out[i] = (char)service.data[i];
		if (!is_of_a_name(out[i]))
			len = 0;
	}
	out[len] = '\0';
}

static void
tell(enum verdict verdict, const char *id, struct bytes service, uid_t uid,
    unsigned long long count)
{
	char service_name[SERVICE_SHOWN_MAX + 1], caller[16], more[64] = "";
	struct log_field fields[4] = {
	    {"VERDICT", verdict_text(verdict)}, {"CALLER_UID", caller}};
	size_t n = 2;

	service_text(service, service_name);
	snprintf(caller, sizeof caller, "%lu", (unsigned long)uid);
	if (count > 1)
		snprintf(more, sizeof more, ", the last of %llu", count);
	if (id[0] != '\0')
		fields[n++] = (struct log_field){"KEY_ID", id};
	if (service_name[0] != '\0')
		fields[n++] = (struct log_field){"SERVICE", service_name};
	log_event(LOG_LEVEL_NOTICE, fields, n,
	    "verification: %s, key %s, service %s, uid %s%s",
	    verdict_text(verdict), id[0] != '\0' ? id : "-",
	    service_name[0] != '\0' ? service_name : "-", caller, more);
}

void
verify_log_note(struct verify_log *log, enum verdict verdict, const char *id,
    struct bytes service, uid_t uid)
{
	unsigned long long count = 1;

	if (log->mode == VERIFY_LOG_SAMPLED &&
	    !log_throttle(&log->throttles[verdict], &count))
		return;
	tell(verdict, id, service, uid, count);
}
