/* SPDX-License-Identifier: BSD-2-Clause */
/* key explain: every check of a verification, and which of them decides. */
#include <stdio.h>
#include <string.h>

#include "call.h"
#include "verify.h"

static char *
text_passed(json_t *value)
{
	return strdup(json_is_true(value) ? "ok" : "FAILS");
}

static const struct column check_columns[] = {
    {"CHECK", "check", text_plain, COLUMN_WHOLE, 0},
    {"OUTCOME", "passed", text_passed, COLUMN_WHOLE, 0},
    {"WHAT IT ASKS", "asks", text_plain, COLUMN_SHRINK, 0},
    {0},
};

static void
print_line(const char *label, const char *value)
{
	if (value == NULL)
		return;
	printf("%s", label);
	output_text(stdout, value);
	putchar('\n');
}

static void
print_explanation(const json_t *explanation)
{
	const char *reason =
	    json_string_value(json_object_get(explanation, "reason"));
	const char *verdict =
	    json_string_value(json_object_get(explanation, "verdict"));

	print_line("", verdict);
	print_line(
	    "Key ID: ", json_string_value(json_object_get(explanation, "id")));
	print_line("Reason: ", reason);
	print_line("Would fail next: ",
	    json_string_value(json_object_get(explanation, "next")));
	output_table(check_columns, json_object_get(explanation, "checks"));
}

/* Text in JSON is UTF-8 without NUL; what is not is no token either. */
static json_t *
token_json(const struct credential *credential)
{
	json_t *token = memchr(credential->text, 0, credential->len) == NULL
	    ? json_stringn(credential->text, credential->len)
	    : NULL;

	return token != NULL ? token : json_string("?");
}

static enum ctl_exit
run_explain(struct invocation *inv)
{
	struct credential credential;
	enum ctl_exit code = credential_read(&credential);
	const json_t *explanation;
	const char *verdict;
	json_t *answer;

	if (code != CTL_DONE)
		return code;
	json_object_set_new(inv->parameters, "token", token_json(&credential));
	explicit_bzero(&credential, sizeof credential);
	code = call_once(inv, "ExplainKey", inv->parameters, &answer);
	if (code != CTL_DONE)
		return code;
	explanation = json_object_get(answer, "explanation");
	verdict = json_string_value(json_object_get(explanation, "verdict"));
	if (inv->json)
		output_json(explanation);
	else
		print_explanation(explanation);
	code = verdict != NULL && strcmp(verdict, "valid") == 0 ? CTL_DONE
								: CTL_REFUSED;
	json_decref(answer);
	return code;
}

const struct command explain_commands[] = {
    {.noun = "key",
	.verb = "explain",
	.summary = "Say which checks the token on stdin passes, counting "
		   "nothing",
	.example = "apikeyctl key explain --permission write <crm.token",
	.exits = "0 it would be valid; 1 any other verdict",
	.options = verify_options,
	.takes_token = true,
	.run = run_explain},
    {0},
};
