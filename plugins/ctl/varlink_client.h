/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One side of a Varlink connection (https://varlink.org): a JSON object ended
 * by NUL goes out, one comes back. Each call has a deadline, connecting
 * included. SIGPIPE is never raised; the descriptor is close-on-exec. What
 * was sent and received is wiped, for answers may hold a token.
 */
#ifndef CTL_VARLINK_CLIENT_H
#define CTL_VARLINK_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

enum varlink_status {
	VARLINK_OK,
	VARLINK_UNAVAILABLE, /* nobody there, or it went away: see error */
	VARLINK_TIMEOUT,
	VARLINK_PROTOCOL, /* the answer is not one */
	VARLINK_NOMEM,
	VARLINK_UNREAD, /* nobody reads what goes to the outlet */
};

struct varlink_buffer;

struct varlink_client {
	const char *path; /* the caller's */
	int fd;           /* -1: not connected */
	int outlet;       /* what answers of varlink_next() are written to, as
			     the waiting for them ends with its reader; -1: it
			     does not */
	int error;        /* errno of the last VARLINK_UNAVAILABLE; 0: the
			     daemon closed the connection */
	struct varlink_buffer *more; /* received by varlink_next(), not used */
	bool sent; /* of the last call, something went out: whether it
		      was carried out is not known unless answered */
};

/* Connects at the first call. The path is not too long for a socket. */
void varlink_init(struct varlink_client *client, const char *path);
void varlink_close(struct varlink_client *client);

/*
 * Calls method with parameters (borrowed). With VARLINK_OK *reply is the
 * whole answer, a new reference: an object with "parameters" (an object) or
 * without, and with "error" (a text) if it is one.
 */
enum varlink_status varlink_call(struct varlink_client *client,
    const char *method, json_t *parameters, int timeout_ms, json_t **reply);

/*
 * A call with any number of answers: sends it, then waits for each, as long as
 * it takes. The last one has no member "continues", or an error.
 */
enum varlink_status varlink_begin(struct varlink_client *client,
    const char *method, json_t *parameters, int timeout_ms);
enum varlink_status varlink_next(struct varlink_client *client, json_t **reply);

#endif
