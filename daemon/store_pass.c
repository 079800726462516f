/* SPDX-License-Identifier: BSD-2-Clause */
#include "store_pass.h"

#include <stdio.h>
#include <string.h>

#include "store_tdb.h"

void
store_pass_begin(struct store_pass *pass, struct store_file *file)
{
	pass->next = file->passes;
	file->passes = pass;
}

void
store_pass_end(struct store_pass *pass, struct store_file *file)
{
	struct store_pass **at = &file->passes;

	while (*at != NULL && *at != pass)
		at = &(*at)->next;
	if (*at != NULL)
		*at = pass->next;
}

void
store_passes_restart(struct store_file *file)
{
	for (struct store_pass *p = file->passes; p != NULL; p = p->next) {
		p->chain = 0;
		memset(&p->sum, 0, sizeof p->sum);
	}
}

/* Records in their turn */

/* A record's name for people; it may be anything in a damaged file. */
static void
describe(TDB_DATA name, char *out, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < name.dsize && len + 5 < size; i++) {
		unsigned char c = name.dptr[i];

		if (c > 0x20 && c < 0x7f)
			out[len++] = (char)c;
		else
			len += (size_t)snprintf(out + len, 5, "\\x%02x", c);
		if (i == 0 && name.dsize > 1)
			out[len++] = ' ';
	}
	out[len] = '\0';
}

struct step {
	struct store_pass *pass;
	const struct store_file *file;
	uint64_t records; /* in this chain */
};

/* Whether the pass goes on behind its problem. */
static bool
leaves_behind(struct store_pass *pass)
{
	if (pass->damaged == NULL)
		return false;
	pass->damaged(pass->context, pass->where, pass->problem);
	pass->problem = NULL;
	pass->where[0] = '\0';
	return true;
}

static int
look_at_record(
    struct tdb_context *tdb, TDB_DATA name, TDB_DATA data, void *private_data)
{
	struct step *step = private_data;
	const struct keyring *ring = step->file->ring;
	struct store_pass *pass = step->pass;
	struct bytes name_bytes = {name.dptr, name.dsize};
	struct bytes data_bytes = {data.dptr, data.dsize};
	struct record_view view;

	(void)tdb;
	if (name.dsize == 1 && name.dptr[0] == RECORD_ROOT)
		return 0;
	if (!record_open(name_bytes, data_bytes, ring, &view, &pass->problem) ||
	    (pass->load != NULL &&
		!pass->load(pass->context, &view, &pass->problem))) {
		describe(name, pass->where, sizeof pass->where);
		if (!leaves_behind(pass))
			return 1;
	} else {
		store_digest_toggle(
		    pass->sum.digest, ring, name_bytes, view.mac.data);
	}
	step->records++;
	/* Ends a walk that a damaged chain has made a circle of. */
	if (++pass->sum.records > step->file->root.records)
		pass->problem = "more records than the root record counts";
	else if (pass->copy != NULL &&
	    tdb_store(pass->copy, name, data, TDB_INSERT) != 0)
		pass->problem = "its copy cannot be written";
	return pass->problem != NULL ? 1 : 0;
}

bool
store_pass_portion(
    struct store_pass *pass, struct store_file *file, uint64_t count)
{
	unsigned chains = (unsigned)tdb_hash_size(file->tdb);
	struct step step = {pass, file, 0};

	for (uint64_t done = 0; done < count; done += 1 + step.records) {
		pass->ended = pass->problem != NULL || pass->chain >= chains;
		if (pass->ended)
			return false;
		step.records = 0;
		if (tdb_traverse_chain(
			file->tdb, pass->chain, look_at_record, &step) < 0 &&
		    pass->problem == NULL) {
			pass->problem = "it cannot be read";
			leaves_behind(pass);
		}
		pass->chain++;
	}
	return true;
}

const char *
store_pass_verdict(const struct store_pass *pass, struct store_file *file)
{
	const struct root *root = &file->root;

	if (pass->problem != NULL)
		return pass->problem;
	if (store_file_size(file) < root->file_bytes)
		return "its end is cut off";
	if (pass->sum.records != root->records)
		return "records are missing";
	if (memcmp(pass->sum.digest, root->digest, MAC_BYTES) != 0)
		return "some records are older than the rest";
	return NULL;
}

/* Changes meanwhile */

void
store_passes_keep(struct store_file *file)
{
	for (struct store_pass *p = file->passes; p != NULL; p = p->next)
		p->kept = p->sum;
}

void
store_passes_take_back(struct store_file *file)
{
	for (struct store_pass *p = file->passes; p != NULL; p = p->next) {
		p->sum = p->kept;
		if (p->copy != NULL && p->problem == NULL)
			p->problem = "a change failed that is in its copy";
	}
}

static void
change_copy(struct store_pass *pass, const struct record_name *name,
    const struct record *record)
{
	TDB_DATA data = store_data_of_name(name);

	if (record != NULL
		? !store_write_record(pass->copy, record, TDB_REPLACE)
		: tdb_delete(pass->copy, data) != 0)
		pass->problem = "its copy cannot be written";
	pass->taken_in++;
}

static void
take_in(struct store_pass *pass, const struct keyring *ring,
    const struct record_name *name, const uint8_t *mac,
    const struct record *record)
{
	struct bytes bytes = {name->bytes, name->len};

	if (mac != NULL) {
		store_digest_toggle(pass->sum.digest, ring, bytes, mac);
		pass->sum.records--;
	}
	if (record != NULL) {
		store_digest_toggle(
		    pass->sum.digest, ring, bytes, record_mac(record));
		pass->sum.records++;
	}
	if (pass->copy != NULL && pass->problem == NULL)
		change_copy(pass, name, record);
}

void
store_passes_note(struct store_file *file, const struct record_name *name,
    const uint8_t *mac, const struct record *record)
{
	for (struct store_pass *p = file->passes; p != NULL; p = p->next)
		if (store_tdb_chain(file->tdb, name) < p->chain)
			take_in(p, file->ring, name, mac, record);
}
