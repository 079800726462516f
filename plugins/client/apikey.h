/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libapikey: ask apikeyd whether a credential is good.
 *
 * Threads    One struct apikey_client is one connection and belongs to one
 *            thread at a time. Different clients are independent: the library
 *            keeps no global state.
 * Ownership  Texts in a request stay the caller's and are only read during
 *            the call. A result holds copies; there is nothing to free.
 * Time       Every call takes a deadline in milliseconds for the whole of it,
 *            connecting and reconnecting included. 0 or less is no patience:
 *            APIKEY_TIMEOUT unless the answer is there at once.
 * Errors     Calls return an enum apikey_status. Only APIKEY_OK means that
 *            the daemon answered, and only then result->verdict is anything
 *            but APIKEY_NO_ANSWER. Let nobody in unless the status is
 *            APIKEY_OK and the verdict is APIKEY_VALID.
 * Signals    SIGPIPE is never raised. EINTR is handled.
 * Processes  Descriptors are close-on-exec. After fork() the child's first
 *            call notices and connects anew; it never writes to the parent's
 *            connection.
 * Secrets    The library wipes its copies of a credential before it returns.
 *            Wiping the caller's copy is the caller's.
 *
 * The wire format is in PROTOCOL.md. Token format and verdicts: apikeyd(7).
 */
#ifndef APIKEY_H
#define APIKEY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define APIKEY_DEFAULT_SOCKET "/run/apikeyd/verify.sock"

struct apikey_client;

enum apikey_status {
	APIKEY_OK = 0,       /* the daemon answered */
	APIKEY_ARGUMENT = 1, /* a text of the request is too long or not
				what it should be; nothing was sent */
	APIKEY_NOMEM = 2,
	APIKEY_UNAVAILABLE = 3, /* no daemon, or it went away; see errno */
	APIKEY_TIMEOUT = 4,     /* no answer before the deadline */
	APIKEY_PROTOCOL = 5,    /* the answer made no sense, or was an error
				   frame (such as: too many connections) */
	APIKEY_IN_PROGRESS = 6, /* no end yet: only of apikey_start() and
				   apikey_advance() */
};

enum apikey_verdict {
	APIKEY_NO_ANSWER = 0,
	APIKEY_VALID = 1,
	APIKEY_MALFORMED = 2,
	APIKEY_UNKNOWN = 3,
	APIKEY_REVOKED = 4,
	APIKEY_DISABLED = 5,
	APIKEY_EXPIRED = 6,
	APIKEY_ACCOUNT_INACTIVE = 7,
	APIKEY_PRODUCT_DISABLED = 8,
	APIKEY_ACCOUNT_MISMATCH = 9,
	APIKEY_PRODUCT_MISMATCH = 10,
	APIKEY_USER_MISMATCH = 11,
	APIKEY_PERMISSION_DENIED = 12,
	APIKEY_SERVICE_DENIED = 13,
	APIKEY_ADDRESS_DENIED = 14,
	APIKEY_RATE_LIMITED = 15,
	APIKEY_QUOTA_EXCEEDED = 16,
};

/* Why a credential is malformed. */
enum apikey_reason {
	APIKEY_REASON_NONE = 0,
	APIKEY_REASON_TRUNCATED = 1,
	APIKEY_REASON_CHECKSUM = 2,
	APIKEY_REASON_SHAPE = 3,
};

/* Write includes read. */
enum apikey_permission {
	APIKEY_PERMISSION_NONE = 0,
	APIKEY_PERMISSION_READ = 1,
	APIKEY_PERMISSION_WRITE = 2,
};

enum apikey_type {
	APIKEY_TYPE_NONE = 0,
	APIKEY_TYPE_BEARER = 1,
	APIKEY_TYPE_HMAC = 2,
};

/*
 * What to verify. Start from APIKEY_REQUEST_INIT, which sets size and asks for
 * nothing. NULL and "" mean: not asked for.
 *
 * Later versions of this structure only grow at its end. A library that is
 * older than the program finds a size that is larger than its own, and refuses
 * the request (APIKEY_ARGUMENT) unless every byte behind the members it knows
 * is zero: it must not pass over a restriction that it cannot read. So leave no
 * byte of a structure unset: start from the initialiser, or from memset() with
 * size set after it.
 */
