/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store backup: the store's thread makes a portion, the loop sends it and asks
 * for the next one when it has gone. So a caller who reads slowly is waited
 * for by nobody, and there is never more than one portion in memory.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin_audit.h"
#include "admin_backup.h"
#include "store_backup.h"

struct backup_call {
	struct store_task task; /* first: what the store hands back */
	struct admin *admin;
	struct call *call;
	struct store_backup backup; /* the thread's while at_work */
	bool at_work;               /* with the thread */
	bool answered;              /* it is only to be ended */
	const char *problem;        /* of the last portion; NULL */
	char *text;                 /* the portion in base64 */
	uint64_t bytes;             /* so far */
};

/* On the thread */

static const char *
encode(struct backup_call *self)
{
	struct writer *out = &self->backup.writer.out;
	size_t size =
	    sodium_base64_encoded_len(out->len, sodium_base64_VARIANT_ORIGINAL);

	self->text = malloc(size);
	if (self->text == NULL)
		return "out of memory";
	sodium_bin2base64(self->text, size, out->start, out->len,
	    sodium_base64_VARIANT_ORIGINAL);
	self->bytes += out->len;
	out->len = 0;
	return NULL;
}

static void
run_portion(struct store_task *task, struct store_file *file)
{
	struct backup_call *self = (struct backup_call *)task;

	if (self->answered) {
		store_backup_end(&self->backup, file);
		return;
	}
	self->problem = file != NULL ? store_backup_portion(&self->backup, file)
				     : store_result_text(STORE_SUSPECT);
	if (self->problem == NULL)
		self->problem = encode(self);
	if (self->problem != NULL || self->backup.finished)
		store_backup_end(&self->backup, file);
}

/* On the loop */

static void on_portion(struct store_task *task);

static void
go_to_work(struct backup_call *self)
{
	self->at_work = true;
	self->task.run = run_portion;
	self->task.done = on_portion;
	store_submit_task(self->admin->store, &self->task);
}

static void
forget(struct backup_call *self)
{
	self->admin->backup = NULL;
	free(self->text);
	free(self);
}

/* The call was answered; what the thread has of it is to go, too. */
static void
end(struct backup_call *self)
{
	self->answered = true;
	if (!self->at_work)
		go_to_work(self);
}

static json_t *
portion_of(struct backup_call *self)
{
	json_t *portion = json_pack("{s:s}", "data", self->text);

	free(self->text);
	self->text = NULL;
	return portion;
}

static void
answer_end(struct backup_call *self)
{
	const struct root *root = &self->backup.root;
	json_t *portion = portion_of(self);

	json_object_set_new(portion, "backup",
	    json_pack("{s:I, s:I, s:I, s:I}", "bytes", (json_int_t)self->bytes,
		"records", (json_int_t)(root->records - OUTBOX_SLOTS),
		"sequence", (json_int_t)root->sequence, "audit_sequence",
		(json_int_t)root->audit.sequence));
	call_reply(self->call, portion);
}

/* The portion goes out, and the next one is asked for if it has gone. */
static void
send_portion(struct backup_call *self)
{
	if (call_is_gone(self->call)) {
		call_reply(self->call, NULL);
		end(self);
	} else if (self->admin->stopping) {
		answer_failure(self->call, "StoreFailed",
		    "apikeyd is stopping: this is no whole backup");
		end(self);
	} else if (call_continue(self->call, portion_of(self))) {
		go_to_work(self);
	}
}

/* With a caller who reads slowly it takes long, and meanwhile its role may have
 * been taken away. */
static void
refused(struct backup_call *self)
{
	if (self->backup.finished)
		forget(self);
	else
		end(self);
}

static void
on_portion(struct store_task *task)
{
	struct backup_call *self = (struct backup_call *)task;

	self->at_work = false;
	if (self->answered) {
		forget(self);
	} else if (self->problem != NULL) {
		answer_failure(self->call, "StoreFailed",
		    "%s: this is no whole backup", self->problem);
		forget(self);
	} else if (!admin_may_call(
		       self->admin, self->call, admin_backup_store)) {
		refused(self);
	} else if (self->backup.finished) {
		answer_end(self);
		forget(self);
	} else {
		send_portion(self);
	}
}

static struct backup_call *
idle_backup(struct admin *admin)
{
	struct backup_call *self = admin->backup;

	return self != NULL && !self->at_work ? self : NULL;
}

void
admin_backup_sent(struct admin *admin, struct call *call)
{
	struct backup_call *self = idle_backup(admin);

	if (self != NULL && self->call == call)
		go_to_work(self);
}

void
admin_backup_look(struct admin *admin)
{
	struct backup_call *self = idle_backup(admin);

	if (self != NULL && call_is_gone(self->call)) {
		call_reply(self->call, NULL);
		end(self);
	}
}

void
admin_backup_stop(struct admin *admin)
{
	struct backup_call *self = idle_backup(admin);

	if (self == NULL)
		return;
	answer_failure(self->call, "StoreFailed",
	    "apikeyd is stopping: this is no whole backup");
	end(self);
}

/* The method */

/* Its line in audit.log is written: the backup is one that has it. */
static void
apply_backup(void *context, struct call *call, void *subject,
    const struct operation *operation)
{
	struct admin *admin = context;
	struct backup_call *self;

	(void)subject;
	(void)operation;
	if (admin->backup != NULL) {
		answer_failure(call, "Conflict",
		    "another backup is being made: try again when it is done");
		return;
	}
	self = calloc(1, sizeof *self);
	if (self == NULL) {
		call_abort(call);
		return;
	}
	self->admin = admin;
	self->call = call;
	admin->backup = self;
	go_to_work(self);
}

void
admin_backup_store(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	char uid[sizeof "4294967295"];
	/* As in admin_begin(): the caller's role stays until it is over. */
	struct claim caller = {RECORD_OPERATOR, CLAIM_SHARED, uid};
	struct change *change;

	if (!admin_params_ok(call, &params))
		return;
	if (!call_wants_more(call)) {
		call_expected_more(call);
		return;
	}
	if (admin->backup != NULL) {
		answer_failure(call, "Conflict",
		    "another backup is being made: try again when it is done");
		return;
	}
	snprintf(uid, sizeof uid, "%u", (unsigned)call_peer(call)->uid);
	change = change_begin(
	    admin->changes, call, admin_backup_store, admin, &caller, 1);
	if (change == NULL)
		return;
	admin_audit(admin, change, call, NULL, NULL);
	change_submit(
	    change, "", RECORD_ROOT, "", apply_backup, discard_nothing, NULL);
}
