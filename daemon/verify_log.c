/* SPDX-License-Identifier: BSD-2-Clause */
#include "verify_log.h"

#include <stdio.h>
#include <string.h>

#include "instant.h"

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

/* address is NULL where it is not told. */
static void
tell(enum verdict verdict, const char *id, struct bytes service, uid_t uid,
    const struct address *address, unsigned long long count)
{
	char service_name[SERVICE_SHOWN_MAX + 1], caller[16], more[64] = "";
	char from[ADDRESS_TEXT_MAX] = "";
	struct log_field fields[5] = {
	    {"VERDICT", verdict_text(verdict)}, {"CALLER_UID", caller}};
	size_t n = 2;

	service_text(service, service_name);
	if (address != NULL)
		address_text(address, from);
	snprintf(caller, sizeof caller, "%lu", (unsigned long)uid);
	if (count > 1)
		snprintf(more, sizeof more, ", the last of %llu", count);
	if (id[0] != '\0')
		fields[n++] = (struct log_field){"KEY_ID", id};
	if (service_name[0] != '\0')
		fields[n++] = (struct log_field){"SERVICE", service_name};
	if (from[0] != '\0')
		fields[n++] = (struct log_field){"CLIENT_ADDRESS", from};
	log_event(LOG_LEVEL_NOTICE, fields, n,
	    "verification: %s, key %s, service %s, uid %s%s%s%s",
	    verdict_text(verdict), id[0] != '\0' ? id : "-",
	    service_name[0] != '\0' ? service_name : "-", caller,
	    from[0] != '\0' ? ", from " : "", from, more);
}

/* The source's own, or that of one which has been silent, or the others'. */
static struct verify_log_source *
source_of(struct verify_log *log, enum verdict verdict, uid_t uid,
    const struct address *address)
{
	struct verify_log_source *free = NULL;
	int64_t now = monotonic_ms();

	for (size_t i = 0; i < VERIFY_LOG_SOURCES; i++) {
		struct verify_log_source *source = &log->sources[i];

		if (source->verdict == verdict && source->uid == uid &&
		    memcmp(&source->address, address, sizeof *address) == 0)
			return source;
		if (free == NULL && log_throttle_open(&source->throttle, now))
			free = source;
	}
	if (free == NULL)
		return &log->others;
	/* What was not told of the silent one is told with the others. */
	log->others.throttle.count += free->throttle.count;
	*free = (struct verify_log_source){
	    .verdict = verdict, .uid = uid, .address = *address};
	return free;
}

static void
tell_guess(struct verify_log *log, enum verdict verdict,
    const struct verify_request *request, uid_t uid)
{
	struct verify_log_source *source;
	struct address address = {{0}};
	unsigned long long count;
	bool known = address_from_bytes(
	    request->address.data, request->address.len, &address);

	source = source_of(log, verdict, uid, &address);
	if (log_throttle(&source->throttle, &count))
		tell(verdict, "", request->service, uid,
		    known ? &address : NULL, count);
}

void
verify_log_note(struct verify_log *log, enum verdict verdict, const char *id,
    const struct verify_request *request, uid_t uid)
{
	unsigned long long count = 1;

	if (id[0] == '\0')
		tell_guess(log, verdict, request, uid);
	else if (log->mode == VERIFY_LOG_ALL ||
	    log_throttle(&log->throttles[verdict], &count))
		tell(verdict, id, request->service, uid, NULL, count);
}
