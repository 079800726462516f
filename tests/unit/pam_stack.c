/* SPDX-License-Identifier: BSD-2-Clause */
#include "pam_stack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char pam_token[] =
    "dk_7Hq2mZx0pLs9_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf1RCbBj";

static bool
is_malformed(const struct script *script)
{
	struct bytes sent = script->seen.verify.credential;

	return script->malformed != NULL &&
	    sent.len == strlen(script->malformed) &&
	    memcmp(sent.data, script->malformed, sent.len) == 0;
}

static void
answer(struct script *script, struct writer *w)
{
	const struct frame *frame = &script->seen.frame;
	size_t begin = w->len;

	if (frame->type == FRAME_LOOKUP) {
		fake_lookup(w, frame->id, true, script->active);
		return;
	}
	fake_verdict(w, frame->id,
	    is_malformed(script) ? VERDICT_MALFORMED : script->verdict);
	/* expires_at stands behind the four numbers of the reply. */
	if (script->expires_at != 0) {
		struct writer at =
		    writer_over(w->start + begin + FRAME_HEADER_LEN + 4, 8);

		write_time(&at, script->expires_at);
	}
}

static void
serve_script(struct fake_daemon *daemon, int fd, int nth)
{
	struct script *script = daemon->context;

	(void)nth;
	while (fake_read(daemon, fd, &script->seen)) {
		uint8_t data[FRAME_MAX];
		struct writer w = writer_over(data, sizeof data);

		if (script->lie != NULL)
			write_bytes(&w, script->lie, strlen(script->lie));
		else
			answer(script, &w);
		if (!fake_write(daemon, fd, data, w.len))
			return;
	}
}

int
stack_converse(int count, const struct pam_message **messages,
    struct pam_response **responses, void *context)
{
	struct answers *answers = context;
	struct pam_response *out = calloc((size_t)count, sizeof *out);

	if (out == NULL)
		return PAM_BUF_ERR;
	for (int i = 0; i < count; i++) {
		if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF) {
			const char *text = answers->texts[answers->prompts];

			snprintf(answers->last, sizeof answers->last, "%s",
			    messages[i]->msg);
			answers->prompts++;
			out[i].resp = strdup(text != NULL ? text : "");
		} else
			answers->others++;
	}
	*responses = out;
	return PAM_SUCCESS;
}

/* Writes the service "probe", whose account line asks at account. */
static void
write_service(struct stack *stack, const char *first, const char *second,
    const char *account)
{
	const char *module = getenv("PAM_MODULE");
	const char *lines[] = {first, second};
	FILE *file = fopen(stack->service_path, "w");

	ck_assert_ptr_nonnull(file);
	for (int i = 0; i < 2; i++)
		if (lines[i] != NULL)
			fprintf(file,
			    "auth [success=ok ignore=ignore default=%s] "
			    "%s socket=%s timeout=2000 %s\n",
			    lines[1] != NULL && i == 0 ? "ignore" : "die",
			    module, stack->daemon.path, lines[i]);
	fprintf(file,
	    "auth required pam_permit.so\n"
	    "account [success=ok ignore=ignore default=die] "
	    "%s socket=%s timeout=2000 %s\n"
	    "account required pam_permit.so\n",
	    module, account, second != NULL ? second : first);
	fclose(file);
}

void
stack_open(struct stack *stack, const char *first, const char *second)
{
	memset(stack, 0, sizeof *stack);
	stack->script.verdict = VERDICT_VALID;
	stack->script.active = true;
	stack->answers.texts[0] = pam_token;
	stack->daemon.serve = serve_script;
	stack->daemon.context = &stack->script;
	fake_start(&stack->daemon);
	snprintf(stack->service_path, sizeof stack->service_path, "%s/probe",
	    stack->daemon.directory);
	write_service(stack, first, second, stack->daemon.path);
}

void
stack_account_elsewhere(struct stack *stack, const struct stack *other)
{
	write_service(stack, "", NULL, other->daemon.path);
}
void
stack_start(struct stack *stack)
{
	struct pam_conv conversation = {stack_converse, &stack->answers};

	ck_assert_int_eq(pam_start_confdir("probe", "alice", &conversation,
			     stack->daemon.directory, &stack->pamh),
	    PAM_SUCCESS);
}

void
stack_close(struct stack *stack)
{
	if (stack->pamh != NULL)
		pam_end(stack->pamh, PAM_SUCCESS);
	unlink(stack->service_path);
	fake_stop(&stack->daemon);
}

bool
has_identity(const struct stack *stack)
{
	return pam_getenv(stack->pamh, "APIKEY_ID") != NULL;
}
