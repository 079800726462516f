/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "call.h"
#include "output.h"

static enum ctl_exit
run_metrics(struct invocation *inv)
{
	json_t *answer;
	enum ctl_exit code =
	    call_once(inv, "GetMetrics", inv->parameters, &answer);
	const char *text;

	if (code != CTL_DONE)
		return code;
	text = json_string_value(json_object_get(answer, "text"));
	if (text == NULL) {
		fputs("apikeyctl: there is no text in the daemon's answer\n",
		    stderr);
		code = CTL_NO_DAEMON;
	} else if (inv->json) {
		output_json(answer);
	} else {
		fputs(text, stdout);
	}
	json_decref(answer);
	return code;
}

const struct command metrics_commands[] = {
    {.noun = "metrics",
	.summary = "Print what is counted, in Prometheus' text format",
	.example = "apikeyctl metrics",
	.run = run_metrics},
    {0},
};
