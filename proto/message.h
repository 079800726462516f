/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bodies of frames: requests and replies as structures of views.
 *
 * Fields come in a fixed order, each once, none optional: an absent text is
 * empty. A body with a byte too few or too many is refused, so there is one
 * way to write a message and a reader cannot be made to see two. A new field
 * is a new FRAME_VERSION.
 *
 * A decoder that fails leaves its output zeroed; views point into the body.
 */
#ifndef PROTO_MESSAGE_H
#define PROTO_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "cursor.h"
#include "token.h"
#include "verdict.h"

/* Limits, in bytes or pieces, here and in the admin interface alike. */
enum {
	NAME_MAX_LEN = 128,
	LABEL_MAX_LEN = 64,
	SCOPE_MAX_LEN = 64,
	SCOPES_MAX = 32,
	ALLOW_MAX = 64,
	SERVICES_MAX = 16,
	SERVICE_MAX_LEN = 64,
	CALLERS_MAX = 16,
	ENVIRONMENT_MAX_LEN = 64,
	ENDPOINT_MAX_LEN = 128,
	SLUG_MAX_LEN = 63,
	USER_MAX_LEN = 64,
	/* Longer than any token: a longer credential is one all the same. */
	CREDENTIAL_MAX_LEN = 4096,
	ADDRESS_MAX_LEN = 16,
	/* What a client may call a key ID or a signature; a longer one is none
	 * all the same. */
	CLAIMED_MAX_LEN = 128,
	/* Lower-case hexadecimal of an HMAC-SHA-256. */
	SIGNATURE_LEN = 64,
	PAYLOAD_MAX_LEN = 65536,

	SCOPE_LIST_MAX = SCOPES_MAX * (1 + SCOPE_MAX_LEN),
	PING_MAX = 64,
	CONDITIONS_MAX = 1 + (1 + SLUG_MAX_LEN) * 2 + (1 + USER_MAX_LEN) +
	    (1 + SERVICE_MAX_LEN) + (1 + ENDPOINT_MAX_LEN) +
	    (1 + ADDRESS_MAX_LEN) + 1 + SCOPE_LIST_MAX,
	VERIFY_REQUEST_MAX = 2 + CREDENTIAL_MAX_LEN + CONDITIONS_MAX,
	/* Without the payload's bytes. */
	SIGNATURE_REQUEST_HEAD_MAX =
	    (1 + CLAIMED_MAX_LEN) * 2 + 1 + 8 + CONDITIONS_MAX + 4,
	SIGNATURE_REQUEST_MAX = SIGNATURE_REQUEST_HEAD_MAX + PAYLOAD_MAX_LEN,
	VERIFY_REPLY_MAX = 4 + 8 + 8 + 4 + 8 + 4 + 8 + 8 + 8 +
	    (1 + KEY_ID_MAX) + (1 + NAME_MAX_LEN) + (1 + SLUG_MAX_LEN) * 2 +
	    (1 + USER_MAX_LEN) + (1 + ENVIRONMENT_MAX_LEN) + 1 + SCOPE_LIST_MAX,
	LOOKUP_REQUEST_MAX = 1 + KEY_ID_MAX,
	LOOKUP_REPLY_MAX = 3 + (1 + SLUG_MAX_LEN) * 2,
	ERROR_REPLY_MAX = 2 + 1 + 255,
};

/* A checked run of short strings, each with its length before it. */
struct list {
	uint8_t count;
	struct bytes items;
};

/*
 * Reads a count and as many strings of 1 to max_len bytes; fails the reader
 * on more than max_count.
 */
struct list read_list(struct reader *r, size_t max_count, size_t max_len);
void write_list(struct writer *w, const struct list *list);

/* Takes the next string off the list; false at its end. */
bool list_next(struct list *list, struct bytes *item);
bool list_has(struct list list, struct bytes wanted);

struct verify_request {
	struct bytes credential;
	uint8_t permission;    /* enum permission: what the caller needs */
	struct bytes account;  /* slug the caller insists on, or empty */
	struct bytes product;  /* likewise */
	struct bytes user;     /* login the caller wants to admit, or empty */
	struct bytes service;  /* who asks: "httpd", "sshd" */
	struct bytes endpoint; /* what for: "GET /v1/things" */
	struct bytes address;  /* client's: 0, 4 or 16 bytes, network order */
	struct list scopes;    /* scopes the caller needs */
};

/* What a signature proves, in place of a credential. */
struct signature_request {
	struct bytes key_id;    /* as the client claims it */
	struct bytes signature; /* likewise: SIGNATURE_LEN, or it is wrong */
	bool has_timestamp;
	int64_t timestamp;             /* Unix seconds, part of the message */
	struct verify_request request; /* all but its credential */
	struct bytes payload;          /* what was signed */
};

/* Times: Unix milliseconds. Everything after type is zero or empty where the
 * verdict is malformed or unknown: nothing is said about a key to somebody
 * who does not hold its secret. */
struct verify_reply {
	uint8_t verdict; /* enum verdict, never 0 */
	uint8_t reason;  /* enum reason, for malformed */
	uint8_t permission;
	uint8_t type;            /* enum key_type */
	int64_t expires_at;      /* 0: never */
	uint64_t retry_after_ms; /* 0: none known */
	uint32_t rate_limit;     /* 0: no rate */
	uint64_t rate_per_ms;
	uint32_t rate_remaining;
	uint64_t quota_limit; /* 0: no quota */
	uint64_t quota_remaining;
	int64_t quota_resets_at; /* 0: never */
	struct bytes id, name, account, product, user, environment;
	struct list scopes;
};

/* Public facts of a key ID. found 0: no such key, the rest is empty. */
struct lookup_reply {
	uint8_t found;
	uint8_t type;
	uint8_t active;
	struct bytes account, product;
};

struct error_reply {
	uint8_t error;   /* enum frame_error */
	uint8_t version; /* highest protocol version the sender speaks */
	struct bytes text;
};

/* Writers write the body alone. Decoders return false on anything but
 * exactly one message. */
void verify_request_write(struct writer *w, const struct verify_request *in);
bool verify_request_read(struct bytes body, struct verify_request *out);
/* The head alone: payload.len bytes of payload have to follow it. */
void
signature_request_write(struct writer *w, const struct signature_request *in);
bool signature_request_read(struct bytes body, struct signature_request *out);
void verify_reply_write(struct writer *w, const struct verify_reply *in);
bool verify_reply_read(struct bytes body, struct verify_reply *out);
void lookup_request_write(struct writer *w, struct bytes key_id);
bool lookup_request_read(struct bytes body, struct bytes *key_id);
void lookup_reply_write(struct writer *w, const struct lookup_reply *in);
bool lookup_reply_read(struct bytes body, struct lookup_reply *out);
bool error_reply_read(struct bytes body, struct error_reply *out);

#endif
