/* SPDX-License-Identifier: BSD-2-Clause */
/* One import at a time: whose turn it is, who waits, when one is over. */
#include "admin_impl.h"
#include "admin_import.h"
#include "admin_import_impl.h"
#include "instant.h"
#include "log.h"

/* Nobody who has begun an import and goes silent keeps the others from theirs.
 */
enum { SILENCE_MAX_MS = 60000 };

static struct call *
take_call(struct call **slot)
{
	struct call *call = *slot;

	*slot = NULL;
	return call;
}

/* It is over; its connection may still remember it. */
static void
on_ended(struct import *import)
{
	struct admin *admin = import->context;
	struct call *next = take_call(&import->next);

	admin->import = NULL;
	import->stage = IMPORT_OVER;
	if (!import->held)
		import_free(import);
	if (next != NULL)
		admin_run(admin, next, admin_begin_import);
}

/* Goes on with the call that waits for slices to come back. */
static void
on_eased(struct import *import)
{
	struct admin *admin = import->context;
	struct call *parked = import->parked;

	if (parked == NULL)
		return;
	if (import->committing ? import->pending == 0
			       : import->pending < IMPORT_SLICES_MAX) {
		import->parked = NULL;
		admin_run(admin, parked,
		    import->committing ? admin_commit_import
				       : admin_add_to_import);
	}
}

/* The connection is gone. */
static void
on_gone(void *memory)
{
	struct import *import = memory;
	struct call *parked = take_call(&import->parked);

	if (parked != NULL)
		call_abort(parked);
	import->held = false;
	if (import->stage == IMPORT_OVER) {
		import_free(import);
	} else if (import->stage == IMPORT_STAGING) {
		log_notice("import of uid %u given up: its connection ended",
		    (unsigned)import->uid);
		import_clear(import);
	}
}

static struct import *
start_import(struct admin *admin)
{
	struct import *import = import_new(admin->index, admin->store);

	if (import == NULL)
		return NULL;
	import->eased = on_eased;
	import->ended = on_ended;
	import->context = admin;
	admin->import = import;
	return import;
}

void
admin_import_refuse_next(struct import *import)
{
	struct call *next = take_call(&import->next);

	if (next != NULL)
		answer_failure(next, "Conflict",
		    "another import, of uid %u, is under way: wait for its end",
		    (unsigned)import->uid);
}

/* While another import is there: its connection may have ended without our
 * knowing yet, so the next one waits until it is over, or is heard of. */
static void
wait_for_other(struct import *other, struct call *call)
{
	admin_import_refuse_next(other);
	other->next = call;
}

/* One that this connection had before, and that failed. */
static void
forget_last(struct call *call)
{
	struct import *last = call_remembered(call);

	if (last == NULL)
		return;
	call_remember(call, NULL, NULL);
	import_free(last);
}

void
admin_import_begin(struct admin *admin, struct call *call, bool native)
{
	struct import *import;

	if (admin->import != NULL) {
		wait_for_other(admin->import, call);
		return;
	}
	forget_last(call);
	import = start_import(admin);
	if (import == NULL) {
		answer_failure(call, "StoreFailed", "out of memory");
		return;
	}
	import->uid = call_peer(call)->uid;
	import->heard_at = monotonic_ms();
	import->native = native;
	import->held = call_remember(call, import, on_gone);
	if (import->held) {
		call_reply(call, NULL);
	} else { /* it has gone while it waited */
		call_abort(call);
		import_clear(import);
	}
}

void
admin_import_look(struct admin *admin)
{
	struct import *import = admin->import;

	if (import == NULL || import->next == NULL ||
	    import->stage != IMPORT_STAGING || import->parked != NULL ||
	    monotonic_ms() - import->heard_at < SILENCE_MAX_MS)
		return;
	log_notice(
	    "import of uid %u given up: it was silent, and another waits",
	    (unsigned)import->uid);
	import_clear(import);
}

/* Beside calls */

void
admin_import_resume(struct admin *admin)
{
	size_t staged = index_staged(admin->index);
	struct import *import = staged > 0 ? start_import(admin) : NULL;

	if (import == NULL)
		return;
	log_notice("%zu keys of an import that was not finished are cleared "
		   "away",
	    staged);
	import_clear(import);
}

bool
admin_import_portion(struct admin *admin)
{
	return admin->import != NULL && import_portion(admin->import);
}

void
admin_import_stop(struct admin *admin)
{
	if (admin->import != NULL)
		admin->import->stopping = true;
}

void
admin_import_free(struct admin *admin)
{
	if (admin->import != NULL && admin->import->next != NULL)
		call_abort(admin->import->next);
	import_free(admin->import);
	admin->import = NULL;
}
