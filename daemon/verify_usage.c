/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * USAGE: the holder of a token asks what its key was used for. The token is
 * judged at once, as a verification would, and the report comes later; the
 * connection waits for it, so there is one question a connection at most. It
 * may be gone by then.
 */
#include <stdlib.h>
#include <string.h>

#include "decide.h"
#include "instant.h"
#include "usage_tell.h"
#include "verify_plane.h"

/* Of all connections; the rest of what can be asked at once is for operators.
 */
enum { QUESTIONS_MAX = 48 };

struct usage_question {
	struct verifier *verifier;
	struct verify_session *session; /* NULL: gone */
	uint32_t frame_id;
	char key_id[KEY_ID_SIZE];
};

/* Limits are left out: nothing is spent, so nothing can be over them. */
static struct key *
judge(const struct verify_session *session, const struct verify_request *asked,
    struct usage_reply *reply)
{
	const struct verifier *verifier = session->verifier;
	struct key_details details;
	enum reason reason;
	int64_t now = session->now;
	bool by_previous;
	struct key *key;

	key = verify_credential(
	    verifier, asked->credential, now, &by_previous, &reason);
	reply->reason = (uint8_t)reason;
	if (reason != REASON_NONE) {
		reply->verdict = VERDICT_MALFORMED;
		return NULL;
	}
	if (key == NULL) {
		reply->verdict = VERDICT_UNKNOWN;
		return NULL;
	}
	details = key_details(key);
	reply->verdict =
	    (uint8_t)verify_decide(key, &details, asked, session->uid, now);
	return key;
}

static void
question_end(struct usage_question *question)
{
	question->verifier->questions--;
	if (question->session != NULL)
		question->session->question = NULL;
	free(question);
}

static void
send_reply(const struct usage_question *question, const struct usage_reply *in)
{
	uint8_t data[FRAME_MAX];
	struct writer w = writer_over(data, sizeof data);
	size_t begin =
	    frame_begin(&w, FRAME_USAGE | FRAME_REPLY, question->frame_id);

	usage_reply_write(&w, in);
	frame_end(&w, begin);
	/* What would not fit is left out of the lists before. */
	if (w.failed)
		conn_finish(question->session->conn);
	else
		conn_send(question->session->conn, data, w.len);
}

static void
on_report(void *context, const struct usage_report *report)
{
	struct usage_question *question = context;
	struct verify_session *session = question->session;
	struct usage_lists lists;
	struct usage_reply reply = {
	    .verdict = VERDICT_VALID,
	    .told = USAGE_BUSY,
	    .id = bytes_of(question->key_id),
	};

	if (session != NULL) {
		if (report != NULL)
			usage_tell(&reply, report, &lists);
		send_reply(question, &reply);
	}
	question_end(question);
	if (session != NULL)
		conn_resume(session->conn);
}

static bool
ask(struct verify_session *session, const struct key *key, enum window window,
    uint32_t frame_id)
{
	struct verifier *verifier = session->verifier;
	struct usage_query query = {
	    .subject = USAGE_OF_KEY,
	    .window = usage_window_of(window),
	    .now = session->now,
	};
	struct usage_question *question;

	if (verifier->usage == NULL || verifier->questions >= QUESTIONS_MAX)
		return false;
	question = calloc(1, sizeof *question);
	if (question == NULL)
		return false;
	question->verifier = verifier;
	question->session = session;
	question->frame_id = frame_id;
	key_id_text(key, question->key_id);
	session->question = question;
	verifier->questions++;
	memcpy(query.name, key->id, TOKEN_ID_LEN);
	if (usage_ask(verifier->usage, &query, on_report, question))
		return true;
	question_end(question);
	return false;
}

enum operation_end
verify_do_usage(struct verify_session *session, const struct frame *frame,
    struct writer *out)
{
	struct usage_reply reply = {.told = USAGE_UNTOLD};
	struct usage_request asked;
	char key_id[KEY_ID_SIZE];
	const struct key *key;

	if (!usage_request_read(frame->body, &asked))
		return OPERATION_BODY;
	key = judge(session, &asked.request, &reply);
	if (reply.verdict == VERDICT_VALID) {
		if (ask(session, key, (enum window)asked.window, frame->id))
			return OPERATION_LATER;
		reply.told = USAGE_BUSY;
	}
	if (key != NULL)
		reply.id = (struct bytes){
		    (const uint8_t *)key_id, key_id_text(key, key_id)};
	usage_reply_write(out, &reply);
	return OPERATION_DONE;
}

void
usage_question_forget(struct usage_question *question)
{
	if (question != NULL)
		question->session = NULL;
}