struct apikey_request {
	size_t size;
	const char *token; /* the credential as it came; need not end in NUL */
	size_t token_len;
	const char *address;  /* the client's, numeric IPv4 or IPv6 */
	const char *service;  /* who asks: "httpd", "sshd"; 64 bytes */
	const char *endpoint; /* what for, for usage reports; what is over 128
				 bytes is cut and marked with an ellipsis */
	const char *account;  /* refuse a key of another account */
	const char *product;  /* refuse a key of another product */
	const char *user;     /* refuse a key that is not this user's */
	enum apikey_permission permission; /* refuse a key with less */
	const char *const *scopes; /* refuse a key without all of these */
	size_t scope_count;        /* at most 32 */
};

#define APIKEY_REQUEST_INIT                                               \
	{                                                                 \
		sizeof(struct apikey_request), NULL, 0, NULL, NULL, NULL, \
		    NULL, NULL, NULL, APIKEY_PERMISSION_NONE, NULL, 0     \
	}

/*
 * The answer. Start from APIKEY_RESULT_INIT. Texts end in NUL and are empty
 * where there is none; all but verdict and reason are empty or zero for
 * malformed and unknown credentials. Times are milliseconds since the Unix
 * epoch.
 */
struct apikey_result {
	size_t size;
	enum apikey_verdict verdict;
	enum apikey_reason reason;
	enum apikey_permission permission; /* what the key may do */
	enum apikey_type type;
	int64_t expires_at;      /* 0: never */
	uint64_t retry_after_ms; /* 0: not known; for rate and quota */
	uint32_t rate_limit;     /* 0: the key has no rate */
	uint32_t rate_remaining; /* calls the bucket holds now */
	uint64_t rate_per_ms;    /* rate_limit calls per so many ms */
	uint64_t quota_limit;    /* 0: the key has no quota */
	uint64_t quota_remaining;
	int64_t quota_resets_at; /* 0: never */
	char id[32];             /* the key ID: public, fit for logs */
	char name[132];
	char account[64];
	char product[64];
	char user[68];
	char environment[68];
	char scopes[2084]; /* one space between two */
};

#define APIKEY_RESULT_INIT                                                    \
	{                                                                     \
		sizeof(struct apikey_result), APIKEY_NO_ANSWER,               \
		    APIKEY_REASON_NONE, APIKEY_PERMISSION_NONE,               \
		    APIKEY_TYPE_NONE, 0, 0, 0, 0, 0, 0, 0, 0, "", "", "", "", \
		    "", "", ""                                                \
	}

/*
 * Makes a client for the daemon at socket_path (NULL: the default). Connects
 * at the first call, so it only fails with APIKEY_NOMEM or, for a path too
 * long for a socket address, APIKEY_ARGUMENT; *client is then NULL.
 */
enum apikey_status
apikey_client_open(struct apikey_client **client, const char *socket_path);
/* Closes and frees; NULL is fine. */
void apikey_client_close(struct apikey_client *client);

/*
 * Verifies one credential. A connection that the daemon has closed since the
 * last call (it was restarted) is replaced once, unless part of the answer
 * had come.
 */
enum apikey_status apikey_verify(struct apikey_client *client,
    const struct apikey_request *request, struct apikey_result *result,
    int timeout_ms);

/*
 * Verifies count credentials with one write and one read where they fit,
 * within one deadline. results[i] answers requests[i]. All elements of an array
 * have the same size member, which is the step from one to the next; else
 * APIKEY_ARGUMENT. With a status other than APIKEY_OK, the results that did
 * come have their verdicts, the rest say APIKEY_NO_ANSWER.
 */
enum apikey_status apikey_verify_batch(struct apikey_client *client,
    const struct apikey_request *requests, struct apikey_result *results,
    size_t count, int timeout_ms);

