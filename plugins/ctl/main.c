/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <jansson.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "call.h"
#include "complete.h"
#include "options.h"
#include "output.h"
#include "proto/descriptors.h"

/*
 * jansson frees the texts it has read as they are, and one of them may be a
 * token. So its memory is wiped: each block has its size before it.
 */
union block {
	size_t size;
	max_align_t align;
};

static void *
wiping_malloc(size_t size)
{
	union block *block;

	if (size > SIZE_MAX - sizeof *block)
		return NULL;
	block = malloc(sizeof *block + size);
	if (block == NULL)
		return NULL;
	block->size = size;
	return block + 1;
}

static void
wiping_free(void *memory)
{
	union block *block = memory;

	if (block == NULL)
		return;
	block--;
	explicit_bzero(memory, block->size);
	free(block);
}

static void
protect_secrets(void)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
}

/*
 * Only what decides how wide a character is; numbers stay as they are. In a
 * pipe there is no terminal that could not show UTF-8, so names need not be
 * taken apart because a cron job has no LANG.
 */
static void
choose_locale(void)
{
	setlocale(LC_CTYPE, "");
	if (!isatty(STDOUT_FILENO) &&
	    strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

static enum ctl_exit
run(struct invocation *inv)
{
	return inv->command->run != NULL ? inv->command->run(inv)
					 : call_run(inv);
}

/*
 * A reader that has seen enough, such as head(1), is no error to talk about,
 * unless it was a token that it left behind.
 */
static bool
left_unread(int error, const struct invocation *inv)
{
	return error == EPIPE && !inv->secret;
}

static void
report_unwritten(int error, const struct invocation *inv)
{
	if (left_unread(error, inv))
		return;
	fprintf(stderr, "apikeyctl: cannot write to standard output: %s\n",
	    strerror(error));
	if (inv->if_unwritten != NULL)
		fprintf(stderr, "%s\n", inv->if_unwritten);
}

int
main(int argc, char *argv[])
{
	struct invocation inv;
	enum ctl_exit code = CTL_DONE;
	int error;

	if (!keep_standard_descriptors())
		return CTL_REFUSED;
	protect_secrets();
	choose_locale();
	/* A token that its reader left behind has to be reported. */
	signal(SIGPIPE, SIG_IGN);
	json_set_alloc_funcs(wiping_malloc, wiping_free);
	output_begin();
	if (argc > 1 && strcmp(argv[1], COMPLETE_WORD) == 0) {
		complete(argc - 2, argv + 2);
		return output_end() == 0 ? CTL_DONE : CTL_REFUSED;
	}
	switch (options_parse(argc, argv, &inv)) {
	case OPTIONS_RUN:
		code = run(&inv);
		break;
	case OPTIONS_SHOWN:
		break;
	case OPTIONS_WRONG:
		code = CTL_USAGE;
		break;
	}
	error = output_end();
	if (error != 0) {
		report_unwritten(error, &inv);
		if (code == CTL_DONE)
			code = CTL_REFUSED;
	}
	invocation_free(&inv);
	return (int)code;
}
