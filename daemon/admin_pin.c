/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin_pin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin_audit.h"
#include "instant.h"
#include "log.h"
#include "worker.h"

enum pin_outcome { PIN_WRONG, PIN_RIGHT, PIN_UNCHECKED };

/*
 * One call in the line for its operator's PIN, to check it or to set another.
 * It has the turn once it has a change, which holds the claim on the PIN all
 * along; at most one of a uid has.
 */
struct pin_turn {
	struct job job; /* first: what the worker hands back */
	struct pin_turn *next;
	struct admin *admin;
	struct call *call;
	method_fn *method;
	uint32_t uid;
	struct change *change;          /* NULL: waits */
	struct pin pin;                 /* as it is to be on disk */
	struct pin before;              /* as it was */
	uint8_t digest[PIN_HASH_BYTES]; /* of what was given */
	uint8_t hash[PIN_HASH_BYTES];   /* of that, stretched */
	bool stretched;
	enum pin_outcome outcome;
	struct operation_id operation; /* of a new PIN */
	struct pin *room; /* for the index, where it is somebody's first */
};

/* The line */

static bool
is_under_way(const struct admin *admin, uint32_t uid)
{
	const struct pin_turn *turn = admin->pin_turns;

	while (turn != NULL && (turn->uid != uid || turn->change == NULL))
		turn = turn->next;
	return turn != NULL;
}

static void
turn_remove(struct pin_turn *turn)
{
	struct pin_turn **link = &turn->admin->pin_turns;

	while (*link != turn)
		link = &(*link)->next;
	*link = turn->next;
	free(turn->room);
	secret_wipe(turn, sizeof *turn);
	free(turn);
}

/* At the end of the line; NULL for want of memory. */
static struct pin_turn *
turn_new(struct admin *admin, struct call *call, method_fn *method,
    struct change *change)
{
	struct pin_turn *turn = calloc(1, sizeof *turn);
	struct pin_turn **link = &admin->pin_turns;

	if (turn == NULL)
		return NULL;
	turn->admin = admin;
	turn->call = call;
	turn->method = method;
	turn->uid = call_peer(call)->uid;
	turn->change = change;
	while (*link != NULL)
		link = &(*link)->next;
	*link = turn;
	return turn;
}

static struct pin_turn *
first_that_may(const struct admin *admin)
{
	struct pin_turn *turn = admin->pin_turns;

	while (turn != NULL && is_under_way(admin, turn->uid))
		turn = turn->next;
	return turn;
}

/*
 * Runs those whose turn it is, from their beginning; until one of a uid takes
 * it, or wants the PIN no more. To be called once a claim was given back.
 */
static void
go_on(void *context)
{
	struct admin *admin = context;
	struct pin_turn *turn;

	if (admin->pins_going_on)
		return;
	admin->pins_going_on = true;
	while ((turn = first_that_may(admin)) != NULL) {
		struct call *call = turn->call;
		method_fn *method = turn->method;

		turn_remove(turn);
		admin_run(admin, call, method);
	}
	admin->pins_going_on = false;
}

/*
 * The turn for this call, with the claim. NULL where it was answered or waits,
 * and method is run again.
 *
 * It waits in this line, not for the claim: whoever waits for a claim holds up
 * everybody behind him, and a PIN takes its time.
 */
static struct pin_turn *
turn_begin(struct admin *admin, struct call *call, method_fn *method)
{
	uint32_t uid = call_peer(call)->uid;
	struct change *change = NULL;
	struct pin_turn *turn;
	char name[UID_TEXT_MAX];
	bool waits = is_under_way(admin, uid);

	uid_text(uid, name);
	if (!waits) {
		change = change_begin(admin->changes, call, method, admin,
		    &(struct claim){RECORD_PIN, CLAIM_EXCLUSIVE, name}, 1);
		if (change == NULL)
			return NULL;
	}
	turn = turn_new(admin, call, method, change);
	if (turn == NULL) {
		if (change != NULL)
			change_drop(change);
		answer_failure(call, "StoreFailed", "out of memory");
		return NULL;
	}
	if (waits)
		return NULL;
	change_finally(change, go_on, admin);
	return turn;
}

