/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The administrative interface io.apikeyd.Admin: who may call what, and the
 * methods. Each method is a row of one table, with the least role it takes.
 */
#ifndef DAEMON_ADMIN_H
#define DAEMON_ADMIN_H

#include <stdbool.h>
#include <sys/types.h>

#include "change.h"
#include "index.h"
#include "operator.h"
#include "refusals.h"
#include "secret.h"
#include "server.h"
#include "store.h"
#include "usage.h"
#include "varlink.h"
#include "verify.h"
#include "worker.h"

/* How calls were answered, as metrics tell it: with a result, with one of
 * these errors, or with another one. */
#define ADMIN_ANSWER_LIST(X) \
	X(NotFound)          \
	X(NotPermitted)      \
	X(PinRequired)       \
	X(PinWrong)          \
	X(PinLocked)         \
	X(Conflict)          \
	X(InvalidArgument)   \
	X(StoreFailed)

enum admin_answer {
	ADMIN_ANSWER_OK,
#define ADMIN_ANSWER_NUMBER(name) ADMIN_ANSWER_##name,
	ADMIN_ANSWER_LIST(ADMIN_ANSWER_NUMBER)
#undef ADMIN_ANSWER_NUMBER
	    ADMIN_ANSWER_OTHER,
	ADMIN_ANSWER_COUNT,
};

struct admin {
	struct index *index;
	struct changes *changes;
	struct store *store;
	const struct keyring *ring;
	struct usage *usage;
	const struct verifier *verifier;
	const struct server *server;
	const char *state_directory;
	uid_t own_uid;
	char own_login[LOGIN_MAX_LEN + 1];
	int64_t started_at; /* monotonic ms */
	/* For verifications per second: as of the last GetStatus. */
	int64_t sampled_at;
	uint64_t sampled;
	struct worker *worker;
	struct pin_turn *pin_turns; /* calls that have shown a PIN */
	bool pins_going_on;
	struct import *import; /* that is under way; NULL: none */
	uint64_t answers[ADMIN_ANSWER_COUNT]; /* since the start */
	struct refusals refusals;
	/* Lines of audit.log for refusals, and the calls that read it. */
	uint64_t lines_submitted, lines_done;
	struct audit_reading *readings;
	struct backup_call *backup; /* being made; NULL */
	struct worker *reader;
	bool stopping;
};

/* The service whose context is admin; description is the interface file. */
struct varlink_service
admin_service(struct admin *admin, const char *description);

/* After store_collect(). */
void admin_collected(struct admin *admin);
/* To be called every few seconds. */
void admin_tick(struct admin *admin);
/* The end begins: calls that would go on for ever are answered. */
void admin_stop(struct admin *admin);

/* As of now. Never kept: an operator may lose it between two calls, and while a
 * call waits. */
enum role admin_role(const struct admin *admin, uid_t uid);

#endif
