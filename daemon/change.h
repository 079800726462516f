/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A change on its way: from the method that wants it, through the store, into
 * the index, to the answer.
 *
 * Between a method's look at the index and the moment its change is applied,
 * the store thread is busy for a while. So a change claims the objects it
 * looked at, and another call that needs one of them waits until it is done
 * and then starts from the beginning. Changes that have nothing to do with
 * each other are under way together and share a commit.
 */
#ifndef DAEMON_CHANGE_H
#define DAEMON_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "index.h"
#include "store.h"

struct call;
struct changes;
struct change;

/* Carries out a call from its beginning. */
typedef void method_fn(void *context, struct call *call);

struct changes *changes_new(struct store *store, struct index *index);
void changes_free(struct changes *changes);
/* Calls that have waited go on by this function, which may ask again whether
 * they should; without it the method is called as it is. */
typedef void resume_fn(void *context, struct call *call, method_fn *method);
void changes_resume_by(struct changes *changes, resume_fn *resume);

/* No change under way, and no call that waits. */
bool changes_idle(const struct changes *changes);
/* The end: calls that wait, and all that come, are answered that nothing was
 * changed. What the store has goes on. */
void changes_stop(struct changes *changes);

enum claim_mode {
	CLAIM_SHARED,    /* I rely on it: do not take it away */
	CLAIM_EXCLUSIVE, /* I change it */
};

struct claim {
	enum record_kind kind;
	enum claim_mode mode;
	const char *name; /* slug, or a key's ID; copied */
};

/*
 * Begins a change of what is claimed. NULL where that is not now possible;
 * the call is then taken care of: it waits, and method is called with it
 * again later, or it was answered with an error.
 */
struct change *
change_begin(struct changes *changes, struct call *call, method_fn *method,
    void *context, const struct claim *claims, size_t claim_count);

/*
 * Adds a record to be written. is_new: it is an error if the store has one of
 * that name; such a change brings an object, see below. Returns false where
 * there is no memory; change_submit() then answers the call so, and nothing
 * else need be done about it.
 */
bool
change_write(struct change *change, const struct record *record, bool is_new);
bool change_erase(struct change *change, const struct record *record);

/* Its apply() adds an object to the index, for which change_submit() sees to
 * room; for what may follow a tombstone, and so is not is_new. */
void change_brings(struct change *change);
/* It must not be done without its operation id: see store.h. What brings an
 * object is so, too. */
void change_once(struct change *change);

/*
 * The inside of the change's line in audit.log (audit_line.h), malloc'd, which
 * the change frees; NULL is want of memory, as above. A change that has an
 * operation id has to have one. urgent: see store.h.
 */
void change_audit(struct change *change, char *line, bool urgent);
/* What else its operation id is remembered by: struct operation. */
void change_identify(struct change *change, const uint8_t digest[MAC_BYTES]);

/* Puts a committed change into the index and answers the call. subject is
 * what change_submit() was given, operation what it made of it, with the
 * sequence it was committed with. */
typedef void apply_fn(void *context, struct call *call, void *subject,
    const struct operation *operation);
/* Frees what subject is, where the change did not come about. */
typedef void discard_fn(void *subject);

/*
 * Hands it to the store. object is the kind and name of the object that the
 * operation id will stand for; an empty operation id is not remembered.
 */
void change_submit(struct change *change, const char *operation_id,
    enum record_kind kind, const char *object, apply_fn *apply,
    discard_fn *discard, void *subject);

/*
 * For changes of several steps. change_keep(), in apply: the change is not
 * over. It keeps its claims and its call, and waits for more writes and
 * another change_submit(), or for change_drop().
 */
void change_keep(struct change *change);
/* Calls then(context) at the end, when the claims of a submitted change were
 * given back; not after change_drop(). */
void change_finally(
    struct change *change, void (*then)(void *context), void *context);

/* Whether nobody changes what is claimed, and nobody waits to. */
bool changes_free_to(const struct changes *changes, const struct claim *claims,
    size_t claim_count);

/* Gives the claims back: the method has found that it need not, or must not,
 * change anything. The call stays the caller's to answer. */
void change_drop(struct change *change);

/* Answers a call with StoreFailed, or another error's name. */
void answer_failure(struct call *call, const char *error, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

#endif
