/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions, and what else comes back from the thread to the loop. */
#include <stdlib.h>
#include <string.h>

#include "usage_impl.h"

enum { QUESTIONS_MAX = 64 }; /* under way */

void
questions_init(struct questions *questions)
{
	questions->first = NULL;
	questions->last = &questions->first;
}

static void
questions_add(struct questions *questions, struct question *question)
{
	question->next = NULL;
	*questions->last = question;
	questions->last = &question->next;
}

/* The first one; with no_check set, the first that is no check. */
static struct question *
questions_take(struct questions *questions, bool no_check)
{
	struct question **at = &questions->first, *question;

	while (*at != NULL && no_check && (*at)->is_check)
		at = &(*at)->next;
	question = *at;
	if (question == NULL)
		return NULL;
	*at = question->next;
	if (*at == NULL)
		questions->last = at;
	return question;
}

static bool
ask(struct usage *usage, struct question *question)
{
	if (usage->asked >= QUESTIONS_MAX) {
		free(question);
		return false;
	}
	usage->asked++;
	pthread_mutex_lock(&usage->lock);
	questions_add(&usage->waiting, question);
	pthread_cond_signal(&usage->wanted);
	pthread_mutex_unlock(&usage->lock);
	return true;
}

bool
usage_ask(struct usage *usage, const struct usage_query *query,
    usage_answer_fn *answer, void *context)
{
	struct question *question = calloc(1, sizeof *question);

	if (question == NULL)
		return false;
	question->query = *query;
	question->name = query->subject == USAGE_OF_KEY
	    ? usage_name_of_key(query->name)
	    : usage_name_of_subject(query->subject, slug_id(query->name));
	question->answer = answer;
	question->context = context;
	return ask(usage, question);
}

bool
usage_check(struct usage *usage, usage_checked_fn *checked, void *context)
{
	struct question *question = calloc(1, sizeof *question);

	if (question == NULL)
		return false;
	question->is_check = true;
	question->checked = checked;
	question->context = context;
	return ask(usage, question);
}

/* On the thread */

void
usage_finish_question(struct usage *usage, struct question *question)
{
	pthread_mutex_lock(&usage->lock);
	questions_add(&usage->finished, question);
	pthread_mutex_unlock(&usage->lock);
	usage->ready(usage->ready_context);
}

struct question *
usage_next_question(struct usage *usage, bool no_check)
{
	struct question *question;

	pthread_mutex_lock(&usage->lock);
	question = questions_take(&usage->waiting, no_check);
	pthread_mutex_unlock(&usage->lock);
	return question;
}

/* On the loop again */

static void
question_free(struct question *question)
{
	usage_report_free(question->report);
	free(question->findings.text);
	free(question);
}

static void
answer(struct question *question)
{
	if (question->is_check)
		question->checked(question->context, &question->findings);
	else
		question->answer(question->context, question->report);
	question_free(question);
}

/* What was noted and is in no file is gone with a lost journal. */
static void
adopt_journal(struct usage *usage)
{
	uint64_t noted = atomic_load(&usage->noted);
	uint64_t filed = atomic_load(&usage->filed);
	uint64_t from = filed > usage->given_up ? filed : usage->given_up;

	if (!journal_adopt(&usage->journal))
		return;
	usage->given_up = noted;
	atomic_fetch_add(&usage->dropped, noted - from);
	log_error("usage goes on in another usage.journal; up to %llu "
		  "verifications are not counted",
	    (unsigned long long)(noted - from));
}

void
usage_collect(struct usage *usage)
{
	struct question *question;

	adopt_journal(usage);
	do {
		pthread_mutex_lock(&usage->lock);
		question = questions_take(&usage->finished, false);
		pthread_mutex_unlock(&usage->lock);
		if (question != NULL) {
			usage->asked--;
			answer(question);
		}
	} while (question != NULL);
}

void
usage_forget_questions(struct usage *usage)
{
	struct question *question;

	while ((question = questions_take(&usage->waiting, false)) != NULL)
		answer(question);
}