/*
 * The same for event loops, without ever waiting:
 *
 *	status = apikey_start(client, &request, &result, 1, 500);
 *	while (status == APIKEY_IN_PROGRESS) {
 *		wait at most apikey_timeout_ms(client) milliseconds until
 *		apikey_fd(client) has one of apikey_events(client);
 *		status = apikey_advance(client, what poll() would say it has,
 *		    or 0 where the time was over);
 *	}
 *
 * Ownership  requests, the texts in them and results have to stay where and
 *            as they are until the operation has ended: what does not fit into
 *            the socket is read later, and all of it once more after a
 *            reconnect. Results are to be read at the end, not before.
 * Socket     Belongs to the client; do not read, write or close it. Look at
 *            apikey_fd() and apikey_events() after each call: there may be no
 *            socket at times (-1; then only the time is waited for), and there
 *            is another, with another number, after a reconnect. Between two
 *            calls with the same number it is the same socket. The old one is
 *            closed by then. At the end stop watching, since a client that has
 *            nothing to do may close its socket at the next start.
 * Time       The deadline counts from the start. Whoever calls too late gets
 *            the answer that is there, or else APIKEY_TIMEOUT; who never calls
 *            gets neither.
 * One each   A client does one thing at a time: until the end every other
 *            call that asks something is an APIKEY_ARGUMENT. For many at once
 *            send a batch, or have many clients.
 * fork()     The operation stays the parent's. In the child it ends with
 *            APIKEY_UNAVAILABLE, and errno ECANCELED.
 */

/*
 * Begins to verify count credentials, as apikey_verify_batch(). Returns
 * APIKEY_IN_PROGRESS, or the end if that is known already (such as: no daemon).
 */
enum apikey_status apikey_start(struct apikey_client *client,
    const struct apikey_request *requests, struct apikey_result *results,
    size_t count, int timeout_ms);

/*
 * Goes on as far as it can. revents: what poll() found for apikey_fd(), 0 where
 * it was only time that has passed; POLLIN | POLLOUT if it is not known, which
 * costs a system call and does no harm. Returns APIKEY_IN_PROGRESS or the end,
 * once; APIKEY_ARGUMENT where nothing is going on.
 */
enum apikey_status apikey_advance(struct apikey_client *client, short revents);

/* The socket to watch, or -1. */
int apikey_fd(const struct apikey_client *client);

/* Of POLLIN and POLLOUT what to watch it for; 0: for nothing but errors. */
short apikey_events(const struct apikey_client *client);

/* Milliseconds to the next call of apikey_advance() at the latest, 0 if that
 * is now; -1 where nothing is going on. */
int apikey_timeout_ms(const struct apikey_client *client);

/* Gives up what is going on, if anything, and its connection with it: nobody
 * may take the late answer for another one. */
void apikey_cancel(struct apikey_client *client);

/*
 * What was signed with an hmac key, and the proof. Start from
 * APIKEY_SIGNATURE_INIT. Key ID and signature are the client's word and may be
 * anything: what cannot be right is answered APIKEY_UNKNOWN.
 *
 * The signature is the HMAC-SHA-256, in lower-case hexadecimal, of the payload,
 * its key the token's text; with a timestamp it is that of the Unix seconds in
 * decimal, a dot and the payload. A timestamp has to be within the daemon's
 * signature_window (300 s); a repeat within it is not refused. Whether there
 * has to be one is for the program to say, never for its client: a payload that
 * was signed with one could else be passed off as a longer one without.
 */
struct apikey_signature {
	size_t size;
	const char *key_id;
	const char *signature;
	const void *payload;
	size_t payload_len; /* at most 65536 */
	int has_timestamp;
	int64_t timestamp; /* Unix seconds */
};

#define APIKEY_SIGNATURE_INIT                                              \
	{                                                                  \
		sizeof(struct apikey_signature), NULL, NULL, NULL, 0, 0, 0 \
	}

/*
 * Verifies a signature. request says what else has to hold, as for
 * apikey_verify(), and has no token; NULL: nothing else.
 */
enum apikey_status apikey_verify_signature(struct apikey_client *client,
    const struct apikey_signature *signature,
    const struct apikey_request *request, struct apikey_result *result,
    int timeout_ms);

