/* SPDX-License-Identifier: BSD-2-Clause */
/* The place of usage's thread and files: a question is answered when the world
 * settles, by a report that is always the same, or by none. */
#include "world.h"

enum { QUESTIONS_MAX = 4 };

static struct question {
	usage_answer_fn *answer;
	usage_checked_fn *checked;
	void *context;
} questions[QUESTIONS_MAX];
static size_t question_count;
static unsigned asked;

static bool
ask(struct question question)
{
	if (question_count == QUESTIONS_MAX)
		return false;
	questions[question_count++] = question;
	return true;
}

bool
usage_ask(struct usage *usage, const struct usage_query *query,
    usage_answer_fn *answer, void *context)
{
	(void)usage;
	fuzz_use(query, sizeof *query);
	return ask((struct question){.answer = answer, .context = context});
}

/* Each answered verification; NULL where the target keeps no usage. */
void
usage_note(struct usage *usage, const struct usage_event *event)
{
	if (usage == NULL)
		return;
	fuzz_use_bytes(event->endpoint);
	fuzz_use_bytes(event->service);
	fuzz_use(event->address, sizeof *event->address);
}

/* Counting keeps up: nobody waits for it. */
bool
usage_is_behind(struct usage *usage)
{
	(void)usage;
	return false;
}

struct usage *
world_usage(void)
{
	static char nothing;

	return (struct usage *)&nothing;
}

bool
usage_check(struct usage *usage, usage_checked_fn *checked, void *context)
{
	(void)usage;
	return ask((struct question){.checked = checked, .context = context});
}

void
usage_facts(struct usage *usage, struct usage_facts *facts)
{
	(void)usage;
	memset(facts, 0, sizeof *facts);
}

static struct usage_report
some_report(void)
{
	static struct usage_endpoint endpoints[] = {
	    {.calls = 2, .len = 5, .cut = true, .text = "GET /"},
	    {.calls = 1},
	};
	static struct usage_address addresses[] = {
	    {.calls = 3, .last_at = 1, .address = {{1}}}};
	static struct usage_step series[24];
	struct usage_report report = {
	    .to = 24,
	    .total = 3,
	    .endpoint_count = 2,
	    .endpoints = endpoints,
	    .address_count = 1,
	    .addresses = addresses,
	    .step_count = 24,
	    .series = series,
	};

	report.verdicts[VERDICT_VALID] = 3;
	series[5].calls = 3;
	return report;
}

bool
world_answer_usage(void)
{
	struct usage_report report = some_report();
	struct usage_findings findings = {.rows = 1};
	static char nothing[] = "", lines[] = "a\nb\n";
	struct question question;

	if (question_count == 0)
		return false;
	question = questions[--question_count];
	asked++;
	if (question.answer != NULL) {
		question.answer(
		    question.context, asked % 3 != 0 ? &report : NULL);
	} else {
		findings.text = asked % 2 != 0 ? nothing : lines;
		findings.problems = asked % 2 != 0 ? 0 : 2;
		question.checked(question.context, &findings);
	}
	return true;
}
