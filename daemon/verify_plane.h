/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the verify plane share. */
#ifndef DAEMON_VERIFY_PLANE_H
#define DAEMON_VERIFY_PLANE_H

#include "proto/frame.h"
#include "verify.h"

struct usage_question;

/* A connection. */
struct verify_session {
	struct verifier *verifier;
	struct conn *conn;
	uid_t uid;
	int64_t now;                     /* Unix ms, of the requests at hand */
	struct usage_question *question; /* its request USAGE under way */
	bool waits;          /* for the counting, among the verifier's */
	bool has_waited;     /* long enough: not this time */
	int64_t waits_since; /* monotonic ms */
	TAILQ_ENTRY(verify_session) link;
};

enum operation_end {
	OPERATION_DONE,  /* the reply's body is written */
	OPERATION_LATER, /* nothing is; conn_send() and conn_resume() follow */
	OPERATION_BODY,  /* the request's body is not one */
};

/* Takes the request of a frame and writes its reply's body. */
typedef enum operation_end operation_fn(struct verify_session *session,
    const struct frame *frame, struct writer *out);

operation_fn verify_do_usage;
/* The connection is gone: nobody is left to hear the answer. */
void usage_question_forget(struct usage_question *question);

/* Whether what was read, so many bytes, is to wait: then PLANE_WAIT. */
bool verify_waits(struct verify_session *session, size_t bytes);
/* It waits no more. */
void verify_forget(struct verify_session *session);

#endif
