/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls to the daemon, and what is said where one fails. */
#ifndef CTL_CALL_H
#define CTL_CALL_H

#include "options.h"
#include "varlink_client.h"

/* Runs inv->command, a row with a method, and prints its result. */
enum ctl_exit call_run(struct invocation *inv);

/*
 * One call by itself, for what a command has to know before it asks or
 * changes. With CTL_DONE *result is the answer's parameters, a new
 * reference; otherwise it is NULL and stderr says why.
 */
enum ctl_exit call_once(const struct invocation *inv, const char *method,
    json_t *parameters, json_t **result);

/* The same on a connection that the caller opens and closes, for calls that
 * belong together. */
enum ctl_exit
call_on(const struct invocation *inv, struct varlink_client *client,
    const char *method, json_t *parameters, json_t **result);

/* What an error of the daemon's, interface included, means as an exit code. */
enum ctl_exit call_exit(const char *error);
#define CALL_INTERFACE "io.apikeyd.Admin."

/* Adds the one that was given, or a new one. False after saying why. */
bool call_add_operation_id(struct invocation *inv);

/*
 * A call that goes on until the daemon ends it: each gets the parameters of one
 * answer, and is false where that is enough. outlet: what each writes to; the
 * call ends, too, where nobody reads that any more, as head(1) does not once it
 * has seen enough. -1: it has none that matters.
 */
enum ctl_exit call_follow(const struct invocation *inv, const char *method,
    bool (*each)(void *context, const json_t *parameters), void *context,
    int outlet);

/* Says that there was no answer, and what that means for a change with these
 * parameters (or NULL). */
enum ctl_exit report_silence(const struct varlink_client *client,
    enum varlink_status status, const json_t *parameters);

/*
 * Says that the daemon cannot be reached at path, with errno's error (0: it
 * closed the connection), and returns the exit code. denied: what to do where
 * connecting was not permitted.
 */
enum ctl_exit
report_unreachable(const char *path, int error, const char *denied);

#endif