/* Gives the turn back with nothing written; the call stays to be answered. */
static void
turn_drop(struct pin_turn *turn)
{
	struct admin *admin = turn->admin;
	struct change *change = turn->change;

	turn_remove(turn);
	change_drop(change);
	go_on(admin);
}

static void
discard_turn(void *subject)
{
	turn_remove(subject);
}

static void
submit(struct pin_turn *turn, const char *operation_id, apply_fn *apply)
{
	struct record record;

	record_from_pin(&record, &turn->pin);
	change_write(turn->change, &record, false);
	change_submit(turn->change, operation_id, RECORD_PIN, "", apply,
	    discard_turn, turn);
}

/* On the worker's thread. */
static void
stretch(struct job *job)
{
	struct pin_turn *turn = (struct pin_turn *)job;

	turn->stretched =
	    secret_pin_stretch(turn->digest, turn->pin.salt, turn->hash);
}

static void
answer_unchecked(struct call *call)
{
	answer_failure(call, "StoreFailed",
	    "there is no memory to look at a PIN; nothing was changed");
}

/* Checking */

static void
answer_locked(const struct admin *admin, struct call *call, int64_t until)
{
	char text[TIME_TEXT_MAX];

	time_text(until, text);
	answer_failure(call, "PinLocked",
	    "after %d wrong PINs none is taken before %s; %s", PIN_TRIES, text,
	    admin_is_born(admin, call_peer(call)->uid)
		? "you cannot be removed, so where it is forgotten another "
		  "superadmin with a PIN of their own stands in: `apikeyctl "
		  "operator add LOGIN --role superadmin`"
		: "a superadmin can remove and add the operator, who then "
		  "sets a new PIN");
}

/* The last step of a check: how it stands is on disk. */
static void
apply_settled(void *context, struct call *call, void *subject,
    const struct operation *operation)
{
	struct admin *admin = context;
	struct pin_turn *turn = subject;

	(void)operation;
	index_put_pin(admin->index, &turn->pin, NULL);
	if (turn->outcome == PIN_UNCHECKED) {
		turn_remove(turn);
		answer_unchecked(call);
		return;
	}
	/* It is the first in the line: go_on() runs its method. */
	call_confirm(call);
	turn->change = NULL;
}

static void
refuse_wrong(struct pin_turn *turn)
{
	const struct admin *admin = turn->admin;
	struct call *call = turn->call;
	unsigned left = pin_tries_left(&turn->pin);
	int64_t until = turn->pin.attempted_at + PIN_LOCK_MS;

	log_warning(
	    "uid %u: wrong PIN, %u tries left", (unsigned)turn->uid, left);
	turn_drop(turn);
	if (left == 0)
		answer_locked(admin, call, until);
	else
		answer_failure(call, "PinWrong",
		    "wrong PIN; %u more and none is taken for 15 minutes",
		    left);
}

static void
on_checked(struct job *job, bool ran)
{
	struct pin_turn *turn = (struct pin_turn *)job;
	struct call *call = turn->call;

	if (!ran) { /* at the daemon's end; the attempt stays counted */
		turn_drop(turn);
		answer_unchecked(call);
		return;
	}
	if (!turn->stretched) {
		turn->outcome = PIN_UNCHECKED;
		turn->pin = turn->before;
	} else if (secret_pin_equal(turn->hash, turn->pin.hash)) {
		turn->outcome = PIN_RIGHT;
		turn->pin.attempts = 0;
	} else {
		refuse_wrong(turn);
		return;
	}
	submit(turn, "", apply_settled);
}

/* The attempt is counted: now it may be looked at. */
static void
apply_counted(void *context, struct call *call, void *subject,
    const struct operation *operation)
{
	struct admin *admin = context;
	struct pin_turn *turn = subject;

	(void)call;
	(void)operation;
	index_put_pin(admin->index, &turn->pin, NULL);
	change_keep(turn->change);
	turn->job.run = stretch;
	turn->job.done = on_checked;
	worker_submit(admin->worker, &turn->job);
}

static void
check(struct admin *admin, struct call *call, method_fn *method,
    const char *given)
{
	struct pin_turn *turn = turn_begin(admin, call, method);

	if (turn == NULL)
		return;
	turn->before = *index_pin(admin->index, turn->uid);
	turn->pin = turn->before;
	pin_count(&turn->pin, now_ms());
	secret_pin_digest(
	    admin->ring, turn->uid, given, strlen(given), turn->digest);
	submit(turn, "", apply_counted);
}

