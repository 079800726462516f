/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Step-up: a call that takes the operator's PIN beside its role.
 *
 * An attempt goes: count it on disk, hash it on the worker's thread, compare,
 * set the count back on disk, and run the method again from its beginning,
 * which then finds its call confirmed. Attempts of one operator stand in
 * line, so that each finds the count that the one before has left.
 */
#ifndef DAEMON_ADMIN_PIN_H
#define DAEMON_ADMIN_PIN_H

#include "admin_impl.h"

/*
 * True where the caller has shown the PIN with this call. Else the call is
 * taken care of: it was answered, or method is run again once the PIN has
 * been found right. The method holds no claims by then. given NULL: no PIN
 * came with the call. what is the subject of a sentence: "product billing".
 */
bool admin_step_up(struct admin *admin, struct call *call, method_fn *method,
    const char *given, const char *what);

/* The same where keys of this product take it; true where they do not. */
bool admin_step_up_for(struct admin *admin, struct call *call,
    method_fn *method, const char *given, const struct product *product);

/* A PIN as it may be by its length; NULL where there is none. */
const char *admin_param_pin(struct params *params, const char *name);

#endif
