/* SPDX-License-Identifier: BSD-2-Clause */
#include "change.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instant.h"
#include "log.h"
#include "varlink.h"

enum {
	CLAIMS_MAX = 5,
	CLAIM_NAME_MAX = OPERATION_ID_MAX,
};

struct held_claim {
	enum record_kind kind;
	enum claim_mode mode;
	char name[CLAIM_NAME_MAX + 1];
};

struct change {
	struct store_change store; /* first: what the store hands back */
	struct changes *changes;
	struct change *previous, *next; /* in changes->under_way */
	struct call *call;
	void *context;
	apply_fn *apply;
	discard_fn *discard;
	void *subject;
	size_t capacity; /* of store.writes */
	bool no_memory;
	bool brings; /* an object that the index has not */
	char *line;  /* of audit.log */
	void (*then)(void *context);
	void *then_context;
	size_t claim_count;
	struct held_claim claims[CLAIMS_MAX];
};

/* A call that waits for a claim. */
struct waiting {
	struct waiting *next;
	struct call *call;
	method_fn *method;
	void *context;
};

struct changes {
	struct store *store;
	struct index *index;
	struct change *under_way;
	struct waiting *first, **last;
	struct waiting *resumed; /* the one whose method is running again */
	resume_fn *resume;
	const struct change *kept; /* by the apply() that is at work */
	bool resuming;
	bool stopping;
};

static void
run_method(void *context, struct call *call, method_fn *method)
{
	method(context, call);
}

struct changes *
changes_new(struct store *store, struct index *index)
{
	struct changes *changes = calloc(1, sizeof *changes);

	if (changes == NULL)
		return NULL;
	changes->store = store;
	changes->index = index;
	changes->last = &changes->first;
	changes->resume = run_method;
	return changes;
}

void
changes_resume_by(struct changes *changes, resume_fn *resume)
{
	changes->resume = resume;
}

void
changes_free(struct changes *changes)
{
	if (changes != NULL && !changes_idle(changes))
		log_error("changes are left at the end, which is a mistake in "
			  "apikeyd");
	free(changes);
}

bool
changes_idle(const struct changes *changes)
{
	return changes->under_way == NULL && changes->first == NULL;
}

void
answer_failure(struct call *call, const char *error, const char *format, ...)
{
	char message[512];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	call_error(call, error, json_pack("{s:s}", "message", message));
}

/* Claims */

static bool
conflicts(const struct held_claim *held, const struct claim *claim)
{
	return held->kind == claim->kind &&
	    strcmp(held->name, claim->name) == 0 &&
	    (held->mode == CLAIM_EXCLUSIVE || claim->mode == CLAIM_EXCLUSIVE);
}

static bool
is_free(const struct changes *changes, const struct claim *claim)
{
	for (const struct change *c = changes->under_way; c != NULL;
	     c = c->next)
		for (size_t i = 0; i < c->claim_count; i++)
			if (conflicts(&c->claims[i], claim))
				return false;
	return true;
}

/* Whoever comes while somebody waits, waits behind him. */
static bool
must_wait(const struct changes *changes, const struct claim *claims, size_t n)
{
	if (changes->first != NULL && changes->resumed == NULL)
		return true;
	for (size_t i = 0; i < n; i++)
		if (!is_free(changes, &claims[i]))
			return true;
	return false;
}

bool
changes_free_to(
    const struct changes *changes, const struct claim *claims, size_t n)
{
	return !must_wait(changes, claims, n);
}

static void
wait_for_turn(struct changes *changes, struct call *call, method_fn *method,
    void *context)
{
	struct waiting *waiting = changes->resumed;

	if (waiting != NULL) { /* back to the front */
		changes->resumed = NULL;
		waiting->next = changes->first;
		if (changes->first == NULL)
			changes->last = &waiting->next;
		changes->first = waiting;
		return;
	}
	waiting = malloc(sizeof *waiting);
	if (waiting == NULL) {
		answer_failure(call, "StoreFailed", "out of memory");
		return;
	}
	*waiting = (struct waiting){NULL, call, method, context};
	*changes->last = waiting;
	changes->last = &waiting->next;
}

/* Lets those who wait try again, in order, until one has to go on waiting. */
static void
resume_waiting(struct changes *changes)
{
	struct waiting *waiting;

	if (changes->resuming)
		return;
	changes->resuming = true;
	while ((waiting = changes->first) != NULL) {
		changes->first = waiting->next;
		if (changes->first == NULL)
			changes->last = &changes->first;
		changes->resumed = waiting;
		changes->resume(
		    waiting->context, waiting->call, waiting->method);
		if (changes->resumed == NULL)
			break; /* it is waiting again */
		changes->resumed = NULL;
		free(waiting);
	}
	changes->resuming = false;
}

static void
answer_stopping(struct call *call)
{
	answer_failure(call, "StoreFailed",
	    "apikeyd is stopping; nothing was changed: ask again when it has "
	    "started");
}

void
changes_stop(struct changes *changes)
{
	struct waiting *waiting;

	if (changes == NULL)
		return;
	changes->stopping = true;
	while ((waiting = changes->first) != NULL) {
		changes->first = waiting->next;
		if (changes->first == NULL)
			changes->last = &changes->first;
		answer_stopping(waiting->call);
		free(waiting);
	}
}

