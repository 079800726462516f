/* SPDX-License-Identifier: BSD-2-Clause */
/* What is asked of the files that the daemon keeps. */
#include <stdio.h>

#include "backup.h"
#include "call.h"
#include "output.h"

static enum ctl_exit
run_check(struct invocation *inv)
{
	json_t *answer, *check, *line;
	enum ctl_exit code =
	    call_once(inv, "CheckStore", inv->parameters, &answer);
	size_t i;

	if (code != CTL_DONE)
		return code;
	check = json_object_get(answer, "check");
	if (inv->json) {
		output_json(check);
	} else {
		json_array_foreach (json_object_get(check, "problems"), i, line)
			printf("%s\n", json_string_value(line));
		printf("%" JSON_INTEGER_FORMAT " records; %" JSON_INTEGER_FORMAT
		       " files, %" JSON_INTEGER_FORMAT
		       " rows of usage: %" JSON_INTEGER_FORMAT " problems\n",
		    json_integer_value(json_object_get(check, "records")),
		    json_integer_value(json_object_get(check, "files")),
		    json_integer_value(json_object_get(check, "rows")),
		    json_integer_value(
			json_object_get(check, "problem_count")));
	}
	if (!json_is_true(json_object_get(check, "sound")))
		code = CTL_REFUSED;
	json_decref(answer);
	return code;
}

static const struct positional_row backup_file[] = {
    {.name = "FILE|-", .field = "path", .kind = &value_path},
    {0},
};

const struct command store_commands[] = {
    {.noun = "store",
	.verb = "backup",
	.summary = "Write all keys to a file, as they are at one moment",
	.note = "The daemon goes on meanwhile. FILE must not exist: it gets "
		"its name once it is whole and on\nthe disk, and is FILE.new "
		"until then. - is standard output. Tokens are in it as hashes, "
		"or\nsealed; what the file says is nothing without the master "
		"key, which is not in it. Back with\n`apikeyd --restore FILE`.",
	.example = "apikeyctl store backup /srv/backup/keys-$(date +%F)\n"
		   "apikeyctl store backup - | ssh vault 'cat >keys.backup'",
	.exits = "1 there is no whole backup; 2 FILE cannot be made; 6 it "
		 "exists already",
	.positionals = backup_file,
	.run = run_backup},
    {.noun = "store",
	.verb = "check",
	.summary = "Check that what is kept is as it was written",
	.note =
	    "The daemon goes on meanwhile. Every record of keys.tdb is read "
	    "from the disk and verified,\nand all of them together. Every "
	    "row of usage has to have the sums it should, and every\nday "
	    "the same calls of keys, accounts and products.",
	.example = "apikeyctl store check",
	.exits = "0: all is sound; 1: it is not, each problem on a line",
	.run = run_check},
    {0},
};
