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
 * For keys of this product: true where it takes no PIN, or the caller has shown
 * it with this call. Else the call is taken care of: it was answered, or method
 * is run again once the PIN has been found right. The method holds no claims by
 * then. given NULL: no PIN came with the call.
 */
bool admin_step_up_for(struct admin *admin, struct call *call,
    method_fn *method, const char *given, const struct product *product);

/* A PIN as it may be by its length; NULL where there is none. */
const char *admin_param_pin(struct params *params, const char *name);

#endif