struct change *
change_begin(struct changes *changes, struct call *call, method_fn *method,
    void *context, const struct claim *claims, size_t claim_count)
{
	struct change *change;

	if (changes->stopping) {
		answer_stopping(call);
		return NULL;
	}
	if (must_wait(changes, claims, claim_count)) {
		wait_for_turn(changes, call, method, context);
		return NULL;
	}
	change = calloc(1, sizeof *change);
	if (change == NULL) {
		answer_failure(call, "StoreFailed", "out of memory");
		return NULL;
	}
	change->changes = changes;
	change->call = call;
	change->context = context;
	for (size_t i = 0; i < claim_count && i < CLAIMS_MAX; i++) {
		struct held_claim *held = &change->claims[i];

		held->kind = claims[i].kind;
		held->mode = claims[i].mode;
		snprintf(held->name, sizeof held->name, "%s", claims[i].name);
		change->claim_count++;
	}
	change->next = changes->under_way;
	if (change->next != NULL)
		change->next->previous = change;
	changes->under_way = change;
	return change;
}

static void
release(struct change *change)
{
	struct changes *changes = change->changes;

	if (change->previous != NULL)
		change->previous->next = change->next;
	else
		changes->under_way = change->next;
	if (change->next != NULL)
		change->next->previous = change->previous;
	free(change->store.writes);
	free(change->line);
	free(change);
}

void
change_drop(struct change *change)
{
	struct changes *changes = change->changes;

	release(change);
	if (changes->resumed == NULL)
		resume_waiting(changes);
}

/* Writes */

static struct store_write *
add_write(struct change *change)
{
	struct store_change *store = &change->store;

	if (change->no_memory)
		return NULL;
	if (store->count == change->capacity) {
		size_t capacity = 2 * change->capacity + 2;
		struct store_write *writes =
		    reallocarray(store->writes, capacity, sizeof *writes);

		if (writes == NULL) {
			change->no_memory = true;
			return NULL;
		}
		store->writes = writes;
		change->capacity = capacity;
	}
	return &store->writes[store->count++];
}

bool
change_write(struct change *change, const struct record *record, bool is_new)
{
	struct store_write *write = add_write(change);

	if (write == NULL)
		return false;
	*write = (struct store_write){*record, false, is_new};
	if (is_new)
		change_brings(change);
	return true;
}

bool
change_erase(struct change *change, const struct record *record)
{
	struct store_write *write = add_write(change);

	if (write == NULL)
		return false;
	*write = (struct store_write){*record, true, false};
	return true;
}

void
change_brings(struct change *change)
{
	change->brings = true;
	change_once(change);
}

void
change_once(struct change *change)
{
	change->store.once = true;
}

void
change_audit(struct change *change, char *line, bool urgent)
{
	free(change->line);
	change->line = line;
	change->store.audit = line;
	change->store.urgent = urgent;
	if (line == NULL)
		change->no_memory = true;
}

void
change_identify(struct change *change, const uint8_t digest[MAC_BYTES])
{
	memcpy(change->store.operation.digest, digest, MAC_BYTES);
}

/* The end */

static void
end(struct change *change)
{
	struct changes *changes = change->changes;
	void (*then)(void *context) = change->then;
	void *then_context = change->then_context;

	release(change);
	if (changes->resumed == NULL)
		resume_waiting(changes);
	if (then != NULL) {
		struct waiting *resumed = changes->resumed;

		changes->resumed = NULL; /* it runs calls of its own */
		then(then_context);
		changes->resumed = resumed;
	}
}

static void
finish_failed(struct change *change)
{
	const char *error =
	    change->store.result == STORE_EXISTS ? "Conflict" : "StoreFailed";

	change->discard(change->subject);
	answer_failure(change->call, error, "%s%s",
	    store_result_text(change->store.result),
	    change->store.result == STORE_UNKNOWN ? ""
						  : "; nothing was changed");
}

static void
on_store_done(struct store_change *store)
{
	struct change *change = (struct change *)store;
	struct changes *changes = change->changes;

	changes->kept = NULL;
	/* What apply() adds takes the room, on this thread, before others. */
	if (change->brings)
		index_release(changes->index);
	change->brings = false;
	if (store->result == STORE_OK) {
		if (store->operation.id[0] != '\0')
			index_note_operation(changes->index, &store->operation);
		change->apply(change->context, change->call, change->subject,
		    &store->operation);
	} else {
		finish_failed(change);
	}
	if (changes->kept != change)
		end(change);
}

void
change_keep(struct change *change)
{
	change->changes->kept = change;
	change->store.count = 0;
	change->store.audit = NULL; /* it is written */
}

void
change_finally(
    struct change *change, void (*then)(void *context), void *context)
{
	change->then = then;
	change->then_context = context;
}

/* Why it must not reach the store; NULL where it may. What the store has is to
 * come into force, whatever memory there is then; and what brings nothing, as
 * a revocation, must not fail for want of room that it does not take. */
static const char *
obstacle(struct change *change, bool has_operation_id)
{
	if (change->no_memory)
		return "out of memory";
	if (has_operation_id && change->store.audit == NULL)
		return "there is no line for audit.log; nothing was changed";
	if (change->brings && !index_reserve(change->changes->index))
		return "out of memory";
	return NULL;
}

void
change_submit(struct change *change, const char *operation_id,
    enum record_kind kind, const char *object, apply_fn *apply,
    discard_fn *discard, void *subject)
{
	struct operation *operation = &change->store.operation;
	const char *problem = obstacle(change, operation_id[0] != '\0');

	change->apply = apply;
	change->discard = discard;
	change->subject = subject;
	if (problem != NULL) {
		discard(subject);
		answer_failure(change->call, "StoreFailed", "%s", problem);
		end(change);
		return;
	}
	snprintf(operation->id, sizeof operation->id, "%s", operation_id);
	snprintf(operation->object, sizeof operation->object, "%s", object);
	operation->kind = (uint8_t)kind;
	operation->uid = call_peer(change->call)->uid;
	operation->at = now_ms();
	change->store.done = on_store_done;
	store_submit(change->changes->store, &change->store);
}
