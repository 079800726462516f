/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Varlink protocol (https://varlink.org): calls and replies are JSON
 * objects, each ended by a NUL. This module does the framing, the envelope
 * and org.varlink.service; what a method does is its service's affair.
 *
 * One call a connection at a time: replies come in the order of the calls, as
 * Varlink wants it. A method may answer later, from another event.
 */
#ifndef DAEMON_VARLINK_H
#define DAEMON_VARLINK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "plane.h"

struct call;

struct varlink_service {
	const char *vendor, *product, *version, *url;
	const char *interface;   /* "io.apikeyd.Admin" */
	const char *description; /* the interface file's text */
	void *context;
	/*
	 * Carries out a call of this interface. False where there is no such
	 * method; else it has answered, or will, with exactly one of the
	 * call_ functions below.
	 */
	bool (*dispatch)(void *context, struct call *call, const char *method);
	/* A call is being answered: with this error, or NULL. May be NULL. */
	void (*answered)(
	    void *context, const struct call *call, const char *error);
	/* What call_continue() could not send at once has been sent. May be
	 * NULL where that is not called. */
	void (*sent)(void *context, struct call *call);
};

/* The admin plane; its context is a struct varlink_service. */
extern const struct plane admin_plane;

/* To be called before any other use of jansson: makes it wipe what it frees,
 * since replies hold tokens. */
void varlink_init(void);

/* Of a call: who calls, and with what ({} where there was nothing). */
const struct peer *call_peer(const struct call *call);
json_t *call_parameters(const struct call *call);
/* Without the interface: "CreateKey". NULL where it is of another one. */
const char *call_method(const struct call *call);

/* That the caller has proven more than its uid, for this call alone. */
void call_confirm(struct call *call);
bool call_is_confirmed(const struct call *call);

/*
 * What a service remembers of a connection, from call to call: one thing, NULL
 * for nothing. gone() is called with it when the connection ends. False where
 * that has ended already.
 */
bool call_remember(struct call *call, void *memory, void (*gone)(void *memory));
void *call_remembered(const struct call *call);

/* Answers. They take over the reference to parameters, which may be NULL for
 * none, and the call is gone afterwards. */
void call_reply(struct call *call, json_t *parameters);
/* error without the interface: "NotFound". */
void call_error(struct call *call, const char *error, json_t *parameters);
/*
 * A reply that is not the last, for a call that wants more. False where the
 * caller is slow to read: the next one has to wait for the service's sent().
 */
bool call_wants_more(const struct call *call);
bool call_continue(struct call *call, json_t *parameters);
/* Whether the caller has gone, and nobody will hear of an answer. */
bool call_is_gone(const struct call *call);
/* The standard error org.varlink.service.ExpectedMore. */
void call_expected_more(struct call *call);
/* Ends the call without an answer, by closing its connection: for want of
 * memory to make one. */
void call_abort(struct call *call);
/* The standard error org.varlink.service.InvalidParameter. */
void call_invalid_parameter(struct call *call, const char *parameter);

#endif
