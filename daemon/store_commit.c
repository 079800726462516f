/* SPDX-License-Identifier: BSD-2-Clause */
/* Committing to keys.tdb. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "instant.h"
#include "log.h"
#include "store_backup.h"
#include "store_pass.h"
#include "store_tdb.h"

/* tdb's offsets are 32 bits wide and a full file is a broken file: creating
 * ends well before, so that what is in place can still be updated. */
static const uint64_t file_bytes_max = 3800000000;

struct found_mac {
	bool found;
	uint8_t mac[MAC_BYTES];
};

static int
parse_mac(TDB_DATA name, TDB_DATA data, void *private_data)
{
	struct found_mac *found = private_data;

	(void)name;
	if (data.dsize >= MAC_BYTES) {
		memcpy(
		    found->mac, data.dptr + data.dsize - MAC_BYTES, MAC_BYTES);
		found->found = true;
	}
	return 0;
}

bool
store_apply_write(struct store_file *file, struct root *root,
    struct store_write *write, uint64_t sequence)
{
	struct record *record = &write->record;
	struct bytes name = {record->name.bytes, record->name.len};
	struct found_mac old = {.found = false};

	/* Whatever becomes of the transaction: it is looked at again then. */
	if (file->backup != NULL)
		store_backup_note(file->backup, &record->name);
	/* Not there and not readable look alike but for the code. One that is
	 * new is looked for as it is inserted, and once is enough. */
	if (!write->is_new &&
	    tdb_parse_record(file->tdb, store_data_of_name(&record->name),
		parse_mac, &old) != 0 &&
	    tdb_error(file->tdb) != TDB_ERR_NOEXIST)
		return false;
	if (old.found) {
		store_digest_toggle(root->digest, file->ring, name, old.mac);
		root->records--;
	}
	if (write->erase) {
		if (!old.found)
			return true;
		store_passes_note(file, &record->name, old.mac, NULL);
		return tdb_delete(
			   file->tdb, store_data_of_name(&record->name)) == 0;
	}
	record_seal(record, sequence, file->ring);
	store_digest_toggle(root->digest, file->ring, name, record_mac(record));
	root->records++;
	store_passes_note(
	    file, &record->name, old.found ? old.mac : NULL, record);
	return store_write_record(
	    file->tdb, record, old.found ? TDB_REPLACE : TDB_INSERT);
}

/*
 * Whether a change's line may go into the outbox. While audit.log cannot be
 * written, half of it is kept for what is urgent; that goes in at the end even
 * where there is no room for its line.
 */
static bool
line_admitted(const struct store_file *file, const struct store_change *change)
{
	unsigned slots, used = file->outbox.used;

	if (change->audit == NULL || change->urgent)
		return true;
	slots = outbox_pieces(strlen(change->audit) + AUDIT_ENVELOPE);
	return used + slots <=
	    (file->audit.stuck ? OUTBOX_SLOTS / 2 : OUTBOX_SLOTS);
}

/* Whether a change may make the file longer. */
static bool
adds_records(struct store_file *file, const struct store_change *change)
{
	for (size_t i = 0; i < change->count; i++) {
		const struct store_write *write = &change->writes[i];

		if (!write->erase &&
		    !tdb_exists(
			file->tdb, store_data_of_name(&write->record.name)))
			return true;
	}
	return false;
}

/* Whether a change may go in at all, as far as that can be told before any of
 * it is written. */
static enum store_result
admit(struct store_file *file, const struct root *root,
    const struct store_change *change)
{
	if (!line_admitted(file, change))
		return STORE_UNHEARD;
	if (root->file_bytes > file_bytes_max && adds_records(file, change))
		return STORE_FULL;
	return STORE_OK;
}

/* The next line of the chain, into the outbox. */
static bool
apply_line(struct store_file *file, struct root *root, const char *members,
    uint64_t sequence)
{
	struct store_write write = {.erase = false};
	const struct outbox_line *line;
	size_t len;
	char *text = audit_line_make(file->ring, &root->audit, members, &len);

	if (text == NULL)
		return false;
	outbox_add(&file->outbox, root->audit.sequence, text, len);
	line = outbox_line(&file->outbox, file->outbox.count - 1);
	for (unsigned n = 0; n < line->pieces; n++) {
		outbox_record(&write.record, line, n);
		if (!store_apply_write(file, root, &write, sequence))
			return false;
	}
	return true;
}

static bool
apply_audit(struct store_file *file, struct root *root,
    const struct store_change *change, uint64_t sequence)
{
	if (change->audit == NULL)
		return true;
	if (outbox_pieces(strlen(change->audit) + AUDIT_ENVELOPE) >
	    outbox_free_slots(&file->outbox)) {
		root->audit_omitted++;
		return true;
	}
	return apply_line(file, root, change->audit, sequence);
}

/* Where there is room again: how many changes went without a line. */
static bool
apply_omitted(struct store_file *file, struct root *root)
{
	char members[AUDIT_MEMBERS_MAX / 100], at[TIME_TEXT_MAX];

	if (root->audit_omitted == 0 || file->audit.stuck ||
	    outbox_free_slots(&file->outbox) < OUTBOX_SLOTS / 2)
		return true;
	time_text(now_ms(), at);
	snprintf(members, sizeof members,
	    "\"time\":\"%s\",\"outcome\":\"omitted\",\"count\":%" PRIu64, at,
	    root->audit_omitted);
	root->audit_omitted = 0;
	return apply_line(file, root, members, root->sequence);
}

