/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One client request: what the client sent as its credential, and what
 * apikeyd said about it.
 *
 * httpd makes several request_recs of one request of a client: DirectoryIndex,
 * SSI, content negotiation, rewriting and ErrorDocument run subrequests and
 * internal redirects. All of them share one struct inquiry, so that a client's
 * request is verified and counted once, while each of them still has to meet
 * the conditions of the section that it ends up in.
 */
#ifndef APACHE_INQUIRY_H
#define APACHE_INQUIRY_H

#include <stdbool.h>

#include <httpd.h>

#include "credential.h"
#include "settings.h"
#include "plugins/client/apikey.h"

/* One question and its answer. */
struct answer {
	struct apikey_request asked; /* the endpoint is not kept */
	enum apikey_status status;
	struct apikey_result result;
	struct answer *next;
};

/* The last refusal, with what its response has to carry. */
struct refusal {
	int status;                 /* 0: none */
	const char *bearer;         /* WWW-Authenticate: Bearer, or NULL */
	const char *basic;          /* WWW-Authenticate: Basic, or NULL */
	const char *detail;         /* for people; nothing secret */
	apr_uint64_t retry_after_s; /* 0: not known */
};

/* What a client's request and all that came of it share. */
struct inquiry {
	const apr_table_t *headers; /* as the client sent them */
	const char *query;
	int proxied;          /* the client takes us for its proxy */
	bool preflight;       /* of CORS */
	bool identity_passed; /* as header fields */
	bool is_private;      /* answered to a credential in the query */
	struct refusal refusal;
	struct answer *answers;
};

/* What one request_rec has come to. */
struct visit {
	const struct answer *granted; /* NULL: not authenticated by us */
	bool entering;                /* inside our own access_checker_ex */
	bool authenticating;          /* inside our own check_authn */
	int refused; /* what our provider said in there, or 0 */
	const struct answer *unanswered; /* our provider had none, or NULL */
	bool deciding;                   /* inside our own auth_checker */
	bool user_needed; /* a negated Require line wants to know the key */
	const char *missing_scope; /* the last Require line's, if refused */
};

/* The request that the client made, out of which r came. */
request_rec *inquiry_first(request_rec *r);
/* Made when first asked for, with the header fields as they are then. */
struct inquiry *inquiry_of(request_rec *r);
bool inquiry_exists(request_rec *r);

struct visit *visit_of(request_rec *r);

/* What the client sent as credentials, where the section looks for them: an
 * array of struct credential. */
const apr_array_header_t *
inquiry_credentials(request_rec *r, const struct dir_settings *dir);

/* Takes the credential that the section may take out of r, unless it is to be
 * forwarded. */
void inquiry_strip(request_rec *r, const struct dir_settings *dir);

/*
 * For AuthType Basic. Whether more than one password was sent; the first, with
 * the user name beside it, or NULL; showing what
 * was sent to mod_auth_basic, if that was taken away before (true then); and
 * taking it away, unless it is to be forwarded.
 */
bool inquiry_several_passwords(request_rec *r);
const struct credential *inquiry_password(request_rec *r);
bool inquiry_show_password(request_rec *r);
void inquiry_strip_password(request_rec *r, const struct dir_settings *dir);

/*
 * Evaluates the section's conditions. False, with the reason logged, where an
 * expression fails: the request must not go on then.
 */
bool inquiry_question(request_rec *r, const struct dir_settings *dir,
    const struct credential *credential, struct apikey_request *question);

/*
 * The answer to a question: one that was given before in this client's request
 * if it also answers this one, else apikeyd's. Lives as long as the client's
 * request.
 */
const struct answer *
inquiry_ask(request_rec *r, const struct apikey_request *question);

#endif
