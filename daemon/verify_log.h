/* SPDX-License-Identifier: BSD-2-Clause */
/* A line for verifications: off, a few of them, or each. */
#ifndef DAEMON_VERIFY_LOG_H
#define DAEMON_VERIFY_LOG_H

#include <stdbool.h>
#include <sys/types.h>

#include "log.h"
#include "proto/cursor.h"
#include "proto/verdict.h"

enum verify_log_mode {
	VERIFY_LOG_OFF,
	VERIFY_LOG_SAMPLED, /* of each verdict at most one a second, which says
			       how many there were */
	VERIFY_LOG_ALL,
};

const char *verify_log_mode_text(enum verify_log_mode mode);
bool verify_log_mode_parse(const char *text, enum verify_log_mode *mode);

struct verify_log {
	enum verify_log_mode mode;
	struct log_throttle throttles[VERDICT_COUNT];
};

/* What is below, where it is not off. */
void verify_log_note(struct verify_log *log, enum verdict verdict,
    const char *id, struct bytes service, uid_t uid);

/*
 * id is the proven key's, empty without one. Of what the request brought, the
 * service alone is told, and only where it is a label such as programs have:
 * anything else could be a secret, or made to deceive who reads it. Off as a
 * rule, and then a verification pays for no more than that look.
 */
static inline void
verify_log(struct verify_log *log, enum verdict verdict, const char *id,
    struct bytes service, uid_t uid)
{
	if (log->mode != VERIFY_LOG_OFF)
		verify_log_note(log, verdict, id, service, uid);
}

#endif
