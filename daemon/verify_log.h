/* SPDX-License-Identifier: BSD-2-Clause */
/* A line for verifications: off, a few of them, or each. */
#ifndef DAEMON_VERIFY_LOG_H
#define DAEMON_VERIFY_LOG_H

#include <stdbool.h>
#include <sys/types.h>

#include "log.h"
#include "proto/message.h"
#include "proto/text.h"
#include "proto/verdict.h"

enum verify_log_mode {
	VERIFY_LOG_OFF,
	VERIFY_LOG_SAMPLED, /* of each verdict at most one a second, which says
			       how many there were */
	VERIFY_LOG_ALL,     /* but of those who guess, see below */
};

const char *verify_log_mode_text(enum verify_log_mode mode);
bool verify_log_mode_parse(const char *text, enum verify_log_mode *mode);

/* At once; those for whom there is no place share one. */
enum { VERIFY_LOG_SOURCES = 64 };

/* Where secrets are guessed, or what is none is sent. */
struct verify_log_source {
	enum verdict verdict;
	uid_t uid;              /* who asks */
	struct address address; /* whom for, as the asker says */
	struct log_throttle throttle;
};

/* Zeroed at first. */
struct verify_log {
	enum verify_log_mode mode;
	struct log_throttle throttles[VERDICT_COUNT];
	struct verify_log_source sources[VERIFY_LOG_SOURCES], others;
};

/* What is below, where it is not off. */
void verify_log_note(struct verify_log *log, enum verdict verdict,
    const char *id, const struct verify_request *request, uid_t uid);

/*
 * id is the proven key's, empty without one. Anybody can cause a verdict
 * without one as often as he likes: in either mode that is at most a line a
 * second of each source, which says how many there were, and of a fixed number
 * of sources.
 *
 * Of what the request brought, the address is told of such a source, and the
 * service, but only where it is a label such as programs have: anything else
 * could be a secret, or made to deceive who reads it.
 *
 * Off as a rule, and then a verification pays for no more than that look.
 */
static inline void
verify_log(struct verify_log *log, enum verdict verdict, const char *id,
    const struct verify_request *request, uid_t uid)
{
	if (log->mode != VERIFY_LOG_OFF)
		verify_log_note(log, verdict, id, request, uid);
}

#endif