static bool
apply_change(
    struct store_file *file, struct root *root, struct store_change *change)
{
	bool has_id = change->operation.id[0] != '\0';
	struct store_write operation = {.erase = false};
	uint64_t sequence = root->sequence;

	if (change->count > 0 || has_id)
		change->sequence = ++sequence;
	for (size_t i = 0; i < change->count; i++)
		if (!store_apply_write(
			file, root, &change->writes[i], sequence)) {
			if (change->writes[i].is_new &&
			    tdb_error(file->tdb) == TDB_ERR_EXISTS)
				change->result = STORE_EXISTS;
			return false;
		}
	change->operation.sequence = sequence;
	if (has_id && !change->no_trace) {
		record_from_operation(&operation.record, &change->operation);
		if (!store_apply_write(file, root, &operation, sequence))
			return false;
	}
	if (!apply_audit(file, root, change, sequence))
		return false;
	root->sequence = sequence;
	return true;
}

static enum store_result
apply_all(
    struct store_file *file, struct root *root, struct store_change *changes)
{
	if (!apply_omitted(file, root))
		return STORE_FAILED;
	for (struct store_change *c = changes; c != NULL; c = c->next) {
		c->sequence = 0;
		c->result = admit(file, root, c);
		if (c->result == STORE_OK && !apply_change(file, root, c))
			return c->result == STORE_EXISTS ? STORE_EXISTS
							 : STORE_FAILED;
	}
	root->generation++;
	return store_write_root(file->tdb, root, file->ring) ? STORE_OK
							     : STORE_FAILED;
}

/* Whether the file holds the root we know. */
static bool
root_is_known(struct store_file *file)
{
	struct record_name name = record_name_root();
	struct found_mac now = {.found = false};
	struct record expected;

	store_encode_root(&expected, &file->root, file->ring);
	tdb_parse_record(file->tdb, store_data_of_name(&name), parse_mac, &now);
	return now.found &&
	    memcmp(now.mac, record_mac(&expected), MAC_BYTES) == 0;
}

/*
 * A transaction that failed before its commit began has written nothing but
 * its own recovery area, so with the root we know the store is as good as
 * before. But a failed sync may have lost pages that reading back would still
 * show. tdb does not always say why a file cannot grow (posix_fallocate sets no
 * errno); what it says then is still that.
 */
static enum store_result
judge_preparation(struct store_file *file)
{
	struct complaints said = file->complaints;

	if (said.io_error || !root_is_known(file))
		return STORE_UNKNOWN;
	memset(&file->complaints, 0, sizeof file->complaints);
	log_warning("%s: a change was refused: %s", file->path,
	    said.count > 0 ? said.text : "tdb did not say why");
	if (said.full || strstr(said.text, "expansion") != NULL ||
	    strstr(said.text, "recovery data") != NULL)
		return STORE_FULL;
	return STORE_FAILED;
}

static enum store_result
commit(struct store_file *file, struct store_change *changes)
{
	struct root root = file->root;
	enum store_result applied;

	if (root.audit_gap == 0 && file->audit.disturbed)
		root.audit_gap = root.audit.sequence + 1;
	root.file_bytes = store_file_size(file);
	memset(&file->complaints, 0, sizeof file->complaints);
	errno = 0; /* so that no complaint carries an older one */
	if (tdb_transaction_start(file->tdb) != 0)
		return judge_preparation(file);
	applied = apply_all(file, &root, changes);
	/* What tdb has no memory to look at, or cannot read, it takes for a
	 * record that is not there, and puts another beside it: that shows in
	 * a complaint alone, and must not be committed. */
	if (applied != STORE_OK || file->complaints.count > 0) {
		tdb_transaction_cancel(file->tdb);
		return applied == STORE_EXISTS && file->complaints.count == 0
		    ? STORE_EXISTS
		    : judge_preparation(file);
	}
	/* Cancels by itself where it fails. */
	if (tdb_transaction_prepare_commit(file->tdb) != 0)
		return judge_preparation(file);
	if (tdb_transaction_commit(file->tdb) != 0 ||
	    file->complaints.count > 0)
		return STORE_UNKNOWN;
	file->root = root;
	return STORE_OK;
}

enum store_result
store_file_commit(struct store_file *file, struct store_change *changes)
{
	unsigned lines = file->outbox.count;
	enum store_result result;

	store_passes_keep(file);
	result = commit(file, changes);
	/* Whether lines that nobody knows of are there will show. Without a
	 * log (the store is being restored) they wait for one. */
	if (result != STORE_OK) {
		store_passes_take_back(file);
		outbox_take_back(&file->outbox, lines);
	}
	if (result == STORE_OK && file->audit.fd >= 0)
		audit_file_append(&file->audit, &file->outbox);
	return result;
}

void
store_file_file_lines(struct store_file *file, unsigned slots)
{
	/* Where it cannot grow, what is in it need not take room here. */
	if (!audit_file_append(&file->audit, &file->outbox) ||
	    slots > outbox_free_slots(&file->outbox) ||
	    file->root.audit_omitted > 0)
		audit_file_sync(&file->audit, &file->outbox);
}