/*
 * Public facts of a key ID; grants nothing. With APIKEY_OK, *found says
 * whether there is such a key; account, product and type of result are then
 * set, and *active says whether it would be accepted at all (not revoked,
 * disabled or expired, its account approved and its product enabled for it).
 */
enum apikey_status
apikey_lookup(struct apikey_client *client, const char *key_id, int *found,
    int *active, struct apikey_result *result, int timeout_ms);

/* What time usage is told of, until now: 24 steps of an hour, 28 of 6 hours,
 * 30 of a day. The hour that is not over is part of it. */
enum apikey_window {
	APIKEY_WINDOW_24H = 1,
	APIKEY_WINDOW_7D = 2,
	APIKEY_WINDOW_30D = 3,
};

/* Texts are empty for calls that named no endpoint or address. */
struct apikey_usage_endpoint {
	uint64_t calls;
	char endpoint[136]; /* a long one was cut and ends in an ellipsis */
};
struct apikey_usage_address {
	uint64_t calls;
	int64_t last_at; /* the last of them */
	char address[48];
};
struct apikey_usage_step {
	int64_t from;
	uint64_t calls;
};

/*
 * What a key was used for. Start from APIKEY_USAGE_INIT, or from memset() with
 * size set after it: it is some 14 KiB, so not on a small stack. It holds
 * copies; there is nothing to free. Times are milliseconds since the Unix
 * epoch.
 *
 * told is 1 where the rest is there: the verdict is APIKEY_VALID, and usage
 * could be read. Where the key is valid and told is 0, ask again later.
 * total is the sum of verdicts, of series, of endpoints and other_endpoints,
 * and of addresses and other_addresses.
 */
struct apikey_usage {
	size_t size;
	enum apikey_verdict verdict;
	enum apikey_reason reason;
	int told;
	char id[32];
	int64_t from, to;      /* from is in it, to is not */
	uint64_t total;        /* verifications answered */
	uint64_t verdicts[32]; /* of each enum apikey_verdict */
	uint64_t other_endpoints;
	uint64_t other_addresses;
	size_t endpoint_count;
	size_t address_count;
	size_t step_count;
	struct apikey_usage_endpoint endpoints[64]; /* most called first */
	struct apikey_usage_address addresses[64];  /* likewise */
	struct apikey_usage_step series[30];        /* oldest first */
};

#define APIKEY_USAGE_INIT                                                   \
	{                                                                   \
		sizeof(struct apikey_usage), APIKEY_NO_ANSWER,              \
		    APIKEY_REASON_NONE, 0, "", 0, 0, 0, {0}, 0, 0, 0, 0, 0, \
		    {{0, ""}}, {{0, 0, ""}},                                \
		{                                                           \
			{                                                   \
				0, 0                                        \
			}                                                   \
		}                                                           \
	}

/*
 * Asks what the key of request->token was used for. The request is judged as
 * by apikey_verify(), but rate and quota are not looked at; nothing is spent,
 * and it is no verification that is counted. endpoint is not used. The answer
 * is read from disk and may take a while: give it more time than a
 * verification.
 */
enum apikey_status
apikey_usage(struct apikey_client *client, const struct apikey_request *request,
    enum apikey_window window, struct apikey_usage *usage, int timeout_ms);

/* Asks for a sign of life. */
enum apikey_status apikey_ping(struct apikey_client *client, int timeout_ms);

/*
 * Checks shape and checksum of a token without asking anybody. Returns
 * APIKEY_REASON_NONE where it is well-formed, which says nothing about
 * whether it is known.
 */
enum apikey_reason apikey_token_check(const char *token, size_t len);

/* Constant texts, as in the documentation; never NULL. */
const char *apikey_status_text(enum apikey_status status);
const char *apikey_verdict_text(enum apikey_verdict verdict);
const char *apikey_reason_text(enum apikey_reason reason);
const char *apikey_permission_text(enum apikey_permission permission);

#ifdef __cplusplus
}
#endif

#endif