/* See admin_step_up_for(). what is the subject of a sentence: "product
 * billing". */
static bool
step_up(struct admin *admin, struct call *call, method_fn *method,
    const char *given, const char *what)
{
	uint32_t uid = call_peer(call)->uid;
	const struct pin *pin = index_pin(admin->index, uid);
	int64_t until;

	if (call_is_confirmed(call))
		return true;
	if (pin == NULL) {
		answer_failure(call, "NotPermitted",
		    "%s takes your PIN, and you have none: set one with "
		    "`apikeyctl operator set-pin`",
		    what);
		return false;
	}
	until = pin_locked_until(pin, now_ms());
	if (is_under_way(admin, uid))
		until = 0; /* how it stands is not known before that is over */
	if (until != 0)
		answer_locked(admin, call, until);
	else if (given == NULL)
		answer_failure(call, "PinRequired",
		    "%s takes your PIN: give it at the prompt or with "
		    "--pin-file FILE",
		    what);
	else
		check(admin, call, method, given);
	return false;
}

bool
admin_step_up_for(struct admin *admin, struct call *call, method_fn *method,
    const char *given, const struct product *product)
{
	char what[sizeof "product " + SLUG_MAX_LEN];

	snprintf(what, sizeof what, "product %s", product->slug);
	return !product->require_pin ||
	    step_up(admin, call, method, given, what);
}

const char *
admin_param_pin(struct params *params, const char *name)
{
	const char *pin = param_text(params, name);
	size_t len = pin != NULL ? strlen(pin) : PIN_MIN_LEN;

	if (len < PIN_MIN_LEN || len > PIN_MAX_LEN)
		param_wrong(params, name, "expected a PIN of 4 to 64 bytes");
	return pin;
}

/* Setting */

static void
apply_set(void *context, struct call *call, void *subject,
    const struct operation *operation)
{
	struct admin *admin = context;
	struct pin_turn *turn = subject;

	(void)operation;
	index_put_pin(admin->index, &turn->pin, &turn->room);
	turn_remove(turn);
	call_reply(call, NULL);
}

static void
on_new_pin(struct job *job, bool ran)
{
	struct pin_turn *turn = (struct pin_turn *)job;
	struct call *call = turn->call;
	uint8_t digest[MAC_BYTES];

	if (!ran || !turn->stretched ||
	    !admin_digest(turn->admin, call, digest)) {
		turn_drop(turn);
		answer_unchecked(call);
		return;
	}
	memcpy(turn->pin.hash, turn->hash, PIN_HASH_BYTES);
	change_identify(turn->change, digest);
	admin_audit(turn->admin, turn->change, call, NULL, NULL);
	change_brings(turn->change);
	submit(turn, turn->operation.text, apply_set);
}

void
admin_set_pin(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	const char *pin = admin_param_pin(&params, "pin");
	const char *old = admin_param_pin(&params, "old_pin");
	struct operation_id id = param_operation_id(&params);
	uint32_t uid = call_peer(call)->uid;
	struct pin_turn *turn;

	if (pin == NULL)
		param_wrong(&params, "pin", "is required");
	if (!admin_params_ok(call, &params) ||
	    admin_was_done(admin, call, &id, RECORD_PIN))
		return;
	if (index_pin(admin->index, uid) != NULL &&
	    !step_up(admin, call, admin_set_pin, old, "another PIN"))
		return;
	turn = turn_begin(admin, call, admin_set_pin);
	if (turn == NULL)
		return;
	turn->room = malloc(sizeof *turn->room);
	if (turn->room == NULL) {
		turn_drop(turn);
		answer_failure(call, "StoreFailed", "out of memory");
		return;
	}
	turn->pin.uid = uid;
	turn->operation = id;
	secret_new_salt(turn->pin.salt);
	secret_pin_digest(admin->ring, uid, pin, strlen(pin), turn->digest);
	turn->job.run = stretch;
	turn->job.done = on_new_pin;
	worker_submit(admin->worker, &turn->job);
}
