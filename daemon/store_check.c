/* SPDX-License-Identifier: BSD-2-Clause */
#include "store_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "store_tdb.h"

/* Two milliseconds of reading: about what a commit takes, which waits. */
enum { PORTION_RECORDS = 256 };

static void
found(void *context, const char *where, const char *problem)
{
	struct store_check *check = context;
	struct store_finding *finding;

	if (check->problems >= STORE_FINDINGS_TOLD) {
		check->problems++;
		return;
	}
	finding = &check->told[check->problems++];
	snprintf(finding->where, sizeof finding->where, "%s", where);
	snprintf(finding->problem, sizeof finding->problem, "%s", problem);
}

static void
check_header(struct store_check *check, struct store_file *file)
{
	uint8_t now[STORE_HEADER_BYTES];

	store_tdb_header(file->tdb, now);
	if (memcmp(now, file->header, sizeof now) != 0)
		found(check, "", "its header is damaged");
}

/* The root record, which the pass leaves out: as it was written last. */
static void
check_root(struct store_check *check, struct store_file *file)
{
	struct record_name name = record_name_root();
	struct bytes name_bytes = {name.bytes, name.len};
	struct record_view view;
	struct record expected;
	struct root root;
	TDB_DATA data;
	const char *problem = store_fetch_root(file->tdb, &data, &root);

	if (problem == NULL &&
	    record_open(name_bytes, (struct bytes){data.dptr, data.dsize},
		file->ring, &view, &problem)) {
		store_encode_root(&expected, &file->root, file->ring);
		if (memcmp(view.mac.data, record_mac(&expected), MAC_BYTES) !=
		    0)
			problem = "not the one that was written last";
	}
	if (problem != NULL)
		found(check, "R", problem);
	free(data.dptr);
}

static void
look_at_the_rest(struct store_check *check, struct store_file *file)
{
	const struct store_pass *pass = &check->pass;
	const char *problem = store_pass_verdict(pass, file);

	/* Of records that are damaged the sum says nothing new. */
	if (problem != NULL && (check->problems == 0 || pass->problem != NULL))
		found(check, pass->where, problem);
	check_root(check, file);
	check_header(check, file);
	check->records = pass->sum.records > OUTBOX_SLOTS
	    ? pass->sum.records - OUTBOX_SLOTS
	    : 0;
}

static void
tell(const struct store_check *check, const struct store_file *file)
{
	if (check->no_memory)
		log_error("%s: out of memory while it was checked: it may well "
			  "be sound",
		    file->path);
	else if (check->problems > 0)
		log_error("%s: damaged%s%s: %s (problems: %" PRIu64
			  "); verification goes on from memory, but the next "
			  "start will refuse it: restore it from a backup",
		    file->path,
		    check->told[0].where[0] != '\0' ? " at record " : "",
		    check->told[0].where, check->told[0].problem,
		    check->problems);
}

bool
store_check_portion(struct store_check *check, struct store_file *file)
{
	bool more;

	memset(&file->complaints, 0, sizeof file->complaints);
	if (check->file == NULL) {
		check->file = file;
		check->pass.damaged = found;
		check->pass.context = check;
		store_pass_begin(&check->pass, file);
	}
	more = store_pass_portion(&check->pass, file, PORTION_RECORDS);
	if (!more)
		look_at_the_rest(check, file);
	check->no_memory = file->complaints.no_memory;
	more = more && !check->no_memory;
	if (!more)
		tell(check, file);
	/* What reading made tdb complain of is told here; a commit looks at
	 * its own alone. */
	memset(&file->complaints, 0, sizeof file->complaints);
	return more;
}

void
store_check_end(struct store_check *check)
{
	if (check->file != NULL)
		store_pass_end(&check->pass, check->file);
	check->file = NULL;
}
