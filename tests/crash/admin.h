/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking for changes: over the admin socket, or by apikeyctl. */
#ifndef CRASH_ADMIN_H
#define CRASH_ADMIN_H

#include <jansson.h>

#include "plugins/ctl/varlink_client.h"

enum outcome {
	DONE,    /* acknowledged */
	LOST,    /* no answer: the daemon has gone */
	FAILED,  /* the store could not take it; to be asked again */
	REFUSED, /* another error */
};

/* method without the interface. *answer is the reply's parameters, or the
 * whole reply where it is an error; NULL where there was none. */
enum outcome admin_call(struct varlink_client *client, const char *method,
    json_t *parameters, json_t **answer);

/* Runs $APIKEYCTL with these words, the first of which is its name. *answer
 * is what it printed, as JSON; NULL where it is none. */
enum outcome admin_ctl(char *const words[], json_t **answer);

#endif
